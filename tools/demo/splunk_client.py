"""A user's session with Splunk over its REST API: what a person or a script would do."""

from __future__ import annotations

import ssl
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

APP = "incident_management"
SEARCH_SECONDS = 120.0


class Refused(Exception):
    """Splunk answered with an error; the text is its own."""

    def __init__(self, status: int, text: str) -> None:
        super().__init__(f"{status}: {text}")
        self.status = status
        self.text = text


@dataclass(frozen=True)
class SearchOutcome:
    """A finished search job."""

    sid: str
    rows: list[dict[str, Any]]
    messages: list[str]
    failed: bool


class SplunkClient:
    """One logged-in user."""

    def __init__(self, url: str, ca_file: Path | None, user: str, password: str) -> None:
        verify: ssl.SSLContext | bool = True
        if ca_file:
            verify = ssl.create_default_context(cafile=str(ca_file))
        self.user = user
        self._http = httpx.Client(base_url=url, verify=verify, timeout=60.0, trust_env=False)
        form = {"username": user, "password": password, "output_mode": "json"}
        answer = self._http.post("/services/auth/login", data=form)
        if answer.status_code != 200:
            raise Refused(answer.status_code, answer.text)
        self._http.headers["Authorization"] = f"Splunk {answer.json()['sessionKey']}"

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    def get(self, path: str, **query: Any) -> Any:
        """GET a path and return its JSON. Raises Refused."""
        return self._sent("GET", path, params={"output_mode": "json", **query})

    def post_form(self, path: str, form: Mapping[str, Any]) -> Any:
        """POST a form, as Splunk's own endpoints take it. Raises Refused."""
        return self._sent("POST", path, data={"output_mode": "json", **form})

    def delete(self, path: str) -> Any:
        """DELETE a path. Raises Refused."""
        return self._sent("DELETE", path, params={"output_mode": "json"})

    def incidents(self, path: str, body: Mapping[str, Any] | None = None, **query: Any) -> Any:
        """Call the app's own API: GET, or POST when there is a body. Raises Refused."""
        url = f"/services/{APP}/v1{path}"
        if body is None:
            return self._sent("GET", url, params=query)
        return self._sent("POST", url, json=dict(body))

    def search(self, spl: str, earliest: str = "-24h", latest: str = "now") -> SearchOutcome:
        """Run a search as a job to its end and return its rows and messages.

        Raises:
            Refused: the search could not be started.
            TimeoutError: it did not end in two minutes.
        """
        form = {"search": spl, "earliest_time": earliest, "latest_time": latest}
        job = f"/servicesNS/{self.user}/{APP}/search/jobs"
        sid = self.post_form(job, form)["sid"]
        limit = time.monotonic() + SEARCH_SECONDS
        while time.monotonic() < limit:
            content = self.get(f"/services/search/jobs/{sid}")["entry"][0]["content"]
            if content["isDone"] or content["isFailed"]:
                return self._outcome(sid, content)
            time.sleep(0.25)
        raise TimeoutError(f"The search {sid} did not end within {SEARCH_SECONDS:.0f} s: {spl}")

    def _outcome(self, sid: str, content: Mapping[str, Any]) -> SearchOutcome:
        messages = [str(one.get("text", "")) for one in content.get("messages") or []]
        if content["isFailed"]:
            return SearchOutcome(sid, [], messages, True)
        rows = self.get(f"/services/search/v2/jobs/{sid}/results", count=0)["results"]
        return SearchOutcome(sid, rows, messages, False)

    def _sent(self, method: str, path: str, **arguments: Any) -> Any:
        answer = self._http.request(method, path, **arguments)
        if answer.status_code >= 400:
            raise Refused(answer.status_code, _reason(answer))
        return answer.json() if answer.content else {}


def _reason(answer: httpx.Response) -> str:
    """Return the one sentence of an error answer: the app's problem+json, or Splunk's messages."""
    try:
        document = answer.json()
    except ValueError:
        return answer.text[:500]
    if not isinstance(document, dict):
        return str(document)[:500]
    messages = "; ".join(str(one.get("text", "")) for one in document.get("messages") or [])
    return str(document.get("detail") or messages or document)[:500]

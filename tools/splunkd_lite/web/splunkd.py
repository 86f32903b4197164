"""What splunkweb asks of splunkd, over the management port like any other client."""

from __future__ import annotations

import ssl
from pathlib import Path
from typing import Any, Protocol

import httpx

LEAST_TIMEOUT_SECONDS = 30.0
"""``splunkdConnectionTimeout`` in web.conf: its default, and less is ignored (web.conf.spec)."""
MAX_LISTED = 1000


class SplunkdRefusedError(Exception):
    """splunkd answered with an error; ``status`` is its HTTP status, the text is its message."""

    def __init__(self, status: int, text: str) -> None:
        super().__init__(text)
        self.status = status


class Server(Protocol):
    """Where splunkd is, and what is set."""

    conf: Any  # a ConfStore

    @property
    def home(self) -> Path: ...

    @property
    def mgmt_uri(self) -> str: ...


def _tls_context(home: Path) -> ssl.SSLContext | bool:
    """Trust the stand-in's own CA only (``etc/auth/cacert.pem``)."""
    ca = home / "etc" / "auth" / "cacert.pem"
    return ssl.create_default_context(cafile=str(ca)) if ca.is_file() else True


def longest_wait(conf: Any) -> float:
    """How long splunkweb waits for one answer of splunkd, in seconds, by its ConfStore."""
    given = conf.get("web", "settings", "splunkdConnectionTimeout") or ""
    return max(float(given) if given.isdigit() else 0.0, LEAST_TIMEOUT_SECONDS)


class Splunkd:
    """A client of the management port. Every call carries the browser user's own session key."""

    def __init__(self, splunk: Server) -> None:
        self._splunk = splunk
        self._client: httpx.AsyncClient | None = None

    def _open(self) -> httpx.AsyncClient:
        # made at first use: port and certificate are known once splunkd has started
        if self._client is None:
            self._client = httpx.AsyncClient(
                base_url=self._splunk.mgmt_uri,
                verify=_tls_context(self._splunk.home),
                timeout=longest_wait(self._splunk.conf),
                trust_env=False,
            )
        return self._client

    async def close(self) -> None:
        """Close the connections."""
        if self._client is not None:
            await self._client.aclose()
            self._client = None

    async def send(
        self,
        method: str,
        target: str,
        session_key: str,
        headers: list[tuple[str, str]] | None = None,
        body: bytes = b"",
    ) -> httpx.Response:
        """Send a request as the session's user; ``target`` is the path with its query string.

        Raises httpx.HTTPError when splunkd can't be reached or takes longer than web.conf allows.
        """
        sent = [*(headers or []), ("Authorization", f"Splunk {session_key}")]
        return await self._open().request(method, target, headers=sent, content=body)

    async def login(self, username: str, password: str) -> str | None:
        """Return a session key for the user, None when the name or the password is wrong.

        Protocol: POST /services/auth/login (Splunk's REST API Reference, access endpoints).
        """
        response = await self._open().post(
            "/services/auth/login",
            data={"username": username, "password": password, "output_mode": "json"},
        )
        if response.status_code in (400, 401):
            return None
        _raise_for_refusal(response)
        return str(response.json()["sessionKey"])

    async def entries(self, path: str, session_key: str) -> list[dict[str, Any]]:
        """Return the entries of a listing, at most MAX_LISTED; raises SplunkdRefusedError."""
        target = f"{path}?output_mode=json&count={MAX_LISTED}"
        response = await self.send("GET", target, session_key)
        _raise_for_refusal(response)
        return list(response.json()["entry"])


def _raise_for_refusal(response: httpx.Response) -> None:
    if response.status_code < 400:
        return
    text = f"splunkd answered {response.status_code}"
    if response.headers.get("content-type", "").startswith("application/json"):
        messages = response.json().get("messages") or []
        text = "; ".join(str(message.get("text", "")) for message in messages) or text
    raise SplunkdRefusedError(response.status_code, text)

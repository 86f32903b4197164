"""Calls the API's routes as splunkd would, over fakes."""

from __future__ import annotations

import json
from contextlib import nullcontext
from types import SimpleNamespace
from typing import Any, Dict, FrozenSet, Iterable, List, Mapping, Optional, Sequence, Set, Tuple

import jsonschema  # type: ignore[import-untyped]

from incident_management.api.incident_count import IncidentCount
from incident_management.api.openapi import document
from incident_management.api.router import all_routes, dispatch
from incident_management.incidents.grouping import Topology
from incident_management.incidents.routing import Routing
from incident_management.incidents.story import StoryCache
from incident_management.ports import Searcher, Stores
from incident_management.splunk.configuration.settings import Settings, follow_up_systems
from tests.fakes.clock import ManualClock
from tests.fakes.search import FakeSearcher
from tests.fakes.stores import FakeStores

__all__ = ["ALL_CAPABILITIES", "FakeApi"]

ALL_CAPABILITIES = frozenset(
    f"incident_{name}"
    for name in ("signal", "read", "write", "approve", "remediate", "override", "load", "admin")
)


class FakeApi:
    """The API over fakes; also its backend (api.backend.Backend).

    Set ``routing_value``, ``topology_value``, ``settings_value`` (an exception is raised),
    ``stanzas_value`` and ``searcher_value`` to what a test needs. ``posted`` and ``deleted`` are
    the requests that routes sent to splunkd; ``answers`` maps a path's end to splunkd's answer.
    """

    def __init__(
        self, stores: Optional[FakeStores] = None, clock: Optional[ManualClock] = None
    ) -> None:
        self.stores_value: Any = stores or FakeStores()
        self.clock: Any = clock or ManualClock()
        self.started_at = self.clock.now()
        self.remembered = StoryCache()
        self.opened = IncidentCount(self.clock)
        self.searcher_value: Any = FakeSearcher()
        self.settings_value: Any = Settings()
        # The app's settings as the file holds them, with secrets still encrypted.
        self.stanzas_value: Dict[str, Dict[str, str]] = {}
        self.raising_value: Any = None
        self.routing_value = Routing()
        self.topology_value = Topology()
        self.headers: Dict[str, str] = {}
        self.posted: List[Tuple[str, Dict[str, Any]]] = []
        self.deleted: List[str] = []
        self.answers: Dict[str, Any] = {}
        self.users: Dict[str, Tuple[str, FrozenSet[str]]] = {}
        # Names that no user of Splunk has, and all users, as far as that is known.
        self.strangers: Set[str] = set()
        self.names: Optional[Sequence[str]] = None

    def call(
        self,
        method: str,
        path: str,
        body: Any = None,
        user: str = "ann",
        capabilities: Iterable[str] = ALL_CAPABILITIES,
        query: Optional[Mapping[str, str]] = None,
        payload: Optional[str] = None,
        headers: Optional[Mapping[str, str]] = None,
    ) -> Tuple[int, Any]:
        """Make one request; returns status and parsed JSON (the text for another content type).

        ``payload`` is sent unchanged. The answer must match the OpenAPI document.
        The answer's headers are in ``self.headers``.
        """
        self.users[user] = (user, frozenset(capabilities))
        raw = {
            "method": method,
            "path_info": path.strip("/"),
            "rest_path": "/incident_management/v1" + path,
            "query": [list(pair) for pair in (query or {}).items()],
            "session": {"user": user, "authtoken": user},
            "system_authtoken": "system",
            "server": {"rest_uri": "https://127.0.0.1:8089"},
            "payload": payload if payload is not None else json.dumps(body) if body else "",
            "headers": [list(pair) for pair in (headers or {}).items()],
        }
        reply = dispatch(raw, self)
        self.headers = reply["headers"]
        answer = reply["payload"]
        if "json" in reply["headers"]["Content-Type"]:
            answer = json.loads(answer)
        check_answer(method, path, reply["status"], reply["headers"]["Content-Type"], answer)
        return reply["status"], answer

    def session(self, raw: Mapping[str, Any], system: bool) -> Any:
        token = raw["system_authtoken"] if system else raw["session"]["authtoken"]
        return SimpleNamespace(
            token=token,
            get=self._get,
            post=self._post,
            delete=self._delete,
            kept_open=nullcontext,
        )

    def capabilities(self, session: Any) -> Tuple[str, FrozenSet[str]]:
        return self.users[session.token]

    def who_has(self, session: Any, capability: str) -> Optional[Sequence[str]]:
        return self.names

    def has_capability(self, session: Any, user: str, capability: str) -> bool:
        return user not in self.strangers

    def stores(self, session: Any) -> Stores:
        return self.stores_value

    def searcher(self, session: Any) -> Searcher:
        return self.searcher_value

    def settings(self, session: Any) -> Any:
        if isinstance(self.settings_value, Exception):
            raise self.settings_value
        return self.settings_value

    def follow_up_systems(self, session: Any) -> Any:
        return follow_up_systems(self.stanzas_value)

    def raising(self, session: Any) -> Any:
        return self.raising_value

    def routing(self, session: Any) -> Routing:
        return self.routing_value

    def problems(self, session: Any) -> Sequence[str]:
        return (*self.settings(session).problems.values(), *self.routing_value.problems)

    def topology(self, session: Any) -> Topology:
        return self.topology_value

    def _post(self, path: str, form: Any = None, **_query: Any) -> Any:
        self.posted.append((path, dict(form or {})))
        return {"sid": "fake"}

    def _delete(self, path: str, **_query: Any) -> Any:
        self.deleted.append(path)

    def _get(self, path: str, **_query: Any) -> Any:
        for end, answer in self.answers.items():
            if path.endswith(end):
                return answer
        content = {"version": "9.4.0", "serverName": "fake"}
        return {"entry": [{"content": content}]}


def check_answer(method: str, path: str, status: int, content_type: str, answer: Any) -> None:
    """Fail the test when an answer does not match the OpenAPI document."""
    found = [r for r in all_routes() if r.method == method and r.pattern.fullmatch(path)]
    if not found:
        return
    described = document()
    answers = described["paths"][found[0].path][method.lower()]["responses"]
    assert str(status) in answers, f"{method} {path} answered {status}, which is not documented."
    kind = content_type.partition(";")[0]
    assert kind in answers[str(status)]["content"], f"{method} {path}: {kind} is not documented."
    schema = answers[str(status)]["content"][kind]["schema"]
    jsonschema.validate(answer, {**schema, "components": described["components"]})

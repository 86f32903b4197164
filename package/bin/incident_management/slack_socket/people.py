"""Maps people in Slack to Splunk users, and calls the API with each user's capabilities.

A request in Slack is a request to the router (:mod:`..api.router`), made as the Splunk user that
**People** gives for the person: with the same capability, schema, rules and timeline as any other.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any, Callable, Dict, FrozenSet, Mapping, Tuple

from ..api.backend import Backend, SplunkBackend
from ..api.router import Problem, dispatch
from ..incidents.routing import Routing
from ..incidents.routing.teams import member_in_slack
from ..incidents.routing.values import user_name
from ..ports import Clock, Stores
from ..splunk.session import Session, SplunkError, path_of
from .presses import Press

__all__ = ["Api", "Declined", "SlackUsers"]


class Declined(Exception):
    """A request is declined; the text is one sentence for the person who made it."""


@dataclass(frozen=True)
class _Presser:
    """The session of a person in Slack: a name, without any rights at splunkd."""

    user: str


class SlackUsers(SplunkBackend):
    """The routes' backend for people in Slack: splunkd is asked for their current capabilities."""

    def __init__(self, session: Session) -> None:
        super().__init__()
        self._system = session

    def session(self, raw: Mapping[str, Any], system: bool) -> Any:
        return self._system if system else _Presser(str(raw["session"]["user"]))

    def capabilities(self, session: Any) -> Tuple[str, FrozenSet[str]]:
        """Read ``authentication/users`` (REST API Reference). Raises Problem and SplunkError.

        Returns the name in one spelling, as splunkd finds users in any case: with two, one person
        could count as the two who have to approve a plan.
        """
        try:
            answer = self._system.get("/services/authentication/users/" + path_of(session.user))
        except SplunkError as error:
            if error.status != 404:
                raise
            text = f"{session.user}, your user in incident_routing.conf, does not exist in Splunk."
            raise Problem(403, text) from None
        entry = answer["entry"][0]
        return user_name(str(entry["name"])), frozenset(entry["content"].get("capabilities") or ())


class Api:
    """The API for people in Slack. All methods raise SplunkError.

    ``home`` returns the id of the app's own workspace; empty: it is not known yet.
    """

    def __init__(self, backend: Backend, home: Callable[[], str]) -> None:
        self._backend = backend
        self._home = home

    @property
    def clock(self) -> Clock:
        return self._backend.clock

    def stores(self) -> Stores:
        """Return the collections, for reads that no API route offers."""
        return self._backend.stores(self._backend.session({}, system=True))

    def routing(self) -> Routing:
        return self._backend.routing(self._backend.session({}, system=True))

    def member(self, workspace: str, user: str) -> str:
        """Return the Splunk user of a workspace's user; empty if there is none.

        An empty workspace is the app's own.
        """
        return member_in_slack(self.routing().members, self._outside(workspace), user)

    def user_of(self, press: Press) -> str:
        """Return the Splunk user of the person who pressed. Raises Declined if there is none."""
        user = self.member(press.workspace, press.user)
        if not user:
            outside = self._outside(press.workspace)
            mine = f"{outside}/{press.user}" if outside else press.user
            raise Declined(
                "Your Slack account is not linked to a Splunk user. Ask an administrator to add it "
                f"under Configuration > People (slack_id = {mine})."
            )
        return user

    def person(self, name: str, press: Press) -> str:
        """Return the Splunk user that is named or mentioned. Raises Declined if there is none.

        A name that is not under **People** is looked up at splunkd.
        """
        routing, user = self.routing(), user_name(name)
        mentioned = self.member(press.workspace, name)
        known = set(routing.members).union(*(team.members for team in routing.teams.values()))
        if mentioned or user in known:
            return mentioned or user
        session = self._backend.session({"session": {"user": user}}, system=False)
        try:
            found = self._backend.capabilities(session)[0]
        except Problem:
            found = ""
        if not user or found != user:
            raise Declined(
                f"There is no Splunk user '{name[:60]}'. Enter one name as in Configuration > "
                "People."
            )
        return user

    def _outside(self, workspace: str) -> str:
        """Return a workspace's id if it is not the app's own, else ''."""
        return "" if workspace == self._home() else workspace

    def must(self, user: str, capability: str, doing: str) -> None:
        """Raise Declined if the user lacks a capability that ``doing`` needs.

        For decisions before the API call: which form to open, which incident is meant.
        """
        session = self._backend.session({"session": {"user": user}}, system=False)
        try:
            _name, capabilities = self._backend.capabilities(session)
        except Problem as problem:
            raise Declined(problem.detail) from None
        if capability not in capabilities:
            raise Declined(f"{doing} needs the capability {capability}, which {user} lacks.")

    def call(
        self, method: str, path: str, press: Press, user: str, body: Mapping[str, Any]
    ) -> Tuple[int, Dict[str, Any]]:
        """Change something, once for each press, however often it is delivered.

        Returns status and answer.
        """
        asked = _request(method, path, press, user)
        asked["headers"] = [["Idempotency-Key", press.key]]
        asked["payload"] = json.dumps(body)
        reply = dispatch(asked, self._backend)
        return int(reply["status"]), reply

    def read(self, path: str, press: Press, user: str, **query: Any) -> Mapping[str, Any]:
        """GET; return the answer's object. Raises Declined with the API's sentence."""
        asked = _request("GET", path, press, user)
        asked["query"] = [[name, str(value)] for name, value in query.items()]
        reply = dispatch(asked, self._backend)
        if int(reply["status"]) >= 400:
            raise Declined(refusal(reply, press))
        return body_of(reply)


def body_of(reply: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the object of an answer; empty if it has none."""
    payload = json.loads(reply["payload"]) if reply.get("payload") else None
    return payload if isinstance(payload, dict) else {}


def refusal(reply: Mapping[str, Any], press: Press) -> str:
    """Return the sentence for an error answer: the API's own."""
    if int(reply["status"]) == 404 and press.command:
        # The API's sentence names a route instead.
        return f"There is no incident {press.target}. {press.command} list shows the open ones."
    return str(body_of(reply).get("detail") or f"That failed ({reply['status']}).")


def _request(method: str, path: str, press: Press, user: str) -> Dict[str, Any]:
    session = {"user": user, "authtoken": press.key}
    return {"method": method, "path_info": path, "session": session}

"""Who people in Slack are in Splunk, and the API as each of them may use it.

What somebody asks for in Slack is a request to the router (:mod:`..api.router`), made as the
Splunk user that the person is by **People**: the same capability, schema, rules and timeline as on
any other way.
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
    """Something is not done or shown; the text is one sentence for the person who asked."""


@dataclass(frozen=True)
class _Presser:
    """Stands for the session of a person in Slack: a name without any rights at splunkd."""

    user: str


class SlackUsers(SplunkBackend):
    """The routes' backend for people in Slack: their capabilities are what splunkd says now."""

    def __init__(self, session: Session) -> None:
        super().__init__()
        self._system = session

    def session(self, raw: Mapping[str, Any], system: bool) -> Any:
        return self._system if system else _Presser(str(raw["session"]["user"]))

    def capabilities(self, session: Any) -> Tuple[str, FrozenSet[str]]:
        """``authentication/users`` in Splunk's REST API Reference. Raises Problem, SplunkError.

        In one spelling, as splunkd finds users in any case: under two, one person would
        be the two who have to approve a plan.
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

    ``home`` gives the id of the app's own workspace; empty: it is not known yet.
    """

    def __init__(self, backend: Backend, home: Callable[[], str]) -> None:
        self._backend = backend
        self._home = home

    @property
    def clock(self) -> Clock:
        return self._backend.clock

    def stores(self) -> Stores:
        """Return the collections, for what the API's routes have no form for."""
        return self._backend.stores(self._backend.session({}, system=True))

    def routing(self) -> Routing:
        return self._backend.routing(self._backend.session({}, system=True))

    def member(self, workspace: str, user: str) -> str:
        """Return the Splunk user that a user of a workspace is; empty: nobody's.

        An empty workspace is the app's own.
        """
        return member_in_slack(self.routing().members, self._outside(workspace), user)

    def user_of(self, press: Press) -> str:
        """Return the Splunk user that somebody is. Raises Declined: they are nobody's."""
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
        """Return the user of Splunk that somebody names or mentions. Raises Declined: nobody is.

        Whoever is not under People is looked for at splunkd.
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
        """Return a workspace's id where it is another one than the app's own, else nothing."""
        return "" if workspace == self._home() else workspace

    def must(self, user: str, capability: str, doing: str) -> None:
        """Raise Declined where somebody's roles lack a capability that ``doing`` something needs.

        For what is asked before the API is: which form to open, which incident is meant.
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
        """Change something, once for a press however often that is delivered.

        Return status and answer.
        """
        asked = _request(method, path, press, user)
        asked["headers"] = [["Idempotency-Key", press.key]]
        asked["payload"] = json.dumps(body)
        reply = dispatch(asked, self._backend)
        return int(reply["status"]), reply

    def read(self, path: str, press: Press, user: str, **query: Any) -> Mapping[str, Any]:
        """GET; return the answer's object. Raises Declined with what the API says."""
        asked = _request("GET", path, press, user)
        asked["query"] = [[name, str(value)] for name, value in query.items()]
        reply = dispatch(asked, self._backend)
        if int(reply["status"]) >= 400:
            raise Declined(refusal(reply, press))
        return body_of(reply)


def body_of(reply: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the object that an answer holds."""
    payload = json.loads(reply["payload"]) if reply.get("payload") else None
    return payload if isinstance(payload, dict) else {}


def refusal(reply: Mapping[str, Any], press: Press) -> str:
    """Return what is said of an answer that is an error: the API's own sentence."""
    if int(reply["status"]) == 404 and press.command:
        # The API's says which route lists them.
        return f"There is no incident {press.target}. {press.command} list shows the open ones."
    return str(body_of(reply).get("detail") or f"That failed ({reply['status']}).")


def _request(method: str, path: str, press: Press, user: str) -> Dict[str, Any]:
    session = {"user": user, "authtoken": press.key}
    return {"method": method, "path_info": path, "session": session}

"""The API over fakes, for people in Slack."""

from __future__ import annotations

import json
import logging
from typing import Any, Dict, List, Tuple

from incident_management.incidents import timeline
from incident_management.incidents.routing import Routing
from incident_management.outside.transport import NoAnswer, NotSent
from incident_management.slack_socket.acting import Actor
from incident_management.slack_socket.kept import PURPOSE, Keeper, Kept
from tests.fakes.api import FakeApi

from .payloads import ELSEWHERE, HOME, INCIDENT

MEMBERS = {
    "member:mia": {"slack_id": "U0MIA"},
    "member:eve": {"slack_id": f"{ELSEWHERE}/U0EVE"},
    "member:one": {"slack_id": "U0BOTH"},
    "member:two": {"slack_id": "U0BOTH"},
}


class FakeSlack:
    def __init__(self) -> None:
        self.answers: List[Tuple[str, Dict[str, Any]]] = []
        self.forms: List[Any] = []
        self.whispers: List[Tuple[str, str, str, str]] = []
        self.broken = self.deaf = self.expired = False

    def open_form(self, trigger_id, view):
        if self.broken:
            raise NotSent("Slack did not open the form (expired_trigger_id).")
        self.forms.append((trigger_id, view))

    def answer(self, response_url, body):
        if self.expired:
            raise NoAnswer("Slack answered 404 to the answer of a press.")
        if self.broken:
            raise NotSent("slack.example did not accept a connection.")
        self.answers.append((response_url, json.loads(json.dumps(body))))

    def whisper(self, channel, user, thread, text):
        if self.broken or self.deaf:
            raise NotSent("Slack did not show it to U0MIA (user_not_in_channel).")
        self.whispers.append((channel, user, thread, text))


class Desk(FakeApi):
    """The API over fakes, for people in Slack: ``mia`` may write and ``eve`` may read."""

    def __init__(self) -> None:
        super().__init__()
        self.routing_value = Routing.from_stanzas(MEMBERS)
        everything = frozenset({"incident_read", "incident_write", "incident_approve"})
        self.users = {"mia": ("mia", everything), "eve": ("eve", frozenset({"incident_read"}))}
        self.slack = FakeSlack()
        self.processes = 0
        self.actor = self.another()
        self.write("opened", title="Errors", severity="high")

    def another(self) -> Actor:
        """An actor of another process."""
        self.processes += 1
        kept = self.kept = Kept(self.stores_value, self.clock, f"sh1#{self.processes}")
        log = logging.getLogger("test.slack")
        self.keeper = Keeper(kept, lambda: HOME, log, self.clock.now)
        return Actor(self, self.slack, lambda: HOME, kept, log)

    def session(self, raw, system):
        user = "system" if system else raw["session"]["user"]
        return super().session({"system_authtoken": user, "session": {"authtoken": user}}, system)

    def write(self, kind, **data):
        timeline.append(self.stores_value, self.clock, INCIDENT, kind, data, "tester")
        timeline.refresh(self.stores_value, INCIDENT)

    def story(self):
        entries = timeline.effective(timeline.read(self.stores_value, INCIDENT))
        return [(e.kind, e.actor) for e in entries if e.actor != "tester"]

    @property
    def incident(self):
        return self.stores_value.incidents.get(INCIDENT)

    def said(self):
        answers = [body["text"] for _url, body in self.slack.answers]
        return answers + [text for *_where, text in self.slack.whispers]

    def kept_presses(self):
        return self.stores_value.claims.find({"purpose": PURPOSE})

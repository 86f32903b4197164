"""The API over fakes, for people in Slack."""

from __future__ import annotations

import json
import logging
from typing import Any, Dict, List, Tuple

from incident_management.api.router import Problem
from incident_management.incidents import timeline
from incident_management.incidents.act import Act
from incident_management.incidents.routing import Routing
from incident_management.outside.transport import NoAnswer, NotSent
from incident_management.slack_socket.actor import Actor
from incident_management.slack_socket.saved_presses import PURPOSE, PressSaver, SavedPresses
from tests.fakes.api import FakeApi
from tests.fakes.views import answer_problems, view_problems

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
        self.links: Dict[Tuple[str, str], str] = {}

    def open_form(self, trigger_id, view):
        if self.broken:
            raise NotSent("Slack did not open the form (expired_trigger_id).")
        assert view_problems(view) == []
        self.forms.append((trigger_id, view))

    def answer(self, response_url, body):
        if self.expired:
            raise NoAnswer("Slack answered 404 to the answer of a press.")
        if self.broken:
            raise NotSent("slack.example did not accept a connection.")
        assert answer_problems(body) == []
        self.answers.append((response_url, json.loads(json.dumps(body))))

    def permalink(self, channel, ts):
        if (channel, ts) not in self.links:
            raise NotSent("Slack did not say where a message is (channel_not_found).")
        return self.links[channel, ts]

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
        self.processes, self.web_url = 0, ""
        self.actor = self.another()
        self.write("opened", title="Errors", severity="high")

    def another(self) -> Actor:
        """An actor of another process."""
        self.processes += 1
        kept = self.kept = SavedPresses(self.stores_value, self.clock, f"sh1#{self.processes}")
        log = logging.getLogger("test.slack")
        self.keeper = PressSaver(kept, lambda: HOME, log, self.clock.now)
        return Actor(self, self.slack, lambda: HOME, kept, log, self.web_url)

    def session(self, raw, system):
        user = "system" if system else raw["session"]["user"]
        return super().session({"system_authtoken": user, "session": {"authtoken": user}}, system)

    def capabilities(self, session):
        if session.token not in self.users:
            raise Problem(403, f"{session.token} is no user of Splunk.")
        return super().capabilities(session)

    def write(self, kind, **data):
        timeline.append(Act(self.stores_value, self.clock, "tester"), INCIDENT, kind, data)
        timeline.refresh(self.stores_value, INCIDENT)

    def notes(self):
        """Return the notes on the timeline."""
        entries = timeline.effective(timeline.read(self.stores_value, INCIDENT))
        return [e.data["text"] for e in entries if e.kind == "note"]

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

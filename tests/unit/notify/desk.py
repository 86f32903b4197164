"""An office with incidents whose timeline entries are announced."""

from __future__ import annotations

from incident_management.incidents import timeline
from incident_management.incidents.act import Act
from incident_management.incidents.routing import Routing
from incident_management.notify.announcing.announcer import Announcer
from tests.unit.notify.services import FakeService, Office

ROUTING = Routing.from_stanzas(
    {
        "announce": {
            "opened": "slack, teams, pagerduty",
            "analysis": "slack",
            "resolved": "slack, teams, pagerduty",
            "reopened": "slack",
        },
        "team:payments": {"channels": "slack, pagerduty", "slack_channel": "#payments"},
        "team:web": {},
        "rule:default": {"team": "web"},
    }
)
INCIDENT = "INC-20260101-AAAAAA"


class Desk(Office):
    """An office with incidents."""

    def __init__(self):
        super().__init__(slack=FakeService(), teams=FakeService(), pagerduty=FakeService())
        self.said = []
        self.restart()

    def write(self, kind, incident=INCIDENT, once="", **data):
        timeline.append(Act(self.stores, self.clock, "tester"), incident, kind, data, once)
        timeline.refresh(self.stores, incident)

    def open(self, incident=INCIDENT, team="payments"):
        self.write(
            "opened",
            incident,
            title="High Error Rate: checkout",
            severity="high",
            entities=["checkout"],
            signals={"a": 7},
            rule="High Error Rate",
        )
        if team:
            self.write("routed", incident, team=team, owner="", reason="rule")

    def announce(self, routing=ROUTING, subscriptions=None):
        return self.announcer.run(
            routing, "https://splunk.example", self.set_up, lambda: subscriptions or {}
        )

    def restart(self):
        """Replace the worker process; the memory of the previous one is lost."""
        self.announcer = Announcer(self.stores, self.clock, self.outbox, self.said.append)

    def set_up(self):
        return self.services

    def told(self, incident=INCIDENT):
        documents = [d for d in self.stores.outbox.all() if d["incident_id"] == incident]
        documents.sort(key=lambda d: (d["channel"], d["order"]))
        return [(d["channel"], d["event"]) for d in documents]

"""A desk whose responders write updates, and those who do not work on its incidents."""

from __future__ import annotations

from incident_management.incidents import updates
from incident_management.incidents.act import Act
from incident_management.incidents.routing import Routing
from tests.unit.notify.desk import INCIDENT, Desk
from tests.unit.notify.services import FakeService

OTHER = "INC-20260101-BBBBBB"
LINE = "java.net.SocketTimeoutException: card 4111-1111-1111-1111 password=hunter2"
STANZAS = {
    "announce": {"opened": "slack", "update": "slack", "resolved": "slack", "severity": ""},
    "team:payments": {"slack_channel": "#payments"},
    "team:web": {},
    "rule:default": {"team": "web"},
    "stakeholders:support": {"team": "payments", "slack_channels": "#support"},
    "stakeholders:board": {
        "severity": "critical",
        "email": "ceo@example.com, cfo@example.com",
        "events": "opened, resolved",
    },
}
ROUTING = Routing.from_stanzas(STANZAS)


class StakeholderDesk(Desk):
    """A desk whose responders write updates."""

    def __init__(self):
        super().__init__()
        self.services["email"] = FakeService("impossible")
        self.senders["email"] = lambda: self.services["email"]

    def update(self, text="Payments fail for some.", incident=INCIDENT, routing=ROUTING, **more):
        if "next_in" in more:
            more["next_by"] = self.clock.now() + more.pop("next_in")
        act = Act(self.stores, self.clock, "dana", more.pop("once", ""))
        return updates.publish(act, routing, incident, updates.Update(text, **more))

    def outside(self):
        """Return the notifications as (group, destination, event), in the order of the entries."""
        documents = [d for d in self.stores.outbox.all() if d.get("stakeholders")]
        documents.sort(key=lambda d: (d["order"], d["target"]))
        return [(d["stakeholders"], d["target"], d["event"]) for d in documents]

    def messages(self, group):
        return [d["message"] for d in self.stores.outbox.all() if d.get("stakeholders") == group]


def become(desk, severity, incident=INCIDENT):
    desk.clock.advance(1)
    desk.write("severity", incident, **{"from": "high", "to": severity, "reason": "worse"})

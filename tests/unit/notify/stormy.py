"""A desk whose incidents come many at once."""

from __future__ import annotations

from incident_management.incidents import timeline
from incident_management.incidents.routing import Routing
from incident_management.notify.delivery.record import recorder
from tests.unit.notify.desk import Desk
from tests.unit.notify.services import FakeService

__all__ = ["WEB", "Storm"]

WEB = "https://splunk.example"


class Storm(Desk):
    """A desk whose incidents come many at once."""

    def __init__(self, **general):
        super().__init__()
        self.services["email"] = FakeService()
        self.senders["email"] = lambda: self.services["email"]
        wishes = ("opened", "resolved", "escalation", "assigned")
        self.routing = Routing.from_stanzas(
            {
                "general": {key: str(value) for key, value in general.items()},
                "announce": dict.fromkeys(wishes, "slack?, email?, pagerduty?"),
                "team:web": {"email": "web@shop.example"},
                "team:pay": {},
                "member:dana": {"email": "dana@shop.example"},
            }
        )
        self.number = 0
        self.outbox._record = recorder(self.stores, self.clock)

    def comes(self, count, team="web", severity="high", entity="shop"):
        first = self.number
        for self.number in range(first + 1, first + count + 1):
            self.write(
                "opened",
                self.named(self.number),
                title=f"{entity} fails",
                severity=severity,
                entities=[entity],
                signals={"a": 1},
                rule="High Error Rate",
            )
            self.write("routed", self.named(self.number), team=team, owner="", reason="rule")
        self.announcer.run(self.routing, WEB, self.set_up)

    @staticmethod
    def named(number):
        return f"INC-20260101-{number:06d}"

    def goes_on(self, seconds, step=5):
        for _ in range(0, seconds, step):
            self.clock.advance(step)
            self.announcer.run(self.routing, WEB, self.set_up)
            self.announcer.summarize(WEB)
            self.outbox.deliver_due(self.senders, 1000)

    def arrived(self, channel):
        return [one.event for one in self.services[channel].messages]

    def summaries(self, channel):
        return [one for one in self.services[channel].messages if one.event == "summary"]

    def on_timeline(self, number, channel):
        entries = timeline.read(self.stores, self.named(number))
        return [
            entry.data["detail"]
            for entry in entries
            if entry.kind == "notification" and entry.data["channel"] == channel
        ]

"""A desk of on-call people: incidents, their clocks, a worker, and notified services."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

from incident_management.incidents import timeline
from incident_management.incidents.routing import Routing
from incident_management.notify.announcing.announcer import Announcer
from incident_management.worker.clocks import Clocks
from tests.unit.incidents.builders import ingest, signal
from tests.unit.notify.services import FakeService, Office

__all__ = ["BERLIN", "Desk", "at", "local"]

BERLIN = ZoneInfo("Europe/Berlin")

STANZAS = {
    "calendar:office": {
        "time_zone": "Europe/Berlin",
        "hours": "mon-fri 09:00-17:00",
        "holidays": "2026-05-01",
    },
    "team:payments": {"members": "dana, lee", "calendar": "office"},
    "team:leads": {"members": "max"},
    "member:zoe": {},
    "rule:default": {"team": "payments"},
    "sla:critical": {
        "severity": "critical",
        "acknowledge": "15m",
        "resolve": "4h",
        "warn_at": "80%",
    },
    "sla:office": {
        "severity": "high, medium",
        "team": "pay*",
        "acknowledge": "2h",
        "resolve": "16h",
        "hours": "team",
        "order": "200",
    },
    "escalation:critical": {
        "severity": "critical",
        "step.1": "20m, team:leads",
        "step.2": "40m, member:zoe, channel:pagerduty",
        "repeat": "2",
        "repeat_every": "30m",
    },
    "announce": {"sla_breached": "slack", "escalation": "slack", "sla_warning": "slack"},
}


def at(text):
    return datetime.fromisoformat(text).replace(tzinfo=BERLIN).timestamp()


def local(moment):
    return datetime.fromtimestamp(moment, BERLIN).strftime("%a %H:%M")


class Desk(Office):
    """Incidents, clocks, a worker, and services that are notified."""

    def __init__(self, now="2026-11-30T10:00", **more):
        super().__init__(slack=FakeService(), pagerduty=FakeService())
        stanzas = {name: dict(values) for name, values in STANZAS.items()}
        for name, values in more.items():
            stanzas.setdefault(name.replace("__", ":"), {}).update(values)
        self.routing = Routing.from_stanzas(stanzas)
        assert self.routing.problems == ()
        self.clock.set(at(now))
        self.clocks = Clocks(self.stores, self.clock)
        self.announcer = Announcer(self.stores, self.clock, self.outbox)

    def open(self, severity="critical", entity="payments"):
        now = self.clock.now()
        finding = signal(entity, severity=severity, first_time=now, last_time=now)
        (outcome,) = ingest(self.stores, self.clock, self.routing).ingest([finding])
        self.id = outcome.incident_id
        self.clocks.run(self.routing)
        return self.id

    def until(self, moment, step=60.0):
        """Let the worker work until then."""
        end = at(moment) if isinstance(moment, str) else moment
        while self.clock.now() < end:
            self.clock.advance(min(step, end - self.clock.now()))
            self.clocks.run(self.routing)

    def announce(self):
        return self.announcer.run(self.routing, "", lambda: self.services)

    def wait(self, minutes, step=60.0):
        self.until(self.clock.now() + 60 * minutes, step)

    def happened(self, kind="sla"):
        """Return what was written, and when: (event or step, clock, time of the day)."""
        found = []
        for entry in timeline.effective(timeline.read(self.stores, self.id)):
            if entry.kind == "sla" == kind and entry.data["event"] != "timed":
                found.append((entry.data["event"], entry.data["clock"], local(entry.time)))
            if entry.kind == "escalation" == kind:
                found.append((entry.data["step"], entry.data["owner"], local(entry.time)))
        return found

    @property
    def incident(self):
        return self.stores.incidents.get(self.id)

    def dues(self):
        return tuple(local(self.incident[f"sla_{name}_due"]) for name in ("ack", "resolve"))

"""An incident with a ticket in one of the systems, and the worker's duties around it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Callable, Dict, List, Mapping

from incident_management.incidents import lifecycle, timeline
from incident_management.incidents.act import Act
from incident_management.incidents.routing import Routing
from incident_management.notify.announcing.announcer import Announcer
from incident_management.notify.delivery.outbox import Outbox
from incident_management.notify.senders import senders
from incident_management.splunk.configuration.settings import (
    Jira,
    Network,
    PagerDuty,
    ServiceNow,
    Settings,
)
from incident_management.worker.tickets import Tickets
from tests.fakes import FakeStores, ManualClock

from .fake_jira import FakeJira
from .fake_pagerduty import FakePagerDuty
from .fake_servicenow import FakeServiceNow
from .receiver import Receiver

INCIDENT = "INC-20260101-AAAAAA"
_TOLD = ("opened", "acknowledged", "note", "analysis", "resolved", "reopened", "ticket")
# What each system calls a ticket that people work on, and one that they have ended.
WORKED_ON = {"servicenow": "2", "jira": "In Progress", "pagerduty": "acknowledged"}
ENDED = {"servicenow": "6", "jira": "Done", "pagerduty": "resolved"}


@dataclass
class Config:
    """What the duty takes of the worker's configuration."""

    settings: Settings
    is_read: bool = True


@dataclass
class TicketDesk:
    """``run`` is what the worker does in a few minutes: announce, deliver, look at tickets."""

    channel: str
    receiver: Receiver
    when_resolved: str = "note"
    ca_file: str = ""
    stores: Any = field(default_factory=FakeStores)
    clock: ManualClock = field(default_factory=ManualClock)
    said: List[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        fakes: Dict[str, Callable[[Receiver], Any]] = {
            "servicenow": FakeServiceNow,
            "jira": FakeJira,
            "pagerduty": FakePagerDuty,
        }
        self.system = fakes[self.channel](self.receiver)
        self.config = Config(self._settings())
        wanted = dict.fromkeys(_TOLD, self.channel)
        self.routing = Routing.from_stanzas({"announce": wanted, "rule:default": {"team": "web"}})
        self.restart()
        self._write("opened", title="High Error Rate: checkout", severity="high", signals={"a": 7})
        self._write("routed", team="web", owner="", reason="rule")
        self.run()

    def _settings(self, secret: str = "") -> Settings:
        url, ends = self.receiver.url, self.when_resolved
        servicenow = ServiceNow(url, "splunk", secret or "s3cret", when_resolved=ends)
        jira = Jira(url, "mia@example.com", secret or "t0ken", "OPS", when_resolved=ends)
        pagerduty = PagerDuty("r" * 32, url, secret or "t0ken", url, 60.0, when_resolved=ends)
        return Settings(
            servicenow=servicenow,
            jira=jira,
            pagerduty=pagerduty,
            network=Network(ca_file=self.ca_file),
            set_up=frozenset({self.channel}),
        )

    def set_secret(self, secret: str) -> None:
        """Save another password or token."""
        self.config.settings = self._settings(secret)

    def restart(self) -> None:
        """Replace the worker process; the memory of the previous one is lost."""
        box = Outbox(self.stores, self.clock, "sh1", lambda document: None, jitter=lambda: 0.0)
        self.outbox = box
        self.announcer = Announcer(self.stores, self.clock, box)
        self.duty = Tickets(
            self.stores, self.clock, self.config, lambda name, said: self.said.append(said)
        )

    def tell(self) -> None:
        """Announce and deliver what happened."""
        self.announcer.run(self.routing, "", lambda: [self.channel])
        self.outbox.deliver_due(senders(self.config.settings, self.clock))

    def look(self, minutes: float = 3.0) -> Mapping[str, int]:
        """Poll the tickets some minutes later."""
        self.clock.advance(60 * minutes)
        return self.duty.run()

    def run(self) -> None:
        for _turn in range(3):
            self.clock.advance(60)
            self.tell()
        self.look()

    def work(self, state: str = "", **more: str) -> None:
        """Mia changes the ticket there."""
        names = {"servicenow": ("state", "assigned_to"), "jira": ("status", "assignee")}
        names["pagerduty"] = ("status", "assigned_to")
        state_name, assignee = names[self.channel]
        if state:
            more[state_name] = state
        if "to" in more:
            more[assignee] = more.pop("to")
        self.system.work("Mia", **more)

    def do(self, move: Callable[..., Any], **more: Any) -> None:
        """Change the incident in this app."""
        move(Act(self.stores, self.clock, "dana"), INCIDENT, **more)

    def resolve(self) -> None:
        self.do(lifecycle.resolve, ending=lifecycle.Ending("rolled back"))

    def _write(self, kind: str, **data: Any) -> None:
        timeline.append(Act(self.stores, self.clock, "tester"), INCIDENT, kind, data)
        timeline.refresh(self.stores, INCIDENT)

    @property
    def incident(self) -> Mapping[str, Any]:
        return self.stores.incidents.get(INCIDENT)

    def entries(self, kind: str = "ticket") -> List[Any]:
        found = timeline.effective(timeline.read(self.stores, INCIDENT))
        return [entry for entry in found if entry.kind == kind]

    def told(self) -> List[str]:
        """Return the inbound changes, as `event: text`."""
        return [f"{one.data['event']}: {one.data['text']}" for one in self.entries()]

    def written(self) -> int:
        """Return the number of remarks that this app wrote on the ticket."""
        if self.channel == "servicenow":
            return sum(row["sys_created_by"] == "splunk" for row in self.system.journal)
        return sum(bool(one["properties"]) for one in self.system.issues[0]["comments"])

"""Follow-ups with tickets in one of the systems, and the worker's duties around them."""

from __future__ import annotations

from copy import copy
from dataclasses import dataclass, field, replace
from typing import Any, Dict, List, Mapping

from incident_management.incidents import lifecycle, timeline
from incident_management.incidents.act import Act
from incident_management.incidents.review import writing
from incident_management.incidents.review.reminders import send_reminders
from incident_management.incidents.routing import Routing
from incident_management.notify.announcing.announcer import Announcer
from incident_management.notify.announcing.follow_up_tickets import FollowUpTickets
from incident_management.notify.delivery.outbox import Outbox
from incident_management.notify.delivery.record import recorder
from incident_management.notify.senders import senders
from incident_management.splunk.configuration.settings import Jira, Network, ServiceNow, Settings
from incident_management.worker.tickets import Tickets
from tests.fakes import FakeStores, ManualClock

from .fake_jira import FakeJira
from .fake_servicenow import FakeServiceNow
from .receiver import Receiver
from .ticket_desk import INCIDENT, Config

DAY = 86_400.0
# Whom People names; of Zed it names nothing.
LEE = {"jira_id": "id-of-Lee", "servicenow_id": "1ee0" * 8}
# What each system calls a state that people work in, and one that is over.
WORKED_ON = {"servicenow": "2", "jira": "In Progress"}
DONE = {"servicenow": "3", "jira": "Done"}


@dataclass
class FollowUpDesk:
    """``run`` is what the worker does in a few minutes: announce, deliver, look at tickets."""

    channel: str
    receiver: Receiver
    told_of_incidents: bool = False
    stores: Any = field(default_factory=FakeStores)
    clock: ManualClock = field(default_factory=ManualClock)
    said: List[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        fakes: Dict[str, Any] = {"servicenow": FakeServiceNow, "jira": FakeJira}
        self.system = fakes[self.channel](self.receiver)
        url = self.receiver.url
        self.config = Config(
            Settings(
                servicenow=ServiceNow(url, "splunk", "s3cret", follow_up_table="task"),
                jira=Jira(url, "mia@example.com", "t0ken", "OPS", follow_up_project="PLAN"),
                network=Network(),
                set_up=frozenset({self.channel}),
            )
        )
        wanted = dict.fromkeys(("opened", "resolved"), self.channel)
        announce = wanted if self.told_of_incidents else {"opened": "slack"}
        self.routing = Routing.from_stanzas({"announce": announce, "member:lee": LEE})
        self.restart()
        self._write("opened", title="High Error Rate: checkout", severity="critical", signals={})
        self._write("routed", team="web", owner="", reason="rule")
        self.tell()
        lifecycle.resolve(self.act("dana"), INCIDENT)

    def restart(self, holder: str = "sh1") -> None:
        """Replace the worker process; the memory of the previous one is lost."""
        record = recorder(self.stores, self.clock)
        self.outbox = Outbox(self.stores, self.clock, holder, record, jitter=lambda: 0.0)
        self.announcer = Announcer(self.stores, self.clock, self.outbox)
        self.tickets = FollowUpTickets(self.stores, self.outbox)
        self.duty = Tickets(
            self.stores, self.clock, self.config, lambda name, said: self.said.append(said)
        )

    def another(self) -> FollowUpDesk:
        """Another search head's worker, at the same stores and services."""
        other = copy(self)
        other.restart("sh2")
        return other

    def act(self, by: str) -> Act:
        return Act(self.stores, self.clock, by)

    # --- what people do here ----------------------------------------------------------------

    def add(self, title: str = "Alert on the pool", owner: str = "lee", **more: Any) -> str:
        told = {"due": self.clock.now() + 7 * DAY, **more}
        incident = writing.add_follow_up(self.act("dana"), INCIDENT, title, owner, **told)
        return str(incident.follow_ups[-1]["id"])

    def want(self, key: str, by: str = "dana") -> None:
        writing.request_ticket(self.act(by), INCIDENT, key, self.channel)

    def change(self, key: str, by: str = "dana", **changes: Any) -> None:
        writing.change_follow_up(self.act(by), INCIDENT, key, changes)

    def with_ticket(self, **more: Any) -> str:
        """A follow-up with a ticket that was looked at."""
        key = self.add(**more)
        self.want(key)
        self.run()
        return key

    # --- what the worker does ---------------------------------------------------------------

    def tell(self) -> None:
        self.announcer.run(self.routing, "https://splunk.example.com", lambda: [self.channel])
        self.deliver()

    def deliver(self) -> None:
        self.outbox.deliver_due(senders(self.config.settings, self.clock))

    def follow_up_reviews(self) -> None:
        """The duty of follow-ups, which puts right what the announcer missed."""
        send_reminders(
            self.stores, self.clock, lambda ids: self.tickets.enqueue_missing(ids, self.routing, "")
        )

    def run(self) -> None:
        for _turn in range(2):
            self.clock.advance(90)
            self.tell()
        self.look()

    def look(self) -> None:
        self.clock.advance(180)
        self.duty.run()

    # --- what is so -------------------------------------------------------------------------

    def work(self, state: str, number: int = 0, by: str = "Mia") -> None:
        """Move the ticket to another state, as a user of the ticket system does."""
        name = {"servicenow": "state", "jira": "status"}[self.channel]
        self.system.work(by, number, **{name: state})

    @property
    def made(self) -> List[Dict[str, Any]]:
        """The tickets there."""
        found: List[Dict[str, Any]] = (
            self.system.records if self.channel == "servicenow" else self.system.issues
        )
        return found

    def state_there(self, number: int = 0) -> str:
        one = self.made[number]
        return str(one["state"] if self.channel == "servicenow" else one["fields"]["status"])

    def written(self) -> int:
        """Return the number of remarks that this app wrote on the ticket."""
        if self.channel == "servicenow":
            return sum(row["sys_created_by"] == "splunk" for row in self.system.journal)
        return sum(bool(one["properties"]) for each in self.made for one in each["comments"])

    def follow_up(self, key: str) -> Mapping[str, Any]:
        document = self.stores.incidents.get(INCIDENT)
        return next(one for one in document["follow_ups"] if one["id"] == key)

    def ticket(self, key: str) -> Mapping[str, Any]:
        (one,) = self.follow_up(key)["tickets"]
        return dict(one)

    def entries(self, *kinds: str) -> List[Any]:
        found = timeline.effective(timeline.read(self.stores, INCIDENT))
        return [entry for entry in found if entry.kind in kinds]

    def heard(self) -> List[str]:
        return [f"{one.data['event']}: {one.data['text']}" for one in self.entries("ticket")]

    def set(self, **more: Any) -> None:
        """Change the channel's settings."""
        settings = self.config.settings
        changed = replace(getattr(settings, self.channel), **more)
        self.config.settings = replace(settings, **{self.channel: changed})

    def _write(self, kind: str, **data: Any) -> None:
        timeline.append(self.act("tester"), INCIDENT, kind, data)
        timeline.refresh(self.stores, INCIDENT)

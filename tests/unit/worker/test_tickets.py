"""When tickets are polled, which ones, and what happens if one can't be read."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any, Dict, List

import pytest

from incident_management.incidents import lifecycle, timeline
from incident_management.incidents.act import Act
from incident_management.notify.channel import Delivery
from incident_management.notify.inbound import ticket_changes
from incident_management.notify.inbound.read_failures import troubles
from incident_management.notify.inbound.ticket import Remark, Remarks, Ticket
from incident_management.notify.services.tickets import Refused
from incident_management.outside.network import NotConfigured
from incident_management.splunk.configuration.settings import Jira, Settings
from incident_management.worker import tickets as module
from incident_management.worker.tickets import Tickets
from tests.fakes import FakeStores, ManualClock


class FakeReader:
    """A service with tickets; ``refuses`` has the error of reading a ticket's comments, by id."""

    batch = 2
    hidden = "Jira does not show them."

    def __init__(self) -> None:
        self.known: Dict[str, Ticket] = {}
        self.refuses: Dict[str, Exception] = {}
        self.asked: List[List[str]] = []
        self.read: List[str] = []

    def changes(self, since):
        return None

    def tickets(self, ids: Any) -> Dict[str, Ticket]:
        self.asked.append(list(ids))
        return {key: self.known[key] for key in ids if key in self.known}

    def is_gone(self, ticket_id: str) -> bool:
        return ticket_id not in self.known

    def with_history(self, ticket: Ticket) -> Ticket:
        return replace(ticket, first_state=ticket.state)

    def remarks(self, ticket: Ticket, since: float) -> Remarks:
        self.read.append(ticket.id)
        if ticket.id in self.refuses:
            raise self.refuses[ticket.id]
        return Remarks([Remark("r1", "comment", "Mia", 5.0, f"about {ticket.id}", False)])


@dataclass
class Config:
    settings: Settings
    is_read: bool = True


@dataclass
class Desk:
    reader: FakeReader
    stores: Any = field(default_factory=FakeStores)
    clock: ManualClock = field(default_factory=ManualClock)
    said: List[str] = field(default_factory=list)
    seconds: float = 0.0
    # What passes with each look at the monotonic clock.
    pace: float = 0.0

    def __post_init__(self) -> None:
        jira = Jira("https://x.example", "u", "t", "OPS")
        self.config = Config(Settings(jira=jira, set_up=frozenset({"jira"})))
        self.restart()

    def restart(self) -> None:
        self.duty = Tickets(
            self.stores,
            self.clock,
            self.config,
            lambda name, said: self.said.append(said),
            self._monotonic,
        )

    def _monotonic(self) -> float:
        self.seconds += self.pace
        return self.seconds

    def incident(self, number: int, ticket: str = "") -> str:
        incident = f"INC-20260101-{number:06d}"
        if not timeline.read(self.stores, incident):
            data = {"title": "slow", "severity": "high", "signals": {}}
            timeline.append(Act(self.stores, self.clock, "tester"), incident, "opened", data)
            timeline.refresh(self.stores, incident)
        name = ticket or f"t{number}"
        self.reader.known[name] = Ticket(name, f"OPS-{name}", "s1", "1", "New", False)
        self.sent(incident, name)
        self.clock.advance(60)
        return incident

    def sent(self, incident: str, ticket: str) -> None:
        self.stores.outbox.insert(
            {
                "_key": f"{incident}/{ticket}",
                "incident_id": incident,
                "channel": "jira",
                "state": "sent",
                "sent_at": self.clock.now(),
                "receipt": {"ticket": ticket, "number": f"OPS-{ticket}"},
            }
        )

    def look(self, minutes: float = 3.0) -> None:
        self.clock.advance(60 * minutes)
        self.duty.run()

    def told(self, incident: str) -> List[str]:
        entries = timeline.read(self.stores, incident)
        return [entry.data["text"] for entry in entries if entry.kind == "ticket"]


@pytest.fixture
def desk(monkeypatch):
    reader = FakeReader()
    monkeypatch.setattr(module, "readers", lambda *_settings: {"jira": lambda: reader})
    return Desk(reader)


def settings_with(desk, **more):
    return replace(desk.config.settings, jira=replace(desk.config.settings.jira, **more))


def test_a_service_is_asked_at_its_pace_also_by_another_process(desk):
    desk.incident(1)
    for _turn in range(60):
        desk.look(minutes=1 / 12)
        desk.restart()
    # Five minutes, a look every two.
    assert len(desk.reader.asked) == 3


@pytest.mark.parametrize("restarts", [False, True])
def test_a_quicker_pace_holds_at_once(desk, restarts):
    desk.config.settings = settings_with(desk, look_every=3600.0)
    incident = desk.incident(1)
    desk.duty.run()
    desk.config.settings = settings_with(desk, look_every=5.0)
    desk.incident(1, "t9")
    if restarts:
        desk.restart()
    desk.look(minutes=0.5)
    assert desk.told(incident) == ["about t1", "about t9"]


def test_never_is_never_and_nothing_is_asked_without_a_ticket(desk):
    desk.look()
    desk.incident(1)
    desk.config.settings = settings_with(desk, look_every=0.0)
    desk.look()
    assert desk.reader.asked == []


def test_a_ticket_is_read_until_two_looks_saw_the_same(desk):
    incident = desk.incident(1)
    for _look in range(5):
        desk.look()
    assert desk.reader.read == ["t1", "t1"]
    assert desk.told(incident) == ["about t1"]


def test_a_long_poll_continues_soon_where_it_stopped(desk):
    incidents = [desk.incident(number) for number in range(1, 6)]
    desk.pace = module.LOOK_SECONDS * 0.8
    desk.look()
    assert desk.reader.read == ["t1", "t2"]
    for _turn in range(2):
        desk.look(minutes=0.2)
    assert [desk.told(incident) for incident in incidents[:5]] == [
        [f"about t{number}"] for number in range(1, 6)
    ]


def test_one_ticket_that_can_not_be_read_does_not_hold_the_others(desk):
    first, second = desk.incident(1), desk.incident(2)
    desk.reader.refuses["t1"] = Refused(Delivery("dead", "It is odd."), 400)
    desk.look()
    assert (desk.told(first), desk.told(second)) == ([], ["about t2"])
    assert troubles(desk.stores) == ["OPS-t1 can't be read: It is odd."]
    del desk.reader.refuses["t1"]
    desk.look()
    assert desk.told(first) == ["about t1"] and troubles(desk.stores) == []


def test_remarks_that_may_not_be_read_cost_nothing_else(desk):
    """Without a reason from the reader, the poll used to end in an error."""
    desk.reader.hidden = ""
    incident = desk.incident(1)
    desk.reader.refuses["t1"] = Refused(
        Delivery("dead", "Jira rejected the request with 403."), 403
    )
    desk.look()
    assert desk.said == [] and desk.reader.read == ["t1"]
    desk.reader.known["t1"] = replace(
        desk.reader.known["t1"], stamp="s2", state="2", state_name="Done", over=True
    )
    desk.look()
    assert desk.told(incident) == ["Now Done."]


def test_one_ticket_at_which_the_service_fails_has_its_turn_last(desk):
    desk.incident(1)
    second = desk.incident(2)
    desk.reader.refuses["t1"] = Refused(Delivery("retry", "Jira answered 500."), 500)
    desk.look()
    assert desk.told(second) == []
    desk.look(5)
    assert desk.told(second) == ["about t2"]


def test_a_service_that_is_down_is_asked_ever_more_slowly(desk):
    desk.incident(1)
    desk.reader.refuses["t1"] = Refused(Delivery("retry", "Jira answered 503."), 503)
    for _turn in range(12 * 60):
        desk.look(minutes=1 / 12)
    assert 5 <= len(desk.reader.asked) <= 8
    assert troubles(desk.stores) == ["Tickets in Jira can't be read: Jira answered 503."]
    refused = desk.reader.refuses.pop("t1")
    desk.look(60)
    assert troubles(desk.stores) == []
    desk.reader.refuses["t1"] = refused
    before = len(desk.reader.asked)
    desk.look(2)
    desk.look(2)
    assert len(desk.reader.asked) == before + 2, "it has been up: the pauses begin anew"


def test_a_malformed_response_is_a_trouble_of_its_service_only(desk):
    """{"issues": 7} used to end the duty, so ServiceNow's tickets were not read either."""
    desk.reader.tickets = lambda ids: [][7]
    desk.incident(1)
    desk.look()
    assert "Jira (IndexError) answered in a form that can't be read" in desk.said[0]


def test_a_message_that_arrives_again_ends_the_wait_for_another_process(desk):
    incident = desk.incident(1)
    desk.reader.refuses["t1"] = Refused(
        Delivery("dead", "Jira rejected the request with 401."), 401
    )
    desk.look()
    del desk.reader.refuses["t1"]
    desk.restart()
    desk.look()
    assert desk.told(incident) == []
    desk.sent(incident, "t1b")
    desk.reader.known["t1b"] = replace(desk.reader.known["t1"], id="t1b")
    desk.look(1)
    assert desk.told(incident) == ["about t1b"]


def test_a_timeline_takes_a_thousand_remarks_of_a_ticket(desk, monkeypatch):
    monkeypatch.setattr(ticket_changes, "MAX_REMARKS", 3)
    incident = desk.incident(1)
    found = [Remark(f"r{n}", "comment", "Mia", float(n), f"remark {n}", False) for n in range(5)]
    desk.reader.remarks = lambda ticket, since: Remarks(found)
    for _look in range(3):
        desk.look()
    assert desk.told(incident) == [
        "remark 0",
        "remark 1",
        "remark 2",
        "3 comments were copied from it. Read the others in Jira.",
    ]


def test_a_missing_setting_is_reported_once_there_is_a_ticket(desk, monkeypatch):
    def missing():
        raise NotConfigured("No Jira project is set.")

    monkeypatch.setattr(module, "readers", lambda *_settings: {"jira": missing})
    desk.look()
    assert desk.said == []
    desk.incident(1)
    desk.look()
    assert "No Jira project is set." in desk.said[0]
    desk.config.settings = replace(desk.config.settings, set_up=frozenset())
    desk.look()
    assert troubles(desk.stores) == []


def test_a_clock_that_was_ahead_silences_nothing(desk):
    incident = desk.incident(1)
    now = desk.clock.now()
    desk.clock.set(now + 30 * 86400)
    desk.duty.run()
    desk.clock.set(now)
    asked = len(desk.reader.asked)
    desk.look()
    assert len(desk.reader.asked) == asked + 1
    late = desk.incident(2)
    desk.look()
    assert desk.told(incident) and desk.told(late)


def test_the_newest_ticket_of_an_incident_is_followed(desk):
    incident = desk.incident(1)
    desk.look()
    desk.incident(1, "t9")
    for _look in range(3):
        desk.look()
    assert desk.reader.asked[-1] == ["t9"]
    assert desk.told(incident) == ["about t1", "about t9"]


def test_a_ticket_is_checked_for_a_day_after_the_incidents_end(desk):
    incident = desk.incident(1)
    lifecycle.resolve(Act(desk.stores, desk.clock, "dana"), incident)
    desk.look(60)
    assert desk.reader.asked == [["t1"]]
    desk.look(25 * 60)
    assert len(desk.reader.asked) == 1
    lifecycle.reopen(Act(desk.stores, desk.clock, "dana"), incident)
    desk.look()
    assert len(desk.reader.asked) == 2


def test_an_id_that_could_be_more_than_an_id_is_never_asked_for(desk):
    incident = desk.incident(1)
    desk.sent(incident, "x^ORnumberISNOTEMPTY")
    desk.look()
    assert desk.reader.asked == [["t1"]]


def test_a_state_from_before_this_version_is_where_news_begin(desk):
    """Receipts of that time do not contain the state of the ticket."""
    incident = desk.incident(1)
    ticket = desk.reader.known["t1"]
    desk.reader.known["t1"] = replace(ticket, state="2", state_name="On it")
    desk.look()
    desk.reader.known["t1"] = replace(ticket, state="3", state_name="On hold", stamp="s2")
    desk.look()
    assert desk.told(incident) == ["about t1", "Now On hold."]


def test_a_look_reads_of_followed_incidents_only_where_they_stand(desk):
    """Thousands are tracked, and each document holds a whole incident."""
    desk.incident(1)
    read: List[Any] = []
    for collection in (desk.stores.incidents, desk.stores.outbox):
        collection.find = _noting(collection.find, read)
    desk.duty.run()
    assert read and all(fields for fields in read)


def _noting(find, read):
    def noted(query=None, sort="", limit=0, skip=0, fields=()):
        if "incident_id" not in query:  # what is sent of one incident
            read.append(fields)
        return find(query, sort, limit, skip, fields)

    return noted

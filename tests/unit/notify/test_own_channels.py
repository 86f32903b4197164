"""Channels that administrators have shaped are told as the app's own are."""

from __future__ import annotations

from typing import Any

import pytest

from incident_management.incidents.act import Act
from incident_management.incidents.errors import Invalid
from incident_management.incidents.routing import Routing
from incident_management.notify.channel import dead, sent
from incident_management.notify.configured_channels import reached
from incident_management.notify.refusals import refusals
from incident_management.notify.requested import enqueue
from tests.unit.notify.desk import INCIDENT
from tests.unit.notify.services import FakeService
from tests.unit.notify.stakeholder_desk import StakeholderDesk
from tests.unit.notify.stormy import Storm

SHAPED = {"url": "https://chat.example/x", "body": '{"text": "{title}"}'}


def having(office: Any, stanzas: Any, **own: Any) -> Routing:
    """The routing of an office that has these services besides."""
    for name, service in own.items():
        office.services[name] = service
        office.senders[name] = lambda service=service: service
    return Routing.from_stanzas(stanzas)


def test_in_a_storm_people_get_summaries_there_and_software_everything() -> None:
    storm = Storm()
    storm.routing = having(
        storm,
        {
            "announce": {"opened": "chat?, desk?"},
            "team:web": {},
            "channel:chat": SHAPED,
            "channel:desk": {**SHAPED, "read_by": "software"},
        },
        chat=FakeService(),
        desk=FakeService(),
    )
    assert storm.routing.problems == ()
    storm.comes(30)
    storm.goes_on(60)
    assert storm.arrived("chat") == ["opened"] * 20 + ["summary"]
    assert storm.arrived("desk") == ["opened"] * 30


def test_one_that_is_added_receives_what_comes_after() -> None:
    desk = StakeholderDesk()
    stanzas = {"announce": {"opened": "slack, chat?"}, "team:web": {}, "channel:chat": SHAPED}
    off = Routing.from_stanzas({**stanzas, "channel:chat": {**SHAPED, "disabled": "1"}})
    desk.open(team="web")
    desk.clock.advance(1)
    desk.announce(off)
    desk.clock.advance(60)
    routing = having(desk, stanzas, chat=FakeService())
    desk.announce(routing)
    assert desk.told() == [("slack", "opened")]
    desk.open("INC-20260101-CCCCCC", team="web")
    desk.clock.advance(1)
    desk.announce(routing)
    assert desk.told("INC-20260101-CCCCCC") == [("chat", "opened"), ("slack", "opened")]


def test_stakeholders_there_get_nothing_that_was_found_and_later_calls_know_its_id() -> None:
    desk = StakeholderDesk()
    service = FakeService()
    routing = having(
        desk,
        {"team:payments": {}, "channel:status": SHAPED, "stakeholders:all": {"channels": "status"}},
        status=service,
    )
    service.script = [sent({"ticket": "PAGE-1"})]
    desk.open()
    for text in ("Payments fail for some.", "They work again."):
        desk.update(text, routing=routing)
        desk.clock.advance(1)
        desk.announce(routing)
        desk.run()
    first, second = service.messages
    assert (first.incident_id, first.thread, second.thread) == (
        INCIDENT,
        None,
        {"ticket": "PAGE-1"},
    )
    assert first.message["stakeholders"] == "all" and first.message["where"] == ["checkout"]
    assert not any(first.message[name] for name in ("rules", "owner", "team", "cause", "url"))


def test_one_that_refuses_messages_is_reported() -> None:
    desk = StakeholderDesk()
    service = FakeService()
    routing = having(desk, {"channel:chat": SHAPED}, chat=service)
    service.script = [dead("chat.example rejected the request with 403.")]
    desk.enqueue("a", "chat")
    desk.run()
    (said,) = refusals(desk.stores, desk.clock, routing)
    assert said.startswith("chat rejected the last message: chat.example rejected")


def test_who_is_reached_names_it() -> None:
    assert reached({"desk", "slack", "chat"}, []) == ("slack", "chat", "desk")


def test_somebody_may_ask_for_a_message_there() -> None:
    desk = StakeholderDesk()
    asked = {"channel": "chat", "message": "Disk almost full"}
    act = Act(desk.stores, desk.clock, "dana")
    made = enqueue(act, desk.outbox, asked, "", ["slack", "chat"])
    assert made["new"] and desk.only()["channel"] == "chat"
    with pytest.raises(Invalid, match="'chat' is not a channel; the channels are slack, teams"):
        enqueue(act, desk.outbox, asked, "")

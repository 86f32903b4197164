"""Members record their monitors, so that another member can judge a window in their place."""

from __future__ import annotations

from typing import Any, Dict, List

import pytest

from incident_management.remediation.verify import CannotJudge
from incident_management.rerun.raising import MonitorRaising
from incident_management.worker.member import Member
from incident_management.worker.monitors.duty import MonitorDuty
from incident_management.worker.monitors.roster import MonitorRoster, start_delay
from tests.fakes import FakeStores, ManualClock
from tests.unit.detection.watching import START, Watched, mixed, ratio


class Members:
    """Search heads of one cluster, each with an inputs.conf of its own."""

    def __init__(self) -> None:
        self.stores, self.clock = FakeStores(), ManualClock(START)
        self.inputs: Dict[str, Dict[str, Any]] = {"sh1": {}, "sh2": {}}

    def roster(self, member: str) -> MonitorRoster:
        return MonitorRoster(self.stores, self.clock, member, lambda: self.inputs[member])

    def sign(self, *members: str) -> None:
        for member in members:
            self.roster(member).sign()

    def known_to(self, member: str) -> List[str]:
        return sorted(self.roster(member).all())

    @property
    def writes(self) -> int:
        return int(self.stores.claims.log.count("save claims"))


@pytest.mark.parametrize(("count", "last"), [(1, 0.0), (4, 0.75), (200, 45.0 * 199 / 200)])
def test_the_searches_of_many_monitors_do_not_begin_in_one_second(count, last):
    members = Members()
    members.inputs["sh1"] = {f"m{number:03}": {} for number in range(count)}
    places = [start_delay(members.stores, "sh1", one) for one in members.inputs["sh1"]]
    assert places == [0.0] * count, "nobody has signed yet"
    members.sign("sh1")
    places = [start_delay(members.stores, "sh1", one) for one in members.inputs["sh1"]]
    assert places == pytest.approx([last * number / max(1, count - 1) for number in range(count)])
    assert start_delay(members.stores, "sh1", "new") == 0.0
    assert start_delay(members.stores, "sh2", "m000") == 0.0


def test_a_monitor_waits_for_its_place_and_ends_when_splunkd_says_so_meanwhile():
    members = Members()
    values = {"monitor_search": "index=app", "span": "5m"}
    members.inputs["sh1"] = {"a": values, "b": values}
    members.sign("sh1")
    waited: List[float] = []

    def ended(seconds: float) -> bool:
        waited.append(seconds)
        return True

    nothing: Any = None  # Nothing is asked of splunkd.
    member = Member("sh1", nothing, members.stores, members.clock)
    duty = MonitorDuty("incident_monitor://b", values, member, lambda *_: None, ended)
    assert duty.run() == {}
    assert waited == [0.25]


def test_every_member_knows_the_monitors_of_all():
    members = Members()
    members.inputs = {"sh1": {"orders": {"by": "a.b"}}, "sh2": {"logins": {"by": "user"}}}
    members.sign("sh1", "sh2")

    assert members.known_to("sh1") == members.known_to("sh2") == ["logins", "orders"]
    assert members.roster("sh2").all()["orders"] == {"by": "a.b"}


def test_a_members_own_settings_count_first():
    members = Members()
    members.inputs = {"sh1": {"orders": {"by": "host"}}, "sh2": {"orders": {"by": "user"}}}
    members.sign("sh1", "sh2")

    assert members.roster("sh1").all() == {"orders": {"by": "host"}}
    assert members.roster("sh2").all() == {"orders": {"by": "user"}}


def test_a_monitor_that_was_removed_is_forgotten_at_the_next_look():
    members = Members()
    members.inputs["sh1"] = {"orders": {}}
    members.sign("sh1")
    members.inputs["sh1"] = {}
    members.sign("sh1")

    assert members.known_to("sh2") == []


def test_a_member_that_is_gone_has_no_monitors_until_it_is_back():
    members = Members()
    members.inputs["sh1"] = {"orders": {}}
    members.sign("sh1")
    members.clock.advance(3500)
    assert members.known_to("sh2") == ["orders"] and not members.roster("sh2").is_gone("sh1")
    members.clock.advance(200)
    assert members.known_to("sh2") == [] and members.roster("sh2").is_gone("sh1")
    members.sign("sh1")

    assert members.known_to("sh2") == ["orders"]


def test_what_is_the_same_is_written_once_in_ten_minutes():
    members = Members()
    for _minute in range(20):
        members.sign("sh1")
        members.clock.advance(60)

    assert members.writes == 2


def test_what_a_member_signed_and_can_not_be_read_is_passed_over():
    members = Members()
    members.inputs = {"sh1": {"orders": {}}, "sh2": {"logins": {}}}
    members.sign("sh1", "sh2")
    (document,) = (one for one in members.stores.claims.all() if one["holder"] == "sh1")
    members.stores.claims.save([{**document, "value": {"monitors": "eJw="}}])

    assert members.known_to("sh2") == ["logins"]


def raised() -> Watched:
    watched = ratio(by="service")
    watched.run()
    mixed(watched, START + 1, 50, 50, service="pay")
    watched.pass_time(600)
    return watched


def ask(watched: Watched, member: str) -> Any:
    """Ask a member that has no monitors about the window of the finding."""
    roster = MonitorRoster(watched.stores, watched.clock, member, dict)
    (incident,) = watched.stores.incidents.all()
    monitors = MonitorRaising(watched.stores, watched.searcher, roster.all)
    return monitors.run(incident["search"], float(START), float(START + 300))


def test_a_member_judges_a_window_by_a_monitor_that_is_an_input_of_another():
    watched = raised()
    MonitorRoster(watched.stores, watched.clock, "sh1", lambda: {"orders": watched.values}).sign()

    assert ask(watched, "sh2").entities() == {"pay"}


def test_what_no_member_has_can_not_be_judged_and_the_reason_is_true():
    with pytest.raises(
        CannotJudge, match="No search head has the monitor 'orders': it was removed"
    ):
        ask(raised(), "sh2")

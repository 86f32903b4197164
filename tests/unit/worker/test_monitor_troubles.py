"""What prevents a monitor from judging is shown once in a cluster, as long as it lasts."""

from __future__ import annotations

from typing import Any, Dict, List

import pytest

from incident_management.ports import SearchFailed, SearchTooSlow
from incident_management.splunk.configuration.settings import SettingsError
from incident_management.splunk.session import SplunkError
from incident_management.worker.member import Member
from incident_management.worker.monitors.duty import MonitorDuty
from incident_management.worker.monitors.roster import MonitorRoster
from incident_management.worker.monitors.troubles import MonitorMessages, TroubleBook
from tests.unit.detection.watching import Watched

NAME = "incident_management_monitor_orders"
SPAN = 300


class Board:
    """The messages of one member."""

    def __init__(self) -> None:
        self.shown: Dict[str, str] = {}
        self.log: List[str] = []
        self.broken = False

    def show(self, name: str, sentence: str) -> None:
        if self.broken:
            raise SplunkError(500, "splunkd answered 500.")
        self.shown[name] = sentence
        self.log.append(sentence)

    def take_away(self, name: str) -> None:
        self.shown.pop(name, None)


class Cluster:
    """Two members' workers beside one monitor, which runs on the first of them."""

    def __init__(self, **settings: str) -> None:
        self.watched = Watched(detector="silence", **settings)
        self.watched.add(self.watched.clock.now() - 600)
        self.watched.holder = "member-0"
        self.watched.run()
        self.boards = [Board(), Board()]
        self.monitors: List[Dict[str, Any]] = [{"orders": self.watched.values} for _ in (0, 1)]

    def roster(self, member: int) -> MonitorRoster:
        watched = self.watched
        own = self.monitors[member]
        return MonitorRoster(watched.stores, watched.clock, f"member-{member}", lambda: own)

    def worker(self, member: int) -> MonitorMessages:
        watched, board, roster = self.watched, self.boards[member], self.roster(member)
        return MonitorMessages(watched.stores, watched.clock, f"member-{member}", board, roster)

    def work(self, *members: int) -> None:
        """Run one round of these members' workers."""
        for member in members:
            self.roster(member).sign()
            self.worker(member).run()

    def pass_time(self, spans: int = 1) -> None:
        for _span in range(spans):
            self.watched.pass_time(SPAN)
            self.work(0, 1, 0)

    def fail(self, error: Exception) -> None:
        def refuse(_start: int, _end: int) -> None:
            raise error

        self.watched.before = refuse

    def heal(self) -> None:
        self.watched.before = lambda _start, _end: None

    @property
    def notes(self) -> List[str]:
        return list(self.watched.troubles())

    @property
    def shown(self) -> List[str]:
        return [text for board in self.boards for text in board.shown.values()]


UNKNOWN = SearchFailed("splunkd refused the search: Unknown search command 'satts'.")


def test_an_error_in_the_search_is_shown_once_and_taken_away():
    cluster = Cluster()
    cluster.pass_time()
    assert cluster.shown == []
    cluster.fail(UNKNOWN)
    cluster.pass_time(40)
    assert cluster.shown == [
        "Monitor 'orders': splunkd refused the search: Unknown search command 'satts'. Its spans "
        "are retried."
    ]
    assert [len(board.log) for board in cluster.boards] == [1, 0]
    assert NAME in cluster.boards[0].shown
    cluster.heal()
    cluster.pass_time()

    assert cluster.shown == []
    assert not [one for one in cluster.watched.stores.claims.all() if "monitor t" in one["_key"]]


def test_a_search_that_is_too_slow_is_shown_until_it_ends_in_time():
    cluster = Cluster()
    cluster.fail(SearchTooSlow("The search did not finish within 60 seconds."))
    cluster.pass_time(3)
    assert len(cluster.shown) == 1 and "did not finish within 60 seconds" in cluster.shown[0]
    cluster.heal()
    cluster.pass_time()

    assert cluster.shown == []


def test_a_slow_search_that_is_fast_enough_over_less_is_no_trouble():
    cluster = Cluster()

    def slow(start: int, end: int) -> None:
        if end - start > SPAN:
            raise SearchTooSlow("The search did not finish within 60 seconds.")

    cluster.watched.before = slow
    cluster.watched.clock.advance(4 * SPAN)
    cluster.pass_time()

    assert cluster.shown == []
    assert "retried over half the time" in cluster.watched.told[0]


def test_another_trouble_takes_the_place_of_the_one_before():
    cluster = Cluster()
    cluster.fail(UNKNOWN)
    cluster.pass_time(2)
    cluster.fail(SearchFailed("splunkd refused the search: No such index."))
    cluster.pass_time(2)

    assert len(cluster.shown) == 1 and "No such index" in cluster.shown[0]
    assert len(cluster.boards[0].log) == 2


def test_a_monitor_that_is_switched_off_is_not_complained_about():
    cluster = Cluster()
    cluster.fail(UNKNOWN)
    cluster.pass_time()
    assert cluster.shown
    cluster.monitors = [{}, {}]
    cluster.work(1)
    assert cluster.shown
    cluster.work(0)

    assert cluster.shown == []


@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
def test_a_member_without_the_monitor_does_not_take_its_trouble_for_over(order):
    """inputs.conf is not replicated, so a monitor may be an input of only one member."""
    cluster = Cluster()
    cluster.monitors[1] = {}
    cluster.fail(UNKNOWN)
    for _run in range(20):
        cluster.watched.clock.advance(60)
        cluster.watched.run()
        for _round in range(6):
            cluster.work(*order)

    assert len(cluster.shown) == 1
    assert sum(len(board.log) for board in cluster.boards) == 1
    cluster.heal()
    cluster.watched.clock.advance(SPAN)
    cluster.watched.run()
    cluster.work(*order, *order)
    cluster.watched.clock.advance(3700)
    cluster.work(*order)
    assert cluster.shown == []


def test_a_member_leaves_the_trouble_of_another_alone_before_that_has_signed():
    cluster = Cluster()
    cluster.monitors[1] = {}
    cluster.fail(UNKNOWN)
    cluster.watched.pass_time(SPAN)
    cluster.work(1)

    assert len(cluster.shown) == 1


def test_the_trouble_of_a_member_that_is_gone_ends_with_it():
    cluster = Cluster()
    cluster.monitors[1] = {}
    cluster.fail(UNKNOWN)
    cluster.pass_time()
    cluster.boards[0].shown.clear()
    cluster.watched.clock.advance(3000)
    cluster.work(1)
    assert cluster.notes == ["orders"]
    cluster.watched.clock.advance(700)
    cluster.work(1)

    assert cluster.notes == []
    assert cluster.shown == []


def test_the_message_of_a_member_that_is_gone_is_taken_over():
    cluster = Cluster()
    cluster.fail(UNKNOWN)
    cluster.pass_time()
    cluster.boards[0].shown.clear()
    cluster.watched.clock.advance(3000)
    cluster.worker(1).run()
    assert cluster.shown == []
    cluster.watched.clock.advance(700)
    cluster.worker(1).run()

    assert list(cluster.boards[1].shown) == [NAME]


def test_a_message_that_can_not_be_shown_is_tried_again():
    cluster = Cluster()
    cluster.fail(UNKNOWN)
    cluster.watched.pass_time(SPAN)
    cluster.boards[0].broken = True
    with pytest.raises(SplunkError):
        cluster.worker(0).run()
    cluster.worker(1).run()

    assert list(cluster.boards[1].shown) == [NAME]


def test_more_series_than_are_watched_and_no_numbers_are_shown():
    cluster = Cluster()
    cluster.watched = Watched(value="avg(ms)")
    cluster.watched.add(cluster.watched.clock.now() - 500, 3)
    cluster.watched.run()
    cluster.worker(0).run()

    assert "no event has avg(ms)" in cluster.shown[0]


def test_a_malformed_stanza_is_shown_too():
    cluster = Cluster()
    nobody: Any = None
    stores, clock = cluster.watched.stores, cluster.watched.clock
    stanza, values = "incident_monitor://orders", {"monitor_search": "x", "span": "often"}
    told, waited = lambda *_: None, lambda _seconds: False
    member = Member("member-0", nobody, stores, clock)
    duty = MonitorDuty(stanza, values, member, told, waited)
    with pytest.raises(SettingsError):
        duty.run()
    cluster.worker(1).run()

    assert "The option span is wrong: it is 'often'" in cluster.shown[0]


def test_the_same_note_again_is_not_written_again():
    cluster = Cluster()
    book = TroubleBook(cluster.watched.stores, cluster.watched.clock)
    book.note("orders", "member-0", "It is broken.")
    writes = cluster.watched.stores.claims.log.count("save claims")
    book.note("orders", "member-1", "It is broken.")

    assert cluster.watched.stores.claims.log.count("save claims") == writes
    cluster.watched.clock.advance(700)
    book.note("orders", "member-1", "It is broken.")
    assert cluster.watched.stores.claims.log.count("save claims") == writes + 1

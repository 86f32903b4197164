"""Simultaneous changes of an incident by people, workers and findings, in every order of calls."""

from __future__ import annotations

import contextlib
from collections.abc import Callable

import pytest

from incident_management.incidents import covers, lifecycle, suppression, timeline
from incident_management.incidents.act import Act
from incident_management.incidents.clocks import assignment, handover
from incident_management.incidents.errors import IllegalMove
from incident_management.incidents.model import ACTOR
from incident_management.incidents.upkeep.retention import Retention
from tests.fakes import FakeStores, ManualClock
from tests.fakes.turns import orders
from tests.unit.incidents import test_handovers as rotas
from tests.unit.incidents.builders import START, ingest, signal
from tests.unit.incidents.movers import check, holders, opened

pytestmark = pytest.mark.one_python

LATE = signal("checkout", 1)


def moves(*wanted: Callable[[], object]) -> Callable[[], None]:
    """Make one actor's changes in order, as far as the state allows them."""

    def go() -> None:
        for move in wanted:
            with contextlib.suppress(IllegalMove):
                move()

    return go


def with_an_incident():
    stores, clock = FakeStores(), ManualClock(START + 100)
    incident_id = opened(stores, clock, signal("checkout"))
    return stores, clock, incident_id


def delivery(stores, found=LATE):
    return lambda: ingest(stores, ManualClock(START + 400)).ingest([found])


def test_a_finding_beside_a_resolve_and_a_reopening_is_counted_once_and_no_incident_is_doubled():
    def begun():
        stores, clock, one = with_an_incident()
        person = moves(
            lambda: lifecycle.resolve(Act(stores, clock, "ann"), one),
            lambda: lifecycle.reopen(Act(stores, clock, "bob"), one),
        )
        return stores, [delivery(stores), person, delivery(stores)]

    for stores, order in orders(begun, 1, ("timeline", "claims", "signals")):
        check(stores)
        (incident,) = stores.incidents.all()
        assert incident["signals"] == 2, order
        assert incident["status"] == "new", order
        assert delivery(stores)()[0].what == "duplicate"


@pytest.mark.parametrize("ends", [True, False])
def test_a_redelivery_while_a_suppression_changes_is_counted_or_suppressed(ends):
    """It used to be both: counted by an incident, and marked as suppressed."""
    found = signal("checkout")
    wanted = {"kind": "snooze", "reason": "x", "rule": found.rule, "starts_at": START - 60}

    def begun():
        stores, clock = FakeStores(), ManualClock(START + 100)

        def suppress():
            return suppression.add(Act(stores, clock, "ann"), {**wanted, "seconds": 3600.0}).id

        name = suppress() if ends else ""
        person = (lambda: suppression.remove(stores, name)) if ends else suppress
        return stores, [delivery(stores, found), delivery(stores, found), person]

    for stores, order in orders(begun, 1, ("timeline", "claims", "signals", "suppressions")):
        delivery(stores, found)()
        (stored,) = stores.signals.all()
        assert holders(stores) == (
            {} if stored.get("suppressed_by") else {found.key: stored["incident_id"]}
        ), order


def test_an_automatic_resolve_that_missed_a_finding_is_reopened():
    seen: list[set[str]] = []

    def begun():
        stores, clock, one = with_an_incident()

        def worker():
            known = {entry.key for entry in timeline.read(stores, one)}
            seen.append(known)
            lifecycle.resolve(Act(stores, clock, ACTOR), one, by_itself=True)
            lifecycle.reopen_if_found(Act(stores, clock, ACTOR), one, known, "Something was found.")

        return stores, [delivery(stores), worker]

    for stores, order in orders(begun, 2):
        check(stores)
        (incident,) = stores.incidents.all()
        entries = timeline.read(stores, incident["id"])
        (found,) = [entry for entry in entries if LATE.key in entry.data.get("signals", ())]
        resolved = incident["status"] == "resolved"
        assert not resolved or found.key in seen[-1], order


@pytest.mark.parametrize("faster", ["reopened", "closed"])
def test_a_check_for_findings_survives_a_simultaneous_reopen_or_close(faster):
    """A tool that reported an end used to get a 409, and a round of quiet incidents stopped."""
    stores, clock, one = with_an_incident()
    known = {entry.key for entry in timeline.read(stores, one)}
    data = {"signals": {LATE.key: 1}, "severity": "high", "rule": LATE.rule, "entities": []}
    timeline.append(Act(stores, clock, "w"), one, "signal", data, "late")
    lifecycle.resolve(Act(stores, clock, ACTOR), one, by_itself=True)
    looks: list[str] = []
    move = lifecycle.reopen if faster == "reopened" else lifecycle.close

    def meanwhile(verb, _name):
        looks.append(verb)
        if len(looks) == 2:
            stores.timeline.before = None
            move(Act(stores, clock, "bob"), one, "as it is")

    stores.timeline.before = meanwhile
    is_back = lifecycle.reopen_if_found(Act(stores, clock, ACTOR), one, known, "A finding came.")
    assert is_back == (faster == "reopened")
    assert len(looks) == 2


def test_a_reopen_during_a_close_succeeds_or_reports_why_not():
    """A close that arrived late with an earlier time used to undo a reopening."""
    answers = []

    def begun():
        stores, clock, one = with_an_incident()
        lifecycle.resolve(Act(stores, clock, "ann"), one)
        said: list[str] = []
        answers.append(said)

        def reopen():
            with contextlib.suppress(IllegalMove):
                said.append(lifecycle.reopen(Act(stores, clock, "bob"), one).status)

        return stores, [lambda: Retention(*aged(stores, clock)).run(60.0, 0.0), reopen]

    for stores, order in orders(begun, 2):
        check(stores)
        (incident,) = stores.incidents.all()
        said = answers.pop()
        assert [incident["status"]] == (said or ["closed"]), order


def aged(stores, clock):
    """Close resolved incidents, an hour later, with none to be deleted."""
    return stores, ManualClock(clock.now() + 3600), lambda ids: {}, lambda entries: None, print


@pytest.mark.parametrize("workers", [1, 2])
def test_an_acknowledgement_beside_a_handover_stands_and_its_owner_stays(workers):
    conf = rotas.routing()

    def begun():
        stores, clock = FakeStores(), ManualClock(rotas.WEDNESDAY)
        one = rotas.given(stores, clock, conf)
        clock.advance(rotas.MONDAY - clock.now())
        hands = [lambda: rotas.hand_over(stores, clock, conf) for _ in range(workers)]
        return stores, [
            moves(lambda: lifecycle.acknowledge(Act(stores, clock, "dana"), one)),
            *hands,
        ]

    for stores, order in orders(begun, 3 - workers):
        check(stores)
        (before,) = stores.incidents.all()
        assert before["status"] == "in_progress" and before["owner"] in ("dana", "lee"), order
        rotas.hand_over(stores, ManualClock(rotas.MONDAY + 60), conf)
        assert stores.incidents.all() == [before], order


def test_a_cover_made_in_the_moment_of_a_turn_is_heeded_by_the_next():
    conf = rotas.routing()
    remembered: list[handover.Seen] = []

    def begun():
        stores, clock = FakeStores(), ManualClock(rotas.WEDNESDAY)
        rotas.given(stores, clock, conf)
        clock.advance(60)
        seen: handover.Seen = set()
        remembered.append(seen)
        return stores, [
            lambda: rotas.covering(stores, clock, instead_of="dana"),
            lambda: rotas.hand_over(stores, clock, conf, seen),
        ]

    for stores, order in orders(begun, 2):
        later = ManualClock(rotas.WEDNESDAY + 65)
        rotas.hand_over(stores, later, conf, remembered[-1])
        (incident,) = stores.incidents.all()
        assert incident["owner"] == "lee", order
        assert len(covers.covers_since(stores, later.now())) == 1
        check(stores)


def test_an_incident_assigned_by_two_workers_and_a_person_has_one_owner():
    conf = rotas.routing()

    def begun():
        stores, clock = FakeStores(), ManualClock(rotas.WEDNESDAY)
        one = rotas.opened(stores, clock, conf)
        place = [lambda: assignment.assign_waiting(stores, clock, conf) for _ in range(2)]
        taken = moves(lambda: lifecycle.acknowledge(Act(stores, clock, "kim"), one))
        return stores, [taken, *place]

    for stores, order in orders(begun, 1):
        check(stores)
        (incident,) = stores.incidents.all()
        assert incident["status"] == "in_progress", order
        assert incident["owner"] in ("kim", "dana"), order


@pytest.mark.parametrize(("collection", "actor"), [("incidents", ACTOR), ("timeline", "ann")])
def test_a_resolve_that_saw_the_finding_or_is_a_persons_after_its_errors_stands(collection, actor):
    stores, _clock, one = with_an_incident()
    where = getattr(stores, collection)

    def meanwhile(verb, _name):
        if verb == "save":
            where.before = None
            lifecycle.resolve(Act(stores, ManualClock(START + 390), actor), one)

    where.before = meanwhile
    delivery(stores)()
    assert stores.incidents.get(one)["status"] == "resolved"
    check(stores)

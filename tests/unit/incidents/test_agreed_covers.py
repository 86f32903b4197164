"""On-call covers: which can be added, and who may end one."""

from __future__ import annotations

from dataclasses import replace

import pytest

from incident_management.incidents import covers
from incident_management.incidents.act import Act
from incident_management.incidents.errors import Forbidden, Invalid, NotFound
from tests.fakes import ManualClock

NOW = 1_796_202_000.0


@pytest.fixture
def clock():
    return ManualClock(NOW)


@pytest.mark.parametrize(
    ("wanted", "actor", "error", "said"),
    [
        ({"person": "kim", "instead_of": "dana"}, "lee", Forbidden, "or hand over your own"),
        ({"person": "kin", "instead_of": "lee"}, "lee", Invalid, "does not list 'kin'"),
        ({"instead_of": "kim"}, "lee", Invalid, "kim is never on call in this rota. Choose one of"),
        ({"instead_of": "lee"}, "lee", Invalid, "lee can't cover for lee"),
        ({"starts_at": NOW - 3600}, "lee", Invalid, "The cover would start in the past"),
        ({"ends_at": NOW - 1}, "lee", Invalid, "The cover must end after it starts"),
        ({"ends_at": NOW + 400 * 86400}, "lee", Invalid, "within a year"),
    ],
)
def test_a_cover_that_is_not_to_be_is_refused(stores, clock, wanted, actor, error, said):
    body = {"rota": "first", "ends_at": NOW + 60, **wanted}
    with pytest.raises(error) as raised:
        covers.add(Act(stores, clock, actor), body, {"dana", "lee", "kim"}, {"dana", "lee"}, False)
    assert said in str(raised.value)
    assert covers.list_covers(stores, clock) == []


def test_only_the_people_concerned_can_end_a_cover_and_it_names_them(stores, clock):
    body = {"rota": "first", "instead_of": "dana", "ends_at": NOW + 86400}
    made = covers.add(Act(stores, clock, "lee"), body, {"dana", "lee"}, {"dana", "lee"}, False)
    with pytest.raises(Forbidden):
        covers.end(Act(stores, clock, "kim"), made.id, False)
    with pytest.raises(NotFound):
        covers.end(Act(stores, clock, "kim"), "COV-none", True)
    clock.advance(60)
    ended = covers.end(Act(stores, clock, "dana"), made.id, False)
    assert ended == replace(made, ends_at=clock.now(), ended_by="dana")
    clock.advance(60)
    assert covers.end(Act(stores, clock, "lee"), made.id, False) == ended
    assert covers.list_covers(stores, clock) == [ended]

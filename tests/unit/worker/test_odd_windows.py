"""A malformed freeze, suppression, cover, plan or claim affects only itself.

Where safety matters, it forbids: a malformed freeze freezes, and a malformed plan is not approved.
"""

from __future__ import annotations

from typing import Any

import pytest

from incident_management.incidents import covers, suppression
from incident_management.incidents.clocks.windows import valid_fields
from incident_management.incidents.joining import moves
from incident_management.incidents.joining.execution import finish_recent
from incident_management.incidents.model import Incident
from incident_management.incidents.stores import claim_document
from incident_management.incidents.upkeep import audit
from incident_management.remediation import approval, freeze
from incident_management.remediation.context import Refused
from incident_management.worker import clocks
from tests.fakes.api import FakeApi
from tests.fakes.stores import FakeStores
from tests.unit.remediation.bench import Bench
from tests.unit.worker.test_one_broken import House

pytestmark = pytest.mark.one_python

GONE = object()
HOSTILE = (5, ["x"], None, {"a": 1}, GONE, -1.0, 1e300)
NOW = 1_790_000_000.0
DAYS = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
WINDOW: dict[str, Any] = {
    **{"_key": "W-1", "id": "W-1", "reason": "backup", "starts_at": NOW - 60, "ends_at": NOW + 60},
    **{"days": DAYS, "from_time": "00:00", "to_time": "00:00", "time_zone": "UTC"},
    **{"created_by": "ann", "created_at": NOW - 60},
}
FREEZE = {**WINDOW, "team": "*", "service": "check*", "tag": "*", "ended_by": ""}
SUPPRESSION = {**WINDOW, "kind": "mute", "rule": "Slow", "entity": "*", "tag": "*"}
COVER = {
    **{"_key": "COV-1", "id": "COV-1", "rota": "first", "person": "ann", "instead_of": "bob"},
    **{"starts_at": NOW - 60, "ends_at": NOW + 60, "reason": "", "created_by": "ann"},
    **{"created_at": NOW - 60, "ended_by": ""},
}


def spoiled(document: dict[str, Any], names: Any = ()) -> Any:
    """Yield the document with each field in turn malformed."""
    for name in names or document:
        for value in () if name in ("_key", "id") else HOSTILE:
            copy = {**document, name: value}
            yield name, value, {k: v for k, v in copy.items() if v is not GONE}


def is_listed(stores: FakeStores, path: str) -> None:
    """Tell whether the API lists it; FakeApi checks the response against its document."""
    assert FakeApi(stores).call("GET", path)[0] == 200


def test_a_freeze_that_can_not_be_read_still_freezes():
    for name, value, document in spoiled(FREEZE):
        stores = FakeStores()
        stores.freezes.save([document])
        if name == "starts_at" and value == 5:
            continue  # It can be read.
        if name == "ends_at" and value == 5:
            continue  # It is over.
        found = freeze.freezes_on(stores, "checkout", Incident("INC-1"), NOW)
        assert [one.id for one in found] == ["W-1"], (name, value)
        assert freeze.not_over(stores, NOW) == found
        is_listed(stores, "/freezes")


@pytest.mark.parametrize("name", ["days", "from_time", "to_time", "time_zone"])
def test_a_freeze_of_unreadable_times_of_the_week_is_in_force_at_any(name):
    for text in ("25:00", ["someday"]):
        one = freeze.Freeze.from_document({**FREEZE, "days": ["mon"], name: text})
        assert all(one.in_force(NOW + hour) for hour in (-50, 0, 50))
        assert "changed by hand" in one.named()


def test_a_suppression_that_can_not_be_read_holds_nothing_back():
    for name, value, document in spoiled(SUPPRESSION):
        stores = FakeStores()
        stores.suppressions.save([document])
        found = suppression.active_between(stores.suppressions, NOW, NOW)
        held = [one for one in found if one.in_force(NOW)]
        readable = not valid_fields(suppression.Suppression, document)[1]
        assert bool(held) <= readable, (name, value)
        is_listed(stores, "/suppressions")
    for name in ("rule", "entity", "tag"):
        lacking = {key: value for key, value in SUPPRESSION.items() if key != name}
        assert not suppression.Suppression.from_document(lacking).in_force(NOW)
    assert suppression.Suppression.from_document(SUPPRESSION).in_force(NOW)


def test_a_cover_that_can_not_be_read_covers_nobody():
    assert covers.Cover.from_document(COVER).in_force(NOW)
    for name, value, document in spoiled(COVER, ("rota", "person", "instead_of", "ends_at")):
        if value is GONE and name == "instead_of":
            continue
        stores = FakeStores()
        stores.covers.save([document])
        assert not any(one.in_force(NOW) for one in covers.covers_since(stores, NOW)), (name, value)
        is_listed(stores, "/on-call/covers")


def test_a_plan_that_can_not_be_read_is_not_approved_and_keeps_no_other_waiting():
    bench = Bench()
    plan = approval.propose(bench.context, "INC-20260101-AAAAAA", "", "ann")["_key"]
    document = bench.stores.plans.get(plan)
    names = ("incident_id", "created_at", "arguments", "state", "plan_hash", "approvals")
    for name, value, odd in spoiled(document, names):
        if isinstance(value, {"created_at": (int, float), "approvals": (int, float)}.get(name, ())):
            continue
        if value == {"a": 1} and name in ("arguments", "state"):
            continue  # It can be read, and is not what its hash says.
        bench.stores.plans.save([odd])
        assert approval.expire_plans(bench.context) == 0
        with pytest.raises(Refused, match="edited by hand"):
            approval.approve(bench.context, plan, "omar")


@pytest.mark.parametrize("value", [5, None, ["x"], {"a": 1}, "x"])
def test_claims_that_can_not_be_read_stop_no_duty(value):
    house = House()
    house.merge(house.ids[4], house.broken)
    house.work()
    purposes = (clocks.CHECKPOINT, audit.CHECKPOINT, audit.SENT, moves.PURPOSE, "follow-ups")
    for field in ("time", "value"):
        for purpose in purposes:
            odd = {**claim_document("", house.world.now, {}, purpose=purpose), field: value}
            found = house.stores.claims.find({"purpose": purpose}) or [{"_key": f"{purpose}:x"}]
            house.stores.claims.save([{**odd, "_key": found[0]["_key"]}])
        house.world.now += 61
        house.work()
    finish_recent(house.stores, house.member.clock)
    house.merge(house.ids[3], house.ids[1])

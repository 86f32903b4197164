"""One malformed document affects only itself, and says that someone changed it by hand."""

from __future__ import annotations

import json
from typing import Any

import pytest

from incident_management.incidents import timeline
from incident_management.incidents.act import Act
from incident_management.incidents.stored_shapes import (
    ANALYSIS,
    SUBSCRIPTION,
    fitted,
    read_analysis,
    readable_analysis,
    readable_subscription,
)
from incident_management.incidents.stores import checkpoints_of, claim_document, is_checkpoint
from incident_management.notify.services.webhook import subscribed
from incident_management.remediation import approval
from incident_management.remediation.context import Refused
from incident_management.shifts.load.report import load_of
from tests.fakes.api import FakeApi
from tests.fakes.stores import FakeStores
from tests.unit.detection.watching import Watched
from tests.unit.remediation.bench import Bench
from tests.unit.shifts import test_load_limits as loads
from tests.unit.worker.test_one_broken import House

pytestmark = pytest.mark.one_python

NUMBERS = (float("nan"), float("inf"), -float("inf"), 1e308, 10**400)
HOSTILE: tuple[Any, ...] = (5, True, "x", ["x"], [None], [5], [[]], [{}], {"a": 1}, None, *NUMBERS)
GONE = object()
CITATION = {"id": "C1", "kind": "event", "quote": "boom", "status": "verified", "time": 1.0}
HYPOTHESIS = {
    **{"id": "H1", "kind": "change", "cause": "The deploy.", "score": 0.9, "for": ["r"]},
    **{"against": [], "citations": ["C1", CITATION], "blamed": True, "change_id": "CHG-7"},
}
SUBSCRIBED = {
    **{"_key": "SUB-1", "url": "https://a.example/x", "events": ["*"], "severities": []},
    **{"teams": [], "enabled": True, "description": "", "created_by": "a", "created_at": 1.0},
}


def spoiled(document):
    """Yield the document with each field in turn replaced by each hostile value, or removed."""
    for name in [one for one in document if one != "_key"]:
        for value in (*HOSTILE, GONE):
            yield name, {k: v for k, v in {**document, name: value}.items() if v is not GONE}


def analysis_of(incident_id):
    return {
        **{"_key": "ANA-9", "incident_id": incident_id, "time": 2.0, "actor": "ann", "sid": "s"},
        **{"onset": 1.0, "verdict": "The deploy.", "cause": "The deploy.", "confidence": "high"},
        **{"change_id": "CHG-7", "service": "a", "version": "2", "previous_version": "1"},
        **{"evidence": [{"finder": "f", "found": ["x"], "not_found": []}], "claims": []},
        **{"citations": [CITATION], "hypotheses": [HYPOTHESIS], "checked": {"verified": 1}},
        "model": {"asked": False, "detail": "No model."},
    }


def spoiled_analyses(incident_id):
    whole = analysis_of(incident_id)
    yield from spoiled(whole)
    for name, one in spoiled(HYPOTHESIS):
        yield f"hypotheses.{name}", {**whole, "hypotheses": [one]}
    for name, one in spoiled(CITATION):
        changed = {**whole, "citations": [one], "hypotheses": [{**HYPOTHESIS, "citations": [one]}]}
        yield f"citations.{name}", changed
    for odd in HOSTILE:
        yield "evidence.found", {**whole, "evidence": [{"found": odd}]}


def test_a_well_formed_analysis_and_subscription_are_read_as_they_are():
    whole = analysis_of("INC-1")
    assert readable_analysis(whole) == whole
    assert readable_subscription(SUBSCRIBED) == (SUBSCRIBED, "")


@pytest.mark.parametrize("shape", [ANALYSIS, SUBSCRIPTION])
def test_what_was_read_has_the_shape(shape):
    for _name, document in spoiled_analyses("INC-1") if shape is ANALYSIS else spoiled(SUBSCRIBED):
        found, malformed = fitted(document, shape)
        assert fitted(found, shape) == (found, []), malformed


def analysed_house():
    house = House()
    act = Act(house.stores, house.member.clock, "ann")
    data = {"analysis_id": "ANA-9", "verdict": "v", "cause": "The deploy.", "confidence": "high"}
    timeline.record(act, house.broken, "analysis", data)
    return house


def test_a_malformed_analysis_stops_no_request():
    house = analysed_house()
    named = 0
    for where, document in spoiled_analyses(house.broken):
        if where == "incident_id":
            continue  # It is then another incident's.
        house.stores.analyses.documents["ANA-9"] = json.dumps(document)
        for path in ("analysis", "review", "report"):
            status, answer = house.member.api.call("GET", f"/incidents/{house.broken}/{path}")
            assert status == 200, (where, document, path, answer)
            named += path == "analysis" and "changed by hand" in answer["verdict"]
    assert named > 100


def test_a_malformed_analysis_stops_no_announcement():
    house = analysed_house()
    for where, document in list(spoiled_analyses(house.broken))[::7]:
        house.stores.analyses.documents["ANA-9"] = json.dumps(document)
        path = f"/incidents/{house.broken}/notes"
        house.call("POST", path, {"text": f"{where} {len(json.dumps(document))}"})
        house.world.now += 61
        house.work()
        assert house.stores.analyses.documents["ANA-9"] == json.dumps(document)


@pytest.mark.parametrize("odd", [5, "x", [5], {"a": 1}])
@pytest.mark.parametrize("name", ["hypotheses", "citations"])
def test_no_fix_rests_on_a_malformed_cause(name, odd):
    bench = Bench()
    (stored,) = bench.stores.analyses.find({})
    bench.stores.analyses.save([{**stored, name: odd}])
    with pytest.raises(Refused):
        approval.propose(bench.context, "INC-20260101-AAAAAA", "", "ann")
    read = read_analysis(bench.stores, stored["_key"])
    assert read and name in read["verdict"]


def test_a_malformed_subscription_is_off_and_is_listed_until_it_is_replaced():
    named = 0
    for name, document in spoiled(SUBSCRIBED):
        if document.get(name) == ["x"] and name in ("events", "severities"):
            continue  # It can be read, and matches nothing.
        api = FakeApi(FakeStores())
        api.stores_value.subscriptions.documents["SUB-1"] = json.dumps(document)
        read, why = readable_subscription(json.loads(json.dumps(document)))
        assert bool(subscribed({"SUB-1": read}, "opened", "high", "web")) <= (not why), name
        status, listed = api.call("GET", "/subscriptions")
        assert status == 200 and [one["id"] for one in listed["subscriptions"]] == ["SUB-1"]
        assert api.call("GET", "/subscriptions/SUB-1")[0] == 200
        named += bool(why)
        body = {"url": "https://b.example/x"}
        assert api.call("PUT", "/subscriptions/SUB-1", body)[0] == 200
    assert named > 50


def test_a_malformed_subscription_stops_no_duty():
    house = House()
    for name, document in spoiled(SUBSCRIBED):
        house.stores.subscriptions.documents["SUB-1"] = json.dumps(document)
        house.find(f"another {name}", "high")
        house.world.now += 61
        house.work()


@pytest.mark.parametrize("place", ["time", "value", *("end", "state", "trail", "unwell", "lag")])
@pytest.mark.parametrize("odd", [odd for odd in HOSTILE if odd is not True])
def test_a_malformed_checkpoint_is_named_and_the_monitor_goes_on(place, odd):
    watched = Watched()
    watched.pass_time(3600, 5)
    newest = checkpoints_of(watched.stores, "orders")[-1]
    is_whole = place in newest
    changed = {**newest, place: odd} if is_whole else newest
    value = newest["value"] if is_whole else {**newest["value"], place: odd}
    changed = changed if place == "value" else {**changed, "value": value}
    watched.stores.claims.documents[newest["_key"]] = json.dumps(changed)
    is_malformed = not is_checkpoint(json.loads(json.dumps(changed)))
    watched.clock.advance(300)
    watched.run()
    assert checkpoints_of(watched.stores, "orders")[-1]["value"]["end"] >= newest["value"]["end"]
    assert any("changed by hand" in one for one in watched.told) == is_malformed


def test_a_monitor_whose_only_checkpoint_is_malformed_raises_from_its_end():
    watched = Watched()
    watched.pass_time(3600, 5)
    newest = checkpoints_of(watched.stores, "orders")[-1]
    for one in checkpoints_of(watched.stores, "orders"):
        watched.stores.claims.delete(one["_key"])
    watched.stores.claims.documents[newest["_key"]] = json.dumps({**newest, "value": "x"})
    watched.clock.advance(3600)
    watched.run()
    (begun,) = {one["value"]["raising_from"] for one in checkpoints_of(watched.stores, "orders")}
    assert begun == newest["value"]["end"]
    assert any("raises from where that one ended" in one for one in watched.told)


def test_a_checkpoint_of_an_early_version_keeps_its_position():
    watched = Watched()
    watched.pass_time(3600, 5)
    newest = checkpoints_of(watched.stores, "orders")[-1]
    value = {name: newest["value"][name] for name in ("end", "state", "raising_from")}
    for one in checkpoints_of(watched.stores, "orders"):
        watched.stores.claims.delete(one["_key"])
    watched.stores.claims.save([{**newest, "value": value}])
    watched.clock.advance(300)
    watched.run()
    assert not any("changed by hand" in one for one in watched.told)
    last = checkpoints_of(watched.stores, "orders")[-1]["value"]
    assert last["raising_from"] == value["end"], "It raises from where the early one stood."


@pytest.mark.parametrize("odd", HOSTILE)
@pytest.mark.parametrize("name", ["run", "season", "by", "count", "saved_at", "saved_by"])
def test_a_malformed_baseline_stops_no_list_and_says_what_to_do(name, odd):
    stores = FakeStores()
    head = {"_key": "b", "name": "", "run": "r", "saved_at": 1.0, "saved_by": "ann"}
    head = {**head, "season": "none", "by": ["host"], "count": 0}
    other = {**head, "_key": "c"}
    stores.baselines.documents["b"] = json.dumps({**head, name: odd})
    stores.baselines.save([other])
    api = FakeApi(stores)
    status, answer = api.call("GET", "/baselines/b")
    assert status == 200 or (status == 400 and "DELETE /baselines/b" in answer["detail"])
    assert api.call("GET", "/baselines/c")[0] == 200
    assert api.call("GET", "/baselines")[0] == 200
    assert api.call("DELETE", "/baselines/b")[0] < 300


@pytest.mark.parametrize("odd", NUMBERS[:4])
def test_an_entry_or_message_at_an_infinite_time_leaves_the_load_report_whole(odd):
    stores = loads.filled(20)
    for collection, name in ((stores.timeline, "time"), (stores.outbox, "sent_at")):
        for key, text in list(collection.documents.items())[:3]:
            collection.documents[key] = json.dumps({**json.loads(text), name: odd})
    found = load_of(stores, loads.ROUTING, "shop", 90, loads.NOW, lambda names: {})
    json.dumps(vars(found), default=vars, allow_nan=False)


@pytest.mark.parametrize("odd", HOSTILE)
def test_a_malformed_tombstone_or_total_stops_no_retention(odd):
    house = House()
    for key, purpose in (("pruned:INC-20260101-ABCDEF", "pruned"), ("retention:totals", "")):
        claim = claim_document(key, 1.0, purpose=purpose)
        house.stores.claims.documents[key] = json.dumps({**claim, "value": odd})
    house.world.now += 200 * 86_400.0
    house.work()
    assert house.member.api.call("GET", "/incidents/INC-20260101-ABCDEF")[0] in (404, 410)

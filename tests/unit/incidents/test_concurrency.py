"""Many writers, failures in the middle, redeliveries: nothing lost, nothing counted twice."""

import contextlib
import threading

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from incident_management.incidents import timeline
from incident_management.incidents.grouping import Topology
from incident_management.splunk.session import SplunkError
from tests.fakes import DiskFull, FakeStores, ManualClock, Unavailable
from tests.unit.incidents.builders import START, ingest, signal, signals

pytestmark = pytest.mark.one_python

TOPOLOGY = Topology.from_rows(
    [{"service": f"service-{n}", "depends_on": f"service-{n + 1}"} for n in range(3)]
)

# What differs from run to run without meaning anything: names of entries, and how many tries.
STORY = ("id", "status", "severity", "entities", "rules", "signals", "events", "team", "title")


def state(stores):
    """Return the state of incidents and signals, without the keys of entries."""
    incidents = sorted(
        tuple(str(document.get(name)) for name in STORY) for document in stores.incidents.all()
    )
    counted = sorted((d["_key"], d["incident_id"]) for d in stores.signals.all())
    return incidents, counted


def check(stores, expected):
    """Check that each signal counts once, on the incident it names, and timelines are whole."""
    by_incident: dict[str, set[str]] = {}
    for document in stores.signals.all():
        by_incident.setdefault(document["incident_id"], set()).add(document["_key"])
    assert {key for keys in by_incident.values() for key in keys} == {s.key for s in expected}
    for document in stores.incidents.all():
        entries = timeline.read(stores, document["id"])
        assert timeline.verify(entries, document["head"]).ok
        assert timeline.signal_keys(entries) == by_incident[document["id"]]
        assert document["signals"] == len(by_incident[document["id"]])
        assert timeline.fold(entries).to_document() == document


def batches_of(items, cuts):
    bounds = sorted({0, len(items), *(cut % (len(items) + 1) for cut in cuts)})
    return [items[a:b] for a, b in zip(bounds, bounds[1:])]


@given(st.permutations(signals(3, 4)), st.lists(st.integers(0, 12)), st.lists(st.integers(0, 12)))
def test_a_redelivery_in_other_batches_changes_nothing(items, cuts, other_cuts):
    stores, clock = FakeStores(), ManualClock(START + 5000)
    for batch in batches_of(items, cuts):
        ingest(stores, clock).ingest(batch)
    before = {name: getattr(stores, name).all() for name in stores.NAMES}
    for batch in batches_of(items[::-1], other_cuts):
        outcomes = ingest(stores, clock).ingest(batch)
        assert {outcome.what for outcome in outcomes} == {"duplicate"}

    assert {name: getattr(stores, name).all() for name in stores.NAMES} == before
    check(stores, items)


@settings(suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(
    st.lists(st.integers(0, 30), min_size=1, max_size=6),
    st.sampled_from([Unavailable, DiskFull]),
    st.booleans(),
)
def test_failing_in_the_middle_and_trying_again_ends_the_same(stops, error, grouped):
    items = [signal(f"service-{p}", run, group=grouped) for run in range(3) for p in range(3)]
    calm, rough = FakeStores(), FakeStores()
    for stores in (calm, rough):
        clock = ManualClock(START + 5000)
        for batch in (items[:4], items[2:]):
            for stop in stops if stores is rough else []:
                stores.fail_after(stop, error)
                with contextlib.suppress(SplunkError):
                    ingest(stores, clock, topology=TOPOLOGY).ingest(batch)
                stores.heal()
            ingest(stores, clock, topology=TOPOLOGY).ingest(batch)
        # What the worker does for an incident whose writer was ended before its document.
        for document in stores.timeline.all():
            timeline.refresh(stores, document["incident_id"])

    assert state(rough) == state(calm)
    check(rough, items)


def test_concurrent_writers_lose_nothing_and_count_nothing_twice():
    stores, items, writers = FakeStores(), signals(problems=10, runs=24), 8
    errors = []

    def deliver(number):
        try:
            # Each writer has a skewed clock, its own batches, and half of another writer's work.
            clock = ManualClock(START + 5000 + number * 37)
            mine = items[number::writers] + items[(number + 1) % writers :: writers][::2]
            for start in range(0, len(mine), 7):
                ingest(stores, clock).ingest(mine[start : start + 7])
        except Exception as error:  # noqa: BLE001 - a thread must not fail in silence
            errors.append(error)

    threads = [threading.Thread(target=deliver, args=(n,)) for n in range(writers)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert errors == []
    assert len(stores.incidents.all()) == 10
    check(stores, items)


def test_concurrent_writers_with_failures_in_between_lose_nothing():
    stores, items, writers = FakeStores(), signals(problems=5, runs=24), 6
    count, lock = [0], threading.Lock()

    def flaky(_verb, _name):
        with lock:
            count[0] += 1
            if count[0] % 13 == 0:
                raise Unavailable()

    for collection in stores.collections:
        collection.before = flaky

    def deliver(number):
        clock = ManualClock(START + 5000 + number)
        mine = items[number::writers]
        for start in range(0, len(mine), 5):
            for _attempt in range(200):
                try:
                    ingest(stores, clock).ingest(mine[start : start + 5])
                    break
                except Unavailable:
                    continue

    threads = [threading.Thread(target=deliver, args=(n,)) for n in range(writers)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    stores.heal()
    for document in stores.incidents.all():
        timeline.refresh(stores, document["id"])

    assert count[0] > 100
    assert len(stores.incidents.all()) == 5
    check(stores, items)


def test_thousands_of_new_problems_at_once_stay_fast():
    stores, clock = FakeStores(), ManualClock(START + 100)
    items = [signal(f"host-{n}", group=True) for n in range(1000)]
    outcomes = ingest(stores, clock, topology=TOPOLOGY).ingest(items)

    assert {outcome.what for outcome in outcomes} == {"opened"}
    assert len(stores.incidents.all()) == 1000

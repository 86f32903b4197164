"""Problems of one batch that grouping can't distinguish, such as one fault on many hosts."""

from typing import List

from hypothesis import given, settings
from hypothesis import strategies as st

from incident_management.incidents import lifecycle, timeline
from incident_management.incidents.act import Act
from incident_management.incidents.joining import merging
from incident_management.incidents.signal import Signal
from tests.fakes import FakeStores, ManualClock
from tests.unit.incidents.builders import ROUTING, START, ingest, signal


def on_host(number: int, entity: str = "checkout", **more) -> Signal:
    dedup = {"entity": entity, "host": f"web-{number}"}
    return signal(entity, dedup=dedup, **{"group": True, **more})


def test_one_fault_on_many_hosts_is_one_incident_with_one_entry_of_those_that_joined(stores, clock):
    hosts = [on_host(number) for number in range(8)]
    outcomes = ingest(stores, clock).ingest(hosts)
    (incident,) = stores.incidents.all()
    entries = timeline.read(stores, incident["id"])

    assert [outcome.what for outcome in outcomes].count("opened") == 1
    assert {outcome.incident_id for outcome in outcomes} == {incident["id"]}
    assert [entry.kind for entry in entries] == ["opened", "routed", "signal"]
    assert len(entries[2].data["signals"]) == 7
    assert entries[2].data["reason"].startswith("Joined because both are about 'checkout', at the")
    assert timeline.verify(entries, incident["head"]).ok
    assert ingest(stores, clock).ingest([on_host(3, run=1)])[0].incident_id == incident["id"]


def test_one_host_can_be_split_off_again(stores, clock):
    hosts = [on_host(number) for number in range(4)]
    outcomes = ingest(stores, clock).ingest(hosts)
    part = merging.split(
        Act(stores, clock, "ann"), ROUTING, outcomes[0].incident_id, [hosts[2].key]
    )
    (later,) = ingest(stores, clock).ingest([on_host(2, run=1)])

    assert later.incident_id == part.id
    assert part.signals == 1


def test_what_comes_with_the_signal_that_reopens_an_incident_joins_it(stores, clock):
    (first,) = ingest(stores, clock).ingest([on_host(0)])
    lifecycle.resolve(Act(stores, clock, "ann"), first.incident_id)
    clock.advance(300)
    outcomes = ingest(stores, clock).ingest([on_host(0, run=1), on_host(1, run=1)])

    assert [outcome.what for outcome in outcomes] == ["reopened", "added"]
    assert {outcome.incident_id for outcome in outcomes} == {first.incident_id}


def test_what_began_after_the_first_was_over_joins_with_a_reason_of_its_own(stores, clock):
    late = on_host(2, first_time=START + 120, last_time=START + 180)
    ingest(stores, clock).ingest([on_host(1), late, on_host(3)])
    (incident,) = stores.incidents.all()
    reasons = [entry.data.get("reason", "") for entry in timeline.read(stores, incident["id"])]

    assert [reason.split(", ")[1][:15] for reason in reasons if "both" in reason] == [
        "at the same tim",
        "60 seconds apar",
    ]


PROBLEMS = st.lists(
    st.builds(
        lambda host, entity, start, length: on_host(
            host,
            entity,
            first_time=START + start,
            last_time=START + start + length,
        ),
        host=st.integers(0, 30),
        entity=st.sampled_from(["checkout", "payments"]),
        start=st.integers(0, 3000),
        length=st.integers(0, 900),
    ),
    max_size=12,
    unique_by=lambda one: one.dedup_key,
)


@settings(deadline=None, max_examples=60)
@given(PROBLEMS)
def test_a_batch_ends_in_the_incidents_that_its_problems_would_one_by_one(problems):
    assert together(problems, at_once=True) == together(problems, at_once=False)


def together(problems: List[Signal], at_once: bool) -> List[List[str]]:
    """Return the signals of each incident."""
    stores = FakeStores()
    app = ingest(stores, ManualClock(START))
    in_order = sorted(problems, key=lambda one: (one.first_time, one.key))
    for batch in [in_order] if at_once else [[one] for one in in_order]:
        app.ingest(batch)
    found: dict = {}
    for document in stores.signals.all():
        found.setdefault(document["incident_id"], []).append(document["_key"])
    return sorted(sorted(keys) for keys in found.values())

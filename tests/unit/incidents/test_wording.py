"""Problems whose events have nearly the same text: which join by their wording, and which not."""

import pytest

from incident_management.incidents import timeline
from incident_management.incidents.act import Act
from incident_management.incidents.grouping import wording_of
from incident_management.incidents.joining import merging
from incident_management.incidents.routing import Routing
from tests.unit.incidents.builders import ROUTING, ingest, signal

POOL = "2026-11-28 10:00:{:02} ERROR pool-{} postgres refused a connection: too many clients"
DISK = "2026-11-28 10:00:07 ERROR could not extend relation, no space left on volume /data/{}"


def about(entity, text, run=0, **more):
    return signal(entity, run, rows=[{"sample": text}], group=True, **more)


def only_by(grounds):
    return Routing.from_stanzas({"general": {"group_by": grounds}})


def test_problems_of_strangers_whose_events_say_the_same_are_one_incident(stores, clock):
    app = ingest(stores, clock)
    (opened,) = app.ingest([about("orders", POOL.format(1, 7))])
    (joined,) = app.ingest([about("billing", POOL.format(59, 112), rule="Pool Exhausted")])

    assert (joined.what, joined.incident_id) == ("added", opened.incident_id)
    (incident,) = stores.incidents.all()
    assert incident["entities"] == ["orders", "billing"]
    reason = timeline.read(stores, opened.incident_id)[-1].data["reason"]
    assert reason.startswith(
        "Joined because their events say the same (100% of the significant words)"
    )


def test_problems_of_one_batch_join_by_wording_too(stores, clock):
    batch = [about("orders", POOL.format(1, 7)), about("billing", POOL.format(2, 8))]
    outcomes = ingest(stores, clock).ingest(batch)

    assert len({outcome.incident_id for outcome in outcomes}) == 1


@pytest.mark.parametrize(
    "second",
    [
        about("billing", DISK.format("pg")),
        about("billing", POOL.format(1, 7), run=5),
        about("billing", "request failed"),
        signal("billing", rows=[{"sample": POOL.format(1, 7)}], group=False),
        signal("billing", rows=[], description=POOL.format(1, 7), group=True),
    ],
    ids=["says something else", "too late", "says too little", "may not join", "has no event"],
)
def test_what_does_not_join_by_wording(stores, clock, second):
    app = ingest(stores, clock)
    app.ingest([about("orders", POOL.format(1, 7))])
    (outcome,) = app.ingest([second])

    assert outcome.what == "opened"


def test_few_words_that_every_log_has_are_no_wording(stores, clock):
    app = ingest(stores, clock)
    app.ingest([about("orders", "ERROR request failed with status 500")])
    (outcome,) = app.ingest([about("billing", "ERROR request failed with status 500")])

    assert outcome.what == "opened"


def test_the_same_entity_is_a_surer_ground_than_the_same_words(stores, clock):
    app = ingest(stores, clock)
    app.ingest([about("orders", POOL.format(1, 7))])
    (own,) = app.ingest([about("billing", DISK.format("pg"))])
    (third,) = app.ingest([about("billing", POOL.format(1, 7), rule="Pool Exhausted")])

    assert third.incident_id == own.incident_id


@pytest.mark.parametrize(
    ("grounds", "what"), [("entity, topology", "opened"), ("wording", "added")]
)
def test_the_admin_decides_which_grounds_count(stores, clock, grounds, what):
    app = ingest(stores, clock, only_by(grounds))
    app.ingest([about("orders", POOL.format(1, 7))])
    (outcome,) = app.ingest([about("billing", POOL.format(2, 8))])

    assert outcome.what == what


def test_an_unknown_ground_is_reported_and_the_default_applies():
    routing = only_by("entity, colour")

    assert routing.group_by == ("entity", "fields", "topology", "wording")
    assert routing.problems == (
        "incident_routing.conf [general] group_by names 'colour'; the grounds are "
        "entity, fields, topology, wording, coincidence.",
    )


def test_what_was_split_off_takes_its_wording_along(stores, clock):
    app = ingest(stores, clock)
    (opened,) = app.ingest([about("orders", POOL.format(1, 7))])
    app.ingest([about("billing", POOL.format(2, 8))])
    moved = about("billing", POOL.format(2, 8))
    parts = merging.split(Act(stores, clock, "ann"), ROUTING, opened.incident_id, [moved.key])
    (third,) = app.ingest([about("stock", POOL.format(3, 9))])

    assert third.incident_id == parts.id


def test_a_wording_has_no_numbers_header_or_entity_in_it():
    text = (
        '{"ts": "2026-11-28", "msg": "orders-3: quota of tenant 4711 exhausted by batch transfer"}'
    )
    assert wording_of(about("orders", text)) == "batch exhaust quota tenant transfer"


def test_a_field_of_several_values_counts_by_its_first():
    one = about("orders", "")
    rows = [{"message": [POOL.format(1, 7), DISK.format("pg")]}]
    assert "postgr" in wording_of(signal("orders", rows=rows))
    assert wording_of(one) == ""

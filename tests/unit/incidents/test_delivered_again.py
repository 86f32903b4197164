"""A delivery that was killed before its last step, and is repeated after its episode ended."""

from __future__ import annotations

import contextlib

import pytest

from incident_management.incidents import lifecycle
from incident_management.incidents.act import Act
from incident_management.incidents.grouping import Topology
from incident_management.splunk.session import SplunkError
from tests.fakes.stores import Unavailable
from tests.unit.incidents.builders import START, ingest, signal
from tests.unit.incidents.movers import check, merge

FIRST, CUT_OFF, NEXT = signal(run=0), signal(run=1), signal(run=9)


def cut_off(stores, clock, found):
    """Deliver a signal up to the last step: it is on the timeline, and not stored."""

    def before(verb, _name):
        if verb == "save":
            raise Unavailable

    stores.signals.before = before
    with contextlib.suppress(SplunkError):
        ingest(stores, clock).ingest([found])
    stores.signals.before = None


def end(stores, clock, incident_id):
    lifecycle.resolve(Act(stores, clock, "ann"), incident_id)
    lifecycle.close(Act(stores, clock, "ann"), incident_id)


@pytest.fixture
def over(stores, clock):
    """Return the closed incident that counts the cut-off signal."""
    clock.set(START + 100)
    (outcome,) = ingest(stores, clock).ingest([FIRST])
    clock.set(START + 400)
    cut_off(stores, clock, CUT_OFF)
    clock.set(START + 500)
    return outcome.incident_id


def test_beside_a_new_finding_it_counts_where_it_did(stores, clock, over):
    """The new finding begins an episode; it used to take the closed incident's signals along."""
    end(stores, clock, over)
    clock.set(START + 2800)
    old, new = ingest(stores, clock).ingest([CUT_OFF, NEXT])
    assert old.incident_id == over != new.incident_id
    check(stores)


def test_after_the_next_episode_has_joined_an_older_incident_it_counts_where_it_did(
    stores, clock, over
):
    """An episode that joins is younger than its incident, whose age used to decide."""
    clock.set(START + 50)
    (elsewhere,) = ingest(stores, clock).ingest([signal("cart", -1, group=True)])
    clock.set(START + 600)
    end(stores, clock, over)
    clock.set(START + 700)
    known = Topology.from_rows([{"service": "cart", "depends_on": "checkout"}])
    joins = signal(run=2, group=True)
    (joined,) = ingest(stores, clock, topology=known).ingest([joins])
    assert joined.incident_id == elsewhere.incident_id, "it has joined that one"
    ingest(stores, clock).ingest([CUT_OFF])
    check(stores)


def test_after_a_member_whose_clock_is_behind_began_the_next_episode_it_counts_where_it_did(
    stores, clock, over
):
    end(stores, clock, over)
    clock.set(CUT_OFF.last_time - 30)
    (outcome,) = ingest(stores, clock).ingest([NEXT])
    assert outcome.incident_id != over
    ingest(stores, clock).ingest([CUT_OFF])
    check(stores)


def test_after_its_incident_was_merged_and_the_next_episode_has_begun_it_counts_where_it_did(
    stores, clock, over
):
    (elsewhere,) = ingest(stores, clock).ingest([signal("mailer", 1)])
    merge(stores, clock, over, elsewhere.incident_id)
    end(stores, clock, elsewhere.incident_id)
    clock.set(START + 2800)
    ingest(stores, clock).ingest([NEXT])
    (outcome,) = ingest(stores, clock).ingest([CUT_OFF])
    assert outcome.incident_id == elsewhere.incident_id
    check(stores)

"""From signals to incidents: which open, add to or reopen an incident."""

import pytest

from incident_management.incidents import lifecycle, timeline
from incident_management.incidents.act import Act
from incident_management.incidents.grouping import Topology
from incident_management.incidents.identity import INCIDENT_ID, new_incident_id
from incident_management.incidents.intake.ingest import ByHand
from tests.fakes import Unavailable
from tests.unit.incidents.builders import ingest, signal, signals


def kinds(stores, incident_id):
    return [entry.kind for entry in timeline.read(stores, incident_id)]


def only(stores):
    (document,) = stores.incidents.all()
    return document


def test_a_first_signal_opens_an_incident_and_routes_it(stores, clock):
    (outcome,) = ingest(stores, clock).ingest([signal()])

    incident = only(stores)
    assert outcome.what == "opened"
    assert INCIDENT_ID.fullmatch(outcome.incident_id)
    assert incident["id"] == outcome.incident_id
    assert incident["status"] == "new"
    assert incident["severity"] == "high"
    assert incident["team"] == "shop"
    assert (incident["signals"], incident["events"]) == (1, 5)
    assert kinds(stores, outcome.incident_id) == ["opened", "routed"]


def test_a_second_firing_adds_to_the_open_incident(stores, clock):
    app = ingest(stores, clock)
    (first,) = app.ingest([signal(run=0)])
    (second,) = app.ingest([signal(run=1)])

    assert (second.what, second.incident_id) == ("added", first.incident_id)
    assert only(stores)["signals"] == 2
    assert kinds(stores, first.incident_id) == ["opened", "routed", "signal"]


def test_a_signal_delivered_twice_counts_once(stores, clock):
    app = ingest(stores, clock)
    app.ingest([signal()])
    before = only(stores)
    outcomes = app.ingest([signal(), signal()])

    assert [outcome.what for outcome in outcomes] == ["duplicate", "duplicate"]
    assert only(stores) == before


def test_the_same_signal_twice_in_one_batch_counts_once(stores, clock):
    outcomes = ingest(stores, clock).ingest([signal(), signal()])

    assert [outcome.what for outcome in outcomes] == ["opened", "duplicate"]
    assert only(stores)["signals"] == 1


def test_a_worse_signal_raises_the_severity_and_a_milder_one_does_not(stores, clock):
    app = ingest(stores, clock)
    app.ingest([signal(run=0)])
    app.ingest([signal(run=1, severity="critical")])
    app.ingest([signal(run=2, severity="low")])

    assert only(stores)["severity"] == "critical"


def test_soon_after_a_resolve_the_incident_reopens(stores, clock):
    app = ingest(stores, clock)
    (opened,) = app.ingest([signal()])
    lifecycle.resolve(
        Act(stores, clock, "ann"), opened.incident_id, lifecycle.Ending(resolution="rolled back")
    )
    clock.advance(3600)
    (again,) = app.ingest([signal(run=12)])

    incident = only(stores)
    assert (again.what, again.incident_id) == ("reopened", opened.incident_id)
    assert incident["status"] == "new"
    assert "resolved_at" not in incident
    assert incident["resolution"] == ""


def test_long_after_a_resolve_a_new_incident_opens_that_names_the_old_one(stores, clock):
    app = ingest(stores, clock)
    (opened,) = app.ingest([signal()])
    lifecycle.resolve(Act(stores, clock, "ann"), opened.incident_id)
    clock.advance(5 * 3600)
    (again,) = app.ingest([signal(run=60)])

    assert again.what == "opened"
    assert again.incident_id != opened.incident_id
    assert stores.incidents.get(again.incident_id)["previous"] == opened.incident_id
    assert stores.incidents.get(opened.incident_id)["status"] == "resolved"


def test_errors_from_before_the_resolve_that_arrive_late_do_not_reopen_it(stores, clock):
    app = ingest(stores, clock)
    (opened,) = app.ingest([signal(run=0)])
    clock.advance(1000)
    lifecycle.resolve(Act(stores, clock, "ann"), opened.incident_id)
    (late,) = app.ingest([signal(run=1)])

    assert (late.what, late.incident_id) == ("added", opened.incident_id)
    assert only(stores)["status"] == "resolved"
    assert only(stores)["signals"] == 2


def test_a_signal_that_was_counted_before_a_kill_does_not_reopen_the_resolved_incident(
    stores, clock
):
    app = ingest(stores, clock)
    (opened,) = app.ingest([signal(run=30)])
    stores.signals.delete(signal(run=30).key)  # as if ended before the last write
    lifecycle.resolve(Act(stores, clock, "ann"), opened.incident_id)
    app.ingest([signal(run=30)])

    assert only(stores)["status"] == "resolved"
    assert only(stores)["signals"] == 1


def test_a_signal_that_an_earlier_episode_counted_is_not_counted_by_the_next(stores, clock):
    app = ingest(stores, clock)
    (first,) = app.ingest([signal(run=0)])
    stores.signals.delete(signal(run=0).key)  # as if ended before the last write
    lifecycle.resolve(Act(stores, clock, "ann"), first.incident_id)
    clock.advance(5 * 3600)
    (second,) = app.ingest([signal(run=60)])
    (late,) = app.ingest([signal(run=0)])

    assert second.incident_id != first.incident_id
    assert late.incident_id == first.incident_id
    assert [document["signals"] for document in stores.incidents.all()] == [1, 1]
    assert len(stores.signals.all()) == 2


def test_a_claim_without_entries_is_taken_over(stores, clock):
    stores.timeline.fail_after(1)
    with pytest.raises(Unavailable):
        ingest(stores, clock).ingest([signal()])
    stores.timeline.heal()
    assert len(stores.claims.all()) == 2, "a number of the ledger, and its claim"
    assert stores.timeline.all() == []

    ingest(stores, clock).ingest([signal()])

    assert only(stores)["signals"] == 1
    assert only(stores)["team"] == "shop"


def test_a_dependent_service_joins_the_open_incident_and_says_why(stores, clock):
    topology = Topology.from_rows([{"service": "storefront", "depends_on": "payments"}])
    app = ingest(stores, clock, topology=topology)
    (opened,) = app.ingest([signal("payments", group=True)])
    (joined,) = app.ingest([signal("storefront", group=True)])
    (other,) = app.ingest([signal("search", group=True)])

    assert (joined.what, joined.incident_id) == ("added", opened.incident_id)
    assert other.what == "opened"
    entry = timeline.read(stores, opened.incident_id)[-1]
    assert "'storefront' depends on 'payments'" in entry.data["reason"]
    assert stores.incidents.get(opened.incident_id)["entities"] == ["payments", "storefront"]


def test_neighbours_in_one_batch_join_too_and_keep_adding_to_the_same_incident(stores, clock):
    topology = Topology.from_rows([{"service": "storefront", "depends_on": "payments"}])
    app = ingest(stores, clock, topology=topology)
    app.ingest([signal(e, group=True) for e in ("payments", "storefront")])
    app.ingest([signal(e, run=1, group=True) for e in ("storefront", "payments")])

    assert only(stores)["signals"] == 4


def test_beyond_the_group_window_or_without_grouping_nothing_joins(stores, clock):
    topology = Topology.from_rows([{"service": "storefront", "depends_on": "payments"}])
    app = ingest(stores, clock, topology=topology)
    app.ingest([signal("payments", group=True)])
    (far,) = app.ingest([signal("storefront", run=10, group=True)])
    (alone,) = app.ingest([signal("storefront", run=0, rule="Other", group=False)])

    assert (far.what, alone.what) == ("opened", "opened")
    assert len(stores.incidents.all()) == 3


def test_two_problems_never_share_an_id(stores, clock, monkeypatch):
    def narrow(now, claim):
        return new_incident_id(now, claim)[:-6] + ("AAAAAA" if "#" not in claim else claim[-6:])

    monkeypatch.setattr("incident_management.incidents.intake.planning.new_incident_id", narrow)
    app = ingest(stores, clock)
    outcomes = app.ingest([signal("a"), signal("b")]) + app.ingest([signal("c")])

    assert len({outcome.incident_id for outcome in outcomes}) == 3
    assert all(document["signals"] == 1 for document in stores.incidents.all())


def test_a_thousand_signals_of_known_problems_take_few_calls(stores, clock):
    app = ingest(stores, clock)
    app.ingest(signals(problems=50, runs=1))
    before = stores.calls
    app.ingest(signals(problems=50, runs=21)[50:])

    assert stores.calls - before <= 8


def test_five_thousand_signals_take_at_most_four_calls_a_thousand(stores, clock):
    app = ingest(stores, clock)
    app.ingest(signals(problems=50, runs=1))
    before = stores.calls
    app.ingest(signals(problems=50, runs=101)[50:])

    assert (stores.calls - before) / 5 <= 4
    assert sum(document["signals"] for document in stores.incidents.all()) == 50 * 101


def test_an_incident_opened_by_hand_comes_back_whole(stores, clock):
    incident = ingest(stores, clock).open_by_hand(
        ByHand("Checkout is slow", "since noon", "medium", ["checkout"]), "ann", "request-1"
    )

    assert (incident.title, incident.description) == ("Checkout is slow", "since noon")
    assert (incident.severity, incident.entities) == ("medium", ["checkout"])
    assert kinds(stores, incident.id) == ["opened", "routed"]
    assert stores.incidents.get(incident.id)["team"] == "shop"


def test_a_title_turns_no_text_around_on_a_page_that_shows_it_as_it_is(stores, clock):
    ingest(stores, clock).ingest(
        [signal(title="read\u202egnp.exe", description="one\n\ttwo\x1b[31m\u2066three")]
    )
    ingest(stores, clock).ingest([signal(entity="host\u202e1", title="")])
    first, second = sorted(stores.incidents.all(), key=lambda one: one["title"], reverse=True)
    assert first["title"] == "read\ufffdgnp.exe"
    assert first["description"] == "one\n\ttwo\ufffd[31m\ufffdthree"
    assert second["title"].endswith(": host\ufffd1")
    # What it is found by again stays as it came.
    assert second["entities"] == ["host\u202e1"]


def test_the_line_ends_of_windows_and_the_marks_of_hebrew_stay(stores, clock):
    """The message of a Windows event, as ``$result.Message$`` gives it."""
    text = "The service stopped.\r\n\r\n\tReason:\tקובץ\u200f.txt"
    ingest(stores, clock).ingest([signal(title=text, description=text)])
    (incident,) = stores.incidents.all()
    assert (incident["title"], incident["description"]) == (text, text)

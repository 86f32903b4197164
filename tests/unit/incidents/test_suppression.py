"""Suppressed signals are stored, counted and explained, and open no incident."""

import re
from datetime import datetime, timezone
from itertools import product
from typing import Any

import pytest

from incident_management.incidents import patterns, suppression
from incident_management.incidents.act import Act
from incident_management.incidents.errors import Invalid, NotFound
from incident_management.incidents.joining import merging
from incident_management.incidents.suppression import Suppression
from tests.unit.incidents.builders import START, ingest, signal


def moment(text: str) -> float:
    return datetime.fromisoformat(text).replace(tzinfo=timezone.utc).timestamp()


def muted(stores, clock, **more):
    wanted = {"kind": "mute", "reason": "known fault", "entity": "check*", **more}
    return suppression.add(Act(stores, clock, "ann"), wanted)


def test_a_muted_signal_is_stored_with_the_reason_and_opens_no_incident(stores, clock):
    mute = muted(stores, clock, starts_at=START)
    outcomes = ingest(stores, clock).ingest([signal("checkout"), signal("cart")])

    assert [outcome.what for outcome in outcomes] == ["suppressed", "opened"]
    (held,) = [d for d in stores.signals.all() if d["entity"] == "checkout"]
    assert held["suppressed_by"] == mute.id and held["incident_id"] == ""
    assert held["suppressed_because"] == f"Suppressed by mute {mute.id}: known fault"
    assert [d["entities"] for d in stores.incidents.all()] == [["cart"]]


def test_a_redelivered_suppressed_signal_is_a_duplicate_even_after_the_mute(stores, clock):
    mute = muted(stores, clock, starts_at=START)
    ingest(stores, clock).ingest([signal()])
    suppression.remove(stores, mute.id)
    again = ingest(stores, clock).ingest([signal(), signal(run=1)])
    assert [outcome.what for outcome in again] == ["duplicate", "opened"]


def test_a_signal_that_goes_on_after_the_mute_opens_its_incident(stores, clock):
    muted(stores, clock, starts_at=START, ends_at=START + 1e9)
    (mute,) = suppression.list_suppressions(stores, clock)
    ingest(stores, clock).ingest([signal()])
    still = ingest(stores, clock).ingest([signal(last_time=START + 600)])
    assert [outcome.what for outcome in still] == ["suppressed"]
    (held,) = stores.signals.all()
    assert (held["last_time"], held["suppressed_by"]) == (START + 600, mute.id)
    suppression.remove(stores, mute.id)

    (opened,) = ingest(stores, clock).ingest([signal(last_time=START + 900)])
    (document,) = stores.signals.all()
    assert opened.what == "opened" and document["incident_id"] == opened.incident_id
    assert "suppressed_by" not in document
    incident = stores.incidents.get(opened.incident_id)
    assert (incident["signals"], incident["first_time"]) == (1, START)
    # It is counted now: a later mute does not take it back, and it is not counted twice.
    muted(stores, clock, starts_at=START)
    (again,) = ingest(stores, clock).ingest([signal(last_time=START + 1200)])
    assert (again.what, again.incident_id) == ("duplicate", opened.incident_id)


def test_a_signal_counted_after_a_mute_is_not_suppressed_by_the_next(stores, clock):
    """The delivery that opened the incident was killed before its last step."""
    for hours in (0, 2):
        start = START + hours * 3600
        document = Suppression(
            f"SUP-{hours}", "patches", kind="maintenance", entity="check*",
            starts_at=start, ends_at=start + 1800,
        )  # fmt: skip
        stores.suppressions.insert(document.to_document())
    ingest(stores, clock).ingest([signal()])
    (held,) = stores.signals.all()
    (opened,) = ingest(stores, clock).ingest([signal(last_time=START + 3600)])
    stores.signals.save([held])

    (again,) = ingest(stores, clock).ingest([signal(last_time=START + 7500)])
    assert (again.what, again.incident_id) == ("added", opened.incident_id)
    assert "suppressed_by" not in stores.signals.all()[0]
    assert stores.incidents.get(opened.incident_id)["signals"] == 1


def test_a_signal_with_a_condition_waits_for_it_when_the_mute_is_over(stores, clock):
    mute = muted(stores, clock, starts_at=START)
    after = {"signals": 2, "rules": 0, "seconds": 600.0}
    ingest(stores, clock).ingest([signal(after=after)])
    suppression.remove(stores, mute.id)
    (again,) = ingest(stores, clock).ingest([signal(after=after, last_time=START + 120)])
    assert again.what == "pending"
    both = ingest(stores, clock).ingest([signal(run=1, after=after)])
    assert [one.what for one in both] == ["opened"]
    assert stores.incidents.all()[0]["signals"] == 2


def test_a_redelivery_after_a_mute_was_made_finds_the_signal_counted(stores, clock):
    """The first delivery was killed before its last step, and the mute was made since."""
    (opened,) = ingest(stores, clock).ingest([signal()])
    stores.signals.delete(signal().key)
    muted(stores, clock, starts_at=START)
    (again,) = ingest(stores, clock).ingest([signal()])

    assert (again.what, again.incident_id) == ("added", opened.incident_id)
    (document,) = stores.signals.all()
    assert document["incident_id"] == opened.incident_id and "suppressed_by" not in document
    assert stores.incidents.get(opened.incident_id)["signals"] == 1


def test_a_counted_signal_is_found_while_others_open_incidents_of_its_rule(
    stores, clock, monkeypatch
):
    """Its claim is only on the newest page of the ledger, and the next page comes meanwhile."""
    (opened,) = ingest(stores, clock).ingest([signal()])
    stores.signals.delete(signal().key)
    stores.claims.delete(f"episode:{signal().dedup_key}:1")
    muted(stores, clock, starts_at=START)
    find = stores.claims.find

    def find_then_another_writer_opens_one(*args: Any, **more: Any) -> Any:
        found = find(*args, **more)
        monkeypatch.undo()
        ingest(stores, clock).ingest([signal("cart")])
        return found

    monkeypatch.setattr(stores.claims, "find", find_then_another_writer_opens_one)
    (again,) = ingest(stores, clock).ingest([signal()])
    assert (again.what, again.incident_id) == ("added", opened.incident_id)


def test_a_redelivery_after_a_mute_was_made_finds_the_signal_in_a_merged_incident(stores, clock):
    (a, b) = ingest(stores, clock).ingest([signal("checkout"), signal("cart")])
    stores.signals.delete(signal("checkout").key)
    merging.merge(Act(stores, clock, "ann"), a.incident_id, b.incident_id)
    muted(stores, clock, starts_at=START)
    (again,) = ingest(stores, clock).ingest([signal("checkout")])

    assert again.incident_id == b.incident_id
    assert stores.incidents.get(b.incident_id)["signals"] == 2


def test_a_signal_that_waits_for_a_condition_is_not_muted_afterwards(stores, clock):
    waiting = signal(after={"signals": 2, "rules": 0, "seconds": 600.0})
    ingest(stores, clock).ingest([waiting])
    muted(stores, clock, starts_at=START)
    (again,) = ingest(stores, clock).ingest([waiting])
    assert again.what == "pending"
    assert "suppressed_by" not in stores.signals.all()[0]


def test_a_tag_suppresses_signals_that_have_it(stores, clock):
    muted(stores, clock, entity="*", tag="stag*", starts_at=START)
    found = [signal("a", tags=["eu", "Staging"]), signal("b", tags=["prod"]), signal("c")]
    outcomes = ingest(stores, clock).ingest(found)
    assert [outcome.what for outcome in outcomes] == ["suppressed", "opened", "opened"]


@pytest.mark.parametrize("name", ["Processor[_Total]", "web-1 [prod]", "[::1]:443", "a]b[", "[!x]"])
def test_a_name_with_brackets_is_suppressed_literally(stores, clock, name):
    muted(stores, clock, starts_at=START, entity=name)
    muted(stores, clock, starts_at=START, rule="High [Err*", entity=f"{name[:3]}?*")
    outcomes = ingest(stores, clock).ingest([signal(name), signal("t"), signal("x")])
    assert [outcome.what for outcome in outcomes] == ["suppressed", "opened", "opened"]


def test_a_tag_has_recurring_windows_too(stores, clock):
    window = Suppression(
        "SUP-1", "patches", kind="maintenance", tag="batch", days=("tue",), from_time="22:00"
    )

    def held(when, *tags):
        found = signal(tags=tags, first_time=0.0, last_time=moment(when))
        return bool(suppression.suppressing([window], [found]))

    assert held("2023-11-14T22:30", "batch")
    assert not held("2023-11-14T21:30", "batch")
    assert not held("2023-11-15T22:30", "batch")
    assert not held("2023-11-14T22:30")


def test_a_snooze_ends_automatically(stores, clock):
    muted(stores, clock, kind="snooze", seconds=600)
    clock.advance(3600)
    during, after = signal(run=1), signal(run=5)
    outcomes = ingest(stores, clock).ingest([during, after])
    assert [outcome.what for outcome in outcomes] == ["suppressed", "opened"]


@pytest.mark.parametrize(
    ("when", "held"),
    [
        ("2026-03-27T21:59", True),  # Friday 22:59 in Berlin
        ("2026-03-27T20:59", False),
        ("2026-03-28T04:59", True),  # Saturday 05:59, begun on Friday
        ("2026-03-28T05:00", False),
        ("2026-04-03T20:30", True),  # summer time: 22:30
        ("2026-03-28T22:00", False),
    ],
)
def test_a_weekly_window_keeps_local_time_past_midnight_and_in_summer(when, held):
    window = Suppression(
        "SUP-1",
        "patches",
        kind="maintenance",
        days=("fri",),
        from_time="22:00",
        to_time="06:00",
        time_zone="Europe/Berlin",
    )
    assert window.in_force(moment(when)) is held


@pytest.mark.parametrize(
    ("when", "held"),
    [
        ("2026-10-25T00:20", False),  # 02:20 in summer time
        ("2026-10-25T00:30", True),
        ("2026-10-25T01:20", True),  # 02:20 again, in winter time: no hole in it
        ("2026-10-25T04:59", True),
        ("2026-10-25T05:00", False),
        ("2026-03-29T01:20", False),  # 03:20; 02:30 is left out and counts as an hour later
        ("2026-03-29T01:30", True),
    ],
)
def test_a_weekly_window_is_whole_on_the_nights_when_clocks_change(when, held):
    window = Suppression(
        "SUP-1",
        "patches",
        kind="maintenance",
        days=("sun",),
        from_time="02:30",
        to_time="06:00",
        time_zone="Europe/Berlin",
    )
    assert window.in_force(moment(when)) is held


def test_a_snooze_lasts_30_days_at_most(stores, clock):
    with pytest.raises(Invalid, match="at most 30 days ahead"):
        muted(stores, clock, kind="snooze", seconds=30 * 86_400 + 1)
    assert muted(stores, clock, kind="snooze", seconds=30 * 86_400)


def test_an_end_at_the_start_is_refused(stores, clock):
    with pytest.raises(Invalid, match="end before it starts"):
        muted(stores, clock, kind="maintenance", ends_at=clock.now())


@pytest.mark.parametrize(
    ("wrong", "sentence"),
    [
        ({"kind": "pause"}, "'pause' is not a kind"),
        ({"reason": " "}, "needs a reason"),
        ({"entity": "*"}, "Name a rule, an entity or a tag"),
        ({"ends_at": 1.0}, "end before it starts"),
        ({"kind": "snooze"}, "needs an end"),
        ({"kind": "maintenance"}, "needs ends_at, or the days"),
        ({"days": ["noday"]}, "is not a day"),
        ({"from_time": "9:00"}, "is not a time of day"),
        ({"time_zone": "Mars/Olympus"}, "is not a time zone"),
    ],
)
def test_a_wrong_suppression_is_refused_in_one_sentence(stores, clock, wrong, sentence):
    with pytest.raises(Invalid, match=sentence):
        muted(stores, clock, **wrong)
    assert stores.suppressions.all() == []


def test_ended_suppressions_do_not_count_towards_the_limit(stores, clock, monkeypatch):
    monkeypatch.setattr(suppression, "MAX_SUPPRESSIONS", 3)
    monkeypatch.setattr(suppression, "MAX_OVER", 3)
    weekly = muted(stores, clock, kind="maintenance", days=["fri"])
    over = []
    for _window in range(5):
        clock.advance(3600)
        over.append(muted(stores, clock, kind="maintenance", seconds=300).id)
    clock.advance(3600)
    snooze, mute = muted(stores, clock, kind="snooze", seconds=300), muted(stores, clock)
    with pytest.raises(Invalid, match="There are already 3 suppressions"):
        muted(stores, clock)
    listed = {one.id for one in suppression.list_suppressions(stores, clock)}
    assert listed == {weekly.id, snooze.id, mute.id, *over[2:]}
    in_force = suppression.active_between(stores.suppressions, clock.now() - 1e9, clock.now())
    assert len(in_force) == 8, "What is looked at is never cut."
    clock.advance(301)
    assert muted(stores, clock)


def test_ending_an_unknown_one_is_not_found(stores):
    with pytest.raises(NotFound, match="There is no suppression SUP-1"):
        suppression.remove(stores, "SUP-1")


def test_windows_that_are_planned_are_not_read_with_each_signal(stores, clock):
    now = clock.now()
    ahead = muted(stores, clock, kind="maintenance", starts_at=now + 60, ends_at=now + 120)
    assert suppression.active_between(stores.suppressions, now, now + 59) == []
    assert suppression.active_between(stores.suppressions, now, now + 60) == [ahead]
    assert suppression.active_between(stores.suppressions, now + 120, now + 130) == []


def test_many_signals_are_suppressed_like_each_one_alone(stores, clock):
    muted(stores, clock, reason="a", entity="db-*")
    muted(stores, clock, reason="b", rule="HTTP*", entity="*", tag="night")
    clock.advance(1)
    muted(stores, clock, reason="c", rule="HTTP*", entity="*", kind="snooze", seconds=60)
    signals = [
        signal(entity, run, rule=rule, tags=tags, last_time=clock.now() + late, first_time=START)
        for run, (rule, entity, tags, late) in enumerate(
            product(("HTTP 5xx", "Latency"), ("db-1", "web"), ([], ["night"]), (0, 120))
        )
    ]
    active = suppression.active_between(stores.suppressions, clock.now(), clock.now() + 120)
    each = {
        s.key: [o for o in active if o.is_about(s) and o.in_force(s.last_time)][:1] for s in signals
    }

    found = suppression.suppressing(active, signals)
    assert found == {key: some[0] for key, some in each.items() if some}
    assert {one.reason for one in found.values()} == {"a", "b", "c"}
    assert len(found) < len(signals)


def test_a_pattern_is_made_an_expression_once_also_of_five_hundred(monkeypatch):
    """fnmatch of Python 3.9 caches 256: 4 ms for a signal and 500 suppressions."""
    made: list[str] = []
    real: Any = re.compile

    def compiled(text):
        made.append(text)
        return real(text)

    monkeypatch.setattr(patterns.re, "compile", compiled)
    for _signal in range(3):
        for number in range(500):
            patterns.matches("web", f"once-{number}-*")

    assert len(made) == 500

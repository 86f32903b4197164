"""How a detection does, by its incidents, and what would have calmed it."""

import pytest

from incident_management.detection.health import measures
from incident_management.detection.health.calming import (
    Settings,
    calming_setting,
    findings_of,
    no_longer_above,
)
from incident_management.detection.health.measures import DAY, Verdicts
from incident_management.detection.health.recent_signals import RecentSignals, opened_by
from incident_management.incidents.routing import Routing
from tests.fakes import FakeStores
from tests.unit.detection.test_backtest_outcome import Errors, often, replayed

NOW = 1_700_000_000.0


# By hand, with z = 1.96: of none or of all right, one bound is z²/(n + z²) or n/(n + z²).
@pytest.mark.parametrize(
    ("right", "total", "low", "high"),
    [(0, 0, 0.0, 1.0), (2, 2, 0.3424, 1.0), (0, 4, 0.0, 0.4899), (8, 10, 0.4902, 0.9433)],
)
def test_the_interval_of_a_share_is_wilsons(right, total, low, high):
    assert measures.wilson(right, total) == pytest.approx((low, high), abs=5e-5)


@pytest.mark.parametrize(
    ("verdicts", "noisy"),
    [
        (Verdicts(), False),
        (Verdicts(false_positive=2), False),  # two verdicts don't condemn a detection
        (Verdicts(false_positive=3, duplicate=1), True),
        (Verdicts(true_positive=4, false_positive=5), False),
        (Verdicts(true_positive=4, false_positive=40), True),
    ],
)
def test_a_detection_is_noisy_when_its_verdicts_leave_no_doubt(verdicts, noisy):
    assert bool(measures.noise(verdicts, 0.0)) == noisy


def test_a_detection_is_noisy_by_its_pages_alone():
    assert not measures.noise(Verdicts(none=70), 10.0)
    assert "11 times a day" in measures.noise(Verdicts(none=77), 11.0)


def incident(number, feedback="", ago=DAY, rule="Errors", openings=1):
    return {
        "id": f"INC-{number}",
        "rules": [rule, "Another"],
        "feedback": feedback,
        "opened_at": NOW - ago,
        "openings": openings,
    }


def test_pages_are_openings_and_belong_to_who_opened():
    incidents = [incident(1, openings=3), incident(2), incident(3, ago=20 * DAY)]
    again = {"INC-1": [NOW - DAY / 2, NOW - DAY / 3], "INC-9": [NOW - DAY]}
    found = RecentSignals(FakeStores(), NOW)
    opened = found.by_detection(incidents)
    assert opened_by(("Another", ""), opened) == []
    week = measures.firing(opened_by(("Errors", ""), opened), again, 9, 7, NOW)
    assert week == {"days": 7, "signals": 9, "incidents": 2, "pages": 4, "pages_per_day": 0.57}


def test_an_incident_that_is_opened_again_pages_when_it_is():
    """Opened first before the week, it still pages many times a day in it."""
    incidents = [incident(1, ago=8 * DAY, openings=81)]
    again = {"INC-1": [NOW - DAY / 10 * number for number in range(80)]}
    week = measures.firing(incidents, again, 0, 7, NOW)
    assert (week["incidents"], week["pages"]) == (0, 71)


def test_one_that_was_enabled_this_week_is_new_and_not_silent():
    """High Error Rate on its first day: nobody is to lower its threshold."""
    assert measures.quietness(True, None, NOW, NOW - 3600)[0] == "new"
    assert measures.quietness(True, NOW - 60, NOW, NOW - 3600)[0] == "ok"
    assert measures.quietness(False, None, NOW, NOW - 3600)[0] == "disabled"
    assert measures.quietness(True, None, NOW, NOW - 8 * DAY)[0] == "never_fired"


@pytest.mark.parametrize(
    ("enabled", "fired", "state"),
    [
        (False, NOW, "disabled"),
        (True, None, "never_fired"),
        (True, NOW - 31 * DAY, "silent"),
        (None, NOW - DAY, "ok"),
    ],
)
def test_silence_has_a_name(enabled, fired, state):
    found, why = measures.quietness(enabled, fired, NOW)
    assert (found, bool(why)) == (state, state != "ok")


# --- what would have calmed it ---------------------------------------------------------------


def signal(number, count=1, at=0.0, problem="p", **more):
    return {
        "incident_id": f"INC-{number}",
        "dedup_key": problem,
        "last_time": NOW + at,
        "rows": [{"count": str(count)}],
        **more,
    }


FIVE_EVENTS = Settings("count", "5", 5.0)


def best(signals, feedback, settings=FIVE_EVENTS, wanted=10.0, reopened=None):
    findings = findings_of(signals, settings.metric, reopened or {})
    return calming_setting(findings, feedback, settings, 1.0, wanted)


def test_a_higher_threshold_that_keeps_the_true_ones_is_proposed():
    signals, feedback = [], {}
    for number in range(40):  # false ones of 6 to 12 events, hours apart and each its own problem
        signals.append(signal(number, 6 + number % 7, number * 7200.0, f"p{number}"))
        feedback[f"INC-{number}"] = "false_positive"
    for number in range(40, 51):  # true ones of 10 and more
        signals.append(signal(number, number - 30, number * 7200.0, f"p{number}"))
        feedback[f"INC-{number}"] = "true_positive"

    found = best(signals, feedback)
    assert found is not None
    assert (found.setting, found.change) == ("threshold", "the limit of count from 5 to 9")
    # 6, 7, 8 and 9 events: six each of the seven sizes for the first five, five for the others.
    assert (found.kept_true, found.of_true) == (11, 11)
    assert (found.dropped_unwanted, found.of_unwanted) == (24, 40)
    assert "kept 11 of 11 true incidents and dropped 24 of 40" in found.sentence


def test_a_macro_is_named_as_the_thing_to_change():
    settings = Settings("count", "`my_limit`", None)
    found = best(
        [signal(1, 6), signal(2, 60, problem="q")],
        {"INC-1": "false_positive", "INC-2": "true_positive"},
        settings,
    )
    assert found is not None
    assert found.change == "the definition of the macro my_limit to 6"


def test_one_problem_that_comes_back_every_hour_is_calmed_by_suppression():
    settings = Settings(suppress_fields="host")
    signals = [signal(number, at=number * 3600.0) for number in range(6)]
    feedback = {f"INC-{number}": "duplicate" for number in range(1, 6)}
    found = best(signals, {**feedback, "INC-0": "true_positive"}, settings)
    assert found is not None
    assert found.setting == "alert.suppress.period"
    assert found.change == (
        "alert.digest_mode = 0, alert.suppress = 1, alert.suppress.period = 8h and "
        "alert.suppress.fields = host"
    )
    assert (found.kept_true, found.dropped_unwanted, found.incidents) == (1, 5, 1)


def test_short_blips_are_calmed_by_waiting_for_a_second_finding():
    signals = [signal(n, 9, n * 90_000.0, f"p{n}") for n in range(5)]
    signals += [signal(9, 9, at, "lasting") for at in (0.0, 300.0, 600.0)]
    feedback = {f"INC-{n}": "false_positive" for n in range(5)}
    found = best(signals, {**feedback, "INC-9": "true_positive"}, Settings())
    assert found is not None
    assert "after_signals = 2" in found.change
    assert (found.kept_true, found.dropped_unwanted) == (1, 5)


@pytest.mark.parametrize("period", [0.0, 90_000.0])
def test_what_is_proposed_calms_the_detection_and_lets_an_outage_of_another_through(period):
    """Blips of orders, each false; then an outage of pay. Replayed as it is, and as proposed."""
    faults = [*often("orders", 30), ("pay", 30_000, 33_600, 50)]
    findings = [(name, at) for name, begin, end, _ in faults for at in range(begin, end, 300)]
    signals = [signal(at if name == "orders" else 0, 50, at, name) for name, at in findings]
    feedback = {one["incident_id"]: "false_positive" for one in signals}
    feedback["INC-0"] = "true_positive"
    # With a period that suppression can't be made longer than, the condition is what is left.
    found = best(signals, feedback, Settings(step=300.0, period=period))
    assert found is not None

    parts = found.change.replace(" and ", ", ").split(", ")
    settings = dict(part.split(" = ") for part in parts)
    as_it_is = {"quiet": 600.0, "routing": Routing(reopen_window=3600.0, flap_count=0)}
    _, before = replayed(Errors(5, *faults), replay=as_it_is)
    opened, after = replayed(Errors(5, *faults), settings=settings, replay=as_it_is)
    assert before["as asked"]["pages"] == 31
    assert after["as asked"]["pages"] == found.incidents < 5
    assert ["pay"] in [row["entities"] for row in opened]


def test_a_condition_that_its_runs_can_never_meet_is_not_proposed():
    """Four findings in a row, each time false: five within 15 minutes would end the detection."""
    signals = [
        signal(n, 9, n * 90_000.0 + at, f"p{n}") for n in range(5) for at in (0, 300, 600, 900)
    ]
    found = best(signals, {f"INC-{n}": "false_positive" for n in range(5)}, Settings(step=300.0))
    assert found is not None
    # The mildest that four in a row don't meet, and that five runs do.
    assert found.change.startswith("action.open_incident.param.after_signals = 5 ")
    assert found.change.endswith("after_window = 30m")


def test_a_detection_that_runs_once_an_hour_is_not_told_to_wait_for_two_within_the_hour():
    signals = [signal(n, 9, n * 90_000.0, f"p{n}") for n in range(5)]
    feedback = {f"INC-{n}": "false_positive" for n in range(5)}
    assert best(signals, feedback, Settings(step=3600.0)) is None


def test_nothing_is_proposed_that_loses_a_true_incident():
    # The false ones are larger, apart from each other, and last as long as the true one.
    signals = [signal(n, 50, n * 90_000.0, f"p{n}") for n in range(4)] + [signal(9, 6)]
    feedback = {f"INC-{n}": "false_positive" for n in range(4)}
    assert best(signals, {**feedback, "INC-9": "true_positive"}) is None


def test_without_verdicts_the_mildest_setting_that_is_quiet_enough_is_proposed():
    signals = [signal(n, n, n * 90_000.0, f"p{n}") for n in range(6, 26)]
    found = best(signals, {f"INC-{n}": "" for n in range(6, 26)}, wanted=10.0)
    assert found is not None
    assert (found.incidents, found.of_incidents) == (10, 20)
    assert found.change == "the limit of count from 5 to 15"
    assert "true incidents" not in found.sentence


def test_an_incident_that_is_opened_again_and_again_is_not_quiet_enough():
    """One came back every 45 minutes, another was there once: without it, it is as loud as ever."""
    times = [NOW + 2700.0 * number for number in range(32)]
    signals = [signal(1, 50, time - NOW, received_at=time) for time in times]
    signals.append(signal(2, 6, 50_000.0, "q", received_at=NOW + 50_000.0))
    found = best(signals, {"INC-1": "", "INC-2": ""}, reopened={"INC-1": times[1:]})

    assert found is not None
    assert (found.setting, found.incidents, found.of_pages) == ("alert.suppress.period", 2, 33)
    assert found.pages <= 10
    assert f"2 of 2 incidents would have been opened, with {found.pages} of 33" in found.sentence


def test_what_was_suppressed_and_what_joined_anothers_incident_does_not_count():
    signals = [signal(1, 6), signal(2, 60), signal(3, 7, suppressed_by="SUP-1")]
    assert [one.incident_id for one in findings_of(signals, "count")] == ["INC-1", "INC-2"]
    assert best(signals, {"INC-1": "false_positive"}) is not None


def test_what_the_threshold_as_it_is_set_now_lets_through_no_more_does_not_count():
    signals = [signal(1, 6), signal(1, 7), signal(2, 6), signal(2, 9), signal(3, 30, at=7200.0)]
    now = Settings("count", "5", 8.0)
    assert no_longer_above(findings_of(signals, "count"), now) == {"INC-1"}
    assert no_longer_above(findings_of(signals, ""), now) == set(), (
        "no rows tell how large they were"
    )
    verdicts = {"INC-1": "false_positive", "INC-2": "false_positive", "INC-3": "true_positive"}
    found = best(signals, verdicts, now)
    assert found is not None
    assert (found.change, found.of_unwanted) == ("the limit of count from 8 to 9", 1)

from __future__ import annotations

import json
import math
import random

import pytest

from incident_management.detection.baselines import series
from incident_management.detection.baselines.series import MAX_NUMBER, BadInput, SeriesScorer
from incident_management.detection.packing import pack
from tests.unit.detection.scoring import scored


def _rows(count=30, **more):
    return [{"_time": str(i * 60), "count": str(10 + i % 2), **more} for i in range(count)]


def test_rows_keep_their_order_and_get_five_fields():
    found = list(scored(SeriesScorer("count"), _rows()))
    assert [row["_time"] for row in found] == [str(i * 60) for i in range(30)]
    assert {"expected", "lower", "upper", "anomaly_score", "is_anomaly"} <= set(found[0])
    assert found[-1]["is_anomaly"] == "0"


def test_series_do_not_mix():
    rows = []
    for i in range(60):
        rows.append({"_time": str(i), "host": "a", "count": "10"})
        rows.append({"_time": str(i), "host": "b", "count": "100000"})
    apart = scored(SeriesScorer("count", by=["host"]), rows)
    assert not [row for row in apart if row["is_anomaly"] == "1"]
    mixed = list(scored(SeriesScorer("count"), rows))
    assert float(mixed[-1]["upper"]) > 100000


def test_state_lasts_over_chunks():
    scorer = SeriesScorer("count")
    rows = [*_rows(), {"_time": "1800", "count": "500"}]
    whole = [dict(r) for r in scored(SeriesScorer("count"), [dict(r) for r in rows])]
    parts = list(scored(scorer, rows[:7])) + list(scored(scorer, rows[7:]))
    assert parts == whole and parts[-1]["is_anomaly"] == "1"


def test_text_where_a_number_belongs_passes_with_one_warning():
    scorer = SeriesScorer("count")
    found = list(
        scored(scorer, [{"count": "many"}, {"count": "few"}, {"count": "inf"}, {"count": "3"}])
    )
    assert [row["is_anomaly"] for row in found] == ["", "", "", "0"]
    assert scorer.warnings() == [
        "Rows whose 'count' is no number, or one beyond 1e+150, such as 'many', have no score."
    ]


def _scored(values):
    """The scores of a series, and of another beside it; what was learned can be kept."""
    scorer = SeriesScorer("n", by=["host"])
    scores = []
    for i, value in enumerate(values):
        scores.append(scorer.score_one(value, "a", str(i * 300)).split(","))
        beside = scorer.score_one(str(100 + i % 7), "b", str(i * 300)).split(",")
    for one in scorer.to_state()["series"]:
        pack(one)
    return scores, beside, scorer.warnings()


@pytest.mark.parametrize("value", ["1.797e308", "-1e151", "inf", "-inf", "nan"])
def test_a_value_that_stands_for_not_known_costs_only_itself(value):
    values = [value if i in (300, 320, 321) else str(100 + i % 7) for i in range(600)]
    scores, beside, said = _scored(values)
    assert [i for i, score in enumerate(scores) if score[3] == ""] == [300, 320, 321]
    without = ["" if text == value else text for text in values]
    assert scores == _scored(without)[0]
    assert beside[3] != ""
    assert len(said) == 1 and f"such as '{value}'" in said[0]


def test_a_counter_up_to_any_number_can_be_kept():
    scores, _, said = _scored([str(9e307 * i / 600) for i in range(600)])
    assert {score[4] for score in scores} == {"0", ""} and len(said) == 1


@pytest.mark.parametrize("seed", range(12))
def test_numbers_of_any_size_in_one_series_have_finite_scores(seed):
    rng = random.Random(seed)
    sizes = [10.0 ** rng.uniform(-320, 150) for _ in range(3)] + [0.0, MAX_NUMBER, -MAX_NUMBER]
    values = [sizes[0] if i < 400 else rng.choice(sizes) for i in range(900)]
    for score in _scored([str(value) for value in values])[0]:
        assert all(math.isfinite(float(field)) for field in score)


def test_a_field_that_no_row_has_is_named():
    scorer = SeriesScorer("cuont")
    list(scored(scorer, _rows(3)))
    assert "'cuont'" in scorer.warnings()[0]


def test_times_that_go_backwards_are_refused_with_the_remedy():
    rows = list(reversed(_rows()))
    with pytest.raises(BadInput, match="sort 0 _time"):
        list(scored(SeriesScorer("count"), rows))


def test_series_beyond_the_limit_pass_without_a_score(monkeypatch):
    monkeypatch.setattr(series, "MAX_SERIES", 3)
    scorer = SeriesScorer("count", by=["host"])
    found = list(scored(scorer, [{"host": str(i), "count": "1"} for i in range(5)]))
    assert [bool(row["is_anomaly"]) for row in found] == [True, True, True, False, False]
    assert "Only the first 3 values of host" in scorer.warnings()[0]


def test_ten_thousand_series_are_scored_and_the_next_one_is_named():
    scorer = SeriesScorer("count", by=["host"])
    rows = ({"host": str(i % 10_001), "count": "1", "_time": str(i)} for i in range(10_100))
    unscored = [row["host"] for row in scored(scorer, rows) if row["is_anomaly"] == ""]
    assert unscored == ["10000"]
    assert len(scorer.warnings()) == 1


def test_what_was_learned_goes_on_in_another_run():
    rows = [*_rows(200, host="a"), {"_time": "12000", "count": "500", "host": "a"}]
    whole = list(scored(SeriesScorer("count", by=["host"]), [dict(row) for row in rows]))
    first, second = SeriesScorer("count", by=["host"]), SeriesScorer("count", by=["host"])
    parts = list(scored(first, rows[:90]))
    second.restore(json.loads(json.dumps(first.to_state())))
    parts += list(scored(second, rows[90:]))
    assert [row["is_anomaly"] for row in parts] == [row["is_anomaly"] for row in whole]
    assert parts[-1]["is_anomaly"] == "1"
    assert next(row["is_anomaly"] for row in scored(second, rows[:90])) == ""
    assert "an earlier run has learned" in second.warnings()[0]


def test_what_was_learned_with_other_settings_is_refused():
    state = SeriesScorer("count", by=["host"]).to_state()
    with pytest.raises(ValueError, match="another season or other 'by' fields"):
        SeriesScorer("count", by=["service"]).restore(state)


def test_what_another_version_of_the_app_has_learned_is_learned_anew():
    learned = SeriesScorer("count", by=["host"])
    list(scored(learned, _rows(30, host="a")))
    state = learned.to_state()
    state["series"][0]["baseline"]["version"] = 1
    after = SeriesScorer("count", by=["host"])
    after.restore(json.loads(json.dumps(state)))

    scores = [row["anomaly_score"] for row in scored(after, _rows(30, host="a"))]
    assert "" not in scores, "Rows of before were taken for known."
    assert "another version of the app" in after.warnings()[0]


NOW = 200 * 60.0
SPIKE = {"_time": str(200 * 60), "count": "500"}


def _after(scorer):
    """The scorer of the next run."""
    following = SeriesScorer("count")
    following.set_now(NOW)
    following.restore(json.loads(json.dumps(scorer.to_state())))
    return following


def test_a_row_of_a_wrong_clock_does_not_silence_its_series():
    scorer = SeriesScorer("count")
    scorer.set_now(NOW)
    wrong = [{"_time": "1956528000", "count": "10"}, {"_time": str(NOW + 301), "count": "10"}]
    found = list(scored(scorer, [*_rows(200), *wrong]))
    assert [bool(row["anomaly_score"]) for row in found[-3:]] == [True, False, False]
    (spike,) = scored(_after(scorer), [dict(SPIKE)])
    assert spike["is_anomaly"] == "1"
    assert scorer.ahead_warning() == (
        "Rows that lie more than 5 minutes after now have no score, and nothing was learned from "
        "them (2, up to 2032-01-01 00:00 UTC); look at the clock of what sends them."
    )


def test_a_row_of_a_clock_that_is_little_ahead_is_scored_and_learned_from():
    scorer = SeriesScorer("count")
    scorer.set_now(NOW)
    found = list(scored(scorer, [*_rows(200), {"_time": str(NOW + 299), "count": "10"}]))
    assert found[-1]["is_anomaly"] == "0" and scorer.ahead_warning() == ""
    assert scorer.to_state()["series"][0]["time"] == NOW + 299


def test_a_series_that_has_only_rows_of_a_wrong_clock_is_not_kept():
    scorer = SeriesScorer("count", by=["host"])
    scorer.set_now(NOW)
    list(scored(scorer, [{"_time": "1e300", "host": "a", "count": "10"}]))
    assert scorer.to_state()["series"] == []
    assert "up to 1e+300" in scorer.ahead_warning()


def test_without_a_now_a_forecast_is_scored_too():
    scorer = SeriesScorer("count")
    found = list(scored(scorer, [*_rows(200), {"_time": "1956528000", "count": "10"}]))
    assert found[-1]["anomaly_score"] != ""


def test_a_state_that_was_learned_up_to_a_time_to_come_is_named():
    scorer = SeriesScorer("count")
    list(scored(scorer, [*_rows(200), {"_time": "1956528000", "count": "10"}]))
    following = _after(scorer)
    (warning,) = following.warnings()
    assert "up to a time that is yet to come have no score until then (1)" in warning

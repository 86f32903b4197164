"""``| anomalyscore state=<name>`` in one search after the other, as a schedule runs them."""

from __future__ import annotations

from typing import Any

from tests.integration.detection.conftest import APP_NAME, Detections


def _run(detections: Detections, first: int, count: int, options: str = "") -> list[dict[str, Any]]:
    spl = (
        f"| makeresults count={count} | streamstats count as n | eval n=n+{first - 1} "
        '| eval _time=1700000000+300*n, service=if(n%2=0, "pay", "web"), '
        "value=if(n=590, 900, 100+n%7) "
        f"| anomalyscore value=value by=service {options}"
    )
    rows: list[dict[str, Any]] = detections.standin.search(spl, app=APP_NAME)
    return rows


def test_a_short_run_knows_what_a_long_one_learned(detections: Detections) -> None:
    whole = _run(detections, 0, 600)
    _run(detections, 0, 588, "state=payments")
    short = _run(detections, 588, 12, "state=payments")
    assert [row["is_anomaly"] for row in short] == [row["is_anomaly"] for row in whole[588:]]
    assert [row["n"] for row in short if row["is_anomaly"] == "1"] == ["590"]
    alone = _run(detections, 588, 12)
    assert "1" not in {row["is_anomaly"] for row in alone}


def test_the_same_rows_are_not_learned_from_twice(detections: Detections) -> None:
    _run(detections, 0, 60, "state=payments")
    again = _run(detections, 30, 60, "state=payments")
    assert [row["n"] for row in again if not row.get("anomaly_score")] == [
        str(n) for n in range(30, 60)
    ]


def test_a_state_of_other_fields_is_refused_with_the_remedy(detections: Detections) -> None:
    _run(detections, 0, 60, "state=payments")
    refused = detections.standin.splunk.jobs.dispatch(
        "| makeresults | eval value=1 | anomalyscore value=value state=payments",
        "admin",
        APP_NAME,
    )
    assert refused.state == "FAILED"
    assert "delete them to learn anew" in str(refused.messages)


def test_a_row_of_a_wrong_clock_does_not_silence_what_was_learned(detections: Detections) -> None:
    _run(detections, 0, 588, "state=payments")
    wrong = detections.standin.splunk.jobs.dispatch(
        '| makeresults | eval _time=now()+86400*1500, service="pay", value=100 '
        "| anomalyscore value=value by=service state=payments",
        "admin",
        APP_NAME,
    )
    assert "nothing was learned from them (1, up to" in str(wrong.messages)
    short = _run(detections, 588, 12, "state=payments")
    assert [row["n"] for row in short if row["is_anomaly"] == "1"] == ["590"]

"""Shipped detections are asked whether a fix helped, over events as they were before and after."""

from __future__ import annotations

import json
from typing import Any, Mapping

import pytest

from incident_management.incidents.model import Incident
from incident_management.remediation.catalogue import Catalogue
from incident_management.remediation.plan import PlanState
from incident_management.remediation.raising_search import CannotJudge, search_identity
from incident_management.remediation.verdict import Judgement, RollbackRule, judge
from incident_management.rerun.raising import SavedSearchRaising
from incident_management.splunk.searching.search import SplunkSearcher
from incident_management.splunk.session import Session
from tests.integration.detection.conftest import APP_NAME, NOW, Detections

MINUTE = 60.0
ROLLBACK = {
    "rollback_change": {
        "label": "Roll back",
        "executor": "deploy_api",
        "argument.service": "$analysis.service$",
        "argument.change_id": "$analysis.change_id$",
        "argument.to_version": "$analysis.previous_version$",
        "blast_radius": "$service$ restarts.",
    }
}


def write(detections: Detections, raw: str, begin: float, end: float, pace: float, **more: str):
    """Write an event each ``pace`` seconds; times are seconds after the fix."""
    times = range(int((end - begin) / pace))
    for number in times:
        detections.log(raw, -(begin + number * pace), **more)


def answered(status: int) -> str:
    return json.dumps({"service": "checkout", "status": status})


def failing_then_answering(detections: Detections, status: int, pace: float) -> None:
    http = {"sourcetype": "access_json"}
    write(detections, answered(503), -400, 0, 2.5, **http)
    write(detections, answered(status), 3, 600, pace, **http)


def errors_then(detections: Detections, pace: float) -> None:
    write(detections, "ERROR pool exhausted service=checkout", -400, 0, 3)
    write(detections, "INFO order paid service=checkout", -400, 600, 5)
    if pace:
        write(detections, "ERROR pool exhausted service=checkout", 5, 600, pace)


def judged(detections: Detections, name: str, **changes: str) -> Judgement:
    """Judge a fix that was done at ``NOW``; ``changes`` are settings of the saved search."""
    standin = detections.standin
    if changes:
        local = standin.splunk.home / "etc/apps" / APP_NAME / "local/savedsearches.conf"
        local.parent.mkdir(exist_ok=True)
        lines = [f"{key.replace('__', '.')} = {value}" for key, value in changes.items()]
        local.write_text("\n".join([f"[{name}]", *lines, ""]))
        standin.splunk.conf.reload()
    session = Session(standin.splunk.mgmt_uri, standin.session_key())
    raising = SavedSearchRaising(session)
    search: Mapping[str, Any] = {"name": name, "app": APP_NAME, "owner": "nobody"}
    action = Catalogue.from_stanzas(ROLLBACK).get("rollback_change")
    state = PlanState(started_at=NOW, done_at=NOW)
    windows = raising.grid(search, NOW).first(action, state)
    incident = Incident("INC-20260101-AAAAAA", entities=["checkout"])
    raised_by = {**search, "rule": name}
    asked = [(raised_by, windows)]
    meant = RollbackRule(search_identity(raised_by), frozenset(["checkout"]))
    return judge(raising, SplunkSearcher(session), action, incident, asked, meant)


def test_all_requests_fail_as_before_but_there_are_fewer(detections: Detections) -> None:
    """15 a minute are fewer than the 20 that the search asks of its 5 minutes."""
    failing_then_answering(detections, 503, 4)
    assert judged(detections, "HTTP 5xx Ratio").outcome == "not_recovered"


def test_requests_that_are_answered_again(detections: Detections) -> None:
    failing_then_answering(detections, 200, 4)
    assert judged(detections, "HTTP 5xx Ratio").outcome == "recovered"


@pytest.mark.parametrize(
    ("pace", "outcome"), [(12, "not_recovered"), (0, "recovered"), (70, "recovered")]
)
def test_fewer_errors_are_too_many_still_until_they_are_within_the_limit(
    detections: Detections, pace: float, outcome: str
) -> None:
    errors_then(detections, pace)
    assert judged(detections, "High Error Rate").outcome == outcome


@pytest.mark.parametrize(("limit", "outcome"), [(20, "recovered"), (3, "not_recovered")])
def test_the_alerts_own_condition_counts(detections: Detections, limit: int, outcome: str) -> None:
    errors_then(detections, 40)
    condition = {"counttype": "custom", "alert_condition": f"search count > {limit}"}
    assert judged(detections, "High Error Rate", **condition).outcome == outcome


@pytest.mark.parametrize(
    "name", ["Latency Shift", "Error from a New Template", "Change Followed by Errors"]
)
def test_what_looks_for_a_change_is_not_asked_as_it_finds_nothing_in_what_lasts(
    detections: Detections, name: str
) -> None:
    with pytest.raises(CannotJudge, match="compares parts of its window with 'addinfo'"):
        judged(detections, name)


def test_times_in_the_search_itself_are_noticed(detections: Detections) -> None:
    with pytest.raises(CannotJudge, match="sets its own time range with 'earliest='"):
        judged(detections, "High Error Rate", search="index=main earliest=-5m error")

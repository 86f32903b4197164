"""Quiet incidents are resolved on what splunkd knows of their searches; old ones leave."""

from __future__ import annotations

import pytest

from incident_management.incidents import lifecycle, timeline
from incident_management.incidents.act import Act
from incident_management.incidents.upkeep.quiet_resolve import QuietResolver
from incident_management.incidents.upkeep.retention import Retention
from incident_management.incidents.upkeep.run_coverage import Run
from incident_management.splunk.kv.store import KvStores
from incident_management.splunk.searching.search import SplunkSearcher
from incident_management.worker.audit_index import AuditIndex
from incident_management.worker.search_runs import SplunkRuns

from .conftest import APP, Place

SEARCH = ("High Error Rate", APP, "nobody")
PERIOD = 300.0


def runs_of(place: Place) -> SplunkRuns:
    return SplunkRuns(place.session(), SplunkSearcher(place.session()))


def run_periods(place: Place, count: int) -> None:
    splunk = place.standin.splunk
    for _period in range(count):
        now = place.clock.now()
        place.clock.advance((now // PERIOD + 1) * PERIOD - now + 1)
        splunk.services.use_scheduler().tick(place.clock.now())


def test_splunkd_tells_which_runs_succeeded(still: Place) -> None:
    runs = runs_of(still)
    run_periods(still, 4)
    start = still.clock.now() - 2 * PERIOD

    assert runs.plan(SEARCH).enabled
    due = runs.scheduled(SEARCH, start, still.clock.now())
    assert due == [start // PERIOD * PERIOD + PERIOD, start // PERIOD * PERIOD + 2 * PERIOD]
    found = sorted(runs.recent(SEARCH), key=lambda run: run.time)
    assert found[-2:] == [Run(time, "succeeded", 0) for time in due]


def test_a_search_that_is_switched_off_or_gone_is_not_enabled(still: Place) -> None:
    runs = runs_of(still)

    assert not runs.plan(("No such search", APP, "nobody")).enabled
    still.admin.post("saved/searches/High Error Rate/disable")
    assert not runs.plan(SEARCH).enabled


def test_a_failed_run_is_announced_as_failed(still: Place) -> None:
    still.admin.post(
        "saved/searches/High Error Rate", search="| inputlookup strict=true nosuch.csv"
    )
    run_periods(still, 2)

    assert {run.state for run in runs_of(still).recent(SEARCH)} == {"failed"}


def test_a_detections_own_time_is_read(still: Place) -> None:
    still.admin.post(
        "saved/searches/High Error Rate",
        **{"action.open_incident.param.quiet_after": "2h", "alert.suppress": "1"},
    )
    plan = runs_of(still).plan(SEARCH)

    assert (plan.quiet_after, plan.throttled) == (7200.0, True)


def test_the_hosts_that_send_events_are_counted_without_reading_them(still: Place) -> None:
    now = still.clock.now()
    still.standin.index(
        "main",
        [
            {"_time": now - ago, "_raw": "ok", "host": host, "sourcetype": kind}
            for ago, host, kind in (
                (60, "Web-1", "app"),
                (7200, "web-2", "app"),
                (60, "web-3", "incident_management:audit"),
            )
        ],
    )

    assert runs_of(still).seen("host", now - 3600) == {"web-1"}


@pytest.mark.parametrize("watched", [True, False])
def test_an_incident_is_resolved_when_its_search_was_seen_to_be_quiet(
    still: Place, watched: bool
) -> None:
    clock = still.clock
    run_periods(still, 1)
    incident = still.raise_signal()
    stores = KvStores(still.session())
    duty = QuietResolver(stores, clock, runs_of(still), lambda name, text: None)
    for _period in range(16):
        if watched:
            duty.run(3600.0)
        run_periods(still, 1)
    done = duty.run(3600.0)["incidents_resolved_quiet"]

    status = still.call("GET", f"/incidents/{incident}")["status"]
    assert (status == "resolved") is watched
    assert watched or not done


def test_an_old_incident_leaves_and_says_where_its_history_is(still: Place) -> None:
    clock = still.clock
    session = still.session()
    stores = KvStores(session)
    incident = still.raise_signal()
    still.call("POST", f"/incidents/{incident}/resolve")
    still.call("POST", f"/incidents/{incident}/review", {"lessons": "Watch it.", "state": "done"})
    lifecycle.close(Act(stores, clock, "ann"), incident)
    index = AuditIndex(session, SplunkSearcher(session))

    def send(entries):
        from incident_management.incidents.upkeep.audit import SOURCETYPE, event_of

        events = [
            {"_time": e.time, "_raw": event_of(e), "sourcetype": SOURCETYPE, "host": "sh1"}
            for e in entries
        ]
        still.standin.index(index.name(), events)

    entries = timeline.read(stores, incident)
    duty = Retention(stores, clock, index.keys, send, lambda name, text: None)
    still.clock.advance(8 * 86400)
    duty.run(0.0, 7 * 86400.0)
    assert still.call("POST", f"/incidents/{incident}/notes", {"text": "late"})[0] == 410
    still.clock.advance(301)
    assert duty.run(0.0, 7 * 86400.0)["audit_events"] == len(entries)
    still.clock.advance(61)
    assert duty.run(0.0, 7 * 86400.0)["incidents_pruned"] == 1

    review = still.call("GET", f"/incidents/{incident}/review")
    assert (review["state"], review["said_by"]) == ("done", "admin")
    assert [one["text"] for one in review["written"] if one["text"]] == ["Watch it."]
    for path in ("", "/timeline", "/signals", "/report"):
        status, detail = still.call("GET", f"/incidents/{incident}{path}")
        assert status == 410
        assert f"`incident_history({incident})`" in detail
    assert still.call("GET", f"/incidents/{incident}/history")["verified"] is True
    assert incident not in [one["id"] for one in still.call("GET", "/incidents")["incidents"]]
    metrics = still.admin.get("/services/incident_management/v1/metrics").body.read().decode()
    assert 'incident_management_deleted_by_age_total{what="incidents"} 1' in metrics
    again = still.raise_signal(run="2")
    assert still.call("GET", f"/incidents/{again}")["previous"] == incident

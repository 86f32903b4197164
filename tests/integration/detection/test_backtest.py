"""``| incidentbacktest`` over events in an index, through the real command."""

from __future__ import annotations

from typing import Any

import pytest

from tests.integration.detection.conftest import APP_NAME, NOW, Detections


def backtest(detections: Detections, options: str) -> list[dict[str, Any]]:
    spl = (
        f'| incidentbacktest search="High Error Rate" earliest={NOW - 7200:.0f} latest={NOW:.0f} '
        f"{options}"
    )
    rows: list[dict[str, Any]] = detections.standin.search(spl, app=APP_NAME)
    return rows


def test_a_shipped_rule_is_replayed_compared_and_given_a_threshold(detections: Detections) -> None:
    detections.log_many("ERROR payment failed service=pay", 30, 6200, 6050)
    detections.log_many("ERROR order failed service=orders", 8, 3200, 3070)

    rows = backtest(detections, 'step=5m compare="threshold=20" target_pages_per_day=12')
    summaries = {row["setting"]: row for row in rows if row["kind"] == "summary"}
    incidents = [row for row in rows if row["kind"] == "incident"]

    asked = [row["entities"] for row in incidents if row["setting"] == "as asked"]
    assert asked == ["pay", "orders"]
    assert summaries["as asked"]["pages"] == "2"
    assert summaries["compared"]["pages"] == "1"
    assert summaries["proposed"]["pages"] == "1"
    assert float(summaries["proposed"]["threshold"]) >= 8
    assert int(summaries["as asked"]["searches"]) >= 25
    assert summaries["as asked"]["quiet"] == "86400"  # as the app resolves where nobody says
    assert float(summaries["as asked"]["search_seconds"]) > 0


def test_it_says_where_what_is_proposed_is_set(detections: Detections) -> None:
    detections.log_many("ERROR payment failed service=pay", 30, 6200, 6050)
    spl = (
        f'| incidentbacktest search="High Error Rate" earliest={NOW - 7200:.0f} '
        f"latest={NOW:.0f} step=5m target_pages_per_day=2"
    )
    job = detections.standin.splunk.jobs.dispatch(spl, "admin", APP_NAME)
    (threshold,) = [row["threshold"] for row in job.rows if row["setting"] == "proposed"][-1:]
    said = (
        "To use the proposed threshold, set the macro incident_high_error_rate_threshold to "
        f"{threshold}."
    )
    assert said in str(job.messages)
    assert "lets nothing through. Replay at least 12 hours." in str(job.messages)


def test_a_step_that_leaves_time_out_is_reported(detections: Detections) -> None:
    def told(step: str) -> str:
        spl = (
            '| incidentbacktest search="High Error Rate" '
            f"earliest={NOW - 7200:.0f} latest={NOW:.0f} {step}"
        )
        job = detections.standin.splunk.jobs.dispatch(spl, "admin", APP_NAME)
        assert job.state == "DONE", job.messages
        return str(job.messages)

    assert "looks at 300 of every 600 seconds" in told("step=10m")
    nothing = told("step=5m")
    assert "None of the 25 runs of 'High Error Rate' found anything" in nothing
    detections.log_many("ERROR order failed service=orders", 8, 3200, 3070)
    assert "Each run looks at" not in nothing + told("")
    assert "found anything" not in told("")


def test_incidents_that_can_not_be_read_are_reported_not_counted_as_none(
    detections: Detections,
) -> None:
    """Anybody may ask what a search would have found; incidents are for some."""
    detections.standin.add_user("kim", "user")
    spl = (
        '| incidentbacktest search="High Error Rate" '
        f"earliest={NOW - 7200:.0f} latest={NOW:.0f} step=5m"
    )
    job = detections.standin.splunk.jobs.dispatch(spl, "kim", APP_NAME)
    assert job.state == "DONE", job.messages
    (summary,) = job.rows
    assert summary["pages"] == "0"
    assert not {"known_incidents", "known_found", "unknown"} & summary.keys()
    assert "You can't read the recorded incidents" in str(job.messages)
    assert "You can't read maintenance windows" in str(job.messages)
    assert "You can't read incident_routing.conf" in str(job.messages)


def test_it_writes_nothing(detections: Detections) -> None:
    detections.log_many("ERROR payment failed service=pay", 30, 6200, 6050)
    assert any(row["kind"] == "incident" for row in backtest(detections, ""))

    service = detections.standin.service(app=APP_NAME, owner="nobody")
    for name in ("incident_incidents", "incident_signals", "incident_timeline", "incident_claims"):
        assert service.kvstore[name].data.query() == [], name


def test_a_mute_suppresses_from_when_it_was_made(detections: Detections) -> None:
    detections.log_many("ERROR payment failed service=pay", 30, 6200, 6050)
    detections.log_many("ERROR order failed service=orders", 30, 3200, 3050)
    mute = {
        "_key": "SUP-1",
        "id": "SUP-1",
        "kind": "mute",
        "reason": "known",
        "rule": "High*",
        "entity": "*",
        "tag": "*",
        "starts_at": NOW - 9000,
        "ends_at": 0,
        "created_at": NOW - 4000,
        "days": ["mon", "tue", "wed", "thu", "fri", "sat", "sun"],
    }
    service = detections.standin.service(app=APP_NAME, owner="nobody")
    service.kvstore["incident_suppressions"].data.batch_save(mute)

    rows = backtest(detections, "step=5m")
    assert [row["entities"] for row in rows if row["kind"] == "incident"] == ["pay"]
    (summary,) = [row for row in rows if row["kind"] == "summary"]
    assert int(summary["suppressed"]) >= 1


def saved(detections: Detections, name: str, spl: str, **settings: str) -> None:
    service = detections.standin.service(app="search", owner="admin")
    service.saved_searches.create(name, spl, **settings)


def test_a_search_whose_macro_writes_is_refused_and_nothing_is_written(
    detections: Detections,
) -> None:
    service = detections.standin.service(app="search", owner="admin")
    service.confs["macros"].create("keep_it", definition="collect index=summary")
    saved(detections, "Keeps", "index=main | stats count by host | `keep_it`")
    detections.log_many("ERROR payment failed service=pay", 30, 6200, 6050)

    spl = "| incidentbacktest search=Keeps app=search earliest=-2h step=5m"
    with pytest.raises(Exception, match="'Keeps' contains the command 'collect', which writes"):
        detections.standin.search(spl, app=APP_NAME)
    assert detections.standin.search("search index=summary earliest=0 | table _raw") == []


def test_a_search_that_sets_its_own_times_is_refused(detections: Detections) -> None:
    """Each of its past runs would find what is there now."""
    saved(detections, "Own times", "index=main error earliest=-15m | stats count by host")
    spl = '| incidentbacktest search="Own times" app=search earliest=-2h step=5m'
    with pytest.raises(Exception, match="'Own times' sets its own time range with 'earliest='"):
        detections.standin.search(spl, app=APP_NAME)


def test_it_runs_when_the_schedule_says_in_the_app_and_with_the_macros_of_the_search(
    detections: Detections,
) -> None:
    service = detections.standin.service(app="search", owner="admin")
    service.confs["macros"].create("billing_events", definition="index=main invoice")
    settings = {
        "cron_schedule": "7-59/20 * * * *",
        "dispatch.earliest_time": "-20m@m",
        "dispatch.latest_time": "@m",
        "alert_type": "always",
        "action.open_incident.param.quiet_after": "30m",
    }
    spl = "search `billing_events` | stats count, latest(_time) as last_time by host"
    saved(detections, "Billing", spl, **settings)
    detections.log_many("invoice rejected", 3, 3600, 3590)

    rows = detections.standin.search(
        f'| incidentbacktest search="Billing" earliest={NOW - 7200:.0f} latest={NOW:.0f}',
        app="search",
    )
    (incident,) = [row for row in rows if row["kind"] == "incident"]
    (summary,) = [row for row in rows if row["kind"] == "summary"]
    assert float(incident["opened_at"]) % 1200 == 420
    assert summary["runs"] == "6"
    assert summary["quiet"] == "1800"


def test_a_monitor_is_replayed_before_it_is_switched_on(detections: Detections) -> None:
    local = detections.standin.splunk.home / "etc/apps" / APP_NAME / "local"
    local.mkdir(exist_ok=True)
    (local / "inputs.conf").write_text(
        "[incident_monitor://refusals]\n"
        'monitor_search = index=main | eval failed=if(match(_raw, "ERROR"), 1, 0)\n'
        "detector = ratio\nvalue = failed\nby = host\nmin_events = 10\ndisabled = 1\n"
        "[incident_monitor://slo]\n"
        'monitor_search = index=main | eval bad=if(match(_raw, "ERROR"), 1, 0)\n'
        "detector = burn_rate\nvalue = bad\nby = host\ndisabled = 1\n"
        "[incident_monitor://wipes]\n"
        "monitor_search = index=main | outputlookup hosts.csv\ndisabled = 1\n"
    )
    detections.standin.splunk.conf.reload()
    detections.log_many("INFO order came in", 240, 7100, 100)
    detections.log_many("ERROR order failed", 30, 3200, 3070)
    span = f"earliest={NOW - 7200:.0f} latest={NOW:.0f}"

    rows = detections.standin.search(f"| incidentbacktest monitor=refusals {span}", app=APP_NAME)
    assert [row["kind"] for row in rows] == ["incident", "summary"]
    assert (rows[0]["entities"], rows[0]["title"]) == ("web-1", "refusals: web-1")
    assert (rows[1]["pages"], rows[1]["threshold"], rows[1]["runs"]) == ("1", "5", "24")
    rows = detections.standin.search(f"| incidentbacktest monitor=slo {span}", app=APP_NAME)
    assert [row["kind"] for row in rows] == ["incident", "summary"]
    assert (rows[0]["entities"], rows[0]["severity"]) == ("web-1", "critical")
    assert (rows[1]["pages"], rows[1].get("threshold"), rows[1]["runs"]) == ("1", None, "24")
    milder = f"| incidentbacktest monitor=refusals threshold=99 {span}"
    assert detections.standin.search(milder, app=APP_NAME)[0]["pages"] == "0"

    for options, said in (
        ("monitor=wipes", "outputlookup', which writes or acts; a replay runs only searches"),
        ("monitor=nothing", "This search head has no monitor 'nothing'."),
        ("monitor=slo threshold=5", "A burn_rate monitor has no threshold; change its objective"),
        ("monitor=refusals step=5m", "are for saved searches"),
        (
            "monitor=refusals search=x",
            "Name one detection to replay: search=<saved search> or monitor=",
        ),
    ):
        spl = f"| incidentbacktest {options} {span}"
        job = detections.standin.splunk.jobs.dispatch(spl, "admin", APP_NAME)
        assert job.state == "FAILED" and said in str(job.messages)

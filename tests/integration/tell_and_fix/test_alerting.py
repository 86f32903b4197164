"""From a scheduled search to a message, through the real alert actions; and when they are ended."""

from __future__ import annotations

import time

from .conftest import Office, wait_for

SEARCH = (
    '| makeresults | eval entity="checkout", count=42, first_time=_time-60, last_time=_time '
    "| table entity count first_time last_time"
)


def save(office: Office, name: str, **settings: str) -> None:
    """Write an alert into the app's own files, every minute on any result."""
    wanted = {
        "search": SEARCH,
        "enableSched": "1",
        "cron_schedule": "* * * * *",
        "counttype": "number of events",
        "relation": "greater than",
        "quantity": "0",
        "alert.track": "1",
        "dispatch.earliest_time": "-5m",
        "dispatch.latest_time": "now",
        **settings,
    }
    lines = [f"{key} = {value}" for key, value in wanted.items()]
    path = office.home / "etc/apps/incident_management/local/savedsearches.conf"
    path.write_text("\n".join([f"[{name}]", *lines, ""]), encoding="utf-8")
    office.standin.splunk.conf.reload()


def run_scheduler(office: Office) -> None:
    """Run what is due in the next minute."""
    scheduler = office.standin.splunk.services.use_scheduler()
    now = time.time()
    scheduler.tick(now)
    scheduler.tick(now + 61)


def test_a_notify_action_puts_one_message_on_the_outbox(office: Office):
    save(
        office,
        "Disk check",
        **{
            "action.notify_slack": "1",
            "action.notify_slack.param.message": "Disk of $result.entity$ is almost full",
            "action.notify_slack.param.severity": "high",
            "action.notify_slack.param.channel": "#disks",
            "action.notify_teams": "1",
            "action.notify_teams.param.message": "Disk almost full",
            "action.notify_pagerduty": "1",
            "action.notify_pagerduty.param.message": "Disk almost full",
        },
    )
    run_scheduler(office)
    wait_for(lambda: office.slack.messages and office.teams.requests and office.pager.requests)
    message = office.slack.messages[0]
    assert message["channel"] == "#disks"
    assert message["text"] == "🟠 HIGH · Disk check · Disk of checkout is almost full"
    assert "Disk of checkout is almost full" in str(message["blocks"])
    assert office.pager.actions()[0] == "trigger"


def test_a_run_whose_alert_action_never_worked_still_opens_its_incident(office: Office):
    """The action is recorded as fired, but its process was ended before it did anything."""
    save(
        office,
        "Errors",
        **{
            "action.open_incident": "1",
            "action.open_incident.param.severity": "critical",
            "action.open_incident.param.title": "Errors: {entity}",
        },
    )
    splunk = office.standin.splunk
    job = splunk.jobs.dispatch(
        SEARCH,
        "admin",
        "incident_management",
        None,
        None,
        saved_search="Errors",
        owner="nobody",
        exec_mode="blocking",
    )
    splunk.alerts.fire(
        "Errors",
        "incident_management",
        "nobody",
        job.sid,
        trigger_time=time.time() - 200,
        actions="open_incident",
    )
    found = wait_for(lambda: office.call("GET", "/incidents")["incidents"])
    assert [incident["title"] for incident in found] == ["Errors: checkout"]
    assert found[0]["severity"] == "critical"
    wait_for(lambda: office.slack.messages)


def test_a_trigger_for_each_result_tells_and_counts_each(office: Office):
    save(
        office,
        "Disks",
        **{
            "search": "| makeresults count=3 | streamstats count as n "
            '| eval entity="db-".floor(n/2) | table entity n',
            "alert.digest_mode": "0",
            "action.open_incident": "1",
            "action.open_incident.param.group": "0",
            "action.notify_slack": "1",
            "action.notify_slack.param.message": "Disk $result.n$ of $result.entity$ is full",
            "action.notify_slack.param.channel": "#disks",
        },
    )
    run_scheduler(office)
    wait_for(lambda: sum(one["channel"] == "#disks" for one in office.slack.messages) >= 3)
    told = str([one["blocks"] for one in office.slack.messages])
    assert all(f"Disk {n} of db-{n // 2} is full" in told for n in (1, 2, 3))

    def counted() -> bool:
        incidents = office.call("GET", "/incidents")["incidents"]
        signals = {one["entities"][0]: one["signals"] for one in incidents}
        return signals.get("db-1", 0) == 2 * signals.get("db-0", 1)

    wait_for(counted)

"""The worker tells people what happened: once, in order, whatever dies."""

from __future__ import annotations

import json
import os
import signal

from .conftest import Office, wait_for


def test_an_incident_is_announced_on_every_channel_once_and_its_end_in_the_same_thread(
    office: Office,
):
    incident = office.signal()
    wait_for(lambda: office.slack.messages and office.teams.requests and office.pager.requests)
    office.signal(run="2")
    office.call("POST", f"/incidents/{incident}/resolve", {"reason": "fixed by hand"})
    told = (office.slack.messages, office.teams.requests, office.pager.requests)
    wait_for(lambda: all(len(one) >= 2 for one in told))
    opened, resolved = office.slack.messages
    assert opened["channel"] == "#incidents" and "thread_ts" not in opened
    assert resolved["thread_ts"] == opened["ts"] and resolved["channel"] == "C0000000001"
    assert "High Error Rate: checkout" in opened["text"]
    assert f"/app/incident_management/workbench?incident={incident}" in json.dumps(opened)
    assert office.pager.actions() == ["trigger", "resolve"]
    assert len(office.teams.requests) == 2
    everything = {
        (channel, event, "sent")
        for channel in ("slack", "teams", "pagerduty")
        for event in ("opened", "resolved")
    }
    wait_for(lambda: _told(office, incident) == everything)
    # The first message says it, too; what came in between is in the thread.
    wait_for(lambda: office.slack.updates)
    shown = office.slack.updates[-1]
    assert (shown["channel"], shown["ts"]) == ("C0000000001", opened["ts"])
    assert shown["text"].startswith("✅ ") and "fixed by hand" in json.dumps(shown["blocks"])


def test_an_incident_that_opens_again_is_announced_on_every_channel_and_pages_again(office: Office):
    incident = office.signal()
    office.call("POST", f"/incidents/{incident}/resolve", {"reason": "fixed by hand"})
    wait_for(lambda: len(office.pager.requests) == 2)
    assert office.signal(run="2") == incident
    everything = {
        (channel, event, "sent")
        for channel in ("slack", "teams", "pagerduty")
        for event in ("opened", "resolved", "reopened")
    }
    wait_for(lambda: _told(office, incident) == everything)
    assert office.pager.actions() == ["trigger", "resolve", "trigger"]
    keys = {given["dedup_key"] for _method, _path, given in office.pager.requests}
    assert keys == {incident}


def test_a_worker_killed_before_it_hears_slacks_answer_sends_nothing_twice(office: Office):
    """Slack has the message, the worker dies without knowing; the next one asks Slack."""
    wait_for(office.worker_pids)
    office.slack.after_post = office.kill_worker
    office.signal()
    wait_for(lambda: office.slack.messages)
    wait_for(lambda: all(n["state"] == "sent" for n in office.outbox()))
    wait_for(lambda: len(office.worker_pids()) == 2)
    assert len(office.slack.messages) == 1
    assert len(office.teams.requests) == 1 and office.pager.actions() == ["trigger"]
    assert "/conversations.history" in [path for _method, path, _given in office.slack.requests]


def test_a_missing_token_is_one_sentence_and_the_other_channels_go_on(office: Office):
    office.change_settings_file(r"bot_token = .*", "bot_token =")
    incident = office.signal()
    wait_for(lambda: office.teams.requests and office.pager.requests)
    dead = wait_for(
        lambda: [
            e["data"]
            for e in office.timeline(incident)
            if e["kind"] == "notification" and e["data"]["outcome"] == "dead"
        ]
    )
    assert [(d["channel"], d["detail"]) for d in dead] == [
        ("slack", "No Slack token is set: set it under Configuration > Slack.")
    ]


def test_a_malformed_setting_is_reported_and_only_its_own_channel_waits(equipped: Office):
    office = equipped
    office.change_settings_file(office.slack.url, "slack dot com")
    office.start_worker()
    sentence = "incident_management_settings.conf [slack] api_url holds 'slack dot com'"
    wait_for(lambda: any(sentence in line["message"] for line in office.worker_log()))
    office.signal()
    wait_for(lambda: office.teams.requests and office.pager.requests)
    wait_for(lambda: sentence in office.bulletins())
    waiting = [n for n in office.outbox() if n["channel"] == "slack"]
    assert [n["state"] for n in waiting] == ["pending"] and office.slack.messages == []
    said = [line for line in office.worker_log() if sentence in line["message"]]
    assert len(said) == 1, "said once, not at every cycle"
    office.change_settings_file("slack dot com", office.slack.url)
    wait_for(lambda: office.slack.messages)
    wait_for(lambda: sentence not in office.bulletins())


def test_a_secret_that_is_gone_is_reported_and_only_its_own_channel_waits(fresh: Office):
    fresh.set("slack", bot_token="xoxb-gone", channel="#incidents", api_url=fresh.slack.url)
    fresh.set("teams", webhook_url=f"{fresh.teams.url}/workflows/x?sig=s")
    passwords = fresh.admin.storage_passwords
    gone = [one for one in passwords.list(count=-1) if one.username.startswith("slack")]
    for one in gone:
        one.delete()
    assert gone
    fresh.start_worker()
    fresh.signal()
    wait_for(lambda: fresh.teams.requests)

    says = "[slack] bot_token is not in Splunk's password store"
    wait_for(lambda: says in fresh.bulletins())
    assert fresh.call("GET", "/health")["status"] == "degraded"
    (problem,) = fresh.call("GET", "/system/info")["configuration_problems"]
    assert says in problem
    waiting = [n for n in fresh.outbox() if n["channel"] == "slack"]
    assert [n["state"] for n in waiting] == ["pending"] and fresh.slack.messages == []

    fresh.set("slack", bot_token="xoxb-test-token")
    wait_for(lambda: fresh.slack.messages)
    wait_for(lambda: fresh.call("GET", "/health")["status"] == "ok")


def test_sigterm_ends_the_worker_cleanly(office: Office):
    (pid,) = wait_for(office.worker_pids)
    os.kill(pid, signal.SIGTERM)
    wait_for(lambda: len(office.worker_pids()) == 2)
    log = (office.home / "var/log/splunk/splunkd.log").read_text(encoding="utf-8")
    assert "Traceback" not in log


def test_no_secret_reaches_a_log(office: Office):
    office.signal()
    wait_for(lambda: office.slack.messages and office.teams.requests and office.pager.requests)
    for path in (office.home / "var/log/splunk").iterdir():
        text = path.read_text(encoding="utf-8", errors="replace")
        for secret in ("xoxb-test-token", "very-secret-signature", "r" * 32, "deploy-token"):
            assert secret not in text, path.name


def test_an_asked_for_notification_needs_the_capability_and_is_sent_once(office: Office):
    office.admin.post("/services/authorization/roles", name="outsider", capabilities="search")
    nobody = office.user("stranger", "outsider")
    body = {"channel": "slack", "message": "Disk almost full", "id": "x1"}
    status, problem = office.call("POST", "/notifications", body, nobody)
    assert status == 403 and "incident_signal" in str(problem)
    assert office.call("POST", "/notifications", body)["new"] is True
    assert office.call("POST", "/notifications", body)["new"] is False
    wait_for(lambda: office.slack.messages)
    status, problem = office.call("POST", "/notifications", {"channel": "fax", "message": "x"})
    assert status == 400 and "'fax' is not a channel; the channels are slack" in problem["detail"]
    assert office.slack.texts() == ["🟡 MEDIUM · Disk almost full"]


def _told(office: Office, incident: str):
    """What the timeline says of telling: channel, event, outcome."""
    return {
        (e["data"]["channel"], e["data"]["event"], e["data"]["outcome"])
        for e in office.timeline(incident)
        if e["kind"] == "notification"
    }

"""An incident has one ticket in ServiceNow and one in Jira, which follow it."""

from __future__ import annotations

import time
from typing import Any

import pytest

from tests.contract.services.fake_jira import FakeJira, text_of
from tests.contract.services.fake_servicenow import FakeServiceNow
from tests.contract.services.receiver import Receiver

from .conftest import Office, wait_for


@pytest.fixture
def instance():
    receiver = Receiver().start()
    yield FakeServiceNow(receiver)
    receiver.stop()


@pytest.fixture
def site():
    receiver = Receiver().start()
    # Its search lags behind for as long as the test lasts, as Jira's may for a while.
    yield FakeJira(receiver, indexed=False)
    receiver.stop()


@pytest.fixture
def desk(fresh: Office, instance: FakeServiceNow, site: FakeJira) -> Office:
    """Both are set up as the configuration page does it, and nothing else is."""
    fresh.set(
        "servicenow", instance_url=instance.receiver.url, username="splunk", password="s3cret"
    )
    fresh.set(
        "jira",
        site_url=site.receiver.url,
        email="mia@example.com",
        api_token="t0ken",
        project="OPS",
    )
    fresh.start_worker()
    return fresh


def test_an_incident_has_one_ticket_in_each_system_until_it_is_solved(
    desk: Office, instance: FakeServiceNow, site: FakeJira
):
    incident = desk.signal()
    wait_for(lambda: instance.records and site.issues)
    desk.signal(run="2")
    desk.call("POST", f"/incidents/{incident}/acknowledge", {})
    wait_for(lambda: instance.records[0]["state"] == "2")
    desk.call("POST", f"/incidents/{incident}/resolve", {"reason": "rolled back"})
    wait_for(lambda: instance.records[0]["state"] == "6")
    wait_for(lambda: site.issues[0]["fields"]["status"] == "Done")
    assert len(instance.records) == 1 and len(site.issues) == 1
    assert instance.records[0]["correlation_id"] == incident
    assert "rolled back" in instance.records[0]["close_notes"]
    wait_for(lambda: "rolled back" in text_of(site.issues[0]["comments"][-1]["body"]))
    told = wait_for(
        lambda: {
            (e["data"]["channel"], e["data"]["outcome"], e["data"]["detail"])
            for e in desk.timeline(incident)
            if e["kind"] == "notification" and e["data"]["event"] == "resolved"
        }
    )
    assert told <= {("servicenow", "sent", "INC0000001"), ("jira", "sent", "OPS-1")}


def test_a_worker_killed_before_it_hears_the_answer_makes_no_second_ticket(
    desk: Office, instance: FakeServiceNow
):
    wait_for(desk.worker_pids)
    handle = instance.receiver.respond
    assert handle is not None

    def taken_and_lost(request):
        answer = handle(request)
        if request.method == "POST":
            instance.receiver.respond = handle
            desk.kill_worker()
        return answer

    instance.receiver.respond = taken_and_lost
    desk.signal()
    wait_for(lambda: instance.records)
    wait_for(
        lambda: [n["state"] for n in desk.outbox() if n["channel"] == "servicenow"] == ["sent"]
    )
    wait_for(lambda: len(desk.worker_pids()) == 2)
    assert len(instance.records) == 1


def test_secrets_of_ticket_systems_are_in_the_password_store_alone(desk: Office):
    local = desk.home / "etc/apps/incident_management/local"
    settings = (local / "incident_management_settings.conf").read_text(encoding="utf-8")
    assert "s3cret" not in settings and "t0ken" not in settings
    names = {one.username for one in desk.admin.storage_passwords.list(count=-1)}
    assert {name.split("``")[0] for name in names} == {"servicenow", "jira"}


def test_a_refused_login_is_announced_with_the_services_reason(desk: Office, site: FakeJira):
    desk.set("servicenow", password="wrong")
    incident = desk.signal()
    wait_for(lambda: site.issues)
    dead = wait_for(
        lambda: [
            e["data"]
            for e in desk.timeline(incident)
            if e["kind"] == "notification" and e["data"]["outcome"] == "dead"
        ]
    )
    assert [(d["channel"], d["detail"]) for d in dead] == [
        (
            "servicenow",
            "ServiceNow rejected the request with 401: User Not Authenticated Required to provide "
            "Auth information",
        )
    ]


def _remarks(desk: Office, incident: str) -> list[str]:
    entries = [e["data"] for e in desk.timeline(incident) if e["kind"] == "ticket"]
    return [data["text"] for data in entries if data["event"] == "comment"]


def test_a_ticket_that_is_resolved_there_resolves_its_incident(
    desk: Office, instance: FakeServiceNow, site: FakeJira
):
    desk.set("servicenow", look_every="5s", when_resolved="resolve")
    incident = desk.signal()
    wait_for(lambda: instance.records and site.issues)
    instance.work("Mia", state="6", close_code="Solution provided", close_notes="Pool enlarged")
    wait_for(lambda: desk.call("GET", f"/incidents/{incident}")["status"] == "resolved")
    (resolve,) = [e for e in desk.timeline(incident) if e["kind"] == "status"]
    assert resolve["actor"] == "servicenow"
    assert resolve["data"]["resolution"] == "Solution provided: Pool enlarged"
    # The other system hears of it, and the ticket itself does not.
    wait_for(lambda: site.issues[0]["fields"]["status"] == "Done")
    assert instance.journal == []
    assert instance.records[0]["sys_updated_by"] == "Mia"


def test_a_comment_arrives_once_though_the_worker_is_killed_while_it_reads(
    desk: Office, site: FakeJira
):
    wait_for(desk.worker_pids)  # it has looked before, at the pace of two minutes that is shipped
    desk.set("jira", look_every="5s")
    incident = desk.signal()
    wait_for(lambda: site.issues)
    site.say("Mia", "It is the pool.")
    handle = site.receiver.respond
    assert handle is not None
    killed: list[int] = []

    def read_and_killed(request):
        answer = handle(request)
        if "/comment?" in request.path and "startAt" in request.path and not killed:
            killed.append(desk.worker_pids()[-1])
            desk.kill_worker()
        return answer

    site.receiver.respond = read_and_killed
    wait_for(lambda: _remarks(desk, incident))
    site.say("Mia", "It was.")
    wait_for(lambda: len(_remarks(desk, incident)) > 1)
    assert killed and len(desk.worker_pids()) == 2
    assert _remarks(desk, incident) == ["It is the pool.", "It was."]


def test_what_is_to_be_done_afterwards_is_planned_there_and_done_in_either_place(
    desk: Office, site: FakeJira
):
    desk.set("jira", look_every="5s", follow_up_project="PLAN", follow_up_tickets="1")
    incident = desk.signal()
    wait_for(lambda: site.issues)
    desk.call("POST", f"/incidents/{incident}/resolve", {"reason": "rolled back"})
    due = time.time() + 7 * 86_400
    task = {"title": "Alert on the pool", "owner": "admin", "due": due}
    desk.call("POST", f"/incidents/{incident}/follow-ups", task)
    wait_for(lambda: len(site.issues) == 2)

    def follow_up() -> Any:
        return desk.call("GET", f"/incidents/{incident}")["follow_ups"][0]

    (ticket,) = wait_for(lambda: [one for one in follow_up()["tickets"] if one["state"] == "made"])
    planned = site.issues[1]
    assert ticket["number"] == planned["key"] and planned["key"].startswith("PLAN-")
    assert ticket["url"] == f"{site.receiver.url}/browse/{planned['key']}"
    day = time.strftime("%Y-%m-%d", time.gmtime(due))
    assert (planned["fields"]["summary"], planned["fields"]["duedate"]) == (task["title"], day)
    site.work("Mia", 1, status="Done")
    wait_for(lambda: follow_up()["state"] == "done")
    assert follow_up()["by"] == "jira" and "by Mia" in follow_up()["reason"]
    desk.call("POST", f"/incidents/{incident}/follow-ups/{follow_up()['id']}", {"state": "open"})
    wait_for(lambda: planned["fields"]["status"] != "Done")
    assert len(site.issues) == 2 and site.issues[0]["fields"]["project"] == {"key": "OPS"}

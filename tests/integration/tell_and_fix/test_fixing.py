"""``| remediate`` undoes the change that did it: refused, approved, carried out once, verified."""

from __future__ import annotations

import json
import os
import signal
import time

import pytest
from splunklib.binding import HTTPError

from tests.standin import ADMIN_PASSWORD

from .conftest import Office, wait_for
from .shop import Shop, analysed, kinds, remediate


def test_the_whole_fix_from_proposal_to_proved_recovery(office: Office, shop: Shop):
    incident = analysed(office)
    proposed = remediate(office, incident)
    assert proposed["status"] == "proposed"
    assert proposed["blast_radius"].startswith("The service checkout restarts with version r7")
    plan = proposed["plan_id"]
    refused = remediate(office, incident, do="execute")
    assert refused["refused"].startswith(f"{plan} is not approved: one person with")
    assert office.deployer.rollbacks == {}
    assert remediate(office, incident, do="approve")["status"] == "approved"
    assert remediate(office, incident, do="execute")["status"] == "done"
    assert remediate(office, incident, do="execute")["status"] == "done"
    assert list(office.deployer.rollbacks) == [plan]
    wait_for(lambda: office.call("GET", f"/incidents/{incident}")["status"] == "resolved")
    assert kinds(office, incident) == [
        "opened",
        "routed",
        "analysis",
        "plan",
        "refused",
        "approval approved",
        "action started",
        "action done",
        "verification recovered",
        "status resolved",
    ]
    (verified,) = [e["data"] for e in office.timeline(incident) if e["kind"] == "verification"]
    assert verified["before"] == ["checkout"] and verified["after"] == []
    assert verified["samples"][0]["events"] >= 5
    wait_for(lambda: any("Incident resolved" in text for text in office.slack.texts()))
    wait_for(lambda: office.pager.actions() == ["trigger", "resolve"])


def test_a_fix_that_does_not_help_is_undone_by_the_worker(office: Office, shop: Shop):
    shop.helped = False
    incident = analysed(office)
    remediate(office, incident)
    remediate(office, incident, do="approve")
    remediate(office, incident, do="execute")
    wait_for(lambda: "rollback done" in kinds(office, incident))
    assert office.deployer.state["version"] == "r8"
    assert office.call("GET", f"/incidents/{incident}")["status"] == "new"


def test_that_a_private_alert_proves_nothing_is_read_before_it_is_approved(
    office: Office, shop: Shop
):
    """A search that is shared with its app, and the shipped ones, say when the verdict comes."""
    rita = office.user("rita", "incident_responder")
    own = office.standin.service("rita", ADMIN_PASSWORD, app="incident_management", owner="rita")
    own.saved_searches.create(
        "My errors",
        'search index=main ERROR | rex "service=(?<entity>\\S+)" | stats count by entity',
        **{"dispatch.earliest_time": "-6s@s", "dispatch.latest_time": "-1s@s"},
    )
    private = analysed(office, name="My errors", owner="rita")
    proposed = remediate(office, private, rita)
    assert proposed["status"] == "proposed"
    assert proposed["proof"] == (
        "Recovery can't be verified automatically, so a person decides and the fix is "
        "not rolled back automatically: 'My errors' would run with the app's rights and "
        "not with its owner's, as it is private: share it with its app."
    )
    wait_for(lambda: "as it is private: share it with its app" in json.dumps(office.slack.messages))
    theirs = office.standin.service(app="incident_management", owner="rita").saved_searches
    theirs["My errors"].acl_update(sharing="app", owner="rita")
    shared = remediate(office, private, rita, do="status", plan=proposed["plan_id"])
    assert shared["proof"].startswith("'My errors' is run again; the verdict comes about ")


def test_a_rest_handler_killed_during_the_rollback_does_it_once(office: Office, shop: Shop):
    """The deployer has acted, the process that asked it dies: its successor asks what happened."""
    incident = analysed(office)
    plan = remediate(office, incident)["plan_id"]
    remediate(office, incident, do="approve")

    def kill() -> None:
        for process in office.handlers():
            os.kill(process, signal.SIGKILL)

    office.deployer.after_rollback = kill
    office.call("POST", f"/plans/{plan}/execute")
    assert list(office.deployer.rollbacks) == [plan]
    wait_for(lambda: "action done" in kinds(office, incident))
    assert list(office.deployer.rollbacks) == [plan]
    posts = [path for method, path, _given in office.deployer.requests if method == "POST"]
    assert len(posts) == 1
    wait_for(lambda: office.call("GET", f"/incidents/{incident}")["status"] == "resolved")


def test_what_a_fix_would_do_is_seen_without_doing_anything(office: Office, shop: Shop):
    incident = analysed(office)
    before = kinds(office, incident)
    shown = remediate(office, incident, do="preview")
    address = f"{office.deployer.url}/v1/services/checkout/rollback"
    assert shown["request"][0] == f"POST {address}"
    assert json.loads(shown["request"][-1])["to_version"] == "r7"
    assert json.loads(shown["inverse_request"][-1])["change_id"] == "(result.change_id)"
    assert shown["status"] == "proposed" and kinds(office, incident) == before
    assert remediate(office, incident)["plan_id"] == shown["plan_id"]
    assert office.deployer.rollbacks == {}
    assert all(method == "GET" for method, _path, _given in office.deployer.requests)


def test_in_a_change_freeze_a_fix_takes_a_reason_and_the_right(office: Office, shop: Shop):
    incident = analysed(office)
    wanted = {"reason": "Sale", "service": "check*", "ends_at": time.time() + 300}
    freeze = office.call("POST", "/freezes", wanted)["id"]
    assert freeze in remediate(office, incident)["freeze"]
    assert freeze in remediate(office, incident, do="approve")["refused"]
    approver = office.user("omar", "incident_approver")
    with pytest.raises(HTTPError) as caught:
        remediate(office, incident, approver, do="approve", override="Down")
    assert "the capability incident_override, which omar lacks" in caught.value.body.decode()
    wait_for(lambda: freeze in json.dumps(office.slack.messages))
    approved = remediate(office, incident, do="approve", override='"checkout is down"')
    assert (approved["status"], approved.get("freeze")) == ("approved", None)
    assert remediate(office, incident, do="execute")["status"] == "done"
    (told,) = [e["data"] for e in office.timeline(incident) if e["kind"] == "approval"]
    assert told["override"] == {"freezes": [freeze], "reason": "checkout is down"}


def test_whoever_is_no_approver_any_more_has_approved_nothing(office: Office, shop: Shop):
    incident = analysed(office)
    plan = remediate(office, incident)["plan_id"]
    omar = office.user("omar", "incident_approver")
    remediate(office, incident, omar, do="approve")
    admin = office.standin.service()
    admin.users["omar"].update(roles=["incident_viewer"])
    refused = remediate(office, incident, do="execute")
    assert refused["refused"].startswith(
        f"The approval of {plan} is void, because omar can no longer"
    )
    assert refused["status"] == "void" and office.deployer.rollbacks == {}


def test_each_step_needs_its_own_capability(office: Office, shop: Shop):
    incident = analysed(office)
    responder = office.user("rita", "incident_responder")
    approver = office.user("omar", "incident_approver")
    plan = remediate(office, incident, responder)["plan_id"]
    status, said = office.call("POST", f"/plans/{plan}/approve", {}, responder)
    assert status == 403 and "incident_approve" in str(said)
    status, said = office.call("POST", f"/incidents/{incident}/plans", {}, office.user("vic"))
    assert status == 403 and "incident_write" in str(said)
    assert office.call("POST", f"/plans/{plan}/approve", {}, approver)["approved_by"] == ["omar"]
    assert office.deployer.rollbacks == {}


def test_wrong_requests_are_one_sentence_each(office: Office, shop: Shop):
    incident = analysed(office)
    for options, says in (
        ("incident=INC-20260101-ZZZZZZ", "No incident INC-20260101-ZZZZZZ"),
        ("incident=nonsense", "'nonsense' is not an incident's id"),
        (f"incident={incident} do=dance", "do=dance is unknown; use one of"),
        (f"incident={incident} do=approve", f"{incident} has no plan: propose one"),
    ):
        with pytest.raises(HTTPError) as caught:
            office.search(f"| remediate {options}")
        assert says in caught.value.body.decode()
    refused = remediate(office, incident, action="reboot")
    assert refused["refused"].startswith("There is no action 'reboot' in the catalogue")

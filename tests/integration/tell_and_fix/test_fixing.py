"""``| remediate`` undoes the change that did it: refused, approved, carried out once, verified."""

from __future__ import annotations

import json
import os
import signal
import threading
import time
from typing import Any, Dict, List

import pytest
from splunklib.binding import HTTPError

from incident_management.incidents import timeline
from incident_management.splunk.kvstore import KvStores
from incident_management.splunk.session import Session
from tests.standin import ADMIN_PASSWORD
from tests.unit.remediation.flags import TOKEN

from .conftest import Office, wait_for
from .receivers import Awx, KubernetesApi, LaunchDarklyApi

CAUSE = "CHG-8 set pool_size to 1 on checkout"


class _Clock:
    def now(self) -> float:
        return time.time()


class Shop:
    """Writes a log of a service: fails while it runs the bad version, as it did before."""

    def __init__(self, office: Office) -> None:
        self._office = office
        self._stop = threading.Event()
        self.silent = False
        self.helped = True
        self._thread = threading.Thread(target=self._run, daemon=True)
        now = time.time()
        # what the window before the fix is to hold, and one second of delay
        office.standin.index("main", [self._event(now - ago / 10) for ago in range(70, 0, -1)])
        self._thread.start()

    def _run(self) -> None:
        while not self._stop.wait(0.1):
            if not self.silent:
                self._office.standin.index("main", [self._event(time.time())])

    def _event(self, at: float) -> Dict[str, Any]:
        bad = self._office.deployer.state["version"] == "r8" or not self.helped
        text = "ERROR QueuePool limit of size 1 reached" if bad else "INFO order paid"
        return {
            "_time": at,
            "_raw": f"service=checkout {text}",
            "host": "shop-1",
            "source": "checkout.log",
            "sourcetype": "shop:log",
        }

    def stop(self) -> None:
        self._stop.set()
        self._thread.join()


@pytest.fixture
def shop(office: Office):
    local = office.home / "etc/apps/incident_management/local"
    (local / "macros.conf").write_text(
        "[incident_indexes]\ndefinition = index=main\n"
        "[incident_high_error_rate_threshold]\ndefinition = 5\n"
    )
    office.standin.splunk.conf.reload()
    made = Shop(office)
    yield made
    made.stop()


def analysed(office: Office, **finding: str) -> str:
    """An incident whose analysis has verified that the change did it."""
    incident = office.signal(**finding)
    session = Session(office.standin.splunk.mgmt_uri, office.standin.session_key())
    stores = KvStores(session)
    stores.analyses.insert(
        {
            "_key": "ANA-0123456789",
            "incident_id": incident,
            "time": time.time(),
            "hypotheses": [
                {
                    "rank": 1,
                    "blamed": True,
                    "cause": CAUSE,
                    "change_id": "CHG-8",
                    "service": "checkout",
                    "version": "r8",
                    "previous_version": "r7",
                    "citations": [
                        {"id": "C1", "quote": "QueuePool limit of size 1", "verified": True}
                    ],
                }
            ],
        }
    )
    data = {"analysis_id": "ANA-0123456789", "verdict": CAUSE, "cause": CAUSE, "hypotheses": 1}
    timeline.append(stores, _Clock(), incident, "analysis", data, "mia")
    timeline.refresh(stores, incident)
    return incident


def remediate(office: Office, incident: str, service: Any = None, **options: str) -> Dict[str, Any]:
    words = " ".join(f"{name}={value}" for name, value in options.items())
    (row,) = office.search(f"| remediate incident={incident} {words}", service)
    return row


def kinds(office: Office, incident: str) -> List[str]:
    short = []
    for entry in office.timeline(incident):
        data = entry["data"]
        word = data.get("phase") or data.get("outcome") or data.get("decision") or data.get("to")
        if entry["kind"] != "notification":
            short.append(f"{entry['kind']} {word or ''}".strip())
    return short


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
        "Whether it helps can't be proved, so a person decides and nothing is undone by itself: "
        "'My errors' would run with the app's rights and not with its owner's, as it is private: "
        "share it with its app."
    )
    wait_for(lambda: "as it is private: share it with its app" in json.dumps(office.slack.messages))
    theirs = office.standin.service(app="incident_management", owner="rita").saved_searches
    theirs["My errors"].acl_update(sharing="app", owner="rita")
    shared = remediate(office, private, rita, do="status", plan=proposed["plan_id"])
    assert shared["proof"].startswith("'My errors' is asked again; the verdict comes about ")


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


def test_a_job_template_of_awx_restarts_the_service_once(office: Office, shop: Shop):
    actions = office.home / "etc/apps/incident_management/local/incident_actions.conf"
    actions.write_text(
        "[restart_service]\nlabel = Restart the service\nexecutor = awx\n"
        "argument.job_template = 42\nargument.job_template.type = integer\n"
        "argument.service = $analysis.service$\nblast_radius = $service$ restarts.\n"
        "verify_delay = 0s\nverify_window = 5s\nmin_samples = 5\n"
    )
    office.standin.splunk.conf.reload()
    awx = Awx(lambda variables: office.deployer.state.update(version="r7"))
    try:
        office.set("remediation", awx_url=awx.url, awx_token="awx-token")
        incident = analysed(office)
        plan = remediate(office, incident, action="restart_service")
        assert plan["summary"] == "Restart the service: checkout (job template 42)."
        remediate(office, incident, do="approve")
        assert remediate(office, incident, do="execute")["status"] == "done"
        wait_for(lambda: office.call("GET", f"/incidents/{incident}")["status"] == "resolved")
        variables = {"service": "checkout", "incident_request_id": plan["plan_id"]}
        assert [json.loads(job["extra_vars"]) for job in awx.jobs] == [variables]
    finally:
        awx.stop()


def test_a_flag_of_launchdarkly_is_switched_off_and_proved(office: Office, shop: Shop):
    actions = office.home / "etc/apps/incident_management/local/incident_actions.conf"
    actions.write_text(
        "[switch_off]\nlabel = Switch it off\nexecutor = launchdarkly\n"
        "argument.project = shop\nargument.environment = production\n"
        "argument.flag = new-checkout\nargument.switch = off\n"
        "argument.service = $analysis.service$\nblast_radius = $flag$ is $switch$.\n"
        "verify_delay = 0s\nverify_window = 5s\nmin_samples = 5\n"
    )
    office.standin.splunk.conf.reload()
    api = LaunchDarklyApi(lambda: office.deployer.state.update(version="r7"))
    try:
        office.set("remediation", launchdarkly_url=api.url, launchdarkly_token=TOKEN)
        kept = actions.parent / "incident_management_settings.conf"
        assert TOKEN not in kept.read_text()
        incident = analysed(office)
        remediate(office, incident, action="switch_off")
        assert "nothing was changed" in remediate(office, incident, do="check")["detail"]
        assert api.flags.patches == 0
        remediate(office, incident, do="approve")
        assert remediate(office, incident, do="execute")["status"] == "done"
        wait_for(lambda: office.call("GET", f"/incidents/{incident}")["status"] == "resolved")
        assert (api.flags.patches, api.flags.production["on"]) == (1, False)
    finally:
        api.stop()


def test_a_deployment_of_kubernetes_is_put_back_and_proved(office: Office, shop: Shop):
    actions = office.home / "etc/apps/incident_management/local/incident_actions.conf"
    actions.write_text(
        "[undo_rollout]\nlabel = Put the Deployment back\nexecutor = kubernetes\n"
        "argument.namespace = shop\nargument.service = $analysis.service$\n"
        "argument.running = $analysis.version$\nargument.running.type = version\n"
        "argument.to_version = $analysis.previous_version$\nargument.to_version.type = version\n"
        "blast_radius = $service$ is rolled out anew with $to_version$.\n"
        "verify_delay = 0s\nverify_window = 5s\nmin_samples = 5\n"
    )
    office.standin.splunk.conf.reload()
    api = KubernetesApi(lambda: office.deployer.state.update(version="r7"))
    try:
        office.set("remediation", kubernetes_url=api.url, kubernetes_token="t")
        incident = analysed(office)
        plan = remediate(office, incident, action="undo_rollout")
        assert plan["blast_radius"] == "checkout is rolled out anew with r7."
        shown = remediate(office, incident, do="preview", plan=plan["plan_id"])
        patch = [one["op"] for one in json.loads(shown["request"][-1])]
        assert patch == ["test", "test", "replace", "add"]
        assert "nothing was changed" in remediate(office, incident, do="check")["detail"]
        assert (api.cluster.dry, api.cluster.patched) == (1, 0)
        remediate(office, incident, do="approve")
        assert remediate(office, incident, do="execute")["status"] == "done"
        wait_for(lambda: office.call("GET", f"/incidents/{incident}")["status"] == "resolved")
        assert (api.cluster.patched, api.cluster.version) == (1, "pool 20")
    finally:
        api.stop()


def test_a_set_in_one_of_several_clusters_is_restarted_and_scaled(office: Office, shop: Shop):
    """The clusters as the configuration page keeps them, each with its token."""
    about = (
        "argument.cluster = east-1\nargument.namespace = shop\nargument.kind = StatefulSet\n"
        "argument.service = $analysis.service$\ncooldown = 0s\n"
        "verify_delay = 0s\nverify_window = 5s\nmin_samples = 5\n"
    )
    number = "argument.{0} = {1}\nargument.{0}.type = integer\n".format
    actions = office.home / "etc/apps/incident_management/local/incident_actions.conf"
    actions.write_text(
        f"[restart]\nlabel = Restart\nexecutor = kubernetes_restart\n{about}"
        "blast_radius = The pods of $service$ restart.\n"
        f"[more]\nlabel = Add pods\nexecutor = kubernetes_scale\n{about}"
        f"{number('least', 1)}{number('most', 5)}{number('add', 1)}"
        "blast_radius = $service$ has $to_replicas$ pods instead of $replicas$.\n"
    )
    office.standin.splunk.conf.reload()
    helps = {"version": "r8"}
    east = KubernetesApi(lambda: office.deployer.state.update(helps), "StatefulSet")
    west = KubernetesApi(lambda: None)
    try:
        for name, api, token in (("east-1", east, "t"), ("west", west, "w")):
            given = {"name": name, "url": api.url, "token": token}
            office.admin.post("incident_management_cluster", body=given)
        kept = office.home / "etc/apps/incident_management/local/incident_management_cluster.conf"
        assert "east-1" in kept.read_text() and "token = t\n" not in kept.read_text()
        incident = analysed(office)
        remediate(office, incident, action="restart")
        remediate(office, incident, do="approve")
        assert remediate(office, incident, do="execute")["status"] == "done"
        wait_for(lambda: "verification not_recovered" in kinds(office, incident))
        helps["version"] = "r7"
        plan = remediate(office, incident, action="more")
        assert plan["blast_radius"] == "checkout has 3 pods instead of 2."
        remediate(office, incident, do="approve", plan=plan["plan_id"])
        done = remediate(office, incident, do="execute", plan=plan["plan_id"])
        assert done["status"] == "done"
        wait_for(lambda: office.call("GET", f"/incidents/{incident}")["status"] == "resolved")
        assert (east.cluster.pods, east.cluster.patched, west.cluster.patched) == (3, 2, 0)
    finally:
        east.stop()
        west.stop()


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
    assert refused["refused"].startswith(f"The approval of {plan} is void, because omar may not")
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

"""What carries a fix out, each as its own service: AWX, LaunchDarkly, Kubernetes, AWS Lambda."""

from __future__ import annotations

import json

from tests.unit.remediation.lambda_fake import REGION, FakeLambda
from tests.unit.remediation.launchdarkly_fake import TOKEN

from .conftest import Office, wait_for
from .receivers import Awx, KubernetesApi, LaunchDarklyApi
from .shop import Shop, analysed, kinds, remediate


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
        assert "Nothing was changed." in remediate(office, incident, do="check")["detail"]
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
        assert plan["blast_radius"] == (
            "checkout is rolled out anew with r7. "
            "The change event does not tell the namespace: compare before you approve."
        )
        shown = remediate(office, incident, do="preview", plan=plan["plan_id"])
        patch = [one["op"] for one in json.loads(shown["request"][-1])]
        assert patch == ["test", "test", "replace", "add"]
        assert "Nothing was changed." in remediate(office, incident, do="check")["detail"]
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


def test_an_alias_of_a_lambda_function_is_put_back_and_proved(office: Office, shop: Shop):
    """With the boto3 that is shipped, and the account as the configuration page keeps it."""
    actions = office.home / "etc/apps/incident_management/local/incident_actions.conf"
    actions.write_text(
        "[put_back]\nlabel = Put the alias back\nexecutor = lambda\nargument.alias = prod\n"
        "argument.service = $analysis.service$\n"
        "argument.running = $analysis.version$\nargument.running.type = function_version\n"
        "argument.to_version = $analysis.previous_version$\n"
        "argument.to_version.type = function_version\n"
        "blast_radius = $service$ runs $to_version$. $provisioned$\n"
        "verify_delay = 0s\nverify_window = 5s\nmin_samples = 5\n"
    )
    office.standin.splunk.conf.reload()
    amazon = FakeLambda()
    amazon.concurrency = {"42": 5}
    amazon.updated = lambda: office.deployer.state.update(version="r7")
    keys = {"aws_access_key_id": "AKIDEXAMPLE", "aws_secret_access_key": "s3cr3t"}
    office.admin.post("incident_management_account", body={"name": "ops", **keys})
    with amazon.served() as url:
        office.set("remediation", aws_account="ops", aws_region=REGION, lambda_endpoint_url=url)
        incident = analysed(office, ("42", "41"))
        plan = remediate(office, incident, action="put_back")
        assert plan["blast_radius"] == (
            "checkout runs 41. Version 42 has provisioned concurrency, 41 has none: it starts cold."
            " The change event does not tell the alias: compare before you approve."
        )
        assert "has no check mode" in remediate(office, incident, do="check")["detail"]
        assert amazon.updates == 0
        remediate(office, incident, do="approve")
        assert remediate(office, incident, do="execute")["status"] == "done"
        wait_for(lambda: office.call("GET", f"/incidents/{incident}")["status"] == "resolved")
    assert (amazon.updates, amazon.routing) == (1, ("41", {}))

"""Fixes on the workbench: proposed, dry run, approved, executed, stopped by a change freeze."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from playwright.sync_api import expect

from tests.integration.tell_and_fix.receivers import KubernetesApi

from .gestures import expect_toast, press, submit
from .site import Site

Enter = Callable[..., Any]


def test_a_refused_fix_is_not_reported_as_executed(site: Site, enter: Enter) -> None:
    (incident,) = site.signals({"entity": "cart", "title": "Errors of cart"})
    site.analysed(incident)
    plan = site.call("POST", f"/incidents/{incident}/plans", {})["plan_id"]
    site.call("POST", f"/plans/{plan}/approve", {})
    site.deployer.refuses = "A deploy freeze is on."
    page = enter("mia", f"?incident={incident}&tab=fixes")
    press(page, "execute")
    page.get_by_role("button", name="Execute on checkout").click()
    expect_toast(
        page, "Fix failed: The deploy API rejected the request with 409: A deploy freeze is on."
    )
    expect(page.locator(".wb-plan").first).to_contain_text("Next: Nothing was changed.")
    site.deployer.refuses = ""


def test_overriding_a_change_freeze_needs_a_reason(site: Site, enter: Enter) -> None:
    (incident,) = site.signals({"entity": "till", "title": "Errors of till"})
    site.analysed(incident)
    wanted = {"reason": "Black Friday", "service": "check*", "ends_at": time.time() + 600}
    freeze = site.call("POST", "/freezes", wanted)["id"]
    try:
        plan = site.call("POST", f"/incidents/{incident}/plans", {})["plan_id"]
        approver = enter("ada", f"?incident={incident}&tab=fixes")
        expect(approver.locator(".wb-plan")).to_contain_text(f"the change freeze {freeze} (Black")
        lacking = "Your roles don’t have the capability incident_override."
        expect(approver.locator("[data-move=approve]")).to_have_attribute("title", lacking)

        manager = enter("mia", f"?incident={incident}&tab=fixes")
        press(manager, "approve")
        manager.locator("dialog [name=override]").fill("The till is down.")
        submit(manager)
        expect_toast(manager, "It is not executed automatically")
        expect(manager.locator("[data-move=execute]")).not_to_have_attribute(
            "aria-disabled", "true"
        )
        entries = site.call("GET", f"/incidents/{incident}/timeline")["entries"]
        (approval,) = [one for one in entries if one["kind"] == "approval"]
        assert approval["data"]["override"]["reason"] == "The till is down."
        site.call("POST", f"/plans/{plan}/reject", {})
    finally:
        site.call("DELETE", f"/freezes/{freeze}")


@contextmanager
def with_kubernetes(site: Site, action: str) -> Iterator[KubernetesApi]:
    """A cluster that the app may change, by this action's stanza."""
    splunk = site.standin.splunk
    actions = splunk.home / "etc/apps/incident_management/local/incident_actions.conf"
    actions.write_text(action)
    splunk.conf.reload()
    api = KubernetesApi(lambda: None)
    try:
        form = {"kubernetes_url": api.url, "kubernetes_token": "t"}
        admin = site.standin.service(app="incident_management", owner="nobody")
        admin.post("incident_management_settings/remediation", **form)
        yield api
    finally:
        api.stop()
        actions.unlink()
        splunk.conf.reload()


def test_exceeding_the_hourly_limit_needs_a_managers_reason(site: Site, enter: Enter) -> None:
    action = (
        "[restart]\nlabel = Restart\nexecutor = kubernetes_restart\nhourly_limit = 1\n"
        "argument.namespace = shop\nargument.service = $analysis.service$\n"
        "argument.place = $incident.id$\nentity = place\nblast_radius = $service$ restarts.\n"
    )
    with with_kubernetes(site, action) as api:
        found = [{"entity": name, "title": f"Errors of {name}"} for name in ("shop-1", "shop-2")]
        first, second = (site.signals(one)[0] for one in found)
        for incident in (first, second):
            site.analysed(incident)
            given = {"action": "restart"}
            plan = site.call("POST", f"/incidents/{incident}/plans", given)["plan_id"]
            site.call("POST", f"/plans/{plan}/approve", {})
            if incident == first:
                site.call("POST", f"/plans/{plan}/execute", {})
        page = enter("mia", f"?incident={second}&tab=fixes")
        press(page, "execute")
        dialog = page.locator("dialog")
        expect(dialog).to_contain_text("ran 1 of at most 1 times within the last hour")
        dialog.locator("[name=override]").fill("All shops are down.")
        page.get_by_role("button", name=f"Execute on {second}").click()
        expect_toast(page, "Fix executed: All pods of checkout were restarted.")
        assert api.cluster.patched == 2


def test_a_dry_run_needs_no_approval(site: Site, enter: Enter) -> None:
    """Before the next test has a fix under way on checkout, which none is tried beside."""
    action = (
        "[undo_rollout]\nlabel = Put the Deployment back\nexecutor = kubernetes\n"
        "argument.namespace = shop\nargument.service = $analysis.service$\n"
        "argument.running = $analysis.version$\nargument.to_version = $analysis.previous_version$\n"
        "blast_radius = $service$ is rolled out anew.\n"
    )
    with with_kubernetes(site, action) as api:
        (incident,) = site.signals({"entity": "checkout-2", "title": "Errors of checkout-2"})
        site.analysed(incident)
        site.call("POST", f"/incidents/{incident}/plans", {"action": "undo_rollout"})
        page = enter("mia", f"?incident={incident}&tab=fixes")
        page.get_by_text("Preview request").click()
        expect(page.locator(".wb-plan pre").first).to_contain_text('"path": "/spec/template"')
        press(page, "check")
        expect(page.locator(".wb-effects")).to_contain_text(
            "validates the request and stores nothi"
        )
        submit(page)
        expect_toast(page, "Kubernetes accepts the request. Nothing was changed.")
        assert (api.cluster.dry, api.cluster.patched) == (1, 0)
        expect(
            enter("ada", f"?incident={incident}&tab=fixes").locator("[data-move=check]")
        ).to_have_attribute("aria-disabled", "true")


def test_a_fix_is_proposed_approved_and_executed(site: Site, enter: Enter) -> None:
    (incident,) = site.signals({"entity": "checkout", "title": "Errors of checkout"})
    site.analysed(incident)
    responder = enter("rob", f"?incident={incident}&tab=analysis")
    expect(responder.locator(".wb-verdict")).to_contain_text("CHG-8")
    expect(responder.locator(".wb-check-verified").first).to_contain_text("pool_size: 20 -> 1")
    struck = responder.locator(".wb-claims s")
    expect(struck).to_have_text("The database was restarted at noon.")
    claims = responder.locator(".wb-claims li")
    expect(claims.nth(0)).to_contain_text("QueuePool limit of size 1 overflow 0 reached")
    expect(claims.nth(0)).to_contain_text("quote found · C1")
    expect(claims.nth(1)).to_contain_text("not checked · C1 · It says what brought about what.")
    expect(claims.nth(2)).not_to_contain_text("ready to accept connections")
    looked = responder.locator(".wb-looked")
    expect(looked.locator("dt")).to_have_text("change events in the day before the errors began")
    expect(looked.locator("dd")).to_have_text(
        ["config CHG-8 of checkout, 0 min before", "No change events of billing."]
    )

    press(responder, "propose")
    expect_toast(responder, " proposed: ")
    plan = responder.locator(".wb-plan")
    expect(plan).to_contain_text("Next: One of mia, ada, admin must approve it")
    expect(plan).to_contain_text(
        "Proof: Recovery can't be verified automatically, so a person decides"
    )
    expect(plan.locator(".wb-not-ok")).to_have_count(0)  # a known limit is no trouble
    approve = plan.locator("[data-move=approve]")
    expect(approve).to_have_attribute(
        "title", "Your roles don’t have the capability incident_approve."
    )

    approver = enter("ada", f"?incident={incident}&tab=fixes")
    approver.locator("[data-move=approve]").click()
    expect(approver.locator(".wb-effects")).to_contain_text("restarts with version r7")
    submit(approver)
    expect_toast(approver, "It is not executed automatically")
    expect(approver.locator("[data-move=execute]")).to_have_attribute("aria-disabled", "true")

    manager = enter("mia", f"?incident={incident}&tab=fixes")
    manager.get_by_text("Preview request").click()
    expect(manager.locator(".wb-plan pre").first).to_contain_text('"to_version": "r7"')
    press(manager, "execute")
    expect(manager.locator(".wb-effects")).to_contain_text("Approved by ada")
    assert manager.evaluate("document.activeElement.textContent") == "Cancel"
    manager.get_by_role("button", name="Execute on checkout").click()
    expect_toast(manager, "Fix executed: checkout runs r7. The recovery check follows")
    assert len(site.deployer.rollbacks) == 1
    (plan,) = site.call("GET", f"/incidents/{incident}/plans")["plans"]
    assert plan["status"] == "done"
    expect(manager.get_by_role("button", name="Roll back …")).to_be_visible()

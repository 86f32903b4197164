"""Takes the README's pictures of the built app; Slack's is of the demo's receiver (tools/demo).

PYTHONPATH=package/bin:. .build/venv/dev/bin/python -m tests.browser.pictures docs/images
"""

from __future__ import annotations

import random
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from incident_management.incidents.model import Incident
from incident_management.incidents.review.due_counts import save_due_counts
from incident_management.incidents.routing import Routing
from tests.browser.conftest import CHROMIUM, FLAGS
from tests.browser.workbench.site import Clock, Site, sign_in
from tools.splunkd_lite.web.studio import build_studio

MOST_BYTES = 300_000
LAID_OUT_MS = 12_000
BROKEN = "High Error Rate: checkout, 412 errors in 5 minutes"
ROUTING = """[team:payments]
members = mia, rob
assign = manual
[field:customer_impact]
label = Customer impact
kind = choice
options = none, some, all
[checklist:critical]
severity = critical
step.1 = Tell support what customers see | role: communications
step.2 = Watch the error rate after the fix | role: lead
step.3 = Tell support that it is over | role: communications
"""
# Title, severity, what is affected; age and deadline in seconds, no deadline for 0; owner
OTHERS = (
    ("HTTP 5xx Ratio: gateway, 4.1 % of requests", "critical", "gateway", 2160, 11_000, "rob"),
    ("Service Went Silent: mail-relay-3", "high", "mail-relay-3", 5460, -1860, ""),
    ("Latency Shift: search answers in 2.4 s, usually 0.3 s", "high", "search", 960, 500, ""),
    ("Resource Pressure: disk of db-2 is 93 % full", "medium", "db-2", 29_000, 0, "rob"),
    ("New errors after the release of catalogue 4.2", "medium", "catalogue", 7900, 0, ""),
    ("Certificate of api.example.com expires in 6 days", "low", "api.example.com", 50_000, 0, ""),
    ("AWS CloudTrail Errors: AccessDenied for role deploy", "low", "role deploy", 61_000, 0, ""),
    ("Backup of billing was late", "info", "billing", 70_000, 0, ""),
)


def raise_all(site: Site) -> str:
    """Open the incidents of a busy evening; returns the id of the one that is looked at."""
    earlier = {"entity": "checkout", "title": "High Error Rate: checkout, 188 errors in 5 minutes"}
    (before,) = site.signals(earlier)
    solved = {"resolution": "Rolled back r5: its pool was cut.", "category": "Bad change"}
    site.call("POST", f"/incidents/{before}/resolve", solved, user="rob")
    site.call("POST", f"/incidents/{before}/close", {}, user="mia")
    found: dict[str, Any] = {
        "entity": "checkout",
        "title": BROKEN,
        "severity": "critical",
        "description": "Errors of checkout rose from 2 to 412 in 5 minutes.",
        "tags": ["prod", "eu-1"],
        "runbook": "/static/app/incident_management/runbooks.html#high-error-rate",
    }
    (shown, *_) = [site.signals({**found, "run": f"run {number}"})[0] for number in range(7)]
    site.call("POST", f"/incidents/{shown}/assign", {"owner": "mia", "team": "payments"})
    site.call("POST", f"/incidents/{shown}/acknowledge", {}, user="mia")
    note = "Looking at the last release of checkout. Customers see “please try again” at payment."
    site.call("POST", f"/incidents/{shown}/notes", {"text": note}, user="mia")
    site.call("POST", f"/incidents/{shown}/roles", {"role": "communications", "person": "rob"})
    field = {"action": "field", "ids": [shown], "field": "customer_impact", "value": "some"}
    site.call("POST", "/incidents/bulk", field, user="rob")
    first = site.call("GET", f"/incidents/{shown}/tasks")["tasks"][0]["id"]
    site.call("POST", f"/incidents/{shown}/tasks/{first}", {"state": "done"}, user="rob")
    site.analysed(shown)
    site.call("POST", f"/incidents/{shown}/plans", {"action": "rollback_change"}, user="rob")
    site.promise(shown, 900, 7000)
    note = "Confirmed with the payments team: the pool of r8 is too small. Roll it back."
    site.call("POST", f"/incidents/{shown}/notes", {"text": note}, user="rob")
    for title, severity, entity, _age, due, owner in OTHERS:
        detection, _, _ = title.partition(":")
        about = {"title": title, "severity": severity, "entity": entity}
        (one,) = site.signals({**about, "rule": detection, "run": title})
        if owner:
            site.call("POST", f"/incidents/{one}/assign", {"owner": owner})
            site.call("POST", f"/incidents/{one}/acknowledge", {}, user=owner)
        if due:
            site.promise(one, due, due)
    return shown


def age(site: Site) -> None:
    """Give the incidents an age, and days before them, and a worker that runs."""
    now = time.time()
    ages = {BROKEN: 420, **{title: seconds for title, *_, seconds, _due, _owner in OTHERS}}
    documents = site.stores.incidents.find({})
    for document in documents:
        document["opened_at"] = now - ages.get(document["title"], 400_000)
        if document.get("acknowledged_at"):
            document["acknowledged_at"] = document["opened_at"] + 300
        if document.get("resolved_at"):
            document["resolved_at"] = document["opened_at"] + 2700
    site.stores.incidents.save(documents + days_before(now))
    worker = {"purpose": "worker:announce:checkpoint", "time": now + 600, "value": {}}
    told = {"purpose": "channels set up", "value": {"channels": "slack, teams, pagerduty"}}
    site.stores.claims.save([{"_key": one["purpose"], **one} for one in (worker, told)])
    save_due_counts(site.stores, Clock(), Routing().review_severities)
    event = {"_time": now - 20, "_raw": "ERROR checkout QueuePool limit", "host": "checkout-2"}
    site.standin.index("main", [event])


def days_before(now: float) -> list[dict[str, Any]]:
    chance, made = random.Random(7), []
    for number in range(45):
        opened = now - 86_400 * (number % 7) - chance.randint(3600, 60_000)
        acknowledged = opened + chance.randint(60, 900)
        made.append(
            Incident(
                f"INC-20200101-{number:06}",
                "Latency Shift: search",
                opened_at=opened,
                acknowledged_at=acknowledged,
                resolved_at=acknowledged + chance.randint(600, 9000),
                severity=chance.choices(("critical", "high", "medium", "low"), (1, 3, 4, 4))[0],
                status="resolved",
                team=chance.choice(("operations", "web", "payments")),
                sla_status=chance.choice(("met", "met", "met", "missed")),
            ).to_document()
        )
    return made


def take(site: Site, shown: str, folder: Path) -> None:
    """Take the pictures. Raises AssertionError for one that is too large for a README."""
    from playwright.sync_api import sync_playwright

    pictures = {
        "workbench": (f"workbench?incident={shown}", 1400, 880),
        "overview": ("incident_overview", 1440, 1450),
        "incident": (f"incident?form.incident={shown}", 1440, 1661),
    }
    path = next(path for path in CHROMIUM if Path(path).exists())
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=FLAGS)
        page = browser.new_page()
        page.goto(site.page)
        sign_in(page, "mia")
        for name, (view, width, height) in pictures.items():
            page.set_viewport_size({"width": width, "height": height})
            page.goto(site.page.replace("/workbench", f"/{view}"))
            page.wait_for_timeout(LAID_OUT_MS)
            size = len(page.screenshot(path=str(folder / f"{name}.png")))
            assert size < MOST_BYTES, f"{name}.png has {size} bytes"
        browser.close()


def main() -> None:
    build_studio()
    with tempfile.TemporaryDirectory() as home:
        site = Site(Path(home), ROUTING)
        try:
            shown = raise_all(site)
            age(site)
            take(site, shown, Path(sys.argv[1]))
        finally:
            site.stop()


if __name__ == "__main__":
    main()

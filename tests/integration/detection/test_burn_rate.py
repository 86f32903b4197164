"""The burn-rate monitor of the guide, as it stands there, over a web server's access log."""

from __future__ import annotations

import re

from tests.integration.detection.conftest import APP_NAME, NOW, ROOT, Detections

HOUR, DAY = 3600.0, 86400.0


def test_the_guides_objective_pages_about_an_access_log(detections: Detections) -> None:
    guide = (ROOT / "docs/MONITORS.md").read_text()
    (stanza,) = re.findall(r"```ini\n(\[incident_monitor://checkout_slo\]\n.*?)```", guide, re.S)
    local = detections.standin.splunk.home / "etc/apps" / APP_NAME / "local"
    local.mkdir(exist_ok=True)
    (local / "inputs.conf").write_text(stanza)
    detections.standin.splunk.conf.reload()
    # The fields of Splunk's own "access-extractions"; a service is not among them.
    fields = {"sourcetype": "access_combined", "uri_path": "/checkout/pay"}
    line = '10.0.0.7 - - "GET /checkout/pay HTTP/1.1" {} 512'
    for status, count, oldest in (("200", 1500, DAY), ("503", 60, HOUR)):
        detections.log_many(line.format(status), count, oldest, 61, status=status, **fields)

    replay = (
        f"| incidentbacktest monitor=checkout_slo earliest={NOW - 7 * DAY:.0f} latest={NOW:.0f}"
    )
    job = detections.standin.splunk.jobs.dispatch(replay, "admin", APP_NAME)
    assert job.state == "DONE", job.messages
    incident, summary = job.rows
    assert (incident["title"], incident["severity"]) == ("checkout_slo: checkout", "critical")
    assert summary["pages"] == "1"

"""Monitors as splunkd runs them: stanzas of inputs.conf, processes of their own."""

from __future__ import annotations

import json
import time
from pathlib import Path

from tests.integration.detection.conftest import APP_NAME
from tests.package import APP_PYTHON
from tests.standin import StandIn, start_standin

INPUTS = """
[incident_monitor://worker]
cycle_seconds = 1
run_seconds = 10
interval = 1
disabled = 0
[incident_monitor://refusals]
monitor_search = index=main sourcetype=shop | eval failed=if(status>=500, 1, 0)
detector = ratio
value = failed
by = service
span = 5s
lag = 1s
severity = high
interval = 1
disabled = 0
[incident_monitor://broken]
search = index=main | satts count
interval = 1
span = 5s
lag = 1s
disabled = 0
"""


LASTING = INPUTS[: INPUTS.index("[incident_monitor://broken]")] + "raise_after = 2 of 3\n"


def messages(standin: StandIn) -> dict[str, str]:
    """What Splunk Web shows, by name."""
    answer = standin.service().get("/services/messages", output_mode="json").body.read()
    return {str(one["name"]): str(one["content"]["message"]) for one in json.loads(answer)["entry"]}


def refuse(standin: StandIn) -> None:
    """Let ten of twenty requests be refused."""
    event = {"host": "web-1", "source": "shop", "sourcetype": "shop"}
    raw = [f'{{"service": "pay", "status": {status}}}' for status in (200, 503) * 10]
    standin.index("main", [{**event, "_time": time.time(), "_raw": one} for one in raw])


def test_one_raises_while_another_reports_its_error(app_folder: Path, tmp_path: Path) -> None:
    with start_standin(tmp_path, apps=[app_folder], python=APP_PYTHON) as standin:
        local = standin.splunk.home / "etc/apps" / APP_NAME / "local"
        local.mkdir(exist_ok=True)
        (local / "inputs.conf").write_text(INPUTS)
        standin.splunk.conf.reload()
        inputs = standin.splunk.services.use_modular_inputs()
        inputs.start()
        service = standin.service(app=APP_NAME, owner="nobody")
        deadline = time.monotonic() + 240
        found: list[dict[str, object]] = []
        while not found and time.monotonic() < deadline:
            refuse(standin)
            time.sleep(1)
            found = service.kvstore["incident_incidents"].data.query()
        message = "incident_management_monitor_broken"
        # The other one may have judged a span before there were events, and have said so.
        while list(shown := messages(standin)) != [message] and time.monotonic() < deadline:
            time.sleep(0.5)
        # Repaired, it says nothing any more.
        (local / "inputs.conf").write_text(INPUTS.replace("satts count", "eval a=1"))
        standin.splunk.conf.reload()
        while message in messages(standin) and time.monotonic() < deadline:
            time.sleep(0.5)
        left = messages(standin)
        inputs.stop()
        log = (standin.splunk.home / "var/log/splunk/incident_management_monitor.log").read_text()

    assert found[0]["title"] == "refusals: pay"
    assert found[0]["severity"] == "high"
    assert "Monitor 'broken': " in log
    assert "satts" in log
    assert "Monitor 'broken': splunkd refused the search" in shown[message]
    assert "satts" in shown[message]
    assert [name for name in shown if "monitor" in name] == [message]
    assert message not in left


def test_what_lasts_is_raised_from_when_it_began(app_folder: Path, tmp_path: Path) -> None:
    with start_standin(tmp_path, apps=[app_folder], python=APP_PYTHON) as standin:
        local = standin.splunk.home / "etc/apps" / APP_NAME / "local"
        local.mkdir(exist_ok=True)
        (local / "inputs.conf").write_text(LASTING)
        standin.splunk.conf.reload()
        inputs = standin.splunk.services.use_modular_inputs()
        inputs.start()
        kvstore = standin.service(app=APP_NAME, owner="nobody").kvstore
        deadline = time.monotonic() + 240
        signals: list[dict[str, object]] = []
        while len(signals) < 3 and time.monotonic() < deadline:
            refuse(standin)
            time.sleep(1)
            signals = kvstore["incident_signals"].data.query(sort="last_time:1")
        inputs.stop()

    spans = [(float(str(one["first_time"])), float(str(one["last_time"]))) for one in signals]
    first, *later = spans
    assert first[1] - first[0] in (10, 15), "Two of the last three spans of 5 seconds."
    assert "of the last 3 spans" in str(signals[0]["description"])
    # Each span after that is its own signal: none is in two, and none is left out.
    assert later == [(first[1] + 5 * n, first[1] + 5 * n + 5) for n in range(len(later))]

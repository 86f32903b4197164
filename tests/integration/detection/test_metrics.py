"""Metric indexes: a monitor over `mstats`, replayed, and `mstats … | anomalyscore`."""

from __future__ import annotations

import math
import random

import pytest

from tests.integration.detection.conftest import APP_NAME, NOW, Detections
from tools.splunkd_lite.errors import SplunkdError

MONITOR = """
[incident_monitor://cpu]
monitor_search = | mstats avg(cpu.usage) as cpu where index=metrics span=1m by host
value = avg(cpu)
by = host
disabled = 1
[incident_monitor://stopped]
monitor_search = | mstats count(cpu.usage) as points where index=metrics span=1m by host
detector = silence
by = host
disabled = 1
"""
DAY = 86400
BEGIN = NOW - 9 * DAY
FAULT, GONE = NOW - 6 * 3600, NOW - 2 * 3600


def usage(host: str, moment: float, noise: random.Random) -> float:
    """A day's course; on web-2 it stands at 97 for half an hour."""
    if host == "web-2" and FAULT <= moment < FAULT + 1800:
        return 97.0
    return 45 + 20 * math.sin(2 * math.pi * (moment % DAY) / DAY) + noise.gauss(0, 1.5)


@pytest.fixture
def measured(detections: Detections) -> Detections:
    """Two hosts whose processors are measured every five minutes; web-1 stops at the end."""
    splunk = detections.standin.splunk
    splunk.conf.write("indexes", "metrics", {"datatype": "metric"}, "search", create=True)
    noise = random.Random(1)
    detections.standin.index(
        "metrics",
        [
            {
                "_time": moment,
                "_raw": "metric",
                "host": host,
                "metric_name:cpu.usage": f"{usage(host, moment, noise):.2f}",
            }
            for moment in range(int(BEGIN), int(NOW), 300)
            for host in ("web-1", "web-2")
            if host == "web-2" or moment < GONE
        ],
    )
    local = splunk.home / "etc/apps" / APP_NAME / "local"
    local.mkdir(exist_ok=True)
    (local / "inputs.conf").write_text(MONITOR)
    splunk.conf.reload()
    return detections


def test_monitors_judge_what_mstats_gives(measured: Detections) -> None:
    span = f"earliest={NOW - DAY:.0f} latest={NOW:.0f}"
    for monitor, entity, moment in (("cpu", "web-2", FAULT), ("stopped", "web-1", GONE)):
        search = f"| incidentbacktest monitor={monitor} {span}"
        rows = measured.standin.search(search, app=APP_NAME)
        (found,) = [row for row in rows if row["kind"] == "incident"]
        assert found["entities"] == entity
        assert moment <= float(found["opened_at"]) <= moment + 1800, found


def test_anomalyscore_scores_what_mstats_gives(measured: Detections) -> None:
    rows = measured.standin.search(
        "| mstats avg(cpu.usage) as cpu where index=metrics host=web-2 span=5m by host "
        "| anomalyscore value=cpu by=host time_zone=UTC | where is_anomaly=1",
        app=APP_NAME,
        earliest=BEGIN,
        latest=NOW,
    )
    assert FAULT in [float(row["_time"]) for row in rows]


def test_a_metric_index_takes_data_points_alone(measured: Detections) -> None:
    for event in ({"_raw": "error"}, {"_raw": "", "metric_name:cpu.usage": "high"}):
        with pytest.raises(SplunkdError, match="takes metric data points alone"):
            measured.standin.index("metrics", [event])

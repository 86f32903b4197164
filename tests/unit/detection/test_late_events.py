"""The shipped detections count events that are indexed late, as Splunk's manual asks of alerts."""

from __future__ import annotations

import configparser
from datetime import timezone
from pathlib import Path

import pytest

from incident_management.detection.cron import Cron
from incident_management.detection.timemodifiers import resolve

CONF = Path(__file__).parents[3] / "package/default/savedsearches.conf"
NOON = 1_700_049_600.0
HOURS = 3 * 3600
# "Schedule alerts with at least one minute of delay": Alerting Manual, "Alert scheduling tips".
# CloudTrail's files come within about 5 minutes on average, and then have to be fetched.
LATE = {"AWS CloudTrail Errors": 1200, "Certificate or Credential Expiry": 300}


def detections():
    parser = configparser.RawConfigParser(strict=False)
    parser.optionxform = str  # type: ignore[assignment, method-assign]
    parser.read(CONF)
    return {name: dict(parser[name]) for name in parser.sections()}


@pytest.mark.parametrize("name", detections())
def test_an_event_that_is_indexed_late_is_in_a_later_window(name):
    settings = detections()[name]
    cron = Cron(settings["cron_schedule"], timezone.utc)
    runs = [
        (run, *(resolve(settings[f"dispatch.{end}_time"], run) for end in ("earliest", "latest")))
        for run in cron.between(NOON - HOURS, NOON + 2 * HOURS, 2000)
    ]
    late = LATE.get(name, 60)
    missed = [
        event
        for event in range(int(NOON), int(NOON + HOURS), 7)
        if not any(begin <= event < end and event + late <= run for run, begin, end in runs)
    ]
    assert missed == []


def test_windows_that_do_not_overlap_count_no_event_twice():
    for name in ("High Error Rate", "HTTP 5xx Ratio", *LATE):
        settings = detections()[name]
        runs = Cron(settings["cron_schedule"], timezone.utc).between(NOON, NOON + HOURS, 2000)
        ends = [resolve(settings["dispatch.latest_time"], run) for run in runs]
        begins = [resolve(settings["dispatch.earliest_time"], run) for run in runs]
        assert begins[1:] == ends[:-1], name

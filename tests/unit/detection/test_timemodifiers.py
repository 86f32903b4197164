from __future__ import annotations

from datetime import datetime, timezone
from zoneinfo import ZoneInfo

import pytest

from incident_management.detection.timemodifiers import resolve

NOW = datetime(2026, 5, 13, 10, 37, 42, tzinfo=timezone.utc).timestamp()  # a Wednesday


@pytest.mark.parametrize(
    ("modifier", "wanted"),
    [
        ("now", "2026-05-13T10:37:42"),
        ("", "2026-05-13T10:37:42"),
        ("-5m@m", "2026-05-13T10:32:00"),
        ("@m", "2026-05-13T10:37:00"),
        ("-1h@h+15m", "2026-05-13T09:15:00"),
        ("-24h", "2026-05-12T10:37:42"),
        ("-d@d", "2026-05-12T00:00:00"),
        ("+30s", "2026-05-13T10:38:12"),
        ("@w0", "2026-05-10T00:00:00"),
        ("@w3", "2026-05-13T00:00:00"),
        ("@w5", "2026-05-08T00:00:00"),
        ("-1mon@mon", "2026-04-01T00:00:00"),
        ("@q", "2026-04-01T00:00:00"),
        ("-1y@y", "2025-01-01T00:00:00"),
    ],
)
def test_a_modifier_is_resolved_at_a_moment(modifier, wanted):
    moment = datetime.fromtimestamp(resolve(modifier, NOW, timezone.utc), timezone.utc)
    assert moment.isoformat()[:19] == wanted


@pytest.mark.parametrize(
    ("modifier", "wanted"),
    [
        ("@d", "2026-03-29T00:00:00+01:00"),
        ("-1d@h", "2026-03-28T10:00:00+01:00"),
        ("-24h@h", "2026-03-28T09:00:00+01:00"),
        ("@w0", "2026-03-29T00:00:00+01:00"),
        ("-1mon@mon+9h", "2026-02-01T09:00:00+01:00"),
    ],
)
def test_days_are_those_of_the_zone_also_over_a_change_of_its_hours(modifier, wanted):
    """Berlin went from 02:00 to 03:00 on 2026-03-29; "-1d" is the same time a day before."""
    berlin = ZoneInfo("Europe/Berlin")
    now = datetime(2026, 3, 29, 10, 37, tzinfo=berlin).timestamp()
    assert datetime.fromtimestamp(resolve(modifier, now, berlin), berlin).isoformat() == wanted


def test_epoch_seconds_are_themselves():
    assert resolve("1700000000.5", NOW) == 1700000000.5


def test_a_month_is_shortened_where_it_must_be():
    march = datetime(2026, 3, 31, tzinfo=timezone.utc).timestamp()
    moment = resolve("-1mon", march, timezone.utc)
    assert datetime.fromtimestamp(moment, timezone.utc).day == 28


@pytest.mark.parametrize("bad", ["yesterday", "-5x", "rt", "-5m@", "5 minutes ago", "-5m@m junk"])
def test_what_is_not_understood_is_refused(bad):
    with pytest.raises(ValueError, match="is not a supported time"):
        resolve(bad, NOW)

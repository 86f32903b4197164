"""Time modifiers and spans, on a Wednesday.

https://help.splunk.com/splunk-enterprise/spl-search-reference/9.4/time-format-variables-and-modifiers/time-modifiers
https://help.splunk.com/splunk-enterprise/search/spl2-search-manual/dates-and-time/specifying-relative-time
"""

from __future__ import annotations

from datetime import datetime, timezone
from zoneinfo import ZoneInfo

import pytest

from tools.splunkd_lite.spl import SplError
from tools.splunkd_lite.spl.timemod import parse_span, resolve

UTC = timezone.utc
NOW = datetime(2021, 4, 28, 14, 5, 42, tzinfo=UTC).timestamp()


def at(text: str) -> float:
    return datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()


@pytest.mark.parametrize(
    ("modifier", "moment"),
    [
        ("now", "2021-04-28T14:05:42"),
        ("-2d", "2021-04-26T14:05:42"),
        ("-2d@d", "2021-04-26T00:00:00"),
        ("-h@h", "2021-04-28T13:00:00"),
        ("@h", "2021-04-28T14:00:00"),
        ("-60m", "2021-04-28T13:05:42"),
        ("-1m@m", "2021-04-28T14:04:00"),
        ("@w", "2021-04-25T00:00:00"),
        ("@w0", "2021-04-25T00:00:00"),
        ("@w7", "2021-04-25T00:00:00"),
        ("@w1", "2021-04-26T00:00:00"),
        ("@w6", "2021-04-24T00:00:00"),
        ("-1w@w1", "2021-04-19T00:00:00"),
        ("@mon", "2021-04-01T00:00:00"),
        ("-1mon@mon", "2021-03-01T00:00:00"),
        ("@q", "2021-04-01T00:00:00"),
        ("-1q@qtr", "2021-01-01T00:00:00"),
        ("@y", "2021-01-01T00:00:00"),
        ("-1y", "2020-04-28T14:05:42"),
        ("@d-2h", "2021-04-27T22:00:00"),
        ("-1d@d+8h", "2021-04-27T08:00:00"),
        ("+30minutes", "2021-04-28T14:35:42"),
        ("04/26/2021:08:00:00", "2021-04-26T08:00:00"),
        ("2021-04-26T08:00:00", "2021-04-26T08:00:00"),
        ("2021-04-26T08:00:00Z", "2021-04-26T08:00:00"),
        ("rt-5m", "2021-04-28T14:00:42"),
    ],
)
def test_a_modifier_names_a_moment(modifier: str, moment: str) -> None:
    assert resolve(modifier, NOW) == at(moment)


def test_epoch_seconds_stand_for_themselves() -> None:
    assert resolve("1594163138.5", NOW) == 1594163138.5
    assert resolve("0", NOW) == 0


def test_the_end_of_a_month_stays_in_its_month() -> None:
    march = datetime(2021, 3, 31, 12, tzinfo=UTC).timestamp()
    assert resolve("-1mon", march) == at("2021-02-28T12:00:00")


def test_days_follow_the_zone() -> None:
    berlin = ZoneInfo("Europe/Berlin")
    assert resolve("@d", NOW, berlin) == at("2021-04-27T22:00:00")
    after_change = datetime(2021, 3, 28, 20, tzinfo=UTC).timestamp()
    assert resolve("@d", after_change, berlin) == at("2021-03-27T23:00:00")


@pytest.mark.parametrize("text", ["yesterday", "-5x", "@", "@d9", "5m", "-", "13/45/2020:00:00:00"])
def test_anything_else_is_refused(text: str) -> None:
    with pytest.raises(SplError, match="for a time term"):
        resolve(text, NOW)


@pytest.mark.parametrize(
    ("span", "start"),
    [
        ("1m", "2021-04-28T14:05:00"),
        ("5m", "2021-04-28T14:05:00"),
        ("4h", "2021-04-28T12:00:00"),
        ("1d", "2021-04-28T00:00:00"),
        ("1w", "2021-04-25T00:00:00"),
        ("1mon", "2021-04-01T00:00:00"),
        ("1q", "2021-04-01T00:00:00"),
        ("1y", "2021-01-01T00:00:00"),
    ],
)
def test_a_span_starts_at_its_own_boundary(span: str, start: str) -> None:
    found = parse_span(span)
    assert found is not None
    assert found.start(NOW, UTC) == at(start)

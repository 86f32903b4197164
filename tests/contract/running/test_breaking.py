"""Breaking text into events and finding their times, as props.conf says."""

from datetime import UTC, datetime

import pytest

from tests.contract.running.fakes import NOON
from tools.splunkd_lite.inputs.breaking import break_events, text_of_span
from tools.splunkd_lite.inputs.props import Props, props_for
from tools.splunkd_lite.inputs.timestamps import find_time
from tools.splunkd_lite.runners.errors import RunnerError

TRACEBACK = """\
2026-01-01 12:00:00,000 ERROR pool
Traceback (most recent call last):
  File "x.py", line 1
TimeoutError: QueuePool limit
2026-01-01 12:00:01,000 INFO ok
"""
PY_LOG = {"SHOULD_LINEMERGE": "0", "LINE_BREAKER": r"([\r\n]+)\d{4}-\d\d-\d\d "}


def events(text, settings=None, final=True):
    props, data = Props.of(settings or {}), text.encode()
    return [text_of_span(data, span, props) for span in break_events(data, props, final)]


def test_a_traceback_stays_one_event_by_line_breaker():
    assert events(TRACEBACK, PY_LOG) == [
        TRACEBACK[: TRACEBACK.rindex("\n2026")], "2026-01-01 12:00:01,000 INFO ok"
    ]  # fmt: skip


def test_the_last_event_is_not_finished_until_the_next_one_starts():
    assert len(events(TRACEBACK, PY_LOG, final=False)) == 1


def test_lines_are_merged_until_one_has_a_date():
    assert [len(event.splitlines()) for event in events(TRACEBACK)] == [4, 1]


def test_break_only_before_decides_alone():
    text = "START a\n2026-01-01 12:00:00 b\nSTART c\n"
    assert events(text, {"BREAK_ONLY_BEFORE": "^START"}) == [
        "START a\n2026-01-01 12:00:00 b", "START c"
    ]  # fmt: skip


def test_must_break_after_ends_an_event():
    settings = {"MUST_BREAK_AFTER": "</e>", "BREAK_ONLY_BEFORE_DATE": "0"}
    assert events("<e>\na</e>\n<e>\nb</e>\n", settings) == ["<e>\na</e>", "<e>\nb</e>"]


def test_single_lines_without_merging():
    settings = {"SHOULD_LINEMERGE": "false"}
    assert events("a\r\n\r\nb\nc", settings) == ["a", "b", "c"]
    assert events("a\nb", settings, final=False) == ["a"]


def test_max_events_and_truncate_bound_an_event():
    assert len(events("x\n" * 600)) == 3
    assert events("y" * 50, {"TRUNCATE": "10"}) == ["y" * 10]


@pytest.mark.parametrize("settings", [{}, PY_LOG, {"SHOULD_LINEMERGE": "0"}])
def test_any_cut_of_the_stream_gives_the_same_events(settings):
    props, whole = Props.of(settings), TRACEBACK.encode()
    expected = [whole[s.start : s.end] for s in break_events(whole, props, True)]
    for cut in range(1, len(whole)):
        found, rest = [], b""
        for part, final in ((whole[:cut], False), (whole[cut:], True)):
            data = rest + part
            spans = break_events(data, props, final)
            found += [data[s.start : s.end] for s in spans]
            rest = data[spans[-1].next :] if spans else data
        assert found == expected


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ({"LINE_BREAKER": "\\n"}, "no capturing group"),
        ({"LINE_BREAKER": "("}, "malformed"),
        ({"SHOULD_LINEMERGE": "perhaps"}, "neither true nor false"),
        ({"INDEXED_EXTRACTIONS": "w3c"}, "INDEXED_EXTRACTIONS"),
        ({"TRUNCATE": "many"}, "whole number"),
        ({"CHARSET": "KLINGON"}, "KLINGON"),
    ],
)
def test_what_is_wrong_or_not_done_here_is_named(settings, says):
    with pytest.raises(RunnerError, match=says):
        Props.of(settings)


TIMES = [
    ("2026-01-01T12:00:00Z x", {}),
    ("2026-01-01 14:00:00.000+0200 x", {}),
    ("x 2026/01/01 12:00:00 +0000", {}),
    ('1.2.3.4 - - [01/Jan/2026:12:00:00 +0000] "GET"', {}),
    ("01-01-2026 12:00:00.000 +0000 INFO x", {}),
    (f"{NOON:.0f} x", {}),
    ('{"a": 1, "ts": "2026-01-01T12:00:00Z"}', {}),
    ("2026-01-01 13:00:00 x", {"TZ": "Europe/Paris"}),
    ("2026-01-01 12:00:00,000 x", {"TIME_FORMAT": "%Y-%m-%d %H:%M:%S,%3N", "TZ": "UTC"}),
    (
        "1999-09-09 at=2026-01-01T12:00:00Z",
        {"TIME_PREFIX": "at=", "TIME_FORMAT": "%Y-%m-%dT%H:%M:%S%z"},
    ),
    (f"t={NOON:.0f}.000", {"TIME_PREFIX": "t=", "TIME_FORMAT": "%s.%3N"}),
]


@pytest.mark.parametrize(("text", "settings"), TIMES)
def test_times_are_found(text, settings):
    assert find_time(text, Props.of(settings)) == NOON


def test_fractions_count():
    assert find_time("2026-01-01T12:00:00.250Z", Props()) == NOON + 0.25
    assert find_time("2026-01-01 12:00:00,5+00:00", Props()) == NOON + 0.5


@pytest.mark.parametrize(
    ("text", "settings"),
    [
        ("no time here", {}),
        ("2026-13-45 99:00:00Z", {}),
        ("x" * 200 + " 2026-01-01T12:00:00Z", {}),
        ("2026-01-01T12:00:00Z", {"TIME_PREFIX": "at="}),
        ("2026-01-01T12:00:00Z", {"DATETIME_CONFIG": "CURRENT"}),
        ("xx 2026-01-01T12:00:00Z", {"MAX_TIMESTAMP_LOOKAHEAD": "5"}),
    ],
)
def test_no_time_is_found_where_there_is_none_to_find(text, settings):
    assert find_time(text, Props.of(settings)) is None


def test_a_date_without_a_zone_is_local():
    local = datetime(2026, 1, 1, 12).astimezone(UTC).timestamp()
    assert find_time("2026-01-01 12:00:00 x", Props()) == local


def test_source_beats_host_beats_sourcetype(splunk):
    splunk.conf.confs["props"] = {
        "app": {"TZ": "Asia/Tokyo", "TRUNCATE": "1"},
        "host::web*": {"TZ": "Europe/Paris"},
        "source::.../logs/*.log": {"TZ": "UTC", "sourcetype": "app"},
    }
    props = props_for(splunk.conf, "/srv/logs/a.log", "", "web1")
    assert (props.timezone, props.truncate, props.sourcetype) == ("UTC", 1, "app")
    assert props_for(splunk.conf, "/srv/logs/x/a.log", "app", "web1").timezone == "Europe/Paris"
    assert props_for(splunk.conf, "/other", "app", "db1").timezone == "Asia/Tokyo"

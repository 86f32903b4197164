"""A monitor whose search surely gives rows without a time is refused; it would find nothing."""

from __future__ import annotations

import pytest

from incident_management.detection.monitors.monitor import Monitor


def read(search: str) -> Monitor:
    return Monitor.read("incident_monitor://a", {"monitor_search": search})


@pytest.mark.parametrize(
    ("search", "command"),
    [
        ("index=a | stats count by host", "stats"),
        ("index=a | stats count, max(_time) as last by host | where count > 3", "stats"),
        ("index=a | bin _time span=1m | stats count by _time, host | top host", "top"),
        ("index=a | rare code | WHERE count > 2 | eval a=1", "rare"),
        ("index=a | chart count over host", "chart"),
        ("`shop` | TABLE host, code", "TABLE"),
    ],
)
def test_rows_without_a_time_are_refused(search: str, command: str) -> None:
    with pytest.raises(
        ValueError, match=f"the rows of {command} have no time; leave {command} out"
    ):
        read(search)


@pytest.mark.parametrize(
    "search",
    [
        "index=a | bin _time span=1m | stats count by _time, host",
        "index=a | stats count by host | eval _time=now()",
        'index=a | stats max(_time) as "_time" by host',
        "index=a | stats latest(*) as * by host",
        "index=a | stats count by host | `timed`",
        "index=a | stats count by host | append [search index=b]",
        "index=a | stats count by host | inputlookup append=t last.csv",
        "index=a | stats count by host | mycommand",
        'index=a "| stats count by host"',
        "index=a | eventstats count by host | fields host",
        "index=a | timechart span=1m count",
    ],
)
def test_rows_that_may_have_a_time_are_taken(search: str) -> None:
    assert read(search).search == search

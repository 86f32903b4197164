"""mstats over data points.

https://help.splunk.com/en/splunk-enterprise/spl-search-reference/9.4/search-commands/mstats
"""

from __future__ import annotations

from typing import Any

import pytest

from tests.contract.spl.memory import NOW, MemoryContext, event
from tools.splunkd_lite.spl import SplError, run

CPU = "metric_name:aws.ec2.CPUUtilization"
START = NOW - NOW % 60 - 120


def points() -> MemoryContext:
    """Two minutes of two hosts, one number a minute and host; and one more metric of web02."""
    given = [
        (0, "web01", {CPU: "10", "app": "shop"}),
        (30, "web01", {CPU: "30", "app": "shop"}),
        (60, "web01", {CPU: "50"}),
        (0, "web02", {CPU: "1", "metric_name:os.mem.rss": "7", "app": "mail"}),
        (60, "web02", {CPU: "3", "app": "mail"}),
    ]
    return MemoryContext(
        events=[
            event("metric", START + after, index="points", host=host, **fields)
            for after, host, fields in given
        ]
        + [event("level=error", START)],
        confs={"indexes": {"points": {"datatype": "metric"}}},
    )


def found(search: str) -> list[dict[str, Any]]:
    return list(run(search, points()).rows)


def at(minute: int) -> str:
    return f"{START + 60 * minute:.0f}"


def test_a_metric_by_time_and_dimension() -> None:
    """Example 2; span "can be placed at any point in the search between clauses"."""
    rows = [
        {"_time": at(0), "host": "web01", "v": "20"},
        {"_time": at(0), "host": "web02", "v": "1"},
        {"_time": at(1), "host": "web01", "v": "50"},
        {"_time": at(1), "host": "web02", "v": "3"},
    ]
    term = "avg(aws.ec2.CPUUtilization) AS v"
    for search in (
        f"| mstats {term} WHERE index=points BY host span=1m",
        f"| mstats {term} WHERE index=points span=1m BY host",
        f"| mstats {term} span=1m WHERE index=points BY host",
        f"| mstats span=1m {term} WHERE index=points BY host",
    ):
        assert found(search) == rows, search


def test_several_metrics_and_functions() -> None:
    search = (
        "| mstats max(aws.ec2.CPUUtilization) perc95(aws.ec2.CPUUtilization) sum(os.mem.rss) "
        "WHERE index=points host=web02"
    )
    assert found(search) == [
        {
            "max(aws.ec2.CPUUtilization)": "3",
            "perc95(aws.ec2.CPUUtilization)": "2.9",
            "sum(os.mem.rss)": "7",
        }
    ]


def test_a_value_whose_metric_is_named_in_where() -> None:
    search = "| mstats avg(_value) AS v WHERE index=points metric_name=os.* BY metric_name, host"
    assert found(search) == [{"metric_name": "os.mem.rss", "host": "web02", "v": "7"}]


def test_rows_without_a_dimension_are_left_out_unless_it_is_filled() -> None:
    term = "count(aws.ec2.CPUUtilization) AS n WHERE index=points BY app"
    assert found(f"| mstats {term}") == [{"app": "mail", "n": "2"}, {"app": "shop", "n": "2"}]
    filled = found(f"| mstats fillnull_value=none {term}")
    assert {"app": "none", "n": "1"} in filled


@pytest.mark.parametrize(
    "condition",
    ["host=WEB01", "host!=web*", "app>=zebra", "index=main", "earliest=-1s", "NOT host=web0*"],
)
def test_what_where_leaves_out(condition: str) -> None:
    """It compares with case; without data there is no row."""
    index = "" if "index=" in condition else "index=points"
    assert found(f"| mstats avg(aws.ec2.CPUUtilization) WHERE {index} {condition}") == []


def test_metrics_are_case_sensitive_and_need_an_index() -> None:
    assert found("| mstats avg(AWS.ec2.CPUUtilization) WHERE index=points") == []
    assert found("| mstats avg(aws.ec2.CPUUtilization)") == []


def test_other_commands_do_not_read_metric_indexes() -> None:
    assert found("index=* | stats count") == [{"count": "1"}]
    assert found("| tstats count WHERE index=points") == [{"count": "0"}]


@pytest.mark.parametrize(
    ("search", "said"),
    [
        ("avg(cpu.*) WHERE index=points", "wildcards in metric names are not supported"),
        ("avg(_value) WHERE index=points", "functions of _value need metric_name"),
        ("avg(cpu) WHERE index=points metric_name=cpu", "can't have metric_name"),
        ("avg(cpu) avg(_value) WHERE index=points metric_name=x", "not both"),
        ("avg(cpu) WHERE index=points BY _time span=1m", "can't group by _time"),
        ("avg(cpu) WHERE index=points BY h*", "BY takes no wildcards"),
        ("avg(cpu) WHERE index=points error", "no terms and no subsearches"),
        ("values(cpu) WHERE index=points", "does not take 'values\\(cpu\\)'"),
        ("rate_avg(cpu) WHERE index=points", "'rate_avg' is unknown"),
        ("count WHERE index=points", "takes a metric or _value"),
        ("prestats=true avg(cpu) WHERE index=points", "only false here"),
        ("avg(cpu) WHERE index=points span=soon", "takes a time span"),
    ],
)
def test_what_is_refused(search: str, said: str) -> None:
    with pytest.raises(SplError, match=said):
        found(f"| mstats {search}")

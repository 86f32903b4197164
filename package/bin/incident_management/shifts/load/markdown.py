"""Render the on-call load report as Markdown, with names escaped. Pure."""

from __future__ import annotations

from typing import Any, Iterator, List, Mapping, Optional, Sequence

from ...durations import span
from ...incidents.clocks.zones import moment_in
from ...incidents.report import escape_markdown, markdown_link
from ...notify.message import incident_url
from .report import Load

__all__ = ["to_markdown"]

_CUT = (
    "There were more calls than the report reads: it starts with the earliest call that was read."
)
_HEAD = (
    "Person", "Shifts", "Hours", "Calls", "On duty", "On duty a day", "Most in a day", "At night",
    "Nights", "At weekends", "Acknowledged in (median, p95)", "Missed", "Noise",
)  # fmt: skip


def to_markdown(load: Load, web_url: str) -> str:
    """Return the report as one document; ``web_url``: of Splunk Web, for links; may be empty."""
    whose = f" of {escape_markdown(load.only)}" if load.only else ""
    since, until = (moment_in(load.time_zone, moment) for moment in (load.since, load.until))
    lines = [
        f"# On-call load{whose}: {escape_markdown(load.team)}",
        "",
        f"From {since} to {until}.",
        "",
    ]
    lines += [f"{' '.join(_lines(load))}", ""]
    if load.people:
        lines += [_row(_HEAD), _row(["---"] + ["--:"] * (len(_HEAD) - 1))]
        lines += [_row(_person(one)) for one in load.people]
        lines.append("")
    if load.detections:
        lines += ["## Detections that called most", ""]
        for one in load.detections:
            lines += _detection(one, web_url)
    return "\n".join(lines).rstrip("\n") + "\n"


def _lines(load: Load) -> Iterator[str]:
    totals = load.totals
    yield (
        f"{_many(totals['calls'], 'call')}, {totals['calls_a_day']} a day; "
        f"{totals['night_calls']:,} at night, in {_many(totals['nights'], 'night')}, and "
        f"{totals['weekend_calls']:,} at weekends."
    )
    if totals["acknowledged"]:
        yield f"Acknowledged in {_times(totals)} (median, p95)."
    if totals["missed"]:
        yield f"{totals['missed']:,} missed: the incident was escalated first."
    yield f"{_noise(totals)} noise."
    if load.evenness:
        yield _evenness(load.evenness)
    if load.cut:
        yield _CUT


def _evenness(one: Mapping[str, Any]) -> str:
    said = [f"{escape_markdown(one['person'])} got {one['calls_share']:.0%} of the calls by name"]
    if one["called"] > 1:
        said.append(f"the most of {one['called']} people")
    if one["hours_share"] is not None:
        said.append(f"and was on call for {one['hours_share']:.0%} of the hours")
    return f"{', '.join(said)}."


def _person(one: Mapping[str, Any]) -> List[str]:
    return [
        escape_markdown(one["person"] or "(nobody by name)"),
        *(f"{one[name]:,}" for name in ("shifts", "hours", "calls", "on_duty")),
        "" if one["calls_a_day"] is None else str(one["calls_a_day"]),
        *(f"{one[name]:,}" for name in ("most_in_a_day", "night_calls", "nights", "weekend_calls")),
        _times(one),
        f"{one['missed']:,}",
        _noise(one),
    ]


def _detection(one: Mapping[str, Any], web_url: str) -> Iterator[str]:
    at_night = f", {one['night_calls']:,} at night" if one["night_calls"] else ""
    newest = markdown_link(one["incident_id"], incident_url(web_url, one["incident_id"]))
    calls = _many(one["calls"], "call")
    name = escape_markdown(one["name"])
    yield f"- {name}: {calls}{at_night}; {_noise(one)} noise; the last: {newest}"
    if one["calmed_by"]:
        yield f"  - {escape_markdown(one['calmed_by'], 1000)}"


def _times(one: Mapping[str, Any]) -> str:
    median: Optional[float] = one["ack_median"]
    return "" if median is None else f"{span(median)}, {span(one['ack_p95'])}"


def _noise(one: Mapping[str, Any]) -> str:
    return f"{one['noise']:,} of {one['judged']:,} judged"


def _many(count: int, noun: str) -> str:
    return f"{count:,} {noun}{'s' * (count != 1)}"


def _row(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"

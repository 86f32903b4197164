"""Render the handover report as Markdown, and its lines as plain text. Pure.

Texts that people wrote are escaped.
"""

from __future__ import annotations

from typing import Iterator, List

from ..incidents.report import escape_markdown, markdown_link
from ..notify.message import incident_url
from .open_points import Point
from .report import Line, Report, Section
from .shift import Shift

__all__ = ["counted", "to_markdown"]

_CUT = (
    "There was more than the report reads: it counts the most severe open incidents, and the "
    "newest of everything else."
)


def to_markdown(report: Report, web_url: str) -> str:
    """Return the report as one document; ``web_url``: of Splunk Web, for links; may be empty."""
    shift = report.shift
    lines = [f"# Handover: {escape_markdown(shift.team)}", ""]
    who = escape_markdown(_who(report), 2000)
    lines += [f"From {shift.time_text(shift.since)} to {shift.time_text(shift.until)}. {who}", ""]
    lines += [f"{counted(report)}.", ""]
    if report.cut:
        lines += [_CUT, ""]
    for section in report.sections:
        if section.lines:
            lines += [
                f"## {section.title} ({section.total:,})",
                "",
                *_section_lines(shift, section, web_url),
                "",
            ]
    return "\n".join(lines).rstrip("\n") + "\n"


def _who(report: Report) -> str:
    """Return who is on call, since when, and who is next, in sentences."""
    shift = report.shift
    parts = [shift.reason.rstrip(".")]
    if shift.person and shift.began:
        parts.append(f"Since {shift.time_text(shift.began)}")
    if shift.next_at:
        parts.append(f"Next: {shift.next_person or 'nobody'} from {shift.time_text(shift.next_at)}")
    return f"{'. '.join(parts)}."


def counted(report: Report) -> str:
    """Return one line with the counts: open incidents, and what happened in the span."""
    counts, graver = report.counts, report.by_severity
    severities = ", ".join(f"{count:,} {name}" for name, count in graver.items())
    vacant = f", {counts['nobody_has']:,} without an owner" if counts["nobody_has"] else ""
    noise = f" ({counts['noise']:,} noise)" if counts["noise"] else ""
    return (
        f"{counts['open']:,} open{f' ({severities})' if severities else ''}{vacant}; "
        f"{counts['opened']:,} opened and {counts['solved']:,} resolved{noise} in this period"
    )


def _in_words(shift: Shift, said: Point) -> str:
    """Return a point with its time, in the team's time zone."""
    return f"{said.text} {shift.time_text(said.at)}" if said.at else said.text


def _section_lines(shift: Shift, section: Section, web_url: str) -> Iterator[str]:
    for one in section.lines:
        yield f"- {_head(one, web_url)}"
        yield from (f"  - {escape_markdown(_in_words(shift, said))}" for said in one.says)
    if section.total > len(section.lines):
        yield f"- {section.total - len(section.lines):,} more"


def _head(line: Line, web_url: str) -> str:
    facts = (line.severity, line.status.replace("_", " "), line.owner)
    parts: List[str] = [
        escape_markdown(line.title),
        *(escape_markdown(one) for one in facts if one),
    ]
    if line.incident_id:
        parts[0] = (
            f"{markdown_link(line.incident_id, incident_url(web_url, line.incident_id))} {parts[0]}"
        )
    return " · ".join(parts)

"""An incident's timeline as a Markdown report, for the review afterwards. Pure.

Every number comes from the timeline: time to detect is from the first matching event to the
opening, time to acknowledge and to resolve from the opening. The report leaves Splunk, so secrets
in texts from logs or people are masked. These texts are also escaped: none of them can add a
heading, a link or a picture.
"""

from __future__ import annotations

import re
import time
from typing import Any, Dict, Iterable, List, Mapping, Optional, Sequence

from ..utc import to_the_second
from .entry_text import describe_entry
from .fold import effective, fold
from .model import Entry, Incident
from .signal import show_hidden_characters

__all__ = [
    "escape_lines",
    "escape_markdown",
    "final_notifications",
    "format_duration",
    "format_utc",
    "markdown_link",
    "response_times",
    "roles_held",
    "to_markdown",
]

LINE_CHARACTERS = 400
MAX_LINES = 500
# What Markdown, GitHub's extensions to it or HTML interpret within a line …
_SPECIAL = re.compile(
    r"[\\`*\[\]<>#|~&@]"  # emphasis, code, links, pictures, tags, tables, mentions, entities
    r"|(?<![^\W_])_|_(?![^\W_])"  # emphasis: not within a word
    r"|:(?=//|[a-z+-]\w*:)|(?<=www)\.",  # addresses and emoji
    re.IGNORECASE,
)
# … and at the beginning of a line: lists, rules and headings.
_LEADING = re.compile(r"^(\d*)([-+=.)])")
# An address without characters that could end the link around it.
_LINK = re.compile(r"https?://[^\s<>|\\]+")
Data = Mapping[str, Any]


def response_times(incident: Incident) -> Dict[str, Optional[float]]:
    """Return seconds to detect, to acknowledge and to resolve; None for what did not happen."""
    opened = incident.opened_at
    return {
        "detect": _between(incident.first_time, opened),
        "acknowledge": _between(opened, incident.acknowledged_at),
        "resolve": _between(opened, incident.resolved_at),
    }


def to_markdown(entries: Sequence[Entry]) -> str:
    """Return the report of one incident's entries. Raises ValueError for an empty sequence."""
    incident = fold(entries)
    counted = effective(entries)
    lines = [f"# {incident.id}: {escape_markdown(incident.title)}", "", *_facts(incident), ""]
    if incident.description:
        lines += ["## What was seen", "", *escape_lines(incident.description), ""]
    lines += ["## Cause", "", escape_markdown(incident.cause) or "No cause was found.", ""]
    lines += ["## Resolution", "", escape_markdown(incident.resolution) or "Not recorded.", ""]
    happened = [entry for entry in counted if entry.kind != "notification"]
    lines += ["## What happened", "", "| time (UTC) | who | what |", "|---|---|---|"]
    for entry in happened[:MAX_LINES]:
        actor, text = escape_markdown(entry.actor), escape_markdown(describe_entry(entry))
        lines.append(f"| {format_utc(entry.time)} | {actor} | {text} |")
    if len(happened) > MAX_LINES:
        lines += ["", f"{len(happened) - MAX_LINES} more entries are on the timeline."]
    lines += _tasks(incident)
    lines += _messages([entry.data for entry in final_notifications(counted)])
    return "\n".join(lines) + "\n"


def final_notifications(counted: Iterable[Entry]) -> List[Entry]:
    """Return the entries with each message's final result: for a resent message, the last one."""
    found: Dict[str, Entry] = {}
    for entry in counted:
        if entry.kind == "notification":
            key = str(entry.data.get("notification_id") or entry.key)
            found.pop(key, None)
            found[key] = entry
    return list(found.values())


def _messages(sent: Sequence[Data]) -> List[str]:
    """Return a table with a row for each channel: messages sent, messages failed, last failure."""
    if not sent:
        return []
    lines = ["", "## Notifications", "", "| channel | sent | not sent | last failure |"]
    lines.append("|---|---|---|---|")
    for channel in sorted({str(data.get("channel")) for data in sent}):
        mine = [data for data in sent if str(data.get("channel")) == channel]
        failed = [data for data in mine if data.get("outcome") != "sent"]
        last = escape_markdown(failed[-1].get("detail")) if failed else "–"
        count = len(mine) - len(failed)
        lines.append(f"| {escape_markdown(channel)} | {count} | {len(failed)} | {last} |")
    return lines


def _facts(incident: Incident) -> List[str]:
    took = {name: format_duration(seconds) for name, seconds in response_times(incident).items()}
    rows = (
        ("Status", incident.status.replace("_", " ")),
        ("Severity", incident.severity),
        ("Affected", ", ".join(incident.entities)),
        ("Found by", ", ".join(incident.rules)),
        ("Team, owner", _joined(", ", incident.team, incident.owner)),
        ("Roles", roles_held(incident)),
        ("Signals, events", f"{incident.signals}, {incident.events}"),
        ("Category", _joined(", ", incident.category, incident.feedback)),
        ("Time to detect (MTTD)", took["detect"]),
        ("Time to acknowledge (MTTA)", took["acknowledge"]),
        ("Time to resolve (MTTR)", took["resolve"]),
        ("Service level", _service_level(incident)),
        *(
            (escape_markdown(name.replace("_", " ")), value)
            for name, value in incident.fields.items()
        ),
    )
    return [
        "| | |",
        "|---|---|",
        *(f"| {name} | {escape_markdown(text) or '–'} |" for name, text in rows),
    ]


def _service_level(incident: Incident) -> str:
    dues = (("acknowledge", incident.sla_ack_due), ("resolve", incident.sla_resolve_due))
    said = [f"{name} by {to_the_second(due)}" for name, due in dues if due is not None]
    return ", ".join([incident.sla_status, *said]) if said else ""


def roles_held(incident: Incident) -> str:
    """Describe who has which role; empty if nobody has one."""
    return "; ".join(f"{one['id']}: {one['person']}" for one in incident.roles if one["person"])


def _tasks(incident: Incident) -> List[str]:
    """Return a table with a row for each task that was added or changed."""
    if not incident.tasks:
        return []
    lines = [
        "",
        "## Tasks",
        "",
        "| what | who | state | by | when (UTC) |",
        "|---|---|---|---|---|",
    ]
    for one in incident.tasks:
        state = _joined(": ", one["state"], one["reason"])
        cells = (one["title"], one["owner"] or one["role"], state, one["by"])
        lines.append(f"| {' | '.join(map(escape_markdown, cells))} | {format_utc(one['at'])} |")
    return lines


def _joined(mark: str, *values: Any) -> str:
    return mark.join(_words(*values))


def _words(*values: Any) -> Iterable[str]:
    return (str(value) for value in values if value)


def _between(start: Optional[float], end: Optional[float]) -> Optional[float]:
    return None if start is None or end is None else max(0.0, end - start)


def format_duration(seconds: Optional[float]) -> str:
    """Return a duration in words, to the second; empty for None."""
    if seconds is None:
        return ""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    parts = ((hours, "h"), (minutes, "min"), (rest, "s"))
    return " ".join(f"{number} {unit}" for number, unit in parts if number) or "0 s"


def format_utc(moment: float) -> str:
    """Return a time in UTC, to the second, for a column that names the zone."""
    return time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime(moment))


def escape_markdown(value: Any, most: int = LINE_CHARACTERS) -> str:
    """Return a text as one line, with secrets masked and all Markdown and HTML syntax escaped.

    Characters that could hide or reorder other text are made visible. ``most`` is the maximum
    length in characters before escaping.
    """
    return _escaped(_masked(value), most)


def markdown_link(text: Any, url: str) -> str:
    """Return an escaped text, as a link if ``url`` is an address that is safe in one."""
    return f"[{escape_markdown(text)}](<{url}>)" if _LINK.fullmatch(url) else escape_markdown(text)


def escape_lines(text: str, most: int = LINE_CHARACTERS) -> List[str]:
    """Return the lines of a text, each escaped as by :func:`escape_markdown`."""
    # Mask before splitting: a private key spans many lines.
    lines = [_escaped(line, most) for line in _masked(text).strip().splitlines()]
    # Two blanks at the end of a line are a hard line break in Markdown.
    return [f"{line}  " if line and after else line for line, after in zip(lines, [*lines[1:], ""])]


def _masked(value: Any) -> str:
    # Imported here: its patterns compile for 50 ms, for which a list of incidents need not wait.
    from ..masking import mask

    return mask(str(value or ""), emails=False)


def _escaped(text: str, most: int) -> str:
    text = show_hidden_characters(" ".join(text.split())[:most])
    return _LEADING.sub(r"\1\\\2", _SPECIAL.sub(r"\\\g<0>", text))

"""The story of an incident as a Markdown report, for the review afterwards. Pure.

Every number comes from the timeline: time to detect is from the first matching event to the
opening, time to acknowledge and to resolve from the opening. Texts that came from logs or people
are escaped, so that none of them can add a heading, a link or a picture to the report.
"""

from __future__ import annotations

import re
import time
from typing import Any, Callable, Dict, Iterable, List, Mapping, Optional, Sequence

from .fold import effective, fold
from .model import Entry, Incident

__all__ = ["markdown", "measures"]

LINE_CHARACTERS = 400
MOST_LINES = 500
_SPECIAL = re.compile(r"([\\`*_{}\[\]<>()#+!|~&:@-])")
Data = Mapping[str, Any]


def measures(incident: Incident) -> Dict[str, Optional[float]]:
    """Return seconds to detect, to acknowledge and to resolve; None for what did not happen."""
    opened = incident.opened_at
    return {
        "detect": _between(incident.first_time, opened),
        "acknowledge": _between(opened, incident.acknowledged_at),
        "resolve": _between(opened, incident.resolved_at),
    }


def markdown(entries: Sequence[Entry]) -> str:
    """Return the report of one incident's entries. Raises ValueError for none."""
    incident = fold(entries)
    told = effective(entries)
    lines = [f"# {incident.id}: {_plain(incident.title)}", "", *_facts(incident), ""]
    if incident.description:
        lines += ["## What was seen", "", _plain(incident.description), ""]
    lines += ["## Cause", "", _plain(incident.cause) or "None was found.", ""]
    lines += ["## Resolution", "", _plain(incident.resolution) or "Not written down.", ""]
    lines += ["## What happened", "", "| time (UTC) | who | what |", "|---|---|---|"]
    lines += [f"| {_when(e.time)} | {_plain(e.actor)} | {_told(e)} |" for e in told[:MOST_LINES]]
    if len(told) > MOST_LINES:
        lines += ["", f"{len(told) - MOST_LINES} more entries are on the timeline."]
    return "\n".join(lines) + "\n"


def _facts(incident: Incident) -> List[str]:
    took = {name: _lasting(seconds) for name, seconds in measures(incident).items()}
    rows = (
        ("Status", incident.status.replace("_", " ")),
        ("Severity", incident.severity),
        ("Affected", ", ".join(incident.entities)),
        ("Found by", ", ".join(incident.rules)),
        ("Team, owner", ", ".join(name for name in (incident.team, incident.owner) if name)),
        ("Signals, events", f"{incident.signals}, {incident.events}"),
        ("Category", ", ".join(part for part in (incident.category, incident.feedback) if part)),
        ("Time to detect", took["detect"]),
        ("Time to acknowledge", took["acknowledge"]),
        ("Time to resolve", took["resolve"]),
        ("Service level", _service_level(incident)),
    )
    return ["| | |", "|---|---|", *(f"| {name} | {_plain(text) or '–'} |" for name, text in rows)]


def _service_level(incident: Incident) -> str:
    dues = (("acknowledge", incident.sla_ack_due), ("resolve", incident.sla_resolve_due))
    said = [f"{name} until {_when(due)}" for name, due in dues if due is not None]
    return ", ".join([incident.sla_status, *said]) if said else ""


def _told(entry: Entry) -> str:
    tell = _SENTENCES.get(entry.kind)
    return _plain(tell(entry.data) if tell else entry.kind)


def _signals(data: Data) -> str:
    return f"{len(data.get('signals') or {})} signals of {data.get('rule') or 'nobody'}"


_SENTENCES: Dict[str, Callable[[Data], str]] = {
    "opened": lambda data: f"opened with {_signals(data)}",
    "signal": lambda data: " ".join(_words(f"added {_signals(data)}", data.get("reason"))),
    "routed": lambda data: str(data.get("reason") or ""),
    "note": lambda data: str(data.get("text") or ""),
    "assigned": lambda data: (
        "assigned to " + ", ".join(_words(data.get("owner"), data.get("team"), data.get("reason")))
    ),
    "unassigned": lambda data: str(data.get("reason") or ""),
    "sla": lambda data: _promised(data),
    "escalation": lambda data: (
        f"escalated to level {data.get('level')}: "
        + ", ".join(_words(data.get("owner"), data.get("team"), data.get("reason")))
    ),
    "status": lambda data: ". ".join(
        _words(f"{data.get('from')} to {data.get('to')}", data.get("reason"))
    ),
    "severity": lambda data: f"severity {data.get('from')} to {data.get('to')}",
    "analysis": lambda data: str(data.get("verdict") or "analysed"),
    "notification": lambda data: f"{data.get('channel')} message {data.get('outcome')}",
    "plan": lambda data: f"proposed {data.get('summary') or data.get('action')}",
    "approval": lambda data: f"plan {data.get('plan_id')} {data.get('decision')}",
    "refused": lambda data: f"refused: {data.get('reason')}",
    "action": lambda data: f"action {data.get('phase')}: {data.get('detail') or ''}",
    "verification": lambda data: f"{data.get('outcome')}: {data.get('detail') or ''}",
    "flapping": lambda data: f"flapping {data.get('state')}: {data.get('reason') or ''}",
    "merged": lambda data: ". ".join(_words(f"merged into {data.get('into')}", data.get("reason"))),
    "unmerged": lambda data: ". ".join(
        _words(f"taken out of {data.get('from')} again", data.get("reason"))
    ),
    "joined": lambda data: (
        f"took over {data.get('from')} with {len(data.get('signals') or {})} signals"
    ),
    "split": lambda data: ". ".join(
        _words(
            f"{len(data.get('removed') or [])} signals split off to {data.get('to')}",
            data.get("reason"),
        )
    ),
    "pinned": lambda data: " ".join(
        _words(
            "pinned: not resolved by itself" if data.get("pinned") else "unpinned",
            data.get("reason"),
        )
    ),
    "rollback": lambda data: f"rollback {data.get('phase')}: {data.get('detail') or ''}",
}


def _promised(data: Data) -> str:
    if data.get("event") != "timed":
        return f"{data.get('event')}: {data.get('reason') or ''}"
    dues = ((name, data.get(f"{name}_due")) for name in ("acknowledge", "resolve"))
    said = [f"{name} until {_when(float(due))}" for name, due in dues if due is not None]
    return "deadlines: " + (", ".join(said) or "none")


def _words(*values: Any) -> Iterable[str]:
    return (str(value) for value in values if value)


def _between(start: Optional[float], end: Optional[float]) -> Optional[float]:
    return None if start is None or end is None else max(0.0, end - start)


def _lasting(seconds: Optional[float]) -> str:
    if seconds is None:
        return ""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    parts = ((hours, "h"), (minutes, "min"), (rest, "s"))
    return " ".join(f"{number} {unit}" for number, unit in parts if number) or "0 s"


def _when(moment: float) -> str:
    return time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime(moment))


def _plain(value: Any) -> str:
    """One line of text, with everything that Markdown or HTML would read as more escaped."""
    text = " ".join(str(value or "").split())[:LINE_CHARACTERS]
    return _SPECIAL.sub(r"\\\1", text)

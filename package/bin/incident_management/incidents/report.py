"""An incident's timeline as a Markdown report, for the review afterwards. Pure.

Every number comes from the timeline: time to detect is from the first matching event to the
opening, time to acknowledge and to resolve from the opening. The report leaves Splunk, so secrets
in texts from logs or people are masked. These texts are also escaped: none of them can add a
heading, a link or a picture.
"""

from __future__ import annotations

import re
import time
from typing import Any, Callable, Dict, Iterable, List, Mapping, Optional, Sequence

from ..utc import to_the_second
from .fold import effective, fold
from .model import Entry, Incident
from .review.review_state import SECTIONS
from .signal import show_hidden_characters

__all__ = [
    "describe",
    "describe_entry",
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
    said = [f"{name} until {to_the_second(due)}" for name, due in dues if due is not None]
    return ", ".join([incident.sla_status, *said]) if said else ""


def describe_entry(entry: Entry) -> str:
    """Describe an entry in one sentence, not escaped; an unknown kind is described by its name."""
    return describe(entry.kind, entry.data)


def describe(kind: str, data: Data) -> str:
    """Describe an entry as :func:`describe_entry` does, given its kind and data."""
    tell = _SENTENCES.get(kind)
    return str(tell(data) if tell else kind)


def _counted(data: Data, what: str, name: str = "") -> str:
    """Count the things that the data lists under ``name``, by default under their plural."""
    count = len(data.get(name or f"{what}s") or ())
    return f"{count} {what}{'' if count == 1 else 's'}"


def _signals(data: Data) -> str:
    return f"{_counted(data, 'signal')} of {data.get('rule') or 'several rules'}"


def _opened(data: Data) -> str:
    return f"opened with {_signals(data)}" if data.get("signals") else "opened by hand"


def _edited(data: Data) -> str:
    """Describe each corrected field with its new value; the long description only by its name."""
    said = []
    for name, value in sorted(data.items()):
        text = ", ".join(value) if isinstance(value, list) else str(value)
        said.append(f"{name} is now {text or 'empty'}" if name != "description" else name)
    return "corrected: " + "; ".join(said)


_SENTENCES: Dict[str, Callable[[Data], str]] = {
    "opened": _opened,
    "edited": _edited,
    "fields": lambda data: str(data.get("text") or ""),
    "signal": lambda data: _joined(" ", f"added {_signals(data)}", data.get("reason")),
    "routed": lambda data: str(data.get("reason") or ""),
    "note": lambda data: str(data.get("text") or ""),
    "ticket": lambda data: _joined(
        ": ",
        data.get("number"),
        data.get("by") if data.get("event") == "comment" else "",
        data.get("text"),
    ),
    "assigned": lambda data: f"assigned to {_taken_by(data)}",
    "unassigned": lambda data: str(data.get("reason") or ""),
    "sla": lambda data: _promised(data),
    "escalation": lambda data: f"escalated to level {data.get('level')}: {_taken_by(data)}",
    "status": lambda data: _because(
        f"{data.get('from')} to {data.get('to')}".replace("_", " "), data
    ),
    "severity": lambda data: f"severity {data.get('from')} to {data.get('to')}",
    "analysis": lambda data: str(data.get("verdict") or "analysed"),
    "plan": lambda data: f"proposed {data.get('summary') or data.get('action')}",
    "approval": lambda data: (
        f"plan {data.get('plan_id')} {data.get('decision')}{' in part' if data.get('left') else ''}"
    ),
    "refused": lambda data: f"refused: {data.get('reason')}",
    "action": lambda data: f"action {data.get('phase')}: {data.get('detail') or ''}",
    "verification": lambda data: f"{data.get('outcome')}: {data.get('detail') or ''}",
    "flapping": lambda data: f"flapping {data.get('state')}: {data.get('reason') or ''}",
    "merged": lambda data: _because(f"merged into {data.get('into')}", data),
    "unmerged": lambda data: _because(f"merge into {data.get('from')} undone", data),
    "joined": lambda data: (
        f"merged in {data.get('from')} with {_counted(data, 'signal')}"
        f"{' and ' + _counted(data, 'task') if data.get('tasks') else ''}"
    ),
    "split": lambda data: _because(
        f"undid the merge of {data['undone']} with {_counted(data, 'signal', 'removed')}"
        if data.get("undone")
        else f"{_counted(data, 'signal', 'removed')} split off to {data.get('to')}",
        data,
    ),
    "pinned": lambda data: _joined(
        " ",
        "pinned: not resolved automatically" if data.get("pinned") else "unpinned",
        data.get("reason"),
    ),
    "update": lambda data: _joined(
        " ",
        f"stakeholder update{_of_state(data)}: {data.get('text')}",
        f"(next update by {to_the_second(float(data['next_by']))})" if data.get("next_by") else "",
    ),
    "update_due": lambda data: str(data.get("reason") or ""),
    "rollback": lambda data: f"rollback {data.get('phase')}: {data.get('detail') or ''}",
    "room": lambda data: _joined(
        " ", f"Slack channel {data.get('event')}", data.get("name"), data.get("reason")
    ),
    "review": lambda data: _joined(
        ", ",
        f"review {str(data['state']).replace('_', ' ')}" if data.get("state") else "",
        data.get("reason"),
        *(f"wrote the review's {SECTIONS[name].lower()}" for name in SECTIONS if name in data),
    ),
    "task": lambda data: _task(data),
    "role": lambda data: _role(data),
    "follow_up": lambda data: _joined(
        ", ",
        f"follow-up {data.get('follow_up')} {data.get('state') or data.get('event')}",
        f"in {data['channel']}" if data.get("channel") else "",
        data.get("title"),
        data.get("owner"),
        f"due {to_the_second(float(data['due']))}" if data.get("due") else "",
        data.get("reason"),
    ),
}


_TASK_STATES = {"done": "done", "dropped": "dropped", "open": "reopened"}


def _task(data: Data) -> str:
    owner = data.get("owner")
    done = _TASK_STATES.get(str(data.get("state")), "")
    if not done and data.get("event") == "changed" and "owner" in data:
        done = f"assigned to {owner}" if owner else "unassigned"
    added = "added" if data.get("event") == "added" else ""
    renamed = "renamed" if data.get("was") else ""
    said = f"task {_joined(', ', added, renamed, done)}: {data.get('title')}"
    was = f"before: {data['was']}" if renamed else ""
    return _joined(", ", said, was, owner if added else "", data.get("reason"))


def _role(data: Data) -> str:
    person, before = data.get("person"), data.get("instead_of")
    state = f"assigned to {person}" if person else "unassigned"
    return f"role {data.get('role')} {state}{f', instead of {before}' if before else ''}"


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


def _of_state(data: Data) -> str:
    return f" ({data['state']})" if data.get("state") else ""


def _promised(data: Data) -> str:
    if data.get("event") != "timed":
        return f"{data.get('event')}: {data.get('reason') or ''}"
    dues = ((name, data.get(f"{name}_due")) for name in ("acknowledge", "resolve"))
    said = [f"{name} until {to_the_second(float(due))}" for name, due in dues if due is not None]
    return "deadlines: " + (", ".join(said) or "none")


def _taken_by(data: Data) -> str:
    return _joined(", ", data.get("owner"), data.get("team"), data.get("reason"))


def _because(said: str, data: Data) -> str:
    return _joined(". ", said, data.get("reason"))


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

"""Tasks in Slack: a list with buttons that only one person sees, and the *Change…* button. Pure.

A button's ``value`` names the incident, the task and the time of its last change, so that it does
not overwrite a change that somebody else has made since.
"""

from __future__ import annotations

from typing import Any, Dict, List, Mapping, Sequence

from ...notify.message import one_line
from ...notify.services.slack_buttons import plain_text
from ...notify.services.slack_layout import escape, section

__all__ = ["LISTED", "MINE", "OF_ITS", "TASK_CHANGE", "TASK_DONE", "finished_block", "laid"]

TASK_DONE, TASK_CHANGE = "task_done", "task_change"
# The list that contains a button: a person's own, or an incident's.
MINE, OF_ITS = "mine", "its"
# Each task takes two of the 50 blocks of a message.
LISTED = 20
# Ended tasks share one section, of 3,000 characters.
ENDED_LISTED = 10
ENDED_CHARACTERS = 150
TITLE_CHARACTERS = 240


def laid(one: Mapping[str, Any], listed: str, about: str = "") -> List[Dict[str, Any]]:
    """Return the blocks of an open task.

    Args:
        one: the task as the API returns it, with its ``incident_id``.
        listed: MINE or OF_ITS.
        about: the incident that it belongs to, in Slack's markup.
    """
    value = f"{one['incident_id']} {one['id']} {float(one.get('at') or 0.0)!r} {listed}"
    who = "" if listed == MINE else (one["who"] or "nobody's yet")
    facts = [
        about,
        escape(who, 200),
        escape(f"as {one['role']}", 200) if one.get("role") else "",
        escape(one.get("checklist") or "", 200),
        _runbook(str(one.get("runbook") or "")),
    ]
    text = f"*{_title(one)}*\n{' · '.join(filter(None, facts))}"
    buttons = [
        {**_button(TASK_DONE, "Done", value), "style": "primary"},
        _button(TASK_CHANGE, "Change…", value),
    ]
    return [section(text), {"type": "actions", "elements": buttons}]


def finished_block(ended: Sequence[Mapping[str, Any]]) -> List[Dict[str, Any]]:
    """Return the block of the tasks that are done or dropped, if there are any."""
    if not ended:
        return []
    lines = [
        f"{'✓' if one['state'] == 'done' else '✗'} {_title(one, ENDED_CHARACTERS)} "
        f"({escape(one['state'], 20)} by {escape(one.get('by') or 'somebody', 100)})"
        for one in ended[:ENDED_LISTED]
    ]
    more = len(ended) - ENDED_LISTED
    return [section("\n".join([*lines, *([f"{more} more are done or dropped."] * (more > 0))]))]


def _title(one: Mapping[str, Any], most: int = TITLE_CHARACTERS) -> str:
    return escape(one_line(one["title"], most), most) or str(one["id"])


def _runbook(address: str) -> str:
    """Return an address as a link, or as text if Slack would not read it as a web link."""
    if not address.lower().startswith(("https://", "http://")) or "|" in address:
        return escape(address, 500)
    return f"<{escape(address)}|Runbook>" if len(escape(address)) <= 1500 else ""


def _button(action_id: str, text: str, value: str) -> Dict[str, Any]:
    return {"type": "button", "action_id": action_id, "text": plain_text(text), "value": value}

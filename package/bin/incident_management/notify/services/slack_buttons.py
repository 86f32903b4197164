"""The buttons of a Slack message: Block Kit, pure.

A button's ``value`` names only what it acts on: an incident's id, or a plan's id and the hash of
what was shown, so that it can't approve a plan that has changed since. Slack says who pressed it,
and what that person may do is looked up when it is pressed.

Sources: "Button element" and "Confirmation dialog object" of Slack's Block Kit reference; their
limits are in ``blocks`` of the tests' receiver.
"""

from __future__ import annotations

from typing import Any, Dict, List, Mapping, Sequence

from ..events import ROOM_OPENED
from ..message import STANDING, Message, link_words

__all__ = [
    "ACKNOWLEDGE",
    "APPROVE",
    "ASKING",
    "IN_CHANNEL_TOO",
    "PRESSES",
    "REJECT",
    "RESOLVE",
    "TAKE",
    "buttons",
    "decided",
    "plain_text",
]

Block = Dict[str, Any]

# The purpose of the claims of presses that are not done yet.
PRESSES = "slack press"
# The block that holds the buttons, and the one that shows their result.
BUTTONS = "incident_management_buttons"
DONE = "incident_management_done"
OPEN_PAGE = "open_incident_page"
ACKNOWLEDGE = "incident_acknowledge"
TAKE = "incident_take"
RESOLVE = "incident_resolve"
APPROVE = "plan_approve"
REJECT = "plan_reject"

# Events that ask for action; other messages of the thread have no buttons.
ASKING = (
    *("opened", "reopened", "escalation", "unassigned", "sla_warning", "sla_breached"),
    "update_overdue",
)
# Events that are shown in the channel as well as in the thread.
IN_CHANNEL_TOO = (*ASKING, "resolved", ROOM_OPENED)
_OPEN = ("new", "assigned", "in_progress")
# The states of an incident, or of a plan, in which a button still works.
_USEFUL = {
    ACKNOWLEDGE: ("new", "assigned"),
    TAKE: _OPEN,
    RESOLVE: _OPEN,
    APPROVE: ("proposed",),
    REJECT: ("proposed",),
}


def buttons(message: Message, answers: bool) -> List[Block]:
    """Return the block of a message's buttons, as a list of one, or an empty list.

    ``answers``: whether presses are handled; if not, there is only the link.
    """
    elements: List[Block] = []
    answers = answers and not message.stakeholders
    if answers and message.plan_id:
        elements += _of_plan(message)
    elif answers and message.incident_id and message.event in (STANDING, *ASKING):
        elements += _of_incident(message.incident_id, message.status)
    if message.url:
        elements.append({**_button(OPEN_PAGE, link_words(message)), "url": message.url})
    return [{"type": "actions", "block_id": BUTTONS, "elements": elements}] if elements else []


def decided(blocks: Sequence[Mapping[str, Any]], status: str, line: str) -> List[Block]:
    """Return a message's blocks after a press; ``line`` says what was done.

    Buttons that have no effect in the incident's or plan's new ``status`` are removed. A plan that
    waits for another approval is still ``proposed``.
    """
    kept: List[Block] = []
    for block in blocks:
        if block.get("block_id") == DONE:
            continue
        if block.get("block_id") == BUTTONS:
            elements = [one for one in block.get("elements") or [] if _is_useful(one, status)]
            kept += [{**block, "elements": elements}] if elements else []
        else:
            kept.append(dict(block))
    element = {"type": "plain_text", "text": line, "emoji": False}
    return [*kept, {"type": "context", "block_id": DONE, "elements": [element]}]


def _of_incident(incident_id: str, status: str) -> List[Block]:
    made = (
        {**_button(ACKNOWLEDGE, "Acknowledge"), "style": "primary"},
        _button(TAKE, "Assign to me"),
        _button(RESOLVE, "Resolve…"),
    )
    return [{**one, "value": incident_id} for one in made if _is_useful(one, status)]


def _of_plan(message: Message) -> List[Block]:
    value = f"{message.plan_id} {message.plan_hash}"
    confirm = {
        "title": plain_text("Approve this fix?"),
        "text": plain_text("Anyone who may execute fixes can then run it."),
        "confirm": plain_text("Approve"),
        "deny": plain_text("Cancel"),
    }
    return [
        {**_button(APPROVE, "Approve"), "style": "primary", "value": value, "confirm": confirm},
        {**_button(REJECT, "Reject"), "style": "danger", "value": value},
    ]


def _is_useful(element: Mapping[str, Any], status: str) -> bool:
    name = str(element.get("action_id"))
    return name == OPEN_PAGE or status in _USEFUL.get(name, ())


def _button(action_id: str, text: str) -> Block:
    return {"type": "button", "action_id": action_id, "text": plain_text(text)}


def plain_text(text: str) -> Dict[str, Any]:
    """Return a text object without any markup."""
    return {"type": "plain_text", "text": text, "emoji": False}

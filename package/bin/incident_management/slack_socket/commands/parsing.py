"""Parses the text after the slash command into one action. Pure.

Source: "Implementing slash commands" in Slack's documentation: everything after the command's name
is one text. A command "cannot be invoked in message threads", so the incident has to be typed.
"""

from __future__ import annotations

import re
from typing import NamedTuple, Optional

from ...incidents.identity import INCIDENT_ID, as_digits
from ...notify.services.slack_buttons import ACKNOWLEDGE, RESOLVE, TAKE

__all__ = [
    "ASSIGN",
    "HANDOVER",
    "HELP",
    "LIST",
    "MY_TASKS",
    "NOTE",
    "ON_CALL",
    "OPEN",
    "REOPEN",
    "SEVERITY",
    "SHOW",
    "TASK",
    "TASKS",
    "UPDATE",
    "Typed",
    "read",
    "reference",
]

HELP, LIST, SHOW, ON_CALL = "command_help", "command_list", "command_show", "command_on_call"
OPEN, NOTE, UPDATE = "command_open", "command_note", "command_update"
TASK, HANDOVER = "command_task", "command_handover"
TASKS, MY_TASKS = "command_tasks", "command_my_tasks"
ASSIGN, SEVERITY, REOPEN = "command_assign", "command_severity", "command_reopen"
_VERBS = {
    "help": HELP,
    "list": LIST,
    "show": SHOW,
    "open": OPEN,
    "ack": ACKNOWLEDGE,
    "acknowledge": ACKNOWLEDGE,
    "note": NOTE,
    "task": TASK,
    "tasks": TASKS,
    "take": TAKE,
    "assign": ASSIGN,
    "severity": SEVERITY,
    "reopen": REOPEN,
    "update": UPDATE,
    "resolve": RESOLVE,
    "oncall": ON_CALL,
    "on-call": ON_CALL,
    "handover": HANDOVER,
}
# Commands without an incident: all that follows is their own text.
_FREE = (HELP, LIST, OPEN, ON_CALL, HANDOVER)
# Commands that need no incident id in an incident channel.
_OF_CHANNEL = (SHOW, ACKNOWLEDGE, TAKE, UPDATE, RESOLVE, REOPEN)
# Commands that need a text after the id.
_SAYS = {
    NOTE: "the text of the note",
    TASK: "the title of the task",
    ASSIGN: "the new owner's Splunk user name",
    SEVERITY: "the severity: critical, high, medium, low or info",
}
_REFERENCE = re.compile(r"(?:INC-)?(?:(\d{8})-)?([0-9A-Z]{3,6})")
# The characters that phones and word processors turn a hyphen into.
_HYPHENS = str.maketrans("\u2010\u2011\u2012\u2013\u2014", "-----")
_SHOWN_CHARACTERS = 60


class Typed(NamedTuple):
    """``target``: an incident's id, or a part of one; ``rest``: the text after it.

    Without a target, the incident of the channel is meant. With HELP, ``rest`` is the sentence that
    says what is not understood, if there is one.
    """

    action: str
    target: str = ""
    rest: str = ""


def read(text: str) -> Typed:
    """Return what a text asks for."""
    word, rest = _split(text)
    action = _verb(word) if word else HELP
    if action is None:
        target = reference(word)
        if target and not rest:
            return Typed(SHOW, target)
        if target and (any(one.isdigit() for one in word) or _verb(_split(rest)[0])):
            return Typed(HELP, rest="Enter the command first, then the incident's id.")
        return Typed(HELP, rest=f"There is no command '{word[:_SHOWN_CHARACTERS]}'.")
    if action in _FREE:
        return Typed(action, rest="" if action == HELP else rest)
    name, rest = _split(rest)
    if not name and action == TASKS:
        return Typed(MY_TASKS)
    if not name and action in _OF_CHANNEL:
        return Typed(action)
    target = reference(name)
    if not target:
        what = f"'{name[:_SHOWN_CHARACTERS]}' is not an incident id" if name else "Name an incident"
        return Typed(
            HELP, rest=f"{what}: enter {word.lower()} and an id, INC-… or its last six characters."
        )
    if action in _SAYS and not rest:
        return Typed(HELP, rest=f"After {target}, enter {_SAYS[action]}.")
    return Typed(action, target, rest)


def reference(word: str) -> str:
    """Return the incident id, or part of one, in a word; empty if it is neither.

    A part is the beginning of the last six characters, with or without the day before them.
    """
    known = _bare(word).translate(_HYPHENS).upper()
    head, dash, digits = known.rpartition("-")
    whole = f"{head}{dash}{as_digits(digits)}"
    if INCIDENT_ID.fullmatch(whole):
        return whole
    found = _REFERENCE.fullmatch(known)
    return "-".join(filter(None, found.groups())) if found else ""


def _verb(word: str) -> Optional[str]:
    return _VERBS.get(_bare(word).lower())


def _bare(word: str) -> str:
    """Return a word without surrounding punctuation, such as quotes, brackets and commas."""
    counted = [place for place, one in enumerate(word) if one.isalnum()]
    return word[counted[0] : counted[-1] + 1] if counted else ""


def _split(text: str) -> tuple[str, str]:
    first, *rest = text.split(None, 1) or [""]
    return first, rest[0].strip() if rest else ""

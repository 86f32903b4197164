"""What was typed after the slash command, as one thing to do. Pure.

Source: "Implementing slash commands" in Slack's documentation: all after the command's name is one
text. A command "cannot be invoked in message threads", so which incident is meant has to be typed.
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
# These take no incident: all that follows is their own.
_FREE = (HELP, LIST, OPEN, ON_CALL, HANDOVER)
# These may be typed without one in a channel of an incident's own.
_OF_CHANNEL = (SHOW, ACKNOWLEDGE, TAKE, UPDATE, RESOLVE, REOPEN)
# These need a text after it.
_SAYS = {
    NOTE: "what the note is to say",
    TASK: "what is to be done",
    ASSIGN: "who gets it, by the name in Splunk",
    SEVERITY: "how bad it is: critical, high, medium, low or info",
}
_REFERENCE = re.compile(r"(?:INC-)?(?:(\d{8})-)?([0-9A-Z]{3,6})")
# What telephones and word processors make of a hyphen.
_HYPHENS = str.maketrans("\u2010\u2011\u2012\u2013\u2014", "-----")
_SHOWN_CHARACTERS = 60


class Typed(NamedTuple):
    """``target``: an incident's id, or a part of one; ``rest``: what was typed after it.

    Without a target an incident is meant that has this channel as its own. With HELP, ``rest`` is
    the sentence that says what can't be understood, if there is one.
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
            return Typed(HELP, rest="What is to be done comes first, then the incident's id.")
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
        what = f"'{name[:_SHOWN_CHARACTERS]}' is no incident's id" if name else "Name an incident"
        return Typed(HELP, rest=f"{what}: write {word.lower()} and its id, INC-… or its last six.")
    if action in _SAYS and not rest:
        return Typed(HELP, rest=f"Write after {target} {_SAYS[action]}.")
    return Typed(action, target, rest)


def reference(word: str) -> str:
    """Return the id, or part of one, that somebody names an incident by; empty: it is none.

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
    """Return a word without the quotes of any kind, brackets, commas and so on around it."""
    counted = [place for place, one in enumerate(word) if one.isalnum()]
    return word[counted[0] : counted[-1] + 1] if counted else ""


def _split(text: str) -> tuple[str, str]:
    first, *rest = text.split(None, 1) or [""]
    return first, rest[0].strip() if rest else ""

"""Inputs for custom fields in a Slack form, each of the type that lets Slack check it. Pure.

Sources: "Number input element", "Date picker element" and "Select menu element" in Slack's Block
Kit reference.
"""

from __future__ import annotations

from typing import List

from ...incidents.field_values import VALUE_CHARACTERS
from ...incidents.routing import CustomField, CustomFields
from ...notify.request_fields import truncated
from ...notify.services.slack_limits import OPTION_CHARACTERS, size_of
from .forms import FIELD, View, choice_input, input_block, text_input

__all__ = ["inputs_for"]

HINT_CHARACTERS = 500
# The limit of all menus together in a form (250 kB); further values are typed.
MENU_BYTES = 150_000


def inputs_for(fields: CustomFields) -> List[View]:
    """Return the inputs for a new incident.

    Severity is chosen in the same form, and the team is not known yet. So fields for certain
    severities or teams say which.
    """
    room, found = MENU_BYTES, []
    for one in fields.all:
        is_short = one.taken and max(map(len, one.taken)) <= OPTION_CHARACTERS
        made = _input(one, bool(is_short))
        size = size_of(made["element"]) if is_short else 0
        found.append(made if size <= room else _input(one, False))
        room -= size if size <= room else 0
    return found


def _input(one: CustomField, is_menu: bool) -> View:
    name = FIELD + one.name
    label = one.label + (" (required to resolve the incident)" if one.required else "")
    options = one.taken
    listed = [f"One of: {', '.join(options)}"] if options and not is_menu else []
    hint = truncated(" ".join(filter(None, [one.help, *_wanted_by(one), *listed])), HINT_CHARACTERS)
    if is_menu:
        pairs = [(option, option) for option in options]
        return choice_input(name, label, pairs, optional=True, hint=hint)
    if one.kind == "number":
        number = {"type": "number_input", "action_id": name, "is_decimal_allowed": True}
        return input_block(name, label, number, optional=True, hint=hint)
    if one.kind == "date":
        day = {"type": "datepicker", "action_id": name}
        return input_block(name, label, day, optional=True, hint=hint)
    return text_input(name, label, VALUE_CHARACTERS, lines=False, optional=True, hint=hint)


def _wanted_by(one: CustomField) -> List[str]:
    """Return which incidents a field is for, unless it is for all."""
    return [
        f"For {what} {patterns}."
        for what, patterns in (("severity", one.severity), ("team", one.team))
        if patterns != "*"
    ]

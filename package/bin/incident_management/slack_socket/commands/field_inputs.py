"""Custom fields in a form of Slack: an input for each, of which Slack itself takes what fits. Pure.

Sources and limits: "Number input element", "Date picker element", "Select menu element" and
"Option object" (75) in Slack's Block Kit reference; 100 blocks, "Modal views".
"""

from __future__ import annotations

from typing import List

from ...incidents.field_values import VALUE_CHARACTERS
from ...incidents.routing import CustomField, CustomFields
from ...notify.asking import truncated
from .forms import FIELD, OPTION_CHARACTERS, View, choice_input, input_block, text_input

__all__ = ["inputs_for"]

# The others are set on the incident's page.
MOST_INPUTS = 80
HINT_CHARACTERS = 1000


def inputs_for(fields: CustomFields) -> List[View]:
    """Return what a new incident is asked for: its severity is chosen in the same form, and its
    team is not known yet, so those of others say for which they are."""
    return [_input(one) for one in fields.all[:MOST_INPUTS]]


def _input(one: CustomField) -> View:
    name = FIELD + one.name
    label = one.label + (" (needed before it is resolved)" if one.required else "")
    options = one.taken
    has_room = options and max(map(len, options)) <= OPTION_CHARACTERS
    listed = [f"One of: {', '.join(options)}"] if options and not has_room else []
    hint = truncated(" ".join(filter(None, [one.help, *_wanted_by(one), *listed])), HINT_CHARACTERS)
    if has_room:
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
    """Say which incidents it is for, where that is not all."""
    return [
        f"For {what} {patterns}."
        for what, patterns in (("severity", one.severity), ("team", one.team))
        if patterns != "*"
    ]

"""Limit how much is sent to a model, and how often."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Allowance", "Budget", "shorten"]

LEFT_OUT = " … (left out) … "


@dataclass(frozen=True)
class Allowance:
    """The number of model calls allowed per incident, and per day (UTC) for all incidents."""

    calls_per_incident: int = 10
    calls_per_day: int = 200


@dataclass(frozen=True)
class Budget:
    """Limits of one question to a model. Evidence beyond them is left out, and counted."""

    events: int = 40
    event_characters: int = 1200
    characters: int = 30000
    """Of the whole question, system text apart."""
    hypotheses: int = 10
    answer_claims: int = 30
    answer_characters: int = 1500
    """Of any one text in the answer."""
    cause_claims: int = 5
    """Of one cause that the answer adds."""


def shorten(text: str, limit: int) -> str:
    """Cut a text to ``limit`` characters, and mark the place of the cut.

    The middle is removed, because an event begins with the action and a stack trace ends with the
    reason of the failure.
    """
    if len(text) <= limit:
        return text
    room = max(0, limit - len(LEFT_OUT))
    head = room // 3
    return text[:head] + LEFT_OUT[:limit] + text[len(text) - (room - head) :]

"""What the entries ``task`` and ``role`` add up to: how people divide the work. Pure."""

from __future__ import annotations

from ..items import Items
from ..model import Document

__all__ = ["BLANK_TASK", "Dividing"]

BLANK_TASK: Document = {
    "title": "",
    "owner": "",
    "role": "",
    "runbook": "",
    "checklist": "",
    "state": "open",
    "reason": "",
}
"""A task's fields beside those of an item; ``checklist``: whose step it is, or empty."""


class Dividing:
    """The tasks and roles of one incident (:class:`..fold.State`).

    A role is an item by its name, with the ``person`` who has it; empty: it was given up.
    """

    def __init__(self) -> None:
        self.tasks = Items("task", BLANK_TASK)
        self.roles = Items("role", {"person": ""})

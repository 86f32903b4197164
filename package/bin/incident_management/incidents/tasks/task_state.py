"""The state of an incident's tasks and roles, from ``task`` and ``role`` entries. Pure."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Dict, Iterable, List, Mapping

from ..items import Items
from ..model import Document, Entry

__all__ = ["BLANK_TASK", "TaskState", "missing_tasks", "tasks_from"]

BLANK_TASK: Document = {
    "title": "",
    "owner": "",
    "role": "",
    "runbook": "",
    "checklist": "",
    "from": "",
    "state": "open",
    "reason": "",
}
"""A task's fields besides those of an item.

``checklist``: the checklist of a step, or empty; ``from``: the merged incident it came from.
"""


class TaskState:
    """The tasks and roles of one incident (:class:`..fold.State`).

    A role is an item by its name, with the ``person`` who has it; empty: unassigned.
    """

    def __init__(self) -> None:
        self.tasks = Items("task", BLANK_TASK)
        self.roles = Items("role", {"person": ""})

        # The undone merges: the move's number by the incident that was taken out.
        self._undone: Dict[str, int] = {}

    def task(self, entry: Entry) -> None:
        """Apply a ``task`` entry.

        A change of a task that left at that moment, with an undone merge, is ignored.
        """
        data = entry.data
        begins = data.get("event") != "changed" or "checklist" in data
        is_known = self.tasks.get(str(data.get("task"))) is not None
        if is_known and "was" not in data:
            # The entry has the title that its writer saw, maybe without a rename made meanwhile.
            untitled = {name: value for name, value in data.items() if name != "title"}
            entry = replace(entry, data=untitled)
        if begins or is_known:
            self.tasks.take(entry)

    def came(self, merged: str, tasks: Iterable[Mapping[str, Any]], number: int) -> None:
        """Add the tasks of an incident that was merged into this one by a move with this number."""
        if number >= self._undone.get(merged, 0):
            for one in missing_tasks(self.tasks.all, tasks, merged):
                self.tasks.put(one)

    def left(self, merged: str, number: int) -> None:
        """Remove the tasks that came with an incident whose merge was undone."""
        self._undone[merged] = number
        for one in tasks_from(self.tasks.all, merged):
            self.tasks.forget(str(one["id"]))

    def returned(self, tasks: Iterable[Mapping[str, Any]]) -> None:
        """Apply the changes of this incident's tasks that were made while it was merged."""
        for one in tasks:
            known = self.tasks.get(str(one["id"]))
            if known is not None and one["at"] > known["at"]:
                self.tasks.put({**one, "from": known["from"]})


def tasks_from(tasks: Iterable[Document], merged: str) -> List[Document]:
    """Return the tasks that came with a merged incident."""
    return [one for one in tasks if one["from"] == merged]


def missing_tasks(
    here: Iterable[Mapping[str, Any]], theirs: Iterable[Mapping[str, Any]], merged: str
) -> List[Document]:
    """Return a merged incident's tasks that are new or newer for the incident it merged into.

    For a step that both have changed, the latter's own state counts.
    """
    known = {one["id"]: one for one in here}
    news = []
    for one in theirs:
        mine = known.get(one["id"])
        if mine is None or (mine["from"] == merged and one["at"] > mine["at"]):
            news.append({**one, "from": merged})
    return news

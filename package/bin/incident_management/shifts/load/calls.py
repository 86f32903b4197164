"""Derive who was called, and with what result, from an incident's messages and entries. Pure.

A *call* is a message that asked the owner of an incident to act, if the owner had not taken the
incident themselves. Further messages to the same person about the same incident within fifteen
minutes belong to the same call. So do all incidents of one summary; its first incident decides the
answer. A call waits until somebody acknowledges the incident. It was *missed* if the app or another
person escalated the incident first.
"""

from __future__ import annotations

from typing import Any, Dict, List, Mapping, NamedTuple, Tuple, Union

from ...incidents.entry_validation import is_readable
from ...incidents.model import ENDED
from ...incidents.routing.values import user_name
from ...ports import Document
from .reading import Message, Story

__all__ = ["Answer", "Call", "Calls"]

REPEAT_SECONDS = 15 * 60.0
# Events of a new owner; a person who took the incident themselves was not called.
_ASSIGNING = ("opened", "assigned", "escalation")


class Call(NamedTuple):
    """A call; ``person`` is empty if nobody had the incident; ``at`` is in epoch seconds."""

    at: float
    person: str
    incident_id: str
    rule: str
    feedback: str


class Answer(NamedTuple):
    """The result of a call: ``seconds`` to the acknowledgement; -1.0: it was missed."""

    person: str
    seconds: float


class Calls:
    """Finds calls; all incidents of one summary count as one call."""

    def __init__(self) -> None:
        self._summaries: Dict[Tuple[str, str], str] = {}

    def of(self, story: Story) -> Tuple[List[Call], List[Answer]]:
        """Return the calls of one incident and the answers to them, in their order."""
        replay = _Replay(story, self._summaries)
        ordered: List[Tuple[float, int, Union[Document, Message]]] = [
            *(
                (float(one["time"]), int(one["seq"]), one)
                for one in story.entries
                if is_readable(one, ("time", "seq", "data"))
            ),
            # A message of the same moment comes after the entry.
            *((one.created, 10**9, one) for one in story.messages),
        ]
        for _time, _seq, one in sorted(ordered, key=lambda item: item[:2]):
            if isinstance(one, Message):
                replay.take_message(one)
            else:
                replay.take_entry(one)
        return replay.calls, replay.answers


class _Replay:
    """Replays an incident's entries and messages in order."""

    def __init__(self, story: Story, summaries: Dict[Tuple[str, str], str]) -> None:
        self.calls: List[Call] = []
        self.answers: List[Answer] = []
        self._story = story
        self._summaries = summaries
        self._owner = self._giver = self._reopener = ""
        self._begun = False
        self._waiting: Dict[str, float] = {}
        self._last: Dict[str, float] = {}

    def take_entry(self, entry: Mapping[str, Any]) -> None:
        """Apply an entry: an acknowledgement, a reopening, or a new owner."""
        data, actor = entry["data"], user_name(str(entry.get("actor") or ""))
        if entry["kind"] != "status":
            self._take_owner(entry["kind"], data, actor)
        elif data.get("from") not in ENDED:
            self._begun, at = True, float(entry["time"])
            waiting = self._waiting.items()
            self.answers += [Answer(one, max(0.0, at - since)) for one, since in waiting]
            self._waiting.clear()
        elif data.get("to") not in ENDED:
            self._reopener, self._begun = actor, data.get("to") == "in_progress"
            self._waiting.clear()

    def _take_owner(self, kind: str, data: Mapping[str, Any], actor: str) -> None:
        owner = user_name(str(data.get("owner") or ""))
        if kind == "escalation":
            if data.get("until") == "acknowledged" and self._begun:
                return
            self.answers += [Answer(one, -1.0) for one in self._waiting if one != actor]
            self._waiting.clear()
        elif self._is_late(data):
            # The app assigns only incidents without an owner: a person was faster.
            return
        if owner or (kind == "edited" and "owner" in data):
            if owner != self._owner:
                # A colleague who reassigns the incident answers the earlier owner's call.
                self._waiting.clear()
            self._owner, self._giver = owner, actor

    def _is_late(self, data: Mapping[str, Any]) -> bool:
        hands_over = bool(data.get("handover"))
        if hands_over and self._begun:
            return True
        fills = hands_over or bool(data.get("vacant"))
        before = user_name(str(data.get("instead_of") or ""))
        return fills and self._owner not in ("", before)

    def take_message(self, message: Message) -> None:
        """Apply a message: count a call, unless it belongs to an earlier one."""
        person = self._owner
        took_it = message.event in _ASSIGNING and self._giver == person
        if person and (took_it or (message.event == "reopened" and self._reopener == person)):
            return
        if self._is_counted_already(message, person):
            return
        if person and not self._begun:
            self._waiting.setdefault(person, message.at)
        if message.at - self._last.get(person, float("-inf")) >= REPEAT_SECONDS:
            self._last[person] = message.at
            if self.calls and not self.calls[-1].person and self._is_soon(message):
                # The call without a person is replaced by that of the first owner.
                self.calls.pop()
            story = self._story
            facts = story.incident_id, story.rule, story.feedback
            self.calls.append(Call(message.at, person, *facts))

    def _is_soon(self, message: Message) -> bool:
        return message.at - self.calls[-1].at < REPEAT_SECONDS

    def _is_counted_already(self, message: Message, person: str) -> bool:
        """Tell whether the message's summary is already counted for another incident."""
        incident_id = self._story.incident_id
        together = (message.summary, person)
        return bool(message.summary) and incident_id != self._summaries.setdefault(
            together, incident_id
        )

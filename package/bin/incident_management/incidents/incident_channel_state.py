"""The state of an incident channel (an incident's own Slack channel), from its ``room`` entries.

Pure. :mod:`.incident_channel` requests a channel; :mod:`..notify.incident_channels` opens and
archives it.
"""

from __future__ import annotations

from typing import Any, Mapping

from .model import Document, Entry

__all__ = ["ARCHIVED", "FAILED", "GONE", "HELD", "OPEN", "WANTED", "is_in_state", "state_after"]

# The events of a ``room`` entry, which are also the states of the channel. FAILED: Slack refused to
# open it. HELD: it was not opened automatically because too many were opened. GONE: someone
# archived it in Slack, or removed the app from it.
WANTED, OPEN, ARCHIVED = "wanted", "opened", "archived"
FAILED, HELD, GONE = "failed", "held", "gone"
_OVER = ("", ARCHIVED, FAILED, GONE, HELD)
# The states after which each event counts. If two workers write, the slower one's entry has no
# effect.
_AFTER = {
    WANTED: _OVER,
    HELD: _OVER,
    OPEN: (WANTED,),
    FAILED: (WANTED,),
    ARCHIVED: (OPEN,),
    GONE: (OPEN,),
}


def state_after(room: Document, entry: Entry) -> Document:
    """Return the channel's state after an entry, given its state before.

    Keys of the state: ``state``; ``number``, how often a channel was requested or held; ``count``,
    how many were opened; ``channel`` and ``name`` of the last channel, unless it is gone; and
    ``seq``, the ``seq`` of the entry that opened it.
    """
    event, data = str(entry.data.get("event")), entry.data
    if room.get("state", "") not in _AFTER.get(event, ()):
        return room
    after = {**room, "state": event, "number": int(data.get("number") or 0)}
    if event == OPEN:
        after.update(
            channel=str(data.get("channel")),
            name=str(data.get("name")),
            count=int(room.get("count") or 0) + 1,
            seq=entry.seq,
        )
    if event == GONE:
        del after["channel"], after["name"]
    return after


def is_in_state(room: Mapping[str, Any], *states: str) -> bool:
    """Tell whether a channel is in one of these states."""
    return str(room.get("state", "")) in states

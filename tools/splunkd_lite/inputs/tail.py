"""Follows one file, exactly once over any kill.

Where a file has been read up to stands in the durable state. Before a batch of events is written,
its end is written down too; after a kill the same bytes are cut into the same events again, and
the index leaves out those it has (``_dedup``: the file's id and the event's offset).

A file is known again by its inode, or as splunkd does (inputs.conf.spec 10.0, ``initCrcLength``)
by a checksum of its first 256 bytes; either way, the bytes before the position must be the same.
"""

from __future__ import annotations

import os
import time
import uuid
import zlib
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from .breaking import Span, break_events, text_of_span
from .indextime import store
from .jsondata import indexed_fields
from .props import Props
from .timestamps import find_time

__all__ = ["Position", "Tail"]

CHECK_BYTES = 256
WINDOW_BYTES = 1 << 20
MAX_EVENT_BYTES = 1 << 24


@dataclass(frozen=True)
class Position:
    """How far a file has been read. ``end`` is that of a batch being written, if any."""

    id: str
    path: str
    inode: list[int]
    offset: int = 0
    end: int | None = None
    head: tuple[int, int] = (0, 0)  # length and checksum of the file's first bytes
    before: tuple[int, int] = (0, 0)  # the same of the bytes before ``offset``
    last_time: float | None = None

    @classmethod
    def load(cls, record: Mapping[str, Any]) -> Position:
        """From the durable state."""
        checks = {key: tuple(record[key]) for key in ("head", "before")}
        return cls(**{**record, **checks})

    def fits(self, descriptor: int) -> bool:
        """Whether an open file is the one that this position is in."""
        if os.fstat(descriptor).st_size < self.offset:
            return False
        before = os.pread(descriptor, self.before[0], self.offset - self.before[0])
        head = os.pread(descriptor, self.head[0], 0)
        return zlib.crc32(before) == self.before[1] and zlib.crc32(head) == self.head[1]


class Tail:
    """One open file and what is done with its events."""

    def __init__(
        self,
        splunk: Any,
        path: Path,
        descriptor: int,
        position: Position,
        meta: Mapping[str, str],
        props: Props,
        patience: float,
    ) -> None:
        """``meta``: index, host, source, sourcetype. ``patience``: how many seconds an unfinished
        event at the end of the file waits for more (``time_before_close``).
        """
        self.path = path
        self.position = position
        self._splunk = splunk
        self._state = splunk.state("filemonitor")
        self._descriptor = descriptor
        self._meta = dict(meta)
        self._props = props
        self._patience = patience
        self._window = WINDOW_BYTES
        self._size = -1
        self._grown_at = time.monotonic()

    @classmethod
    def new_position(cls, path: Path, descriptor: int, offset: int = 0) -> Position:
        """The position in a file that was never seen before."""
        stat = os.fstat(descriptor)
        position = Position(uuid.uuid4().hex, str(path), [stat.st_dev, stat.st_ino], offset)
        return _checked(position, descriptor)

    @property
    def inode(self) -> list[int]:
        """Device and inode of the open file, whatever its name is by now."""
        stat = os.fstat(self._descriptor)
        return [stat.st_dev, stat.st_ino]

    def intact(self) -> bool:
        """Whether what was read of the file still stands in it: it was not cut, nor rewritten."""
        return self.position.fits(self._descriptor)

    def close(self) -> None:
        os.close(self._descriptor)

    def quiet(self) -> float:
        """For how many seconds the file has been read to its end without growing."""
        if os.fstat(self._descriptor).st_size > self.position.offset:
            return 0.0
        return time.monotonic() - self._grown_at

    def poll(self) -> bool:
        """Index what is new; whether the file may have more right now.

        Raises:
            SplunkdError: the index refused the events; the same ones are tried at the next call.
        """
        position = self.position
        if position.end is not None:
            self._commit(self._read(position.end - position.offset), final=True)
            return True
        size = os.fstat(self._descriptor).st_size
        if size != self._size:
            self._size, self._grown_at = size, time.monotonic()
        if size <= position.offset:
            return False
        data = self._read(min(size - position.offset, self._window))
        at_end = position.offset + len(data) == size
        spans = break_events(data, self._props, final=False)
        if spans:
            self._commit(data[: spans[-1].next], final=False, spans=spans)
            self._window = WINDOW_BYTES
            return True
        if not at_end and self._window < MAX_EVENT_BYTES:
            self._window *= 4
            return True
        waited = time.monotonic() - self._grown_at
        if len(data) >= MAX_EVENT_BYTES or (at_end and waited >= self._patience):
            self._commit(data, final=True)
            return True
        return False

    def _read(self, size: int) -> bytes:
        return os.pread(self._descriptor, size, self.position.offset)

    def _commit(self, data: bytes, final: bool, spans: list[Span] | None = None) -> None:
        """Write down the end, write the events, write down that it is done."""
        start = self.position.offset
        self._save(replace(self.position, end=start + len(data)))
        found = spans if spans is not None else break_events(data, self._props, final)
        events = self._events(data, found)
        if events:
            index = self._meta["index"]
            store(self._splunk, [(index, event) for event in events], self._props.edits)
        moved = replace(self.position, offset=start + len(data), end=None)
        if events:
            moved = replace(moved, last_time=events[-1]["_time"])
        self._save(_checked(moved, self._descriptor))

    def _save(self, position: Position) -> None:
        self.position = position
        self._state.set(position.id, asdict(position))

    def _events(self, data: bytes, spans: list[Span]) -> list[dict[str, Any]]:
        meta = {key: value for key, value in self._meta.items() if key != "index"}
        previous = self.position.last_time
        events = []
        for span in spans:
            text = text_of_span(data, span, self._props)
            moment = find_time(text, self._props)
            if moment is None:
                moment = previous if previous is not None else self._splunk.clock.now()
            previous = moment
            mark = f"{self.position.id}:{self.position.offset + span.start}"
            fields = indexed_fields(text) if self._props.json else {}
            events.append({**fields, **meta, "_raw": text, "_time": moment, "_dedup": mark})
        return events


def _checked(position: Position, descriptor: int) -> Position:
    """The position with its checksums up to date."""
    length = min(CHECK_BYTES, position.offset)
    head = os.pread(descriptor, length, 0)
    before = os.pread(descriptor, length, position.offset - length)
    return replace(position, head=(length, zlib.crc32(head)), before=(length, zlib.crc32(before)))

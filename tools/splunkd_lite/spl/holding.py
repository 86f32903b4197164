"""Rows that a command has to keep until the last has come: few in memory, the others on disk.

Splunk spills to disk, too (limits.conf, max_mem_usage_mb):
https://help.splunk.com/en/splunk-enterprise/search/search-manual/9.3/calculate-statistics/memory-and-stats-search-performance
"""

from __future__ import annotations

import heapq
import pickle
import tempfile
import threading
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import IO, overload

from tools.splunkd_lite.spl.context import Environment
from tools.splunkd_lite.spl.sortkeys import SortKey, comparer, sort_rows
from tools.splunkd_lite.spl.values import Row

__all__ = ["Held", "folder_of", "hold", "setting", "sorted_rows"]

IN_MEMORY = 10_000  # rows; some 10 MB of events
_BLOCK = 500


class Held(Sequence[Row]):
    """A list of rows that grows at its end; beyond IN_MEMORY of them they lie in a temporary file,
    in `folder` if there is one.

    Rows from the file are new dicts each time, the others are those that were added. One thread may
    add rows while others read. Raises OSError when the disk is full.
    """

    def __init__(self, folder: Path | None = None) -> None:
        self._folder = folder if folder is not None and folder.is_dir() else None
        self._memory: list[Row] = []
        self._waiting: list[Row] = []
        self._blocks: list[tuple[int, int]] = []
        self._file: IO[bytes] | None = None
        self._lock = threading.Lock()
        self.size = 0
        self.spilled_bytes = 0

    def __len__(self) -> int:
        return self.size

    def append(self, row: Row) -> None:
        if len(self._memory) < IN_MEMORY:
            self._memory.append(row)
            self.size += 1
            return
        with self._lock:
            self._waiting.append(row)
            self.size += 1
            if len(self._waiting) >= _BLOCK:
                self._spill()

    def _spill(self) -> None:
        if self._file is None:
            self._file = tempfile.TemporaryFile(dir=self._folder, prefix="rows-")  # noqa: SIM115
        data = pickle.dumps(self._waiting, pickle.HIGHEST_PROTOCOL)
        self._file.seek(self.spilled_bytes)
        self._file.write(data)
        self._blocks.append((self.spilled_bytes, len(data)))
        self.spilled_bytes += len(data)
        self._waiting = []

    def _read(self, block: tuple[int, int]) -> list[Row]:
        if self._file is None:
            raise RuntimeError("a block of rows without its file")
        with self._lock:
            self._file.seek(block[0])
            data = self._file.read(block[1])
        rows: list[Row] = pickle.loads(data)
        return rows

    def _from(self, start: int) -> Iterator[Row]:
        """The rows that there are now, from that place on."""
        with self._lock:
            count, blocks, waiting = len(self._memory), list(self._blocks), list(self._waiting)
        yield from islice(self._memory, start, count)
        skip = max(0, start - count)
        for block in blocks:
            if skip < _BLOCK:
                yield from self._read(block)[skip:]
            skip = max(0, skip - _BLOCK)
        yield from waiting[skip:]

    def __iter__(self) -> Iterator[Row]:
        return self._from(0)

    def __reversed__(self) -> Iterator[Row]:
        yield from reversed(self._waiting)
        for block in reversed(self._blocks):
            yield from reversed(self._read(block))
        yield from reversed(self._memory)

    @overload
    def __getitem__(self, place: int) -> Row: ...

    @overload
    def __getitem__(self, place: slice) -> list[Row]: ...

    def __getitem__(self, place: int | slice) -> Row | list[Row]:
        if isinstance(place, slice):
            start, stop, step = place.indices(len(self))
            if step != 1:
                return [self[each] for each in range(start, stop, step)]
            return list(islice(self._from(start), max(0, stop - start)))
        at = place + len(self) if place < 0 else place
        if not 0 <= at < len(self):
            raise IndexError(f"there is no row {place}")
        return next(self._from(at))

    @property
    def in_memory(self) -> int:
        """How many rows are not on disk."""
        return len(self._memory) + len(self._waiting)

    @property
    def estimated_bytes(self) -> int:
        """What all rows take, going by those on disk; 0 while there are none."""
        on_disk = len(self._blocks) * _BLOCK
        return self.spilled_bytes * self.size // on_disk if on_disk else 0

    def names(self) -> dict[str, None]:
        """The fields that the rows have, in the order of their coming."""
        return dict.fromkeys(name for row in self for name in row)


def hold(rows: Iterable[Row], env: Environment) -> Held:
    """All rows, to be read more than once."""
    held = Held(folder_of(env))
    for row in rows:
        held.append(row)
    return held


def folder_of(env: Environment) -> Path | None:
    """Where a search may leave temporary files, if its host has a place for them."""
    folder: Path | None = getattr(env.context, "dispatch_dir", None)
    return folder


def sorted_rows(
    rows: Iterable[Row], keys: list[SortKey], env: Environment, limit: int = 0
) -> Iterator[Row]:
    """The rows in order, stably, rows without a field last; the first `limit` of them unless 0.
    At most 2 * IN_MEMORY + `limit` are in memory, or sorted parts on disk are merged."""
    if 0 < limit <= IN_MEMORY:
        return iter(_first(rows, keys, limit))
    merged = _merged(rows, keys, env)
    return merged if not limit else _cut(merged, limit)


def _cut(rows: Iterator[Row], limit: int) -> Iterator[Row]:
    for _, row in zip(range(limit), rows):
        yield row


def _first(rows: Iterable[Row], keys: list[SortKey], limit: int) -> list[Row]:
    kept: list[Row] = []
    for row in rows:
        kept.append(row)
        if len(kept) >= limit + IN_MEMORY:
            sort_rows(kept, keys)
            del kept[limit:]
    sort_rows(kept, keys)
    return kept[:limit]


def _merged(rows: Iterable[Row], keys: list[SortKey], env: Environment) -> Iterator[Row]:
    parts: list[Iterable[Row]] = []
    batch: list[Row] = []
    for row in rows:
        batch.append(row)
        if len(batch) >= 2 * IN_MEMORY:
            sort_rows(batch, keys)
            parts.append(_Part(batch, env))
            batch = []
    sort_rows(batch, keys)
    if not parts:
        yield from batch
        return
    yield from heapq.merge(*parts, batch, key=comparer(keys))


class _Part(Held):
    """A sorted part, on disk as a whole."""

    def __init__(self, rows: list[Row], env: Environment) -> None:
        super().__init__(folder_of(env))
        self.size = len(rows)
        for start in range(0, len(rows), _BLOCK):
            self._waiting = rows[start : start + _BLOCK]
            self._spill()


def setting(env: Environment, stanza: str, name: str, default: int) -> int:
    """A number of limits.conf; `default` is Splunk's own where the file does not set it."""
    for place in (stanza, "default"):
        value = env.conf("limits").get(place, {}).get(name, "").strip()
        if value.isdigit():
            return int(value)
    return default

"""The transactions that are still being gathered, found by value and by age.

Source: the memory control options of
https://help.splunk.com/en/splunk-enterprise/spl-search-reference/9.4/search-commands/transaction
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator
from dataclasses import dataclass, field

from tools.splunkd_lite.spl.values import Row, as_list, to_number, to_text

__all__ = ["Open", "Pool"]


@dataclass(eq=False)
class Open:
    """A transaction that is being gathered, newest event first."""

    number: int
    events: list[Row] = field(default_factory=list)
    values: dict[str, set[str]] = field(default_factory=dict)

    @property
    def newest(self) -> float:
        return float(to_number(self.events[0].get("_time")) or 0)

    @property
    def oldest(self) -> float:
        return float(to_number(self.events[-1].get("_time")) or 0)


class Pool:
    """Open transactions over `fields`. Events come newest first."""

    def __init__(self, fields: list[str]) -> None:
        self.fields = fields
        self.events = 0
        self._by_number: dict[int, Open] = {}
        self._by_value: dict[tuple[str, str], dict[int, None]] = {}
        self._by_use: OrderedDict[int, None] = OrderedDict()
        self._next = 0

    def __len__(self) -> int:
        return len(self._by_number)

    def __iter__(self) -> Iterator[Open]:
        return iter(list(self._by_number.values()))

    def find(self, row: Row) -> Open | None:
        """The latest begun that no value of the row contradicts, and one agrees with."""
        if not self.fields:
            return self._by_number[next(reversed(self._by_number))] if self._by_number else None
        mine = _values(row, self.fields)
        near = {
            number
            for name, texts in mine.items()
            for text in texts
            for number in self._by_value.get((name, text), ())
        }
        for number in sorted(near, reverse=True):
            found = self._by_number[number]
            if not any(
                name in found.values and not texts & found.values[name]
                for name, texts in mine.items()
            ):
                return found
        return None

    def begin(self) -> Open:
        made = self._by_number[self._next] = Open(self._next)
        self._next += 1
        return made

    def add(self, to: Open, row: Row) -> None:
        to.events.append(row)
        self.events += 1
        self._by_use[to.number] = None
        self._by_use.move_to_end(to.number)
        for name, texts in _values(row, self.fields).items():
            to.values.setdefault(name, set()).update(texts)
            for text in texts:
                self._by_value.setdefault((name, text), {})[to.number] = None

    def remove(self, gone: Open) -> Open:
        del self._by_number[gone.number], self._by_use[gone.number]
        self.events -= len(gone.events)
        for name, texts in gone.values.items():
            for text in texts:
                numbers = self._by_value[name, text]
                del numbers[gone.number]
                if not numbers:
                    del self._by_value[name, text]
        return gone

    def expire(self, time: float, pause: float | None, span: float | None) -> Iterator[Open]:
        """Takes out those that an event at `time` can't belong to any more."""
        while pause is not None and self._by_use:
            found = self._by_number[next(iter(self._by_use))]  # the one unused for the longest
            if found.oldest - time <= pause:
                break
            yield self.remove(found)
        while span is not None and self._by_number:
            found = next(iter(self._by_number.values()))  # the one that began with the newest event
            if found.newest - time <= span:
                break
            yield self.remove(found)

    def evict(self, most: int, most_events: int) -> Iterator[Open]:
        """Takes out those that were used least recently, until both limits hold; 0 is none."""
        while (most and len(self) > most) or (most_events and self.events > most_events):
            yield self.remove(self._by_number[next(iter(self._by_use))])


def _values(row: Row, fields: list[str]) -> dict[str, set[str]]:
    found = {name: {to_text(item) for item in as_list(row.get(name))} for name in fields}
    return {name: texts for name, texts in found.items() if texts}

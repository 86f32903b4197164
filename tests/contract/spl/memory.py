"""A search context that lives in memory, for tests of the SPL engine."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Any

from tools.splunkd_lite.spl import SplError
from tools.splunkd_lite.spl.context import NO_HINT, ScanHint

NOW = 1_700_000_000.0  # 2023-11-14 22:13:20 UTC, a Tuesday
STORED = frozenset(
    ("_time", "_raw", "index", "host", "source", "sourcetype", "_indextime", "splunk_server", "_cd",
     "_bkt")
)  # fmt: skip


class MemoryTable:
    """A lookup table that is a list."""

    exists = True

    def __init__(self, rows: Iterable[Mapping[str, Any]] = ()) -> None:
        self._rows = [dict(row) for row in rows]

    def rows(
        self, test: Callable[[dict[str, Any]], bool] | None = None, reads: Iterable[str] = ()
    ) -> list[dict[str, Any]]:
        wanted = set(reads)
        return [
            row
            for row in self._rows
            if test is None or test({k: v for k, v in row.items() if k in wanted})
        ]

    def write(self, rows: list[dict[str, Any]], append: bool) -> None:
        self._rows = [*(self._rows if append else ()), *rows]


@dataclass
class MemoryContext:
    """Implements `SearchContext` over lists and dicts."""

    events: list[dict[str, Any]] = field(default_factory=list)
    confs: dict[str, dict[str, dict[str, str]]] = field(default_factory=dict)
    tables: dict[str, MemoryTable] = field(default_factory=dict)
    commands: dict[str, Any] = field(default_factory=dict)
    endpoints: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    now: float = NOW
    earliest: float | None = None
    latest: float | None = None
    user: str = "admin"
    app: str = "search"
    default_indexes: Sequence[str] = ("main",)
    allowed_indexes: Sequence[str] = ("*", "_*")
    stopped: bool = False

    def scan(
        self,
        indexes: Sequence[str],
        earliest: float | None,
        latest: float | None,
        hint: ScanHint = NO_HINT,
    ) -> Iterator[dict[str, Any]]:
        """Gives of an event only what the hint names, so that a missing field is noticed."""
        for event in sorted(self.events, key=lambda e: -e["_time"]):
            if not any(fnmatchcase(event["index"], name) for name in indexes):
                continue
            if self._is_metric(event["index"]) != hint.metrics:
                continue
            if earliest is not None and event["_time"] < earliest:
                continue
            if latest is not None and event["_time"] >= latest:
                continue
            low = str(event["_raw"]).lower()
            if not event.keys() <= STORED or all(text in low for text in hint.contains):
                yield {
                    name: value
                    for name, value in event.items()
                    if hint.fields is None or name in hint.fields or name not in STORED
                }

    def _is_metric(self, index: str) -> bool:
        return self.confs.get("indexes", {}).get(index, {}).get("datatype") == "metric"

    def conf_stanzas(self, conf: str) -> Mapping[str, Mapping[str, str]]:
        return self.confs.get(conf, {})

    def lookup(self, name: str) -> MemoryTable | None:
        return self.tables.get(name)

    def custom_command(self, name: str) -> Any:
        return self.commands.get(name)

    def rest(self, path: str, params: Mapping[str, str]) -> list[dict[str, Any]]:
        if path not in self.endpoints:
            raise SplError(f"there is no endpoint {path}")
        return self.endpoints[path]

    def write_events(self, index: str, events: Iterable[Mapping[str, Any]]) -> None:
        self.events += [{**event, "index": index} for event in events]

    def cancelled(self) -> bool:
        return self.stopped


def event(raw: str, time: float = NOW - 60, **fields: Any) -> dict[str, Any]:
    """A stored event with the default fields that every event has."""
    return {
        "_time": time,
        "_raw": raw,
        "index": "main",
        "host": "web01",
        "source": "/var/log/app.log",
        "sourcetype": "app",
        "_indextime": time + 1,
        "splunk_server": "local",
        **fields,
    }

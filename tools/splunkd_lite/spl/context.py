"""What a search asks of the Splunk around it, and what its commands share while it runs."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timezone, tzinfo
from typing import Any, Protocol

from tools.splunkd_lite.spl.errors import SplError
from tools.splunkd_lite.spl.values import Row

__all__ = [
    "NO_HINT",
    "CustomCommand",
    "Environment",
    "LookupTable",
    "Message",
    "ScanHint",
    "SearchContext",
]


@dataclass(frozen=True)
class ScanHint:
    """What a search looks at, so that a scan may leave out the rest; it may also ignore this.

    `fields` are the stored fields that the search reads (None: all of them). Each text of
    `contains`, in lower case, stands in `_raw` of every event that can match, in any case, unless
    the event has indexed fields of its own. `metrics`: the search reads metric indexes, and no
    others; any other search leaves them out.
    """

    fields: frozenset[str] | None = None
    contains: tuple[str, ...] = ()
    metrics: bool = False


NO_HINT = ScanHint()


class LookupTable(Protocol):
    """A CSV file, which exists once something is written to it, or a KV collection.

    ``rows`` gives those alone that pass a ``test`` of the fields that it ``reads``.
    """

    @property
    def exists(self) -> bool: ...

    def rows(
        self, test: Callable[[Row], bool] | None = None, reads: Iterable[str] = ()
    ) -> list[dict[str, Any]]: ...

    def write(self, rows: list[dict[str, Any]], append: bool) -> None: ...


class CustomCommand(Protocol):
    """A command that an app brings. `args` are its tokens as written, quotes kept; `rows` is None
    when it is the first command of the search."""

    def run(
        self, args: list[str], rows: Iterable[Row] | None, context: SearchContext
    ) -> Iterator[Row]: ...


class SearchContext(Protocol):
    """What the host of the engine offers to one search. Times are epoch seconds.

    An optional attribute `timezone` (a tzinfo) is the zone of the user; UTC without it. An optional
    method `on_pause(callback)` takes what the host then calls now and then between two events, in
    the thread of the scan. An optional attribute `dispatch_dir` is a folder for temporary files.
    """

    now: float
    earliest: float | None
    latest: float | None
    user: str
    app: str
    default_indexes: Sequence[str]
    allowed_indexes: Sequence[str]

    def scan(
        self,
        indexes: Sequence[str],
        earliest: float | None,
        latest: float | None,
        hint: ScanHint = ...,
    ) -> Iterator[dict[str, Any]]:
        """Events of the named indexes, newest first; earliest inclusive, latest exclusive. The
        search may change the dicts."""
        ...

    def conf_stanzas(self, conf: str) -> Mapping[str, Mapping[str, str]]: ...

    def lookup(self, name: str) -> LookupTable | None: ...

    def custom_command(self, name: str) -> CustomCommand | None: ...

    def rest(self, path: str, params: Mapping[str, str]) -> list[dict[str, Any]]: ...

    def write_events(self, index: str, events: Iterable[Mapping[str, Any]]) -> Any: ...

    def cancelled(self) -> bool: ...


@dataclass(frozen=True)
class Message:
    """A line for the user: `level` is INFO, WARN or ERROR."""

    level: str
    text: str


MAX_SUBSEARCH_DEPTH = 10


@dataclass
class Environment:
    """One run of a search: the context, its messages, and what extraction has to provide."""

    context: SearchContext
    messages: list[Message] = field(default_factory=list)
    required: frozenset[str] | None = None
    depth: int = 0
    cache: dict[str, Any] = field(default_factory=dict)
    watch: Callable[[Callable[[], Iterator[Row]]], None] | None = None

    def show_while_running(self, report: Callable[[], Iterator[Row]]) -> None:
        """A transforming command says how to get the rows that it would give now; `report` is
        called between two of its input rows, and must leave its state as it is."""
        if self.watch is not None:
            self.watch(report)

    @property
    def tz(self) -> tzinfo:
        return getattr(self.context, "timezone", None) or timezone.utc

    @property
    def now(self) -> float:
        return self.context.now

    def warn(self, text: str) -> None:
        message = Message("WARN", text)
        if message not in self.messages:
            self.messages.append(message)

    def check_cancelled(self) -> None:
        if self.context.cancelled():
            raise SplError("the search was cancelled")

    def conf(self, name: str) -> Mapping[str, Mapping[str, str]]:
        key = f"conf:{name}"
        if key not in self.cache:
            self.cache[key] = self.context.conf_stanzas(name)
        return self.cache[key]

    def lookup(self, name: str, position: int | None) -> LookupTable:
        table = self.context.lookup(name)
        if table is None:
            raise SplError(
                f"The lookup table '{name}' does not exist or is not available", position
            )
        return table

    def child(self) -> Environment:
        """The environment of a subsearch: same context and messages, one level deeper."""
        if self.depth >= MAX_SUBSEARCH_DEPTH:
            raise SplError(f"subsearches are nested more than {MAX_SUBSEARCH_DEPTH} deep")
        return Environment(self.context, self.messages, None, self.depth + 1, self.cache)

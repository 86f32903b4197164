"""What a running search may reach: the SPL engine's ``SearchContext``, for one job and user."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any, Callable, Iterable, Iterator, Mapping, Sequence

from tools.splunkd_lite.access import User
from tools.splunkd_lite.conf import is_true
from tools.splunkd_lite.errors import SplunkdError
from tools.splunkd_lite.lookups import LookupTable, find_lookup
from tools.splunkd_lite.spl.context import NO_HINT, ScanHint

if TYPE_CHECKING:
    from tools.splunkd_lite.core import Splunk
    from tools.splunkd_lite.job import Job

__all__ = ["JobContext"]


class JobContext:
    """See ``spl/context.py`` for what each member means to the engine."""

    def __init__(self, splunk: Splunk, job: Job, who: User) -> None:
        self.splunk = splunk
        self.job = job
        self.who = who
        self.sid = job.sid
        self.user = who.name
        self.owner = job.owner
        self.app = job.app
        self.search = job.search
        self.dispatch_dir = job.folder
        self.now = job.now
        self.earliest = job.earliest
        self.latest = job.latest
        self.default_indexes: Sequence[str] = list(who.default_indexes) or ["main"]
        self.allowed_indexes: Sequence[str] = [
            n for n in splunk.indexes.names() if who.may_search(n)
        ]
        self._stanzas: dict[str, dict[str, dict[str, str]]] = {}
        self._between: Callable[[], None] | None = None

    @cached_property
    def session_key(self) -> str:
        """A key for processes of this search; made when first asked for."""
        return self.splunk.access.token_for(self.user)

    def scan(
        self,
        indexes: Sequence[str],
        earliest: float | None,
        latest: float | None,
        hint: ScanHint = NO_HINT,
    ) -> Iterator[dict[str, Any]]:
        """Events of the named indexes that the user's roles allow, newest first."""
        names = [n for n in self.splunk.indexes.matching(indexes) if n in self.allowed_indexes]
        job = self.job
        for page in self.splunk.indexes.pages(names, earliest, latest, hint):
            job.wait_while_paused()
            if job.finalized:
                return
            job.scan_count += len(page)
            yield from page
            if self._between is not None:
                self._between()

    def on_pause(self, callback: Callable[[], None]) -> None:
        """Call that between two pages of events."""
        self._between = callback

    def conf_stanzas(self, conf: str) -> dict[str, dict[str, str]]:
        """Stanzas as the search's app and user see them, without those they may not read."""
        if conf not in self._stanzas:
            self._stanzas[conf] = {
                entry.name: entry.settings
                for entry in self.splunk.conf.entries(conf, self.app, self.user)
                if self.splunk.access.may(self.who, "read", entry.acl)
            }
        return self._stanzas[conf]

    def lookup(self, name: str) -> LookupTable | None:
        splunk = self.splunk
        return find_lookup(splunk.conf, splunk.kv, splunk.access, self.who, self.app, name)

    def custom_command(self, name: str) -> Any:
        """The command of commands.conf by that name; None if there is none, or not for them."""
        for entry in self.splunk.conf.entries("commands", self.app, self.user):
            if entry.name != name or is_true(entry.settings.get("disabled", "0")):
                continue
            if not self.splunk.access.may(self.who, "read", entry.acl):
                return None
            if not self.who.can("run_custom_command"):
                raise SplunkdError(403, f"You lack the capability run_custom_command for {name}.")
            from tools.splunkd_lite.runners.chunked import ChunkedCommand

            return ChunkedCommand(self.splunk, name, entry.settings, entry.acl.app)
        return None

    def rest(self, path: str, params: Mapping[str, str]) -> list[dict[str, Any]]:
        """Rows of ``| rest``: a REST feed with the rights of the search's user."""
        from tools.splunkd_lite.rest.rows import rest_rows

        return rest_rows(self.splunk, self.who, path, params)

    def write_events(self, index: str, events: Iterable[Mapping[str, Any]]) -> int:
        """Events of ``| collect``."""
        if not self.who.can("run_collect"):
            raise SplunkdError(403, "You lack the capability run_collect.")
        return self.splunk.indexes.write(index, events)

    def send_alert(
        self, action: str, options: Mapping[str, str], rows: list[dict[str, Any]]
    ) -> None:
        """``| sendalert``: a custom alert action with the rights of the search's user."""
        from tools.splunkd_lite.runners.sendalert import send_alert

        if not self.who.can("run_sendalert"):
            raise SplunkdError(403, "You lack the capability run_sendalert.")
        send_alert(self.splunk, self.job, action, options, rows)

    def message(self, level: str, text: str) -> None:
        """Add a message to the job; DEBUG goes to splunkd.log only."""
        if level.upper() == "DEBUG":
            self.splunk.log("SearchProcess", "DEBUG", f"{self.sid}: {text}")
        else:
            self.job.message(level.upper(), text)

    def cancelled(self) -> bool:
        self.job.wait_while_paused()
        return self.job.cancelled

"""The audit index: reads its name from a macro for writing, and searches events by a macro.

Both are in one place, so that writing and searching can't diverge.
"""

from __future__ import annotations

import re
import time
from typing import Dict, Iterable, List, Sequence, Set, Tuple

from ..incidents.model import Entry
from ..incidents.upkeep.audit import SOURCETYPE, history_from_events
from ..ports import Searcher, SearchFailed
from ..splunk.configuration.settings import SettingsError
from ..splunk.searching import spl
from ..splunk.session import APP, Session, SplunkError, path_of

__all__ = ["EVENTS_MACRO", "INDEX_MACRO", "AuditIndex", "events_search"]

INDEX_MACRO = "incident_audit_index"
EVENTS_MACRO = "incident_audit_events"
REMEMBERED_SECONDS = 60.0
MAX_KEYS = 50_000
MAX_ENTRIES = 20_000
SEARCH_SECONDS = 120.0
# The worker runs several of these searches in a round, and sends nothing meanwhile.
ENTRIES_SECONDS = 30.0
# The names that "Rules for index names" in Managing Indexers and Clusters allows.
_DEFINITION = re.compile(r'\s*index\s*=\s*"?([a-z0-9_][a-z0-9_-]*)"?\s*')


def events_search(incident_ids: Iterable[str]) -> spl.Search:
    """Return the search for the audit events of some incidents, over all time."""
    return spl.Search(spl.macro(EVENTS_MACRO), spl.any_of("incident_id", incident_ids))


class AuditIndex:
    """Reads the macro, and finds which entries are indexed, with the session's rights."""

    def __init__(self, session: Session, searcher: Searcher) -> None:
        self._session = session
        self._searcher = searcher
        self._known: Tuple[float, str] = (float("-inf"), "")

    def name(self) -> str:
        """Return the index's name. Raises SettingsError if the macro does not name one."""
        read_at, found = self._known
        if time.monotonic() - read_at >= REMEMBERED_SECONDS:
            found = self._read()
            self._known = (time.monotonic(), found)
        return found

    def keys(self, incident_ids: Sequence[str]) -> Dict[str, Set[str]]:
        """Return the keys of the entries that a search finds, by incident.

        Raises SearchFailed, also if there are more than MAX_KEYS.
        """
        search = events_search(incident_ids).pipe(
            spl.fields("dedup", ["key"]), spl.fields("table", ["incident_id", "key"])
        )
        result = self._searcher.run(str(search), "0", "now", limit=MAX_KEYS, timeout=SEARCH_SECONDS)
        if result.truncated:
            raise SearchFailed(f"More than {MAX_KEYS} audit events of {len(incident_ids)} found.")
        found: Dict[str, Set[str]] = {}
        for row in result.rows:
            found.setdefault(str(row.get("incident_id")), set()).add(str(row.get("key")))
        return found

    def entries(self, incident_id: str) -> List[Entry]:
        """Return the entries of one incident that a search finds, at most 20,000.

        Raises SearchFailed.
        """
        search = events_search([incident_id]).pipe(spl.fields("table", ["_raw"]))
        result = self._searcher.run(
            str(search), "0", "now", limit=MAX_ENTRIES, timeout=ENTRIES_SECONDS
        )
        return history_from_events([str(row.get("_raw")) for row in result.rows]).entries

    def _read(self) -> str:
        path = "/servicesNS/nobody/" + path_of(APP, "configs", "conf-macros", INDEX_MACRO)
        try:
            content = self._session.get(path)["entry"][0]["content"]
        except SplunkError as error:
            if error.status != 404:
                raise
            content = {}
        definition = str(content.get("definition") or "")
        match = _DEFINITION.fullmatch(definition)
        if match is None:
            raise SettingsError(
                f"macros.conf [{INDEX_MACRO}] definition is '{definition[:60]}'; set index=<name>, "
                f"one index, or no {SOURCETYPE} events are written."
            )
        return match.group(1)

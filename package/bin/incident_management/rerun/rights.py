"""With whose rights a saved search runs that the app dispatches.

The app's own rights are the system's, and whoever wrote a search need not have these. So it asks
again only what splunkd runs as its schedule does, with its owner's rights: ``dispatchAs`` in
savedsearches.conf.spec ("only meaningful for shared saved searches") and
``force_saved_search_dispatch_as_user`` in limits.conf.spec. What nobody owns runs with the system's
rights on its schedule, too.
"""

from __future__ import annotations

import re
from typing import Mapping, Optional, Set

from ..conf_values import is_true
from ..detection.read_only import NotReadOnly, check_read_only, plain_text
from ..ports import SearchFailed
from ..remediation.raising_search import CannotJudge
from ..splunk.searching import knowledge
from ..splunk.searching.search import SavedSearch
from ..splunk.session import Session, SplunkError

__all__ = ["require_filters_only", "require_owner_rights", "require_read_only"]

# Commands that an alert condition is made of, and that read and write nothing else.
_FILTERS = frozenset(
    (
        "bin", "chart", "convert", "dedup", "eval", "eventstats", "fields", "fillnull", "head",
        "makemv", "mvexpand", "rare", "regex", "rename", "reverse", "rex", "search", "sort",
        "stats", "streamstats", "table", "tail", "timechart", "top", "where",
    )
)  # fmt: skip
# Others that only read: of these alone it need not be asked which commands are risky.
_READERS = frozenset(
    ("append", "appendpipe", "inputlookup", "join", "lookup", "mstats", "spath", "tstats")
)


def require_owner_rights(session: Session, saved: SavedSearch) -> None:
    """Raise CannotJudge for a search that the app's rights would run, SearchFailed if unknown."""
    if saved.owner == "nobody":
        return
    why = ""
    if saved.sharing not in ("app", "global", "system"):
        why = "is private: share it with its app"
    elif saved.settings.get("dispatchAs", "").strip().lower() == "user":
        why = "runs as whoever runs it: set dispatchAs = owner"
    elif _forced(session):
        why = "runs as whoever runs it, see force_saved_search_dispatch_as_user in limits.conf"
    if why:
        raise CannotJudge(
            f"'{saved.name}' would run with the app's rights and not with its owner's, as it {why}."
        )


def require_filters_only(saved: SavedSearch) -> None:
    """Raise CannotJudge for an alert condition that does more than filter the results.

    The app applies it, with its own rights: a post-process search of the job's results.
    """
    condition = saved.settings.get("alert_condition", "").strip()
    if saved.owner == "nobody" or not condition:
        return
    try:
        plain = plain_text(condition, lambda name: None)
    except NotReadOnly:
        raise CannotJudge(f"The alert condition of '{saved.name}' holds a macro.") from None
    if "[" in plain:
        raise CannotJudge(f"The alert condition of '{saved.name}' holds a subsearch.")
    for command in re.findall(r"(?:^|\|)\s*([^\s|]+)", plain):
        if command.lower() not in _FILTERS:
            raise CannotJudge(
                f"The alert condition of '{saved.name}' holds '{command[:40]}', which may do more "
                "than filter its results."
            )


def require_read_only(session: Session, saved: SavedSearch, app: str, owner: str) -> None:
    """Raise CannotJudge for a search that writes, sends or acts, SearchFailed if unknown.

    What raised an incident is named by whoever raised its signal, and a run out of turn would do
    again what it does: count a summary twice, overwrite a lookup, delete.
    """
    condition = saved.settings.get("alert_condition", "").strip()
    text = f"{saved.spl} | {condition}" if condition else saved.spl

    def macro(name: str) -> Optional[Mapping[str, str]]:
        return knowledge.macro(session, name, app, owner)

    try:
        unknown = _commands(plain_text(text, macro)) - _FILTERS - _READERS
        check_read_only(
            text, macro, knowledge.risky_commands(session, app, owner) if unknown else ()
        )
    except NotReadOnly as error:
        raise CannotJudge(f"'{saved.name}' {error}; only what just reads is run again.") from None
    except SplunkError as error:
        raise SearchFailed(f"What '{saved.name}' does can't be read: {error.message}") from error


def _commands(plain: str) -> Set[str]:
    text = plain if plain.lstrip().startswith("|") else f"| search {plain}"
    return {name.lower() for name in re.findall(r"[|\[]\s*([a-z_]\w*)", text, re.I)}


def _forced(session: Session) -> bool:
    try:
        answer = session.get("/services/configs/conf-limits/search")
    except SplunkError as error:
        if error.status == 404:
            return False
        raise SearchFailed(f"limits.conf can't be read: {error.message}") from error
    content = answer["entry"][0]["content"]
    return is_true(content.get("force_saved_search_dispatch_as_user"))

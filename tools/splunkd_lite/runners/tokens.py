"""The ``$tokens$`` in the parameters of an alert action.

Source: "Use tokens in email notifications" in Splunk's Alerting Manual 9.4/10.0: metadata of the
search, fields of the first result (or of the alert's own result), the job, the server; besides,
any setting of the saved search or of the action by its name. What a token looks like is taken from
public copies of etc/system/default: the addresses that restmap.conf takes for ``action.email.to``,
and ``command`` in alert_actions.conf (``$action.email.maxtime{default=5m}$``).
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from tools.splunkd_lite.resultsfile import text_of
from tools.splunkd_lite.schedule import next_time
from tools.splunkd_lite.version import BUILD, VERSION

from .saved_search import SavedSearch

__all__ = ["Links", "alert_tokens", "replace_tokens"]

_TOKEN = re.compile(r"\$([\w.:*#\- ]+)(?:\{([^}]+)\})?\$")


def replace_tokens(text: str, lookup: Callable[[str], str | None]) -> str:
    """Replace each ``$name$``; what ``lookup`` does not know becomes its default, or empty.

    Two dollar signs of a sentence are a token as well, with the words between them.
    """

    def replaced(match: re.Match[str]) -> str:
        return lookup(match.group(1)) or (match.group(2) or "").partition("default=")[2].strip('"')

    return _TOKEN.sub(replaced, text)


@dataclass(frozen=True)
class Links:
    """Pages of Splunk Web: the results of the run, and the search itself."""

    results: str
    view: str


def alert_tokens(
    splunk: Any,
    search: SavedSearch,
    action: Mapping[str, str],
    job: Any,
    row: Mapping[str, Any] | None,
    trigger_time: float,
    links: Links,
) -> Callable[[str], str | None]:
    """A function from a token's name to its text, or None for an unknown one.

    ``row`` is the result that the tokens ``$result.<field>$`` speak of.
    """
    when = time.gmtime(trigger_time)
    kind = search.text("counttype") or "always"
    known: dict[str, str] = {
        "name": search.name,
        "search_name": search.name,
        "savedsearch_name": search.name,
        "description": search.text("description"),
        "search": search.text("search"),
        "app": search.app,
        "owner": search.owner,
        "cron_schedule": search.text("cron_schedule"),
        "next_scheduled_time": _next_time(search, trigger_time),
        "type": "report" if kind == "always" and not search.text("alert_condition") else "alert",
        "alert.severity": search.text("alert.severity", "3"),
        "alert.expires": search.text("alert.expires", "24h"),
        "alert_type": kind,
        "trigger_time": str(int(trigger_time)),
        "trigger_date": time.strftime("%B %d, %Y", when),
        "trigger_timeHMS": time.strftime("%I:%M:%S %p", when).lstrip("0"),
        "results_link": links.results,
        "results.url": links.results,
        "view_link": links.view,
        "results.count": str(len(job.rows)),
        "counttype": kind,
        "job.sid": str(job.sid),
        "job.label": str(getattr(job, "label", "") or search.name),
        "job.eventSearch": str(getattr(job, "search", "")),
        "job.resultCount": str(len(job.rows)),
        "job.earliestTime": _iso(job.earliest),
        "job.latestTime": _iso(job.latest),
        "job.runDuration": f"{getattr(job, 'run_duration', 0.0) or 0.0:.3f}",
        "job.messages": " ".join(text for _, text in job.messages),
        "server.serverName": splunk.server_name,
        "server.version": VERSION,
        "server.build": BUILD,
    }

    def lookup(name: str) -> str | None:
        if name.startswith("result."):
            value = (row or {}).get(name[len("result.") :])
            return None if value is None else text_of(value)
        if name in known:
            return known[name]
        return search.settings.get(name, action.get(name))

    return lookup


def _next_time(search: SavedSearch, after: float) -> str:
    cron = search.text("cron_schedule")
    if not cron or not search.scheduled:
        return ""
    return time.strftime("%Y-%m-%d %H:%M:%S UTC", time.gmtime(next_time(cron, after)))


def _iso(epoch: float | None) -> str:
    if epoch is None:
        return ""
    millis = int(epoch * 1000) % 1000
    return time.strftime(f"%Y-%m-%dT%H:%M:%S.{millis:03d}+00:00", time.gmtime(epoch))

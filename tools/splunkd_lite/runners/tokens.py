"""The ``$tokens$`` in the parameters of an alert action.

Source: "Use tokens in email notifications" in Splunk's Alerting Manual 9.4/10.0: metadata of the
search, fields of the first result (or of the alert's own result), the job, the server; besides,
any setting of the saved search or of the action by its name.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Mapping
from typing import Any

from tools.splunkd_lite.resultsfile import text_of

from .saved_search import SavedSearch

__all__ = ["alert_tokens", "replace_tokens"]

_TOKEN = re.compile(r"\$([A-Za-z_][\w.:{}\-]*)\$")


def replace_tokens(text: str, lookup: Callable[[str], str | None]) -> str:
    """Replace each ``$name$``; a name that ``lookup`` does not know becomes empty."""
    return _TOKEN.sub(lambda match: lookup(match.group(1)) or "", text)


def alert_tokens(
    search: SavedSearch,
    action: Mapping[str, str],
    job: Any,
    row: Mapping[str, Any] | None,
    trigger_time: float,
    server_name: str,
    results_link: str,
) -> Callable[[str], str | None]:
    """A function from a token's name to its text, or None for an unknown one.

    ``row`` is the result that the tokens ``$result.<field>$`` speak of.
    """
    when = time.gmtime(trigger_time)
    known: dict[str, str] = {
        "name": search.name,
        "search_name": search.name,
        "savedsearch_name": search.name,
        "description": search.text("description"),
        "search": search.text("search"),
        "app": search.app,
        "owner": search.owner,
        "cron_schedule": search.text("cron_schedule"),
        "alert.severity": search.text("alert.severity", "3"),
        "alert.expires": search.text("alert.expires", "24h"),
        "alert_type": search.text("counttype", "always"),
        "trigger_time": str(int(trigger_time)),
        "trigger_date": time.strftime("%B %d, %Y", when),
        "trigger_timeHMS": time.strftime("%I:%M:%S %p", when).lstrip("0"),
        "results_link": results_link,
        "results.url": results_link,
        "results.count": str(len(job.rows)),
        "counttype": search.text("counttype", "always"),
        "job.sid": str(job.sid),
        "job.resultCount": str(len(job.rows)),
        "job.earliestTime": _iso(job.earliest),
        "job.latestTime": _iso(job.latest),
        "job.runDuration": f"{getattr(job, 'run_duration', 0.0) or 0.0:.3f}",
        "job.messages": " ".join(text for _, text in job.messages),
        "server.serverName": server_name,
    }

    def lookup(name: str) -> str | None:
        if name.startswith("result."):
            value = (row or {}).get(name[len("result.") :])
            return None if value is None else text_of(value)
        if name in known:
            return known[name]
        return search.settings.get(name, action.get(name))

    return lookup


def _iso(epoch: float | None) -> str:
    if epoch is None:
        return ""
    millis = int(epoch * 1000) % 1000
    return time.strftime(f"%Y-%m-%dT%H:%M:%S.{millis:03d}+00:00", time.gmtime(epoch))

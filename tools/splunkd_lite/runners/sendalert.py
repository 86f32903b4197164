"""``| sendalert``: an alert action for what a search has found, without an alert.

Source: "sendalert" in the Search Reference 9.4: configuration from alert_actions.conf, from the
saved search where there is one, and from the command's own ``param.<name>``; ``maxtime`` holds.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from tools.splunkd_lite.resultsfile import write_results

from . import alert_action
from .errors import CommandFailed
from .saved_search import SavedSearch

__all__ = ["send_alert"]


def send_alert(
    splunk: Any, job: Any, action: str, options: Mapping[str, str], rows: list[dict[str, Any]]
) -> None:
    """Run ``action`` once for all ``rows`` of a running job, and wait for its end.

    ``options``: ``results_link``, ``results_path`` (a results file on this machine, which takes
    the place of the rows' own) and ``param.<name>``.

    Raises:
        CommandFailed: there is no such action, or it failed; the text says how.
    """
    own = {f"action.{action}.{k}": v for k, v in options.items() if k.startswith("param.")}
    search = SavedSearch(job.saved_search or "", job.app, job.owner, {**_saved(splunk, job), **own})
    path = Path(options.get("results_path") or job.dispatch_dir / "sendalert_temp_results.csv.gz")
    fields = list(dict.fromkeys(name for row in rows for name in row))
    if "results_path" not in options:
        write_results(path, fields, rows)
    elif not path.is_file():
        raise CommandFailed(f"Error in 'sendalert' command: There is no results file {path}.")
    view = SimpleNamespace(
        sid=job.sid,
        rows=rows,
        dispatch_dir=job.dispatch_dir,
        search=job.search,
        label=job.label,
        earliest=job.earliest,
        latest=job.latest,
        run_duration=job.run_duration,
        messages=list(job.messages),
        results_file=path,
        results_link=options.get("results_link", ""),
    )
    outcome = alert_action.run(splunk, action, search, view, None, job.user)
    if not outcome.ok:
        raise CommandFailed(f"Error in 'sendalert' command: {outcome.error.rstrip('.')}.")


def _saved(splunk: Any, job: Any) -> dict[str, str]:
    if not job.saved_search:
        return {}
    stanzas: dict[str, dict[str, str]] = splunk.conf.stanzas("savedsearches", app=job.app)
    return dict(stanzas.get(job.saved_search, {}))

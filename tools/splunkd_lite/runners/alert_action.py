"""Runs custom alert actions.

Sources: "Write the script for a custom alert action" (Splunk developer guide): ``--execute``, JSON
on stdin, exit status; alert_actions.conf.spec 10.0: ``maxtime``, ``payload_format``,
``alert.execute.cmd``; the log lines of splunkd's ``sendmodalert`` (issues 318 of alert_manager and
163 of UCC); payloads that splunkd wrote, in the README of "Pagerduty_v2", whose ``result`` has
several values of a field as a list, and empty fields as well.
"""

from __future__ import annotations

import csv
import gzip
import json
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote, quote_plus

from tools.splunkd_lite.resultsfile import text_of

from .adaptive_response import check_cam
from .errors import ProcessFailed, RunnerError, Unsupported
from .process import AppProcess, script_path
from .saved_search import SavedSearch
from .settings import seconds, truthy
from .tokens import Links, alert_tokens, replace_tokens

__all__ = ["ActionOutcome", "run"]

DEFAULT_MAXTIME = "5m"
TOKEN_SPARE_SECONDS = 60.0
POLL_SECONDS = 0.2
_COMPONENT = "sendmodalert"


@dataclass(frozen=True)
class ActionOutcome:
    """How an action ended. ``exit_code`` is None when it never started; ``error`` says why."""

    action: str
    exit_code: int | None
    seconds: float
    error: str = ""

    @property
    def ok(self) -> bool:
        """Whether the action says that it did its work."""
        return self.exit_code == 0


def run(
    splunk: Any,
    action: str,
    search: SavedSearch,
    job: Any,
    row: int | None,
    user: str,
    trigger_time: float | None = None,
    stopping: threading.Event | None = None,
) -> ActionOutcome:
    """Run one action for a finished job, and wait for it.

    ``row`` is the number of the result that it is for, or None for all of them (digest mode).
    ``user`` is whose session key the action gets; ``stopping``, once set, ends the action. Nothing
    is raised for an action that fails: the outcome says so, and splunkd.log has its words.
    """
    started = time.monotonic()
    try:
        settings = search.action_settings(action, splunk.conf)
        payload, limit = _prepare(splunk, action, settings, search, job, row, user, trigger_time)
        code = _execute(splunk, action, settings, search, payload, limit, stopping)
    except (RunnerError, OSError) as error:
        splunk.log(_COMPONENT, "ERROR", f"action={action} - {error}")
        return ActionOutcome(action, None, time.monotonic() - started, str(error))
    elapsed = time.monotonic() - started
    level = "INFO" if code == 0 else "WARN"
    done = f"completed in duration={elapsed * 1000:.0f} ms with exit code={code}"
    splunk.log(_COMPONENT, level, f"action={action} - Alert action script {done}")
    error_text = "" if code == 0 else f"Alert action script returned error code={code}"
    return ActionOutcome(action, code, elapsed, error_text)


def _prepare(
    splunk: Any,
    action: str,
    settings: Mapping[str, str],
    search: SavedSearch,
    job: Any,
    row: int | None,
    user: str,
    trigger_time: float | None,
) -> tuple[dict[str, Any], float]:
    """The payload and the time limit in seconds."""
    if not truthy(settings.get("is_custom"), False, f"is_custom in [{action}]"):
        raise Unsupported(f"The built-in alert action '{action}' is not supported here.")
    if settings.get("payload_format", "xml") != "json":
        raise Unsupported(
            f"The action '{action}' wants payload_format xml; only json is done here."
        )
    limit = float(seconds(settings.get("maxtime") or DEFAULT_MAXTIME, f"maxtime in [{action}]"))
    web = f"http://{splunk.server_name}:{splunk.web_port}/app/{search.app}"
    link = getattr(job, "results_link", "") or _results_link(web, job.sid, row)
    first = job.rows[row or 0] if job.rows else None
    when = splunk.clock.now() if trigger_time is None else trigger_time
    folder = f"/servicesNS/{search.owner}/{search.app}/saved/searches/"
    path = folder + quote(search.name, safe="")
    links = Links(link, f"{web}/alert?s={quote(path, safe='')}")
    lookup = alert_tokens(splunk, search, settings, job, first, when, links)
    if "param._cam" in settings:
        check_cam(settings["param._cam"], action)
    configuration = {
        key[len("param.") :]: value if key == "param._cam" else replace_tokens(value, lookup)
        for key, value in settings.items()
        if key.startswith("param.")
    }
    payload = {
        "app": search.app,
        "owner": search.owner,
        "result_id": str(row or 0),
        "results_file": str(_results_file(job, row)),
        "results_link": link,
        "search_uri": folder + quote_plus(search.name) if search.name else "",
        "server_host": splunk.server_name,
        "server_uri": splunk.mgmt_uri,
        "session_key": splunk.access.token_for(user, limit + TOKEN_SPARE_SECONDS),
        "sid": job.sid,
        "search_name": search.name,
        "configuration": configuration,
        "result": _result(first or {}),
    }
    return payload, limit


def _results_link(web: str, sid: str, row: int | None) -> str:
    """The page of a run's results, or of the one that an action is about."""
    if row is None:
        return f"{web}/@go?sid={sid}"
    one = quote(f"|loadjob {sid} | head {row + 1} | tail 1")
    return f"{web}/search?q={one}&earliest=0&latest=now"


def _result(row: Mapping[str, Any]) -> dict[str, str | list[str]]:
    """A row as the payload says it."""
    several = {name: value for name, value in row.items() if isinstance(value, (list, tuple))}
    return {
        name: [text_of(one) for one in value] if name in several else text_of(value)
        for name, value in row.items()
    }


def _results_file(job: Any, row: int | None) -> Path:
    """The dispatch folder's results, or a file of their own for one result."""
    folder = Path(job.dispatch_dir)
    if row is None and getattr(job, "results_file", None) is not None:
        return Path(job.results_file)
    if row is None:
        return folder / "results.csv.gz"
    folder = folder / "per_result_alert"
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"tmp_{row}.csv.gz"
    flat = _flat(job.rows[row])
    with gzip.open(path, "wt", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(flat))
        writer.writeheader()
        writer.writerow(flat)
    return path


def _flat(row: Mapping[str, Any]) -> dict[str, str]:
    """A row as its CSV line says it: text, and ``__mv_`` twins for multivalue fields."""
    flat: dict[str, str] = {}
    for name, value in row.items():
        if isinstance(value, (list, tuple)):
            flat[name] = text_of(value)
            parts = ("$" + text_of(v).replace("$", "$$") + "$" for v in value)
            flat[f"__mv_{name}"] = ";".join(parts)
        elif value is not None:
            flat[name] = text_of(value)
    return flat


def _execute(
    splunk: Any,
    action: str,
    settings: Mapping[str, str],
    search: SavedSearch,
    payload: Mapping[str, Any],
    limit: float,
    stopping: threading.Event | None,
) -> int:
    app = splunk.conf.app_of("alert_actions", action)
    command = settings.get("alert.execute.cmd") or f"{action}.py"
    if not command.endswith(".py"):
        raise Unsupported(f"The action '{action}' runs '{command}'; only Python is run here.")
    numbered = sorted(k for k in settings if k.startswith("alert.execute.cmd.arg."))
    arguments = [settings[k] for k in numbered] or ["--execute"]
    told = f'for search="{search.name}" sid="{payload["sid"]}" in app="{search.app}"'
    told += f' owner="{search.owner}" type="{"saved" if search.name else "inline"}"'
    splunk.log(_COMPONENT, "INFO", f"Invoking modular alert action={action} {told}")
    script = str(script_path(splunk, app, command))
    process = AppProcess(splunk, [script, *arguments], _COMPONENT, f"action={action} STDERR")
    drain = threading.Thread(target=_log_output, args=(splunk, process, action), daemon=True)
    drain.start()
    try:
        feed = threading.Thread(target=_feed, args=(splunk, process, action, payload), daemon=True)
        feed.start()
        return _wait(process, limit, stopping)
    finally:
        process.end()
        drain.join(2.0)


def _wait(process: AppProcess, limit: float, stopping: threading.Event | None) -> int:
    """The exit status; a script that takes too long, or past the stop, is a failure."""
    until = time.monotonic() + limit
    while (code := process.wait(POLL_SECONDS)) is None:
        if time.monotonic() >= until:
            raise ProcessFailed(f"Alert action script was ended after maxtime={limit:g} seconds.")
        if stopping is not None and stopping.is_set():
            raise ProcessFailed("Alert action script was ended because Splunk stops.")
    return code


def _feed(splunk: Any, process: AppProcess, action: str, payload: Mapping[str, Any]) -> None:
    """Write the payload from a thread, so that a script that never reads still meets its limit."""
    try:
        process.stdin.write(json.dumps(payload).encode() + b"\n")
        process.close_stdin()
    except (BrokenPipeError, ValueError):
        splunk.log(_COMPONENT, "WARN", f"action={action} - it did not read its payload")


def _log_output(splunk: Any, process: AppProcess, action: str) -> None:
    for line in iter(process.stdout.readline, b""):
        text = line.decode("utf-8", "backslashreplace").rstrip()
        splunk.log(_COMPONENT, "INFO", f"action={action} STDOUT - {text}")

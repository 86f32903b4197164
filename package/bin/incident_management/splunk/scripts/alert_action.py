"""What every alert action of the app does: read its input, hand a request to the REST API.

Input as in "Custom alert actions", Splunk's developer documentation: ``--execute`` as the only
argument, a JSON payload on stdin, the results as gzipped CSV in ``results_file``. A line on stderr
that begins with a log level goes into splunkd.log with that level.
"""

from __future__ import annotations

import csv
import gzip
import json
import re
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, Callable, Dict, Iterable, Iterator, List, Mapping, Sequence

from .. import spool
from ..nul import without_nul
from ..session import API, Session, SplunkError, content_of, path_of

__all__ = ["ActionFailed", "Payload", "deliver", "deliver_text", "main", "read_results", "report"]

# As many as one answer of splunkd holds (maxresultrows in limits.conf.spec).
RESULT_ROWS = 50_000
PER_RESULT = "per_result_alert"
_OF_ONE_RESULT = re.compile(r"tmp_(\d+)\.csv(?:\.gz)?")
_VALUE = re.compile(r"\$((?:\$\$|[^$])*)\$(?:;|\Z)")
# A cell of a result, such as _raw, may be much longer than csv's own limit.
CELL_CHARACTERS = 10_000_000


class ActionFailed(Exception):
    """The action can't do its work; the text is one sentence."""


@dataclass(frozen=True)
class Payload:
    """The parts of an alert action's payload that the app uses."""

    search_name: str
    app: str
    owner: str
    sid: str
    results_file: str
    configuration: Dict[str, str]
    session: Session

    @classmethod
    def read(cls, stream: BinaryIO) -> Payload:
        """Read a payload. Raises ActionFailed when it is not one."""
        try:
            given = json.loads(stream.read())
            return cls(
                str(given.get("search_name") or "ad hoc search"),
                str(given.get("app") or ""),
                str(given.get("owner") or "nobody"),
                str(given["sid"]),
                str(given["results_file"]),
                {key: str(value) for key, value in (given.get("configuration") or {}).items()},
                Session.from_alert_payload(given),
            )
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            text = f"The payload on stdin is not that of an alert action ({type(error).__name__})."
            raise ActionFailed(text) from error

    @property
    def result(self) -> str:
        """The number of the result that this is about, if the search triggers for each result.

        splunkd then runs the action once for each result, all with the same search id; the results
        of one are in ``per_result_alert/tmp_<number>.csv.gz``. Empty: it is about all results.
        """
        file = Path(self.results_file)
        number = _OF_ONE_RESULT.fullmatch(file.name)
        if number:
            return number[1]
        return file.name if file.parent.name == PER_RESULT else ""

    def window(self) -> Dict[str, Any]:
        """Return the time range of the run, ``earliest`` and ``latest`` as epoch seconds.

        Empty if the job has expired: the rows have their own times.
        """
        try:
            content = content_of(self.session.get("/services/search/jobs/" + path_of(self.sid)))
        except SplunkError:
            return {}
        names = {"earliest": "searchEarliestTime", "latest": "searchLatestTime"}
        return {key: float(content[name]) for key, name in names.items() if content.get(name)}


def main(
    arguments: Sequence[str], stdin: BinaryIO, action: Callable[[Payload], str], name: str
) -> int:
    """Run one alert action; returns the exit code: 0 done or kept for later, 1 failed."""
    if list(arguments[:1]) != ["--execute"]:
        report("FATAL", f"{name} is run by splunkd, with --execute and a payload on stdin.")
        return 1
    try:
        report("INFO", action(Payload.read(stdin)))
    except ActionFailed as error:
        report("ERROR", f"{name}: {error}")
        return 1
    return 0


def report(level: str, text: str) -> None:
    """Write one line to splunkd.log.

    All levels except INFO are masked, as they may contain texts of others. INFO lines are the app's
    own, and skip the 30 ms of the import.
    """
    text = " ".join(text.split())
    if level != "INFO":
        from ...masking import mask

        text = mask(text, emails=False)
    sys.stderr.write(f"{level} {text}\n")


def read_results(path: str) -> Iterator[Dict[str, Any]]:
    """Yield the result rows; a multivalue field is a list, as in splunkd's REST API.

    The worker reads that API for alerts that did not arrive, and must come to the same findings.

    Warns on stderr if there are more than 50,000. Raises ActionFailed for an unreadable file.
    """
    csv.field_size_limit(CELL_CHARACTERS)
    try:
        with gzip.open(path, "rt", encoding="utf-8", errors="replace", newline="") as file:
            rows = csv.reader(map(without_nul, file))
            header = next(rows, [])
            shown = [i for i, name in enumerate(header) if name and name[:5] != "__mv_"]
            names = [header[i] for i in shown]
            twins = [(name[5:], i) for i, name in enumerate(header) if name[:5] == "__mv_"]
            number = 0
            for row in rows:
                if not row:
                    continue
                if number == RESULT_ROWS:
                    report("WARN", f"Only the first {RESULT_ROWS} result rows are used.")
                    return
                number += 1
                if len(row) < len(header):
                    row += [""] * (len(header) - len(row))
                values: Dict[str, Any] = dict(zip(names, [row[i] for i in shown]))
                for name, i in twins:
                    if row[i]:
                        values[name] = _several(row[i])
                yield values
    except (OSError, EOFError, csv.Error) as error:
        text = f"The results {Path(path).name} can't be read ({type(error).__name__})."
        raise ActionFailed(text) from error


def _several(twin: str) -> List[str]:
    """Return the values in a ``__mv_`` column: ``$a$;$b$``, each ``$`` of a value doubled."""
    return [value.replace("$$", "$") for value in _VALUE.findall(twin)]


def deliver(payload: Payload, route: str, bodies: Sequence[Mapping[str, Any]]) -> List[Any]:
    """POST requests to the app's REST API as the search's owner; returns the answers.

    Requests that splunkd can't accept now are kept for the worker; their answer is None.

    Raises ActionFailed: the API rejected it (no capability, a malformed request), or it could be
    neither delivered nor kept.
    """
    return deliver_text(payload, route, (json.dumps(body, allow_nan=False) for body in bodies))


def deliver_text(payload: Payload, route: str, bodies: Iterable[str]) -> List[Any]:
    """Do the same as :func:`deliver` with requests that are already JSON, in plain ASCII."""
    answers: List[Any] = []
    for body in bodies:
        try:
            answers.append(payload.session.post(API + route, json_text=body))
        except SplunkError as error:
            if 400 <= error.status < 500:
                raise ActionFailed(error.message) from error
            _keep(payload, route, json.loads(body), error)
            answers.append(None)
    return answers


def _keep(payload: Payload, route: str, body: Mapping[str, Any], cause: SplunkError) -> None:
    try:
        file = spool.put(API + route, body, payload.owner, time.time())
    except (OSError, KeyError) as error:
        reason = error.strerror if isinstance(error, OSError) else "SPLUNK_HOME is not set"
        text = f"It could be neither delivered ({cause.message}) nor kept for later ({reason})."
        raise ActionFailed(text) from error
    report("WARN", f"Kept for the worker as {file.name}: {cause.message}")

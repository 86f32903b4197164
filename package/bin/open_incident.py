"""Alert action: turns the results of a fired saved search into signals.

Runs as the search's owner, reads no secret and writes to no collection: it hands the findings to
the REST API, for which the owner needs ``incident_signal``.
"""

import import_declare_test  # noqa: F401  isort: skip  - puts lib/ on sys.path

import json
import sys
import time
from typing import Any, Dict, Iterator, List

from incident_management.incidents.intake.alert import Alert
from incident_management.incidents.intake.results import findings
from incident_management.splunk.scripts.alert_action import (
    Payload,
    deliver_text,
    main,
    read_results,
    report,
)

# Below the API's limits of 5,000 signals and 8 MB a request.
BATCH_SIGNALS = 4000
BATCH_BYTES = 6_000_000
# In the line for splunkd.log, which a storm would make longer than anybody reads.
NAMED_INCIDENTS = 20


def open_incident(payload: Payload) -> str:
    """Deliver one signal for each problem among the results; returns what was done."""
    who = (payload.search_name, payload.app, payload.owner)
    search: Dict[str, Any] = dict(zip(("name", "app", "owner"), who))
    search.update(payload.window())
    alert = Alert.from_params(
        payload.configuration, *who, sid=payload.sid, search=search, result=payload.result
    )
    for problem in alert.problems:
        report("WARN", problem)
    found = findings(read_results(payload.results_file), alert, time.time())
    answers = deliver_text(payload, "/signals", _bodies(found, alert.common()))
    taken = sum(answer["taken"] for answer in answers if answer)
    opened = {incident for answer in answers if answer for incident in answer["incidents"]}
    incidents = ", ".join(sorted(opened)[:NAMED_INCIDENTS])
    if len(opened) > NAMED_INCIDENTS:
        incidents += f" and {len(opened) - NAMED_INCIDENTS} more"
    kept = f", {len(found) - taken} kept for the worker" if None in answers else ""
    return f"open_incident: {taken} signals of {payload.sid} in [{incidents}]{kept}"


def _bodies(found: List[Dict[str, Any]], common: Dict[str, Any]) -> Iterator[str]:
    """Cut the findings into requests, as JSON; one finding that is too large goes alone."""
    for start in range(0, len(found), BATCH_SIGNALS):
        yield from _small_enough(found[start : start + BATCH_SIGNALS], common)


def _small_enough(batch: List[Dict[str, Any]], common: Dict[str, Any]) -> Iterator[str]:
    body = {"common": common, "signals": batch, "each": False}
    text = json.dumps(body, allow_nan=False)
    if len(batch) < 2 or len(text) <= BATCH_BYTES:
        yield text
        return
    middle = len(batch) // 2
    yield from _small_enough(batch[:middle], common)
    yield from _small_enough(batch[middle:], common)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:], sys.stdin.buffer, open_incident, "open_incident"))

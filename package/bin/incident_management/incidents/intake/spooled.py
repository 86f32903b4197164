"""Execute requests that alert actions could not send and kept in files."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from typing import Any, Callable, Dict, Iterable, Mapping, Sequence, Tuple

from ...ports import Clock
from ..errors import Invalid, NotFound
from ..signal import Signal
from .findings import signals_from

__all__ = ["CAPABILITY", "deliver_spool"]

CAPABILITY = "incident_signal"

REQUESTS_A_ROUND = 200

Ingest = Callable[[Sequence[Signal], str], Any]
Notify = Callable[[Mapping[str, Any], str], Any]
Trouble = Callable[[str, str], None]


def deliver_spool(
    pending: Iterable[Tuple[Path, Mapping[str, Any]]],
    ingest: Ingest,
    notify: Notify,
    allowed: Callable[[str], bool],
    clock: Clock,
    trouble: Trouble,
) -> Dict[str, int]:
    """Execute the requests that alert actions kept in files, the oldest first.

    Safe to repeat: a file is removed after its request was executed, and both kinds of request
    may be executed twice. One that can never succeed is set aside as ``*.bad``.

    Args:
        allowed: returns whether a user has ``incident_signal``, as the API would have asked.

    Raises what the stores raise; the rest stays for the next round.
    """
    done = 0
    for number, (file, request) in enumerate(pending):
        if number >= REQUESTS_A_ROUND:
            break
        actor = str(request.get("actor") or "nobody")
        try:
            if not allowed(actor):
                raise Invalid(f"{actor} does not have the capability incident_signal.")
            _execute(str(request["path"]), request["body"], actor, ingest, notify, clock)
        except (Invalid, NotFound) as error:
            trouble(f"spool {file.name}", f"{file.name} was set aside as .bad: {error}")
            with suppress(FileNotFoundError):  # another process has set it aside or executed it
                file.replace(file.with_suffix(".bad"))
            continue
        file.unlink(missing_ok=True)
        done += 1
    return {"spooled_requests": done}


def _execute(
    path: str, body: Any, actor: str, ingest: Ingest, notify: Notify, clock: Clock
) -> None:
    if not isinstance(body, dict):
        raise Invalid("The kept request has no body.")
    if path.endswith("/signals"):
        given = body.get("signals")
        if not isinstance(given, list):
            raise Invalid("'signals' must be a list of objects.")
        ingest(signals_from(given, clock.now(), body.get("common")), actor)
    elif path.endswith("/notifications"):
        notify(body, actor)
    else:
        raise Invalid(f"A kept request to {path[:100]} can't be executed: the path is unknown.")

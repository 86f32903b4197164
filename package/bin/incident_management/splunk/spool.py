"""Keep undelivered requests as files until the worker or the API delivers them."""

from __future__ import annotations

import json
import os
import uuid
from contextlib import suppress
from pathlib import Path
from typing import Any, Iterator, Mapping, Tuple

from .configuration import conf
from .nul import json_without_nul

__all__ = ["folder", "pending", "put"]


def folder() -> Path:
    """Return the spool's folder."""
    return conf.home() / "var" / "run" / "splunk" / "incident_management" / "spool"


def put(path: str, body: Mapping[str, Any], actor: str, time: float) -> Path:
    """Save one POST request: whole or not at all, even if the machine stops in between.

    ``path`` is the REST path, ``actor`` the requesting user, ``time`` epoch seconds.

    Raises OSError if it can't be written, for example on a full disk.
    """
    place = folder()
    place.mkdir(parents=True, exist_ok=True)
    request = {"path": path, "body": body, "actor": actor, "written_at": time}
    name = f"{int(time * 1000):013d}-{uuid.uuid4().hex}"
    draft, final = place / f"{name}.tmp", place / f"{name}.json"
    try:
        with draft.open("w", encoding="utf-8") as file:
            json.dump(request, file)
            file.flush()
            os.fsync(file.fileno())
        draft.replace(final)
    except OSError:
        draft.unlink(missing_ok=True)
        raise
    return final


def pending() -> Iterator[Tuple[Path, Mapping[str, Any]]]:
    """Yield the saved requests, oldest first; the caller deletes the file of one it delivered.

    A file that is not a request is renamed to ``*.bad``, so that it is visible and not tried again.
    """
    place = folder()
    for file in sorted(place.glob("*.json")) if place.is_dir() else []:
        try:
            request = json.loads(json_without_nul(file.read_bytes()))
            if not isinstance(request, dict) or not {"path", "body"} <= set(request):
                raise ValueError("not a request")
        except FileNotFoundError:
            continue
        except (ValueError, RecursionError):
            with suppress(FileNotFoundError):  # another process was there first
                file.replace(file.with_suffix(".bad"))
            continue
        yield file, request

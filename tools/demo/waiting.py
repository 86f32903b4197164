"""Waiting for something to become true, with a limit."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

from tools.demo.children import Children

Seen = TypeVar("Seen")
START_SECONDS = 60.0


class NotInTime(Exception):
    """What was waited for did not come; the text says what and how long."""


def wait_until(
    what: str, look: Callable[[], Seen | None], seconds: float, pause: float = 0.5
) -> Seen:
    """Call ``look`` until it returns something true, and return that.

    Raises:
        NotInTime: not within ``seconds``.
    """
    limit = time.monotonic() + seconds
    while True:
        seen = look()
        if seen:
            return seen
        if time.monotonic() > limit:
            raise NotInTime(f"{what}: not within {seconds:.0f} s.")
        time.sleep(pause)


def wait_for_json(path: Path, children: Children, child: str) -> dict[str, Any]:
    """Wait for the file with which a child says that it is ready.

    Raises:
        NotInTime: the child ended, or was not ready in a minute.
    """

    def look() -> dict[str, Any] | None:
        if child in children.ended():
            raise NotInTime(f"{child} ended: {children.output(child)}")
        return json.loads(path.read_text(encoding="utf-8")) if path.exists() else None

    return wait_until(f"{child} is ready", look, START_SECONDS, pause=0.1)

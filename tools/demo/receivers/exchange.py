"""What goes in and out of a receiver, and the record of it."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from jsonschema import ValidationError  # type: ignore[import-untyped]


@dataclass(frozen=True)
class Incoming:
    """An HTTP request. ``raw_path`` is as sent, still percent-encoded; header names are lower."""

    method: str
    path: str
    raw_path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes

    def json_object(self) -> dict[str, Any] | None:
        """Return the body as a JSON object, or None if it isn't one."""
        try:
            document = json.loads(self.body)
        except ValueError:
            return None
        return document if isinstance(document, dict) else None


@dataclass
class Answer:
    """An HTTP answer. ``problems``: what was wrong with the request; empty when it was good.

    ``message`` is what a person would see of it; ``identity`` tells two messages apart.
    """

    status: int = 200
    body: Any = None
    headers: dict[str, str] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)
    message: dict[str, Any] | None = None
    identity: str = ""


class Receiver(Protocol):
    """One service."""

    name: str

    def serves(self, path: str) -> bool:
        """Tell whether a path is this service's."""

    def answer(self, request: Incoming) -> Answer:
        """Return the answer to a request for one of its paths."""

    def limited(self, retry_after: int) -> Answer:
        """Return the service's own way to say that there were too many requests."""


class Record:
    """Everything that the receivers got, in memory and as JSON lines in a file."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = threading.Lock()
        self._entries: list[dict[str, Any]] = []
        path.parent.mkdir(parents=True, exist_ok=True)

    def add(self, service: str, request: Incoming, answer: Answer) -> None:
        """Write one exchange down. Credentials in headers or the query are not recorded."""
        entry = {
            "time": time.time(),
            "service": service,
            "method": request.method,
            "path": request.path,
            "status": answer.status,
            "problems": answer.problems,
            "identity": answer.identity,
            "message": answer.message,
        }
        with self._lock:
            self._entries.append(entry)
            with self._path.open("a", encoding="utf-8") as file:
                file.write(json.dumps(entry) + "\n")

    def entries(self) -> list[dict[str, Any]]:
        """Return all entries, oldest first."""
        with self._lock:
            return list(self._entries)


MAX_PROBLEM = 200


def described(error: ValidationError) -> str:
    """Return what a schema found, the beginning of a long value left out."""
    text = str(error.message)
    return text if len(text) <= MAX_PROBLEM else f"…{text[-MAX_PROBLEM:]}"

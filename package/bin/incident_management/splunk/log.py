"""The app's own log: one JSON object a line in ``var/log/splunk``, which Splunk indexes itself.

``$SPLUNK_HOME/var/log/splunk`` is monitored into ``_internal`` by Splunk's own inputs, so an error
or exception named here never reaches the detections, which search event indexes.
"""

from __future__ import annotations

import json
import logging
import logging.handlers
import os
import sys
from datetime import datetime, timezone
from pathlib import Path
from typing import Any, Dict

__all__ = ["get", "set_level"]

FILE_BYTES = 10_000_000
FILES = 5

_handlers: Dict[str, logging.Handler] = {}


def get(name: str, level: str = "") -> logging.Logger:
    """Return the logger of one part of the app (``rest``, ``worker``, ``open_incident`` …).

    Writes ``incident_management_<name>.log``; to stderr when that can't be opened (a full disk),
    which splunkd puts into its own log. Extra facts go into ``extra={"facts": {...}}``. ``level``
    stays as it was when not given; INFO at first.
    """
    logger = logging.getLogger(f"incident_management.{name}")
    if level or name not in _handlers:
        logger.setLevel(getattr(logging, level.upper() or "INFO", logging.INFO))
    if name not in _handlers:
        logger.propagate = False
        _handlers[name] = _handler(name)
        logger.addHandler(_handlers[name])
    return logger


def set_level(name: str, level: str) -> None:
    """Set the level of a part's log; INFO if the level is unknown."""
    logging.getLogger(f"incident_management.{name}").setLevel(getattr(logging, level, logging.INFO))


class _JsonLines(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        # Not before there is a line: many processes write none, and are spared 50 ms.
        from ..masking import mask, mask_values

        when = datetime.fromtimestamp(record.created, timezone.utc)
        line: Dict[str, Any] = {
            "time": when.isoformat(timespec="milliseconds"),
            "level": record.levelname,
            "part": record.name.rpartition(".")[2],
            "pid": record.process,
            "message": record.getMessage(),
        }
        facts = getattr(record, "facts", None)
        if isinstance(facts, dict):
            line.update({key: value for key, value in facts.items() if key not in line})
        if record.exc_info:
            line["trace"] = self.formatException(record.exc_info)
        return json.dumps(
            mask_values(line),
            ensure_ascii=False,
            default=lambda value: mask(str(value), emails=False),
        )


class _QuietRotatingFile(logging.handlers.RotatingFileHandler):
    """A log handler whose failure neither fails the work nor fills stderr with tracebacks."""

    def handleError(self, record: logging.LogRecord) -> None:
        error = sys.exc_info()[1]
        sys.stderr.write(f"WARN The log {self.baseFilename} can't be written: {error}\n")


def _handler(name: str) -> logging.Handler:
    handler: logging.Handler
    folder = Path(os.environ.get("SPLUNK_HOME", "")) / "var" / "log" / "splunk"
    try:
        handler = _QuietRotatingFile(
            folder / f"incident_management_{name}.log",
            maxBytes=FILE_BYTES,
            backupCount=FILES,
            encoding="utf-8",
        )
    except OSError:
        handler = logging.StreamHandler()
    handler.setFormatter(_JsonLines())
    return handler

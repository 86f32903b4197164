"""Logging of the shop's services: one file a service, the form that Splunk's props expect."""

from __future__ import annotations

import logging
import time
from pathlib import Path


class _Formatter(logging.Formatter):
    """Formats ``2026-11-23T14:33:16.123+0000 INFO service=orders shop.access: message``.

    Times are UTC. A traceback follows on lines of its own, as :mod:`logging` writes it.
    """

    def __init__(self, service: str) -> None:
        super().__init__(f"%(asctime)s %(levelname)s service={service} %(name)s: %(message)s")

    def formatTime(self, record: logging.LogRecord, datefmt: str | None = None) -> str:
        seconds = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(record.created))
        return f"{seconds}.{int(record.msecs):03d}+0000"


def configure(service: str, path: Path) -> None:
    """Send everything that is logged in this process, from INFO up, to ``path``."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handler = logging.FileHandler(path, encoding="utf-8")
    handler.setFormatter(_Formatter(service))
    logging.basicConfig(level=logging.INFO, handlers=[handler], force=True)

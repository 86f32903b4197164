"""The limits of this splunkd's KV store: ``[kvstore]`` in limits.conf.spec.

An administrator may have lowered them: one of TrackMe's users has ``max_documents_per_batch_save``
at 200 (its issue 375). Documents beyond a limit are rejected when saved, and silently left out when
read.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Dict, Mapping

from ..session import Session, SplunkError

__all__ = ["SURE_BYTES", "SURE_DOCUMENTS", "SURE_ROWS", "KvLimits", "limits_of"]

# No limit is so low that these are asked about.
SURE_DOCUMENTS = 100
SURE_ROWS = 500
SURE_BYTES = 900_000

_known: Dict[str, KvLimits] = {}


@dataclass(frozen=True)
class KvLimits:
    """Limits of a ``batch_save``: ``save_documents``, ``save_bytes``. Of an answer: ``rows``,
    ``bytes``.

    The defaults are Splunk's.
    """

    save_documents: int = 1000
    save_bytes: int = 50_000_000
    rows: int = 50_000
    bytes: int = 50_000_000


def limits_of(session: Session) -> KvLimits:
    """Return the limits, read once for each process: a change needs a restart of splunkd.

    Splunk's defaults are used if the session may not read them, or nothing answers.
    """
    if session.server_uri not in _known:
        try:
            answer = session.get("/services/configs/conf-limits/kvstore")
        except SplunkError:
            return KvLimits()
        _known[session.server_uri] = _read(answer)
    return _known[session.server_uri]


def _read(answer: Any) -> KvLimits:
    entries = answer.get("entry") if isinstance(answer, dict) else None
    content: Mapping[str, Any] = entries[0].get("content") or {} if entries else {}

    def number(name: str, default: int, unit: int = 1) -> int:
        try:
            found = float(content[name])
        except (KeyError, TypeError, ValueError):
            return default
        return max(1, int(found * unit)) if found > 0 else default

    return KvLimits(
        number("max_documents_per_batch_save", KvLimits.save_documents),
        number("max_size_per_batch_save_mb", KvLimits.save_bytes, 1_000_000),
        number("max_rows_per_query", KvLimits.rows),
        number("max_size_per_result_mb", KvLimits.bytes, 1_000_000),
    )

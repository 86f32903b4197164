"""A NUL in what splunkd or a client gives, as the event of a binary log may hold.

From Splunk 10.6 on the KV store is "cohosted" ("Upgrade the KV store server version"), in a
PostgreSQL (``postgresMigrateOnStartup``, by which that is put off), whose ``text`` and ``jsonb``
take none ("JSON Types" in its manual).
"""

from __future__ import annotations

import re
from typing import Any, Dict, List

__all__ = ["json_without_nul", "rows_without_nul", "without_nul"]

SHOWN = "\ufffd"

# An escape: as many backslashes before it as make pairs.
_ESCAPE = re.compile(rb"(?<!\\)((?:\\\\)*)\\u0000")


def without_nul(text: str) -> str:
    """Return a CSV's text with the sign for what can't be shown in the place of each NUL.

    Python's csv takes a NUL only from 3.11 on.
    """
    return text.replace("\0", SHOWN)


def json_without_nul(body: bytes) -> bytes:
    """Return some JSON with that sign for each escape of a NUL; it holds none that is not one."""
    return _ESCAPE.sub(rb"\1\\ufffd", body) if b"\\u0000" in body else body


def rows_without_nul(rows: List[Dict[str, Any]]) -> List[Dict[str, Any]]:
    """Return rows of a search with that sign for each NUL; their values are texts or lists."""
    for row in rows:
        for name, value in row.items():
            if isinstance(value, str):
                if "\0" in value:
                    row[name] = without_nul(value)
            elif isinstance(value, list):
                row[name] = [without_nul(v) if isinstance(v, str) else v for v in value]
    return rows

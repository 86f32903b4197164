"""Replace NUL characters in what splunkd or a client sends, such as an event of a binary log.

From Splunk 10.6 on the KV store is "cohosted" ("Upgrade the KV store server version") in a
PostgreSQL (``postgresMigrateOnStartup`` postpones that), whose ``text`` and ``jsonb`` can't hold a
NUL ("JSON Types" in its manual).
"""

from __future__ import annotations

import re
from typing import Any, Dict, List

__all__ = ["json_without_nul", "rows_without_nul", "without_nul"]

SHOWN = "\ufffd"

# An escape: as many backslashes before it as make pairs.
_ESCAPE = re.compile(rb"(?<!\\)((?:\\\\)*)\\u0000")


def without_nul(text: str) -> str:
    """Return a CSV's text with U+FFFD in place of each NUL.

    Python's csv accepts a NUL only from 3.11 on.
    """
    return text.replace("\0", SHOWN)


def json_without_nul(body: bytes) -> bytes:
    """Return JSON with U+FFFD in place of each escaped NUL; JSON has no unescaped ones."""
    return _ESCAPE.sub(rb"\1\\ufffd", body) if b"\\u0000" in body else body


def rows_without_nul(rows: List[Dict[str, Any]]) -> List[Dict[str, Any]]:
    """Return a search's rows with U+FFFD in place of each NUL; values are texts or lists."""
    for row in rows:
        for name, value in row.items():
            if isinstance(value, str):
                if "\0" in value:
                    row[name] = without_nul(value)
            elif isinstance(value, list):
                row[name] = [without_nul(v) if isinstance(v, str) else v for v in value]
    return rows

"""A NUL in the rows that splunkd gives, as the event of a binary log may hold."""

from __future__ import annotations

__all__ = ["without_nul"]

SHOWN = "\ufffd"


def without_nul(text: str) -> str:
    """Return a CSV's text with the sign for what can't be shown in the place of each NUL.

    Python's csv takes a NUL only from 3.11 on.
    """
    return text.replace("\0", SHOWN)

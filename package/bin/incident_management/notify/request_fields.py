"""The fields of a notification request, for its callers and for the API.

This module imports nothing else, because each alert action is a process that must start fast.
"""

from __future__ import annotations

import re

__all__ = ["CHARACTERS", "is_target", "truncated"]

# The fields of a request, and the most characters of each.
CHARACTERS = {
    "channel": 40, "id": 200, "message": 20_000, "title": 1000, "severity": 20, "target": 81,
    "incident_id": 40, "rule": 1000,
}  # fmt: skip
# A Slack channel: its name or its id.
_TARGET = re.compile(r"#?[\w.-]{1,80}")


def is_target(text: str) -> bool:
    """Return whether this can be the name or the id of a Slack channel."""
    return _TARGET.fullmatch(text) is not None


def truncated(text: str, length: int) -> str:
    """Cut text to a length; a cut text ends in an ellipsis."""
    return text if len(text) <= length else text[: length - 1].rstrip() + "…"

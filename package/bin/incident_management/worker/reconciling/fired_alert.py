"""One run of a saved search that raised an alert, from splunkd's list or from its job."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Tuple

__all__ = ["ACTION", "FiredAlert"]

ACTION = "open_incident"


@dataclass(frozen=True)
class FiredAlert:
    """A fired alert; ``time`` is when it alerted or, from a job alone, when the run was due."""

    name: str
    app: str
    owner: str
    sid: str
    time: float
    actions: Tuple[str, ...]
    for_each_result: bool = False

"""One run of a saved search that raised an alert, as splunkd lists it or as its job tells."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Tuple

__all__ = ["ACTION", "FiredAlert"]

ACTION = "open_incident"


@dataclass(frozen=True)
class FiredAlert:
    """``time`` is when it alerted; where only its job is left, when the run was due."""

    name: str
    app: str
    owner: str
    sid: str
    time: float
    actions: Tuple[str, ...]
    for_each_result: bool = False

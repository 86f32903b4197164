"""The options of a replay."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Dict, Mapping, Optional

from ..options import Duration, Kind, Number, parse_options

__all__ = ["SPANS", "BacktestRequest", "parse_compare"]

SPANS = ("quiet", "group_window", "reopen_window")


@dataclass(frozen=True)
class BacktestRequest:
    """The options of a replay. Durations are in seconds; None means as configured.

    ``user``: the user with whose rights the searches run.
    ``compare``: settings (threshold, quiet, group_window, reopen_window) of a second evaluation
    beside the first. ``target_pages_per_day``: asks for a threshold that meets it.
    """

    earliest: str
    latest: str
    user: str = "nobody"
    step: Optional[float] = None
    threshold: Optional[float] = None
    quiet: Optional[float] = None
    group_window: Optional[float] = None
    reopen_window: Optional[float] = None
    compare: Mapping[str, float] = field(default_factory=dict)
    target_pages_per_day: Optional[float] = None

    @property
    def changes(self) -> Dict[str, Optional[float]]:
        """The settings that override the configured ones, by name; None: not overridden."""
        return {name: getattr(self, name) for name in (*SPANS, "threshold")}


def parse_compare(text: str) -> Dict[str, float]:
    """Parse ``threshold=9,group_window=1h``. Raises ValueError with one sentence."""
    kinds: Dict[str, Kind] = {name: Duration() for name in SPANS}
    kinds["threshold"] = Number(-1e12, 1e12)
    given = dict(part.partition("=")[::2] for part in text.replace(" ", "").split(",") if part)
    for name, value in given.items():
        if name not in kinds:
            raise ValueError(
                f"The option compare is wrong: '{name[:60]}' can't be compared; use "
                f"{', '.join(kinds)}."
            )
        if not value:
            raise ValueError(
                f"The option compare is wrong: '{name}' has no value; "
                "separate settings by commas, as "
                'in compare="threshold=9,group_window=1h".'
            )
    return {name: one for name, one in parse_options(kinds, given).items() if one is not None}

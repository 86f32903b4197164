"""Settings that a monitor's detector does not heed, so that nobody waits for what they would do."""

from __future__ import annotations

from typing import Any, Mapping, Tuple

from .monitor import DEFAULT_THRESHOLDS, SHARE_DETECTORS, Monitor

__all__ = ["USED_BY", "unused_setting"]

_INSTEAD = {
    "baseline": "sensitivity says how far a value must leave its baseline",
    "burn_rate": "objective and burn_rates say what is too much",
}
USED_BY: Mapping[str, Tuple[str, ...]] = {
    "sensitivity": ("baseline",),
    "season": ("baseline",),
    "direction": ("baseline",),
    "time_zone": ("baseline", "silence"),
    "hours": ("silence",),
    "holidays": ("silence",),
    "min_events": SHARE_DETECTORS,
    "total": SHARE_DETECTORS,
    "objective": ("burn_rate",),
    "window": ("burn_rate",),
    "burn_rates": ("burn_rate",),
}
"""Setting -> the detectors that heed it; ``raise_after`` is refused wherever a stanza is read."""


def unused_setting(monitor: Monitor, values: Mapping[str, Any]) -> str:
    """Return one sentence about a setting of a stanza that does nothing; empty: there is none.

    One that says what holds without it deceives nobody.
    """
    given = {name for name, value in values.items() if str(value or "").strip()}
    detector = monitor.detector
    if "threshold" in given and detector not in DEFAULT_THRESHOLDS:
        return f"A {detector} has no threshold; leave it out, as {_INSTEAD[detector]}."
    for name, detectors in USED_BY.items():
        is_default = getattr(monitor, name, "") == getattr(Monitor, name, None)
        if name in given and detector not in detectors and not is_default:
            instead = "that detector" if len(detectors) == 1 else "one of those detectors"
            return f"{name} is for {' and '.join(detectors)}; leave it out, or choose {instead}."
    has_severities = detector == "burn_rate" and all(one.severity for one in monitor.burn_rates)
    if has_severities and "severity" in given:
        return "Each of burn_rates has a severity of its own; leave severity out, or those."
    return ""

"""Settings that a monitor's detector does not heed, so that nobody waits for what they would do."""

from __future__ import annotations

from typing import Any, Mapping

from .monitor import DEFAULT_THRESHOLDS, OF_SHARES, Monitor

__all__ = ["unheeded"]

_INSTEAD = {
    "baseline": "sensitivity says how far a value must leave its baseline",
    "burn_rate": "objective and burn_rates say what is too much",
}
_OF_BURN_RATES = ("objective", "window", "burn_rates")


def unheeded(monitor: Monitor, values: Mapping[str, Any]) -> str:
    """Return one sentence about a setting of a stanza that does nothing; empty: there is none."""
    given = {name for name, value in values.items() if str(value or "").strip()}
    detector = monitor.detector
    if "threshold" in given and detector not in DEFAULT_THRESHOLDS:
        return f"A {detector} has no threshold; leave it out, as {_INSTEAD[detector]}."
    if detector != "burn_rate":
        for name in _OF_BURN_RATES:
            if name in given:
                return f"{name} is for burn_rate; leave it out, or choose that detector."
    if "total" in given and detector not in OF_SHARES:
        return f"total is for {' and '.join(OF_SHARES)}; leave it out."
    has_severities = detector == "burn_rate" and all(one.severity for one in monitor.burn_rates)
    if has_severities and "severity" in given:
        return "Each of burn_rates has a severity of its own; leave severity out, or those."
    return ""

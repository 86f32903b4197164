"""Compares the signal counts of a random story with a plain count."""

from __future__ import annotations

import json
from collections import Counter
from typing import Any

from incident_management.incidents.upkeep import signal_counts
from tests.unit.worker.soak import HOUR, START

__all__ = ["figures"]


def figures(stores: Any, now: float) -> list[str]:
    """Return a sentence for each fault in the counts of the story, and of each of its hours.

    At least all stored signals count, and no more than ever arrived. One that arrived again in a
    later hour counts in both, if the first was counted by then, and a deleted one stays counted.
    """
    came: dict[tuple[str, float], dict[str, Any]] = {}
    for _time, name, key, text in stores.replication.operations:
        if name == "signals" and text:
            one = json.loads(text)
            known = came.setdefault((key, _hour(one)), one)
            known["suppressed_by"] = known.get("suppressed_by") or one.get("suppressed_by")
    stored = stores.signals.all()
    begin = START // HOUR * HOUR - HOUR
    hours = {_hour(one) for one in came.values()}
    wrong = []
    for since, until in [
        (begin, now),
        *((hour, hour + signal_counts.LAST) for hour in sorted(hours)),
    ]:
        least = [one for one in stored if since <= one["received_at"] <= until]
        most = [one for one in came.values() if since <= one["received_at"] <= until]
        found = {
            key: one.signals
            for key, one in signal_counts.count_by_detection(stores, since, until).items()
        }
        for key in Counter(map(_key, most)) | Counter(found):
            span = [Counter(map(_key, some))[key] for some in (least, most)]
            if not span[0] <= found.get(key, 0) <= span[1]:
                wrong.append(f"{key} has {found.get(key, 0)} signals, not {span}, from {since}")
        held = signal_counts.count_suppressed(stores, since, until)
        span = [sum(bool(one.get("suppressed_by")) for one in some) for some in (least, most)]
        if not span[0] <= held <= span[1]:
            wrong.append(f"{held} signals were held back, not {span}, from {since}")
    counted = [one for one in stores.claims.all() if one["purpose"] == signal_counts.PURPOSE]
    late = now - 2 * HOUR - signal_counts.CLOCKS_APART_SECONDS
    if came and not any(one["value"]["until"] > late for one in counted):
        wrong.append("The hours that are over were not counted")
    return wrong


def _hour(signal: dict[str, Any]) -> float:
    return float(signal["received_at"] // HOUR * HOUR)


def _key(signal: dict[str, Any]) -> tuple[str, str]:
    return signal["rule"], signal.get("app") or ""

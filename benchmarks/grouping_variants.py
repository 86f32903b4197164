"""Variants of a labelled stream of alerts: what would grouping do if things had gone otherwise?

Each takes a stream and gives another with the same problems: with the times moved, alerts or hosts
missing, more going on beside, or other pauses between the phases. Whatever is within a phase's time
is labelled as the phase, as the data set does. The same seed gives the same variant.
"""

from __future__ import annotations

import math
import random
from bisect import bisect_right
from collections import Counter
from typing import Callable, Dict, List, Sequence, Tuple

__all__ = ["FALSE_POSITIVE", "VARIANTS", "Alert", "vary"]

FALSE_POSITIVE = "false_positive"
Alert = Tuple[float, str, str, str]
"""Time, kind, host, label."""
Variant = Callable[[random.Random, Sequence[Alert]], List[Alert]]
Span = Tuple[float, float, str]

NEAR = 3600.0
"""Seconds: only pauses shorter than this are stretched."""


def times_moved(rng: random.Random, alerts: Sequence[Alert]) -> List[Alert]:
    """Each alert by up to 1, 2, 3 or 5 seconds: phases that are close run into each other."""
    most = rng.choice((1.0, 2.0, 3.0, 5.0))
    return [_at(alert, alert[0] + rng.uniform(-most, most)) for alert in alerts]


def clocks_moved(rng: random.Random, alerts: Sequence[Alert]) -> List[Alert]:
    """Each host's clock by up to 3 seconds."""
    hosts = sorted({host for _, _, host, _ in alerts})
    skew = {host: rng.uniform(-3.0, 3.0) for host in hosts}
    return [_at(alert, alert[0] + skew[alert[2]]) for alert in alerts]


def hosts_missing(rng: random.Random, alerts: Sequence[Alert]) -> List[Alert]:
    """Without two of the hosts, the one with most alerts in phases excepted."""
    within = Counter(host for _, _, host, label in alerts if label != FALSE_POSITIVE)
    kept = within.most_common(1)[0][0]
    hosts = sorted({host for _, _, host, _ in alerts} - {kept})
    gone = set(rng.sample(hosts, min(2, len(hosts))))
    return [alert for alert in alerts if alert[2] not in gone]


def alerts_missing(rng: random.Random, alerts: Sequence[Alert]) -> List[Alert]:
    """Without a fifth to two thirds of all alerts."""
    share = rng.uniform(0.33, 0.8)
    return [alert for alert in alerts if rng.random() < share]


def hosts_added(rng: random.Random, alerts: Sequence[Alert]) -> List[Alert]:
    """With as many hosts again, that do at another time what these do."""
    return [*alerts, *_shifted(rng, alerts, "-2")]


def busier(rng: random.Random, alerts: Sequence[Alert]) -> List[Alert]:
    """With the hosts doing at another time, too, what they do."""
    return [*alerts, *_shifted(rng, alerts, "")]


def pauses_stretched(rng: random.Random, alerts: Sequence[Alert]) -> List[Alert]:
    """Phases half to three times as long, pauses 0.7 to 20 times; log-uniformly."""
    cuts: List[Tuple[float, float]] = []
    spans = _spans(alerts)
    for number, (first, last, _) in enumerate(spans):
        following = spans[number + 1][0] if number + 1 < len(spans) else math.inf
        cuts.append((first, _log_uniform(rng, 0.5, 3.0)))
        cuts.append((last, _log_uniform(rng, 0.7, 20.0) if following - last < NEAR else 1.0))
    return [_at(alert, _warped(alert[0], cuts)) for alert in alerts]


VARIANTS: Dict[str, Variant] = {
    variant.__name__: variant
    for variant in (
        times_moved,
        clocks_moved,
        hosts_missing,
        alerts_missing,
        hosts_added,
        busier,
        pauses_stretched,
    )
}


def vary(alerts: Sequence[Alert], name: str, seed: int) -> List[Alert]:
    """Return a variant in order of time, in whole seconds; within one the order is kept."""
    varied = VARIANTS[name](random.Random(f"{name} {seed}"), alerts)
    whole = [_at(alert, float(math.floor(alert[0]))) for alert in varied]
    return sorted(whole, key=lambda alert: alert[0])


def _at(alert: Alert, time: float) -> Alert:
    return (time, *alert[1:])


def _spans(alerts: Sequence[Alert]) -> List[Span]:
    """When each phase begins and ends, in order."""
    spans: Dict[str, Tuple[float, float]] = {}
    for time, _, _, label in alerts:
        if label != FALSE_POSITIVE:
            first, last = spans.get(label, (time, time))
            spans[label] = (min(first, time), max(last, time))
    return sorted((first, last, label) for label, (first, last) in spans.items())


def _shifted(rng: random.Random, alerts: Sequence[Alert], suffix: str) -> List[Alert]:
    """The false positives by a random time, around the end, labelled by where they get."""
    begin = min(alert[0] for alert in alerts)
    length = max(alert[0] for alert in alerts) - begin + 1.0
    shift = rng.uniform(0.1, 0.9) * length
    spans = _spans(alerts)
    shifted = []
    for time, kind, host, label in alerts:
        if label == FALSE_POSITIVE:
            then = begin + (time - begin + shift) % length
            within = [name for first, last, name in spans if first <= then <= last]
            shifted.append((then, kind, host + suffix, within[0] if within else label))
    return shifted


def _warped(time: float, cuts: Sequence[Tuple[float, float]]) -> float:
    """Where a time gets when, from each cut on, time passes by its factor."""
    number = bisect_right(cuts, (time, math.inf))
    if number == 0:
        return time
    warped = cuts[0][0]
    for (start, factor), (stop, _) in zip(cuts[: number - 1], cuts[1:number]):
        warped += (stop - start) * factor
    start, factor = cuts[number - 1]
    return warped + (time - start) * factor


def _log_uniform(rng: random.Random, low: float, high: float) -> float:
    return math.exp(rng.uniform(math.log(low), math.log(high)))

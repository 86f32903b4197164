"""How often bursts page, and how late true faults are told, by a monitor's ``raise_after``.

    ./build.sh bench bursts ["2 of 3" …]

Made-up traffic: 20 series of 5-minute counts over four weeks, lognormal noise on a daily season,
and bursts of a single span at random times. The first week is learned from only.
"""

from __future__ import annotations

import itertools
import math
import random
import statistics
import sys
from pathlib import Path
from typing import Callable, Dict, List, Optional, Tuple

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "package" / "bin"))

from incident_management.detection.monitors.detectors import detector_for
from incident_management.detection.monitors.monitor import Monitor

SERIES, WEEKS, SPAN = 20, 4, 300
DAY = 86400 // SPAN
WEEK = 7 * DAY
BURSTS = (0.0, 2.0, 5.0)
"""A week."""
NOISE = 0.15
"""Of the logarithm."""
HOURS = 6
"""That a fault lasts."""

Fault = Callable[[float], float]
"""What a value is multiplied by, from the share of the fault that has passed."""
FAULTS: Dict[str, Fault] = {
    "step to twice": lambda _share: 2.0,
    "slow rise to four times": lambda share: 1.0 + 3.0 * share,
    "drop to zero": lambda _share: 0.0,
}


def values(number: int, bursts: float, fault: Optional[Fault] = None) -> Tuple[List[int], int]:
    """Return the counts of a series, and the span in which its fault begins, after three weeks.

    ``bursts``: how many a week.
    """
    dice = random.Random(number)
    level = 200.0 * math.exp(dice.gauss(0, 1))
    begin = 3 * WEEK + dice.randrange(5 * DAY)
    made = []
    for span in range(WEEKS * WEEK):
        season = 1.0 + 0.6 * math.sin(2 * math.pi * span / DAY)
        value = level * season * math.exp(dice.gauss(0, NOISE))
        is_burst, height = dice.random() < bursts / WEEK, dice.uniform(2, 8)
        share = (span - begin) * SPAN / (HOURS * 3600)
        if is_burst:
            value *= height
        if fault and 0 <= share < 1:
            value *= fault(share)
        made.append(round(value))
    return made, begin


def raised(raise_after: str, counts: List[int]) -> List[int]:
    """Return the spans in which a monitor raises something, after its first week."""
    settings = {"monitor_search": "index=a", "raise_after": raise_after, "time_zone": "UTC"}
    detector = detector_for(Monitor.read("incident_monitor://made", settings))
    return [
        span
        for span, count in enumerate(counts)
        if detector.judge(span * SPAN, [{"events": str(count)}]) and span >= WEEK
    ]


def main(choices: List[str]) -> None:
    for bursts, choice in itertools.product(BURSTS, choices):
        pages = sum(len(raised(choice, values(n, bursts)[0])) for n in range(SERIES))
        print(f"{bursts:g} bursts a week, raise_after = {choice}: ", end="")
        print(f"{pages / SERIES / (WEEKS - 1):.2f} raised a series-week")
        for name, fault in FAULTS.items():
            late = []
            for number in range(SERIES):
                counts, begin = values(number, bursts, fault)
                end = begin + HOURS * 3600 // SPAN
                told = [one for one in raised(choice, counts) if begin <= one < end]
                late += [(told[0] - begin + 1) * SPAN // 60] if told else []
            figures = (
                f"median {statistics.median(late):g}, worst {max(late)} minutes after its begin"
            )
            print(f"  {name}: {len(late)} of {SERIES} told, {figures}")


if __name__ == "__main__":
    main(sys.argv[1:] or ["1", "2 of 3", "3 of 5"])

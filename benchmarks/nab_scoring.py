"""NAB's rules for scoring an anomaly detector, as its paper and scorer state them.

Lavin & Ahmad, "Evaluating Real-time Anomaly Detection Algorithms - the Numenta Anomaly Benchmark"
(2015), and the project's ``nab/sweeper.py`` and ``config/profiles.json``:

- The first 15 % of a series, at most 750 points, is probation and is not scored.
- The first detection inside a window earns what the scaled sigmoid gives for its position: 1 at the
  window's left edge, falling to nearly 0 at its right edge. A window without one costs a miss.
- Each detection outside a window is a false positive; right after a window it costs little, and
  the full price from three window lengths on, or before the first window.
- The total is normalised: 0 for a detector that never fires, 100 for a perfect one.
- One threshold for the whole corpus; "optimised" is the best one in hindsight, per profile.
"""

from __future__ import annotations

import csv
import json
import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path
from typing import NamedTuple

__all__ = ["PROFILES", "Labelled", "Tally", "load", "normalised", "optimise", "tally"]

PROBATION_SHARE = 0.15
MAX_PROBATION = 750


class Profile(NamedTuple):
    """What a detected window is worth, and what a false positive and a miss cost."""

    hit: float
    false_positive: float
    miss: float


PROFILES = {
    "standard": Profile(1.0, 0.11, 1.0),
    "reward_low_FP": Profile(1.0, 0.22, 1.0),
    "reward_low_FN": Profile(1.0, 0.11, 2.0),
}


@dataclass(frozen=True)
class Labelled:
    """A series with its labels.

    Attributes:
        name: ``folder/file.csv``.
        times: epoch seconds, the file's local times read as UTC.
        windows: first and last index of each anomaly window.
    """

    name: str
    times: list[float]
    values: list[float]
    windows: list[tuple[int, int]]

    @property
    def probation(self) -> int:
        """Points at the start that are not scored."""
        return min(math.floor(PROBATION_SHARE * len(self.values)), MAX_PROBATION)


def load(folder: Path) -> list[Labelled]:
    """Read ``data/*/*.csv`` and ``combined_windows.json``.

    Raises:
        ValueError: the folder is not laid out so; the text says what is missing.
    """
    labels = folder / "combined_windows.json"
    if not labels.is_file():
        # NAB's own repository keeps it under labels/.
        labels = folder / "labels" / "combined_windows.json"
    files = sorted((folder / "data").glob("*/*.csv"))
    if not labels.is_file() or not files:
        raise ValueError(
            f"{folder} is not laid out as NAB: it needs combined_windows.json and data/*/*.csv."
        )
    windows = json.loads(labels.read_text(encoding="utf-8"))
    return [_read(path, windows) for path in files]


def _read(path: Path, windows: dict[str, list[list[str]]]) -> Labelled:
    name = f"{path.parent.name}/{path.name}"
    if name not in windows:
        raise ValueError(f"combined_windows.json has no labels for {name}.")
    with path.open(encoding="utf-8", newline="") as lines:
        rows = list(csv.DictReader(lines))
    times = [_epoch(row["timestamp"]) for row in rows]
    spans = []
    for start, end in windows[name]:
        inside = [i for i, time in enumerate(times) if _epoch(start) <= time <= _epoch(end)]
        if inside:
            spans.append((inside[0], inside[-1]))
    return Labelled(name, times, [float(row["value"]) for row in rows], spans)


def _epoch(text: str) -> float:
    return datetime.fromisoformat(text[:19]).replace(tzinfo=timezone.utc).timestamp()


def _scaled_sigmoid(position: float) -> float:
    """1 far left of a window's right edge, 0 on it, -1 far right of it."""
    return -1.0 if position > 3.0 else 2.0 / (1.0 + math.exp(5.0 * position)) - 1.0


def _gains(series: Labelled) -> list[tuple[int, float]]:
    """For each point: the window it is in (or -1), and what a detection there is worth."""
    best = _scaled_sigmoid(-1.0)
    gains: list[tuple[int, float]] = []
    place, passed = 0, None
    for i in range(len(series.values)):
        while place < len(series.windows) and series.windows[place][1] < i:
            passed = series.windows[place]
            place += 1
        if place < len(series.windows) and series.windows[place][0] <= i:
            first, last = series.windows[place]
            position = -(last - i + 1) / (last - first + 1)
            gains.append((place, _scaled_sigmoid(position) / best))
        elif passed is None:
            gains.append((-1, -1.0))
        else:
            width = max(passed[1] - passed[0], 1)
            gains.append((-1, _scaled_sigmoid((i - passed[1]) / width)))
    return gains


class Tally(NamedTuple):
    """What detections above some threshold amount to; sums of series add up.

    Attributes:
        earned: sum over the detected windows of their best sigmoid value.
        hits: windows detected.
        penalty: sum of the sigmoid values of the false positives, negative.
        false_positives: how many they are.
        windows: windows that could be detected.
    """

    earned: float
    hits: int
    penalty: float
    false_positives: int
    windows: int

    def plus(self, other: Tally) -> Tally:
        """Return both together."""
        return Tally(
            self.earned + other.earned,
            self.hits + other.hits,
            self.penalty + other.penalty,
            self.false_positives + other.false_positives,
            self.windows + other.windows,
        )


NOTHING = Tally(0.0, 0, 0.0, 0, 0)


def _scorable(series: Labelled) -> int:
    return sum(last >= series.probation for _first, last in series.windows)


def tally(series: Labelled, scores: Sequence[float], threshold: float) -> Tally:
    """Count what the points of one series with a score at or above the threshold are worth."""
    found: dict[int, float] = {}
    penalty, wrong = 0.0, 0
    gains = None
    for i in range(series.probation, len(scores)):
        if scores[i] < threshold:
            continue
        gains = gains or _gains(series)
        window, gain = gains[i]
        if window < 0:
            penalty += gain
            wrong += 1
        else:
            found[window] = max(gain, found.get(window, gain))
    return Tally(sum(found.values()), len(found), penalty, wrong, _scorable(series))


def normalised(total: Tally, profile: Profile) -> float:
    """Return NAB's score: 0 for a detector that never fires, 100 for a perfect one."""
    if not total.windows:
        raise ValueError("The series have no labelled window, so there is nothing to score.")
    raw = (
        profile.hit * total.earned
        + profile.false_positive * total.penalty
        - profile.miss * (total.windows - total.hits)
    )
    worst = -profile.miss * total.windows
    return 100.0 * (raw - worst) / (profile.hit * total.windows - worst)


def optimise(
    corpus: Sequence[Labelled], scores: Sequence[Sequence[float]], profile: Profile
) -> tuple[float, float]:
    """Sweep the threshold over every score that occurs, as NAB does.

    Returns:
        The best normalised score, and its threshold (above 1: never fire).
    """
    points: list[tuple[float, int, int, float]] = []
    windows = 0
    for number, (series, mine) in enumerate(zip(corpus, scores, strict=True)):
        windows += _scorable(series)
        gains = _gains(series)
        points.extend(
            (mine[i], number, *gains[i]) for i in range(series.probation, len(mine)) if mine[i] > 0
        )
    points.sort(key=lambda point: -point[0])
    found: dict[tuple[int, int], float] = {}
    gained = 0.0
    best, best_threshold = 0.0, 1.1
    for place, (score, number, window, gain) in enumerate(points):
        if window < 0:
            gained += profile.false_positive * gain
        else:
            before = found.get((number, window))
            if before is None:
                gained += profile.miss + profile.hit * gain
            elif gain > before:
                gained += profile.hit * (gain - before)
            found[number, window] = gain if before is None else max(before, gain)
        ends = place + 1 == len(points) or points[place + 1][0] != score
        if ends and gained > best:
            best, best_threshold = gained, score
    return 100.0 * best / ((profile.hit + profile.miss) * windows), best_threshold

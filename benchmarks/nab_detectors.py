"""The detectors that the NAB benchmark compares: ours, NAB's baseline, and public ones.

Each takes the points of one series in order and gives a score from 0 to 1 for each, before it has
seen the next. Each has one setting for every series. The fixed thresholds of the others are, in
their favour, close to the best ones on the 31 series that are at hand; ours is its verdict.
"""

from __future__ import annotations

import importlib.metadata
import math
import sys
from collections import deque
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

from .nab_scoring import Labelled

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "package" / "bin"))

from incident_management.detection.baselines.baseline import SENSITIVITIES, Baseline

__all__ = ["DETECTORS", "OURS", "Detector", "versions"]

OURS = "anomalyscore"
SHINGLE = 4


class Detector(NamedTuple):
    """A detector under one setting.

    Attributes:
        setting: what the setting is, in words.
        threshold: the fixed score from which a point is an anomaly.
        scores: gives the scores of a series.
    """

    setting: str
    threshold: float
    scores: Callable[[Labelled], list[float]]


def _ours(series: Labelled) -> list[float]:
    add = Baseline(season="auto", threshold=SENSITIVITIES["high"]).add
    return [add(value, time).score for value, time in zip(series.values, series.times, strict=True)]


def _windowed_gaussian(series: Labelled) -> list[float]:
    """NAB's baseline: a tail probability in a window of 6,400 points, moved by 150 at a time."""
    size, step = 6400, 150
    window: list[float] = []
    waiting: list[float] = []
    mean, deviation = 0.0, 1.0
    total = squares = 0.0
    scores = []
    zero = series.values[0]
    for value in series.values:
        value -= zero
        score = 0.0
        if window:
            score = 1.0 - 0.5 * math.erfc(abs(value - mean) / deviation / math.sqrt(2))
        scores.append(score)
        gone: list[float] = []
        if len(window) < size:
            window.append(value)
            came = [value]
        else:
            waiting.append(value)
            if len(waiting) < step:
                continue
            came, gone = waiting, window[:step]
            window, waiting = window[step:] + waiting, []
        total += sum(came) - sum(gone)
        squares += sum(x * x for x in came) - sum(x * x for x in gone)
        mean = total / len(window)
        deviation = math.sqrt(max(squares / len(window) - mean * mean, 0.0)) or 1e-6
    return scores


def _half_space_trees(series: Labelled) -> list[float]:
    from river import anomaly, preprocessing

    scaler = preprocessing.MinMaxScaler()
    trees = anomaly.HalfSpaceTrees(seed=1)
    scores = []
    for row in _shingles(series):
        scaler.learn_one(row)
        scaled = scaler.transform_one(row)
        scores.append(float(trees.score_one(scaled)))
        trees.learn_one(scaled)
    return scores


def _loda(series: Labelled) -> list[float]:
    from river import anomaly, preprocessing

    scaler = preprocessing.StandardScaler()
    loda = anomaly.LODA(seed=1)
    scores = []
    for row in _shingles(series):
        scaler.learn_one(row)
        scaled = scaler.transform_one(row)
        # A negative log-likelihood of any size, squeezed into 0..1 with its order kept.
        scores.append(1.0 / (1.0 + math.exp(-float(loda.score_one(scaled)) / 10.0)))
        loda.learn_one(scaled)
    return scores


def _shingles(series: Labelled) -> Iterator[dict[str, float]]:
    """The last few values at each point, as detectors of rows are given a series."""
    last = deque([series.values[0]] * SHINGLE, maxlen=SHINGLE)
    for value in series.values:
        last.append(value)
        yield {str(place): x for place, x in enumerate(last)}


DETECTORS = {
    OURS: Detector("season=auto sensitivity=high", 0.5, _ours),
    "windowed Gaussian": Detector("NAB's: window 6400, step 150", 1 - 1e-12, _windowed_gaussian),
    "river HalfSpaceTrees": Detector(f"defaults, last {SHINGLE} values", 0.995, _half_space_trees),
    "river LODA": Detector(f"defaults, last {SHINGLE} values", 0.8, _loda),
}


def versions() -> dict[str, str]:
    """Return the versions of the public packages. Raises ValueError when one is missing."""
    try:
        return {name: importlib.metadata.version(name) for name in ("river",)}
    except importlib.metadata.PackageNotFoundError as error:
        raise ValueError(
            f"{error.name} is not installed: pip install -r requirements/bench.txt, "
            "or leave the public detectors out with --only anomalyscore."
        ) from error

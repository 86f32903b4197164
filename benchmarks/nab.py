"""NAB, the Numenta Anomaly Benchmark: ours beside its baseline and public detectors.

    ./build.sh bench nab --data DIR [--json FILE] [--only NAME …] [--per-series]

DIR holds ``data/*/*.csv`` and ``combined_windows.json``. Every detector has one setting for all
series. "Fixed" is its score with one threshold, the same for every profile; "optimised" is with the
best threshold in hindsight, as NAB's published results are. "Held out" chooses the threshold on
four fifths of the series and scores the other fifth, for each fifth; the interval is a bootstrap
over series of the fixed score. Neither knows that a detector was designed with these series at
hand: see docs/LEARNING.md for what to expect of others.
"""

from __future__ import annotations

import argparse
import json
import random
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from .nab_detectors import DETECTORS, OURS, Detector, versions
from .nab_scoring import NOTHING, PROFILES, Labelled, Tally, load, normalised, optimise, tally

FOLDS = 5
RESAMPLES = 1000


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the benchmark. Returns the exit code."""
    options = _options(arguments)
    try:
        corpus = load(options.data)
        used = {} if options.only == [OURS] else versions()
    except ValueError as error:
        print(f"nab: {error}", file=sys.stderr)
        return 1
    points = sum(len(series.values) for series in corpus)
    windows = sum(len(series.windows) for series in corpus)
    print(f"{len(corpus)} series, {points:,} points, {windows} anomaly windows.")
    figures: dict[str, Any] = {"series": len(corpus), "points": points, "windows": windows}
    figures["packages"] = used
    figures["detectors"] = {}
    _print_row("detector", "profile", "fixed", "optimised", "held out", "90% interval", "points/s")
    for name in options.only or DETECTORS:
        detector = DETECTORS[name]
        started = time.perf_counter()
        scores = [detector.scores(series) for series in corpus]
        speed = points / (time.perf_counter() - started)
        found = _judge(corpus, scores, detector)
        _print(name, found, speed)
        figures["detectors"][name] = {
            "setting": detector.setting,
            "threshold": detector.threshold,
            "points_per_second": round(speed),
            **found,
        }
        if options.per_series:
            _print_series(corpus, scores, detector)
    figures.update(figures["detectors"].get(OURS, {}))
    if options.json:
        options.json.write_text(json.dumps(figures, indent=2) + "\n", encoding="utf-8")
    return 0


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="nab", description="The Numenta Anomaly Benchmark.")
    parser.add_argument("--data", type=Path, required=True, metavar="DIR", help="NAB's files")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures there")
    parser.add_argument("--only", nargs="+", choices=DETECTORS, metavar="NAME", help="some of them")
    parser.add_argument("--per-series", action="store_true", help="hits and false alarms of each")
    return parser.parse_args(arguments)


def _judge(
    corpus: Sequence[Labelled], scores: Sequence[Sequence[float]], detector: Detector
) -> dict[str, Any]:
    fixed = [
        tally(series, mine, detector.threshold) for series, mine in zip(corpus, scores, strict=True)
    ]
    found: dict[str, Any] = {}
    for name, profile in PROFILES.items():
        best, threshold = optimise(corpus, scores, profile)
        low, high = _interval(fixed, name)
        found[name] = {
            "fixed": round(normalised(_sum(fixed), profile), 2),
            "optimised": round(best, 2),
            "optimised_threshold": threshold,
            "held_out": round(_held_out(corpus, scores, name), 2),
            "fixed_interval": [round(low, 2), round(high, 2)],
        }
    total = _sum(fixed)
    found["hits"], found["false_positives"] = total.hits, total.false_positives
    return found


def _sum(tallies: Sequence[Tally]) -> Tally:
    total = NOTHING
    for one in tallies:
        total = total.plus(one)
    return total


def _held_out(
    corpus: Sequence[Labelled], scores: Sequence[Sequence[float]], profile_name: str
) -> float:
    profile = PROFILES[profile_name]
    order = list(range(len(corpus)))
    random.Random(1).shuffle(order)
    total = NOTHING
    for fold in range(min(FOLDS, len(order))):
        out = order[fold::FOLDS]
        rest = [i for i in order if i not in out]
        if not any(corpus[i].windows for i in rest):
            continue
        _, threshold = optimise([corpus[i] for i in rest], [scores[i] for i in rest], profile)
        total = total.plus(_sum([tally(corpus[i], scores[i], threshold) for i in out]))
    return normalised(total, profile) if total.windows else float("nan")


def _interval(tallies: Sequence[Tally], profile_name: str) -> tuple[float, float]:
    rng = random.Random(1)
    found = []
    for _ in range(RESAMPLES):
        total = _sum(rng.choices(tallies, k=len(tallies)))
        if total.windows:
            found.append(normalised(total, PROFILES[profile_name]))
    found.sort()
    return found[len(found) // 20], found[-1 - len(found) // 20]


def _print_row(*cells: str) -> None:
    print("{:34}{:16}{:>8}{:>11}{:>10}{:>15}{:>12}".format(*cells), flush=True)


def _print(name: str, found: dict[str, Any], speed: float) -> None:
    for profile in PROFILES:
        figures = found[profile]
        low, high = figures["fixed_interval"]
        _print_row(
            name if profile == "standard" else "",
            profile,
            f"{figures['fixed']:.1f}",
            f"{figures['optimised']:.1f}",
            f"{figures['held_out']:.1f}",
            f"{low:.0f} to {high:.0f}",
            f"{speed:,.0f}" if profile == "standard" else "",
        )


def _print_series(
    corpus: Sequence[Labelled], scores: Sequence[Sequence[float]], detector: Detector
) -> None:
    for series, mine in zip(corpus, scores, strict=True):
        found = tally(series, mine, detector.threshold)
        print(
            f"    {series.name:60} {found.hits} of {found.windows} windows, "
            f"{found.false_positives} false alarms"
        )


if __name__ == "__main__":
    sys.exit(main())

"""How well alerts of one problem end up in one group, beside a simple rule, in the same run.

The data is a CSV of ``time, name, ip, host, short, time_label, event_label``: alerts with the same
``time_label`` other than ``false_positive`` belong to one incident, a phase. It is read in order of
time; alerts of one second stay in the file's order. For each alert of a phase, B-cubed precision is
the share of its group that is of its phase, a false positive counting against it, and recall the
share of its phase that is in its group. A phase has the means over its alerts and their F1; the
macro figures are means over the phases.

With ``--variants N`` the same is measured on N variants of the data of each sort that
:mod:`.grouping_variants` has, since figures of one scenario say little about the next.
"""

from __future__ import annotations

import argparse
import csv
import json
import resource
import sys
import time as clock
from collections import Counter
from pathlib import Path
from statistics import fmean
from typing import Any, Callable, Dict, Iterator, List, Sequence, Tuple

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "package" / "bin"))

from benchmarks.grouping_variants import FALSE_POSITIVE, VARIANTS, Alert, vary
from incident_management.incidents.grouping import Limits, Segmenter

BASELINE_GAP = 900.0
Grouping = Callable[[Sequence[Alert]], List[int]]
Figures = Dict[str, Any]
KEYS = ("f1", "baseline_f1")


def read(path: Path) -> List[Alert]:
    """Return (time, kind, host, label) in order of time."""
    with path.open(newline="", encoding="utf-8") as file:
        rows = [
            (float(row["time"]), row["short"] or row["name"], row["host"], row["time_label"])
            for row in csv.DictReader(file)
        ]
    return sorted(rows, key=lambda row: row[0])


def segmented(alerts: Sequence[Alert]) -> List[int]:
    """Group as the product does, one alert after the other."""
    segmenter = Segmenter()
    return [segmenter.place(time, kind, host).group for time, kind, host, _ in alerts]


def same_host(alerts: Sequence[Alert]) -> List[int]:
    """The baseline: the same host, with no gap of more than 15 minutes."""
    groups: List[int] = []
    latest: Dict[str, Tuple[float, int]] = {}
    count = 0
    for time, _, host, _ in alerts:
        last, group = latest.get(host, (float("-inf"), 0))
        if time - last > BASELINE_GAP:
            count += 1
            group = count
        latest[host] = (time, group)
        groups.append(group)
    return groups


def figures(alerts: Sequence[Alert], groups: Sequence[int]) -> Figures:
    """Return B-cubed by phase, the macro means, and what became of the false positives."""
    sizes = Counter(groups)
    phases = Counter(alert[3] for alert in alerts)
    shared = Counter((group, alert[3]) for group, alert in zip(groups, alerts))
    first_time, first_group = _firsts(alerts, groups)
    by_phase: Dict[str, Figures] = {}
    for phase, total in phases.items():
        if phase == FALSE_POSITIVE:
            continue
        parts = {group: n for (group, label), n in shared.items() if label == phase}
        precision = sum(n * n / sizes[group] for group, n in parts.items()) / total
        recall = sum(n * n for n in parts.values()) / total / total
        by_phase[phase] = {
            "alerts": total,
            "groups": len(parts),
            "precision": precision,
            "recall": recall,
            "f1": 2 * precision * recall / (precision + recall),
            "seconds_to_first_group": (
                first_group[phase] - first_time[phase] if phase in first_group else None
            ),
        }
    if not by_phase:
        raise SystemExit("No alert has a time_label other than false_positive: nothing to measure.")
    true_groups = {group for group, label in shared if label != FALSE_POSITIVE}
    absorbed = sum(
        n for (g, label), n in shared.items() if label == FALSE_POSITIVE and g in true_groups
    )
    return {
        "groups": len(sizes),
        "macro": {
            f"bcubed_{name}": sum(phase[name] for phase in by_phase.values()) / len(by_phase)
            for name in ("precision", "recall", "f1")
        },
        "false_positives_absorbed": absorbed / max(1, phases[FALSE_POSITIVE]),
        "phases": by_phase,
    }


def _firsts(
    alerts: Sequence[Alert], groups: Sequence[int]
) -> Tuple[Dict[str, float], Dict[str, float]]:
    """When each phase began, and when a group first had more of it than of all else."""
    began: Dict[str, float] = {}
    told: Dict[str, float] = {}
    sizes: Counter[int] = Counter()
    shared: Counter[Tuple[int, str]] = Counter()
    for (time, _, _, label), group in zip(alerts, groups):
        began.setdefault(label, time)
        sizes[group] += 1
        shared[group, label] += 1
        if 2 * shared[group, label] > sizes[group]:
            told.setdefault(label, time)
    return began, told


def timed(group: Grouping, alerts: Sequence[Alert]) -> Tuple[Figures, List[int]]:
    """Group and measure; speed covers the decisions only."""
    start = clock.perf_counter()
    groups = group(alerts)
    seconds = max(clock.perf_counter() - start, 1e-9)
    return {**figures(alerts, groups), "alerts_per_second": len(alerts) / seconds}, groups


def varied(alerts: Sequence[Alert], count: int) -> Dict[str, Figures]:
    """Return macro F1 of both groupings over ``count`` variants of each sort."""
    found: Dict[str, Figures] = {}
    for name in VARIANTS:
        variants = [vary(alerts, name, seed) for seed in range(count)]
        found[name] = {
            "f1": [_macro_f1(segmented, variant) for variant in variants],
            "baseline_f1": [_macro_f1(same_host, variant) for variant in variants],
        }
    return found


def _macro_f1(group: Grouping, alerts: Sequence[Alert]) -> float:
    return float(figures(alerts, group(alerts))["macro"]["bcubed_f1"])


def many(count: int) -> Figures:
    """Group many made-up alerts of ever new hosts; what is kept must stay within its limits."""
    limits = Limits()
    segmenter = Segmenter(limits=limits)
    before = _peak_megabytes()
    start = clock.perf_counter()
    for time, kind, host in _stream(count):
        segmenter.place(time, kind, host)
    seconds = clock.perf_counter() - start
    kept = segmenter.sizes()
    return {
        "alerts": count,
        "alerts_per_second": count / seconds,
        "peak_megabytes_before": before,
        "peak_megabytes_after": _peak_megabytes(),
        "kept": kept,
        "bounded": kept["habits"] <= limits.habits and kept["bursts"] <= limits.bursts,
    }


def _stream(count: int) -> Iterator[Tuple[float, str, str]]:
    for n in range(count):
        yield n * 0.05, f"kind-{n * 7919 % 211}", f"host-{n // 5}"


def _peak_megabytes() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def show(name: str, result: Figures) -> None:
    """Print one grouping's table."""
    macro = result["macro"]
    print(f"\n{name}: {result['groups']} groups, {result['alerts_per_second']:,.0f} alerts/s")
    print(
        f"  {'phase':<24}{'alerts':>8}{'groups':>8}{'precision':>11}{'recall':>8}"
        f"{'F1':>7}{'first s':>9}"
    )
    for phase, row in result["phases"].items():
        first = row["seconds_to_first_group"]
        print(
            f"  {phase:<24}{row['alerts']:>8}{row['groups']:>8}{row['precision']:>11.3f}"
            f"{row['recall']:>8.3f}{row['f1']:>7.3f}{'never' if first is None else round(first):>9}"
        )
    print(
        f"  {'macro':<40}{macro['bcubed_precision']:>11.3f}{macro['bcubed_recall']:>8.3f}"
        f"{macro['bcubed_f1']:>7.3f}"
    )
    print(f"  false positives in groups with a phase: {result['false_positives_absorbed']:.1%}")


def show_varied(found: Dict[str, Figures]) -> None:
    """Print how both groupings do on the variants."""
    print(f"\n{'macro F1 of variants':<24}{'count':>8}{'mean':>8}{'least':>8}{'baseline mean':>16}")
    everything: Figures = {key: [f1 for row in found.values() for f1 in row[key]] for key in KEYS}
    for name, row in {**found, "all": everything}.items():
        scores, baseline = row["f1"], row["baseline_f1"]
        print(
            f"{name:<24}{len(scores):>8}{fmean(scores):>8.3f}{min(scores):>8.3f}"
            f"{fmean(baseline):>16.3f}"
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--data", type=Path, required=True, help="the CSV of alerts")
    parser.add_argument("--json", type=Path, help="write the figures here")
    parser.add_argument("--many", type=int, default=1_000_000, help="alerts of the memory test")
    parser.add_argument("--variants", type=int, default=0, help="variants of each sort")
    arguments = parser.parse_args()
    alerts = read(arguments.data)
    result, groups = timed(segmented, alerts)
    baseline, _ = timed(same_host, alerts)
    half = len(alerts) // 2
    result["prefix_decides_the_same"] = segmented(alerts[:half]) == groups[:half]
    show("Segmenter", result)
    show("Same host, gap of 15 minutes", baseline)
    memory = many(arguments.many)
    print(
        f"\n{memory['alerts']:,} made-up alerts: {memory['alerts_per_second']:,.0f} a second, peak "
        f"{memory['peak_megabytes_after']:.0f} MB ({memory['peak_megabytes_before']:.0f} before), "
        f"kept {memory['kept']}"
    )
    print(f"Half of the data decides the same: {result['prefix_decides_the_same']}")
    variants = varied(alerts, arguments.variants)
    if arguments.variants:
        show_varied(variants)
    if arguments.json:
        out = {**result, "baseline": baseline, "memory": memory, "alerts": len(alerts)}
        out["variants"] = variants
        arguments.json.write_text(json.dumps(out, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()

"""How well, and how fast, log templates are found: ours beside drain3, one setting for all logs.

``--data DIR`` holds, for each system, ``<System>_2k.log`` and
``<System>_2k.log_structured_corrected.csv`` (in DIR or a folder below it) with the columns LineId,
Content, EventTemplate and mostly EventId. Both miners read the column Content, matched by LineId;
with ``--raw`` ours reads the lines of the log instead, header and all. Without ``--data``, made-up
logs in the manner of common systems are used (``benchmarks/template_corpora.py``).

Measures, as is usual in this field:

- grouping accuracy: share of lines whose group has exactly the lines of their true template;
- F1 of grouping: of the groups, how many are exactly a true template (harmonic mean of both ways);
- parsing accuracy: share of lines whose template text is the true one. Both texts are brought into
  one form first: wildcards that touch, or have only punctuation between them, are one.
- lines a second: from lines in memory to the template of each, with an empty miner; the best of
  some runs that take turns, in processor time. Two thousand lines are mostly new, so this is the
  speed of learning;
- lines a second as a stream: the same lines over and over, ``PASSES`` times, by one miner, the
  learning included. Ours remembers a line without its values, never a line.
"""

from __future__ import annotations

import argparse
import csv
import json
import logging
import math
import re
import statistics
import sys
import time
from collections import defaultdict
from pathlib import Path
from typing import Callable, Dict, Iterator, List, NamedTuple, Optional, Sequence, Tuple

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "package" / "bin"))

from incident_management.detection.templates.miner import TemplateMiner

TRUTH = "_structured_corrected.csv"
REPEATS = 3
PASSES = 10


class Corpus(NamedTuple):
    """One system's lines, and the true template of each. ``raw`` is empty when not known."""

    name: str
    content: List[str]
    raw: List[str]
    truth: List[str]


class Score(NamedTuple):
    """What one miner reached on one corpus."""

    grouping_accuracy: float
    grouping_f1: float
    parsing_accuracy: float
    lines_per_second: float
    stream_lines_per_second: float


Mine = Callable[[Sequence[str], int], List[str]]


def ours(lines: Sequence[str], passes: int = 1) -> List[str]:
    """Return the template of each line as our miner finds it, in one batch (or some)."""
    miner = TemplateMiner()
    for _ in range(passes):
        found = miner.templates_of(lines)
    return [template.text for template in found]


def drain(lines: Sequence[str], passes: int = 1) -> List[str]:
    """Return the template of each line as drain3 finds it, with its own default setting."""
    from drain3 import TemplateMiner as Drain
    from drain3.template_miner_config import TemplateMinerConfig

    miner = Drain(config=TemplateMinerConfig())
    for _ in range(passes):
        numbers = [miner.add_log_message(line)["cluster_id"] for line in lines]
    final = {cluster.cluster_id: cluster.get_template() for cluster in miner.drain.clusters}
    return [final[number] for number in numbers]


def corpora(folder: Path) -> Iterator[Corpus]:
    """Yield the corpora below a folder, by name.

    Raises:
        ValueError: a file lacks a column, or no file is there; the text says which.
    """
    files = sorted(folder.rglob(f"*{TRUTH}"))
    if not files:
        raise ValueError(f"No *{TRUTH} is in {folder} or below it.")
    csv.field_size_limit(10_000_000)
    for file in files:
        with file.open(encoding="utf-8-sig", errors="replace", newline="") as opened:
            rows = list(csv.DictReader(opened))
        missing = {"LineId", "EventTemplate"} - set(rows[0] if rows else {})
        if missing:
            raise ValueError(f"{file} lacks the column {' and '.join(sorted(missing))}.")
        log = file.with_name(file.name[: -len(TRUTH)])
        text = log.read_text(encoding="utf-8-sig", errors="replace") if log.exists() else ""
        lines = [line.rstrip("\r") for line in text.split("\n")]
        raw = [_line(lines, row["LineId"]) for row in rows] if text else []
        if not raw and "Content" not in rows[0]:
            raise ValueError(f"{file} has no column Content, and {log.name} is not beside it.")
        content = [row["Content"] for row in rows] if "Content" in rows[0] else raw
        name = re.sub(r"_\w+$", "", log.name.split(".")[0])
        yield Corpus(name, content, raw, [row["EventTemplate"] for row in rows])


def _line(lines: Sequence[str], number: str) -> str:
    place = int(number) - 1
    return lines[place] if 0 <= place < len(lines) else ""


def score(found: Sequence[str], truth: Sequence[str], seconds: float, stream: float = 1.0) -> Score:
    """Compare found with true templates, line by line."""
    mine, true = _groups(found), _groups(truth)
    whole = {tuple(lines) for lines in true.values()}
    right = [lines for lines in mine.values() if tuple(lines) in whole]
    precision, recall = len(right) / len(mine), len(right) / len(true)
    parsed = sum(_form(a) == _form(b) for a, b in zip(found, truth))
    return Score(
        sum(map(len, right)) / len(truth),
        2 * precision * recall / (precision + recall) if right else 0.0,
        parsed / len(truth),
        len(truth) / seconds,
        PASSES * len(truth) / stream,
    )


def _groups(templates: Sequence[str]) -> Dict[str, List[int]]:
    groups: Dict[str, List[int]] = defaultdict(list)
    for number, template in enumerate(templates):
        groups[template].append(number)
    return groups


_forms: Dict[str, str] = {}


def _form(template: str) -> str:
    """One form for templates that differ only in how they cut a value into wildcards."""
    if template not in _forms:
        text = " ".join(template.split())
        text = re.sub(r"[\w#$%./\\~+-]*<\*>[\w#$%./\\~+*-]*", "<*>", text)
        _forms[template] = re.sub(r"<\*>(?:[\s.:,/_#@-]*<\*>)+", "<*>", text)
    return _forms[template]


def measure(
    miners: Sequence[Tuple[Mine, Sequence[str]]], truth: Sequence[str], repeats: int
) -> List[Score]:
    """Run miners, each on its lines, taking turns."""
    found: List[List[str]] = [[] for _ in miners]
    once, stream = [math.inf] * len(miners), [math.inf] * len(miners)
    for turn in range(repeats):
        for place, (mine, lines) in enumerate(miners):
            seconds, found[place] = _timed(mine, lines, 1)
            once[place] = min(once[place], seconds)
            if not turn:
                stream[place], _ = _timed(mine, lines, PASSES)
    return [score(f, truth, o, s) for f, o, s in zip(found, once, stream)]


def _timed(mine: Mine, lines: Sequence[str], passes: int) -> Tuple[float, List[str]]:
    started = time.process_time()
    found = mine(lines, passes)
    return time.process_time() - started, found


def mean(scores: Sequence[Score]) -> Score:
    """The mean over the corpora; a speed is that over all their lines (they are equally many)."""
    columns = list(zip(*scores))
    means = [statistics.fmean(column) for column in columns[:3]]
    speeds = [statistics.harmonic_mean(column) for column in columns[3:]]
    return Score(means[0], means[1], means[2], speeds[0], speeds[1])


def main(arguments: Optional[Sequence[str]] = None) -> int:
    """Run the benchmark; see the module's text for its options."""
    options = _options(arguments)
    try:
        import drain3  # noqa: F401
    except ImportError:
        print("drain3 is missing: pip install -r requirements/bench.in", file=sys.stderr)
        return 2
    logging.getLogger("drain3").setLevel(logging.ERROR)
    try:
        chosen = list(corpora(Path(options.data)) if options.data else _made_up())
    except (OSError, ValueError) as error:
        print(f"bench templates: {error}", file=sys.stderr)
        return 2
    results: Dict[str, Tuple[Score, Score]] = {}
    print(f"{'':14}{'ours':>8}{'':38}{'drain3':>8}")
    print(_HEAD)
    for corpus in chosen:
        lines = corpus.raw if options.raw and corpus.raw else corpus.content
        miners = [(ours, lines), (drain, corpus.content)]
        mine, other = measure(miners, corpus.truth, max(1, options.repeats))
        results[corpus.name] = mine, other
        print(_row(corpus.name, *results[corpus.name]))
        if options.errors:
            _print_errors(lines, ours(lines), corpus.truth)
    means = mean([r[0] for r in results.values()]), mean([r[1] for r in results.values()])
    print(_row("mean", *means))
    ratio = means[0].lines_per_second / means[1].lines_per_second
    stream = means[0].stream_lines_per_second / means[1].stream_lines_per_second
    print(f"Lines a second, ours to drain3's: {ratio:.1f}; as a stream: {stream:.1f}")
    if options.json:
        figures = {name: _figures(*pair) for name, pair in results.items()}
        total = {
            **means[0]._asdict(),
            "speed_ratio_to_drain3": ratio,
            "stream_speed_ratio_to_drain3": stream,
            "drain3": means[1]._asdict(),
        }
        text = json.dumps({"mean": total, "systems": figures}, indent=2)
        Path(options.json).write_text(text + "\n", encoding="utf-8")
    return 0


def _options(arguments: Optional[Sequence[str]]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="./build.sh bench templates", description=__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("--data", metavar="DIR", help="folder of the labelled logs")
    parser.add_argument("--json", metavar="FILE", help="write the figures here")
    parser.add_argument("--raw", action="store_true", help="ours reads whole lines")
    parser.add_argument("--errors", action="store_true", help="show the groups that are wrong")
    parser.add_argument("--repeats", type=int, default=REPEATS, help="timed runs (the best counts)")
    return parser.parse_args(arguments)


def _made_up() -> Iterator[Corpus]:
    from benchmarks import template_corpora

    for name, lines in template_corpora.all_systems():
        content, raw, truth = zip(*lines)
        yield Corpus(name, list(content), list(raw), list(truth))


_HEAD = f"{'system':14}" + 2 * f"{'GA':>8}{'FGA':>7}{'PA':>7}{'lines/s':>12}{'stream':>12}"


def _row(name: str, mine: Score, other: Score) -> str:
    text = f"{name:14}"
    for s in (mine, other):
        text += f"{s.grouping_accuracy:8.3f}{s.grouping_f1:7.3f}{s.parsing_accuracy:7.3f}"
        text += f"{s.lines_per_second:12,.0f}{s.stream_lines_per_second:12,.0f}"
    return text


def _figures(mine: Score, other: Score) -> Dict[str, object]:
    return {**mine._asdict(), "drain3": other._asdict()}


def _print_errors(lines: Sequence[str], found: Sequence[str], truth: Sequence[str]) -> None:
    """Show each wrong group with the true templates in it, the largest first."""
    true = {tuple(group) for group in _groups(truth).values()}
    wrong = [(t, group) for t, group in _groups(found).items() if tuple(group) not in true]
    for template, group in sorted(wrong, key=lambda pair: -len(pair[1])):
        print(f"    {len(group):5} {template[:150]}")
        for other in sorted({truth[number] for number in group})[:4]:
            print(f"          true: {other[:150]}")


if __name__ == "__main__":
    sys.exit(main())

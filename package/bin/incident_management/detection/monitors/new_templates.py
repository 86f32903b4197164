"""The detector ``new_template``: log lines that never occurred before."""

from __future__ import annotations

from typing import Any, Dict, Iterator, List, Mapping, Sequence, Tuple

from ..baselines.records import LASTING
from ..templates.miner import TemplateMiner
from .detector import Detector, Found
from .monitor import Monitor
from .rows import Key, Row, all_series_of, text_of

__all__ = ["NewTemplates"]

MAX_TEMPLATES = 5000
SAMPLE_CHARACTERS = 10_000


class NewTemplates(Detector):
    """Finds templates that were in no span before.

    Recently raised ones are remembered: their events count as a problem until they stop, or until
    they have lasted so long that they are usual.
    """

    raises_once = True

    def __init__(self, monitor: Monitor) -> None:
        super().__init__(monitor)
        self._seen = False
        self._known: Dict[str, int] = {}
        self._raised: Dict[str, int] = {}
        """Template -> the span in which it was raised."""
        self._examples: Dict[str, Tuple[str, str]] = {}
        """Id -> template and an event of it, of what is judged again."""

    def judge(self, start: int, rows: Sequence[Row]) -> List[Found]:
        found = []
        self.unwell.clear()
        self._seen = self._seen or bool(rows)
        lines = [row for row in rows if text_of(row.get("_raw"))]
        if rows and not lines:
            self._add_problem(
                "no event has _raw; the search of a new_template monitor must keep it."
            )
        for identity, template, by_key in self._groups(lines):
            # A template of several series counts once.
            count = len({id(row) for some in by_key.values() for row in some})
            is_new = template not in self._known
            if is_new and count < self.monitor.threshold:
                continue
            self._known[template] = start
            if is_new:
                found += [
                    _new_template(key, identity, template, some) for key, some in by_key.items()
                ]
            if is_new or template in self._raised:
                self.unwell.update(by_key)
        self._forget(start)
        return found

    def note_raised(self, start: int, found: Sequence[Found]) -> None:
        self._raised.update((one.template, start) for one in found)

    def _groups(self, rows: Sequence[Row]) -> Iterator[Tuple[str, str, Dict[Key, List[Row]]]]:
        """Yield id and text of each template, and its rows by series."""
        miner = TemplateMiner(known=self._known)
        groups: Dict[Tuple[str, str], Dict[Key, List[Row]]] = {}
        for row, match in zip(rows, miner.match_all([text_of(row.get("_raw")) for row in rows])):
            by_key = groups.setdefault((match.template_id, match.template), {})
            for key in all_series_of(self.monitor, row):
                by_key.setdefault(key, []).append(row)
        for (identity, template), by_key in groups.items():
            yield identity, template, by_key

    def is_present(self, start: int, rows: Sequence[Row], key: Key, template_id: str = "") -> bool:
        """Count the events that share a template with the event that was found.

        Other new lines, such as those after the restart by a fix, are another problem.
        """
        template, sample = self._examples.get(template_id, ("", ""))
        miner = TemplateMiner(known=[*self._known, template])
        texts = [text_of(r.get("_raw")) for r in rows if key in all_series_of(self.monitor, r)]
        same, *others = miner.templates_of([sample, *texts])
        alike = sum(1 for other in others if other.id == same.id)
        return alike >= max(1.0, self.monitor.threshold)

    def _forget(self, start: int) -> None:
        """Drop the templates not seen for longest, and those raised long ago."""
        if len(self._known) > MAX_TEMPLATES:
            newest = sorted(self._known.items(), key=lambda one: -one[1])[:MAX_TEMPLATES]
            self._known = dict(newest)
        since = start - LASTING * self.monitor.span
        self._raised = {text: raised for text, raised in self._raised.items() if raised > since}

    def to_state(self) -> Dict[str, Any]:
        return {
            "seen": self._seen,
            "known": [[text, seen] for text, seen in self._known.items()],
            "raised": [[text, raised] for text, raised in self._raised.items()],
        }

    def has_seen_any(self) -> bool:
        return self._seen

    def restore(self, state: Mapping[str, Any]) -> None:
        self._known = {text: int(seen) for text, seen in state.get("known", [])}
        self._seen = bool(state.get("seen", self._known))
        self._raised = {text: int(raised) for text, raised in state.get("raised", [])}
        self._examples = {one[0]: (one[1], one[2]) for one in state.get("examples", [])}

    def memory(self, state: Mapping[str, Any], found: Sequence[Found]) -> Dict[str, Any]:
        examples = {one.template_id: [one.template_id, one.template, one.sample] for one in found}
        return {"known": state.get("known", []), "examples": list(examples.values())}


def _new_template(key: Key, identity: str, template: str, rows: Sequence[Row]) -> Found:
    sample = text_of(rows[-1].get("_raw"))[:SAMPLE_CHARACTERS]
    return Found(key, f"Not seen before: {template[:500]}", len(rows), identity, template, sample)

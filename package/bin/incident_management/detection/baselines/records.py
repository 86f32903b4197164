"""How unusual a deviation is: each kind against its own record, and when an anomaly is reported.

A record is the largest deviation of its kind so far, slowly decaying. It needs no assumption about
the distribution: a series that spikes each night has a large record of spikes and a small one of
level changes. A deviation is added to its record only some time later: otherwise, a slowly growing
deviation would be compared with itself and never be an anomaly. The amount that an anomaly adds to
a record is bounded, so that one fault does not hide the next. After a report, an anomaly is
reported again only when values have been calm for some points, or when it becomes much clearer.
"""

from __future__ import annotations

from typing import Any, Dict, List, Optional, Sequence

__all__ = ["CALM_POINTS", "LASTING", "Records", "Verdict"]

LAG = 24
"""A record that is past LEARNING is raised by deviations from LAG to 2 * LAG points ago."""
DECAY = 0.99995
"""The share of a record left after each point: half after 14,000. It is applied with each raise."""
YOUTH = 75.0
"""After this many points, a deviation must be twice as large to count as much as later."""
FEWEST = 10
"""Points of a kind before it counts at all."""
LEARNING = 200
"""Points of a kind during which its record learns every deviation."""
GROWTH = 1.5
"""An anomaly raises a record at most to this multiple of the record,"""
LEAST_LEARNED = 0.05
"""but at least to this share of the anomaly: a fault seen a dozen times becomes normal."""
CALM_POINTS, CALM_LEVEL = 12, 0.9
"""An anomaly is over after CALM_POINTS points in a row below this share of every record. Before its
end, a value beyond its bound is reported if that many values before it were below that share: means
of some hours stay raised long after the values are normal."""
WARY_POINTS, WARY_SHARE = 150, 0.05
WARY = 2.0
"""For a while after an anomaly, the next one must be this many times clearer."""
WORSE, WORSE_AFTER = 2.0, 4
"""An anomaly is reported again if two values in a row are this many times clearer than it lately
was, and this many points have passed since the report: a fault that builds up is reported once."""
LASTING = 144
"""Points that an anomaly lasts before it is a lasting shift."""
EXCUSED_SHARE, EXCUSED_POINTS = 0.5, 192
"""The longest season excuses other deviations if its own is below this share of the largest. For
this many points after that, means of some hours that include the excused values are excused too."""
EXCUSED_FROM = 0.5
"""How clear a single value must be to be excused, as a multiple of its record: a job too small for
a record of its own still sets a record for the spread of the last hours."""
MAX_RATIO = 1e6
_FADED = DECAY**LAG
_LISTS = ("marks", "seen", "latest", "waiting")


class Verdict:
    """The verdict on one point.

    Attributes:
        ratio: largest deviation as a multiple of its record, after damping; 0 when nothing counts.
        is_anomaly: an anomaly begins here, comes again or becomes much clearer.
        lasting: the anomaly has lasted so long that it is the new normal.
    """

    __slots__ = ("is_anomaly", "lasting", "ratio")

    def __init__(self) -> None:
        self.ratio = 0.0
        self.is_anomaly = self.lasting = False


class Records:
    """The records of several kinds of deviation, and the state of the current anomaly, if any.

    Args:
        kinds: the number of kinds.
        single: the kinds that are about a single value.
        threshold: the multiple of a record that is an anomaly.
    """

    __slots__ = (
        "_before", "_calm", "_evidence", "_excused", "_height", "_latest", "_limits", "_marks",
        "_missed", "_places", "_quiet", "_since", "_single", "_threshold", "_total", "_waiting",
        "is_ongoing", "open", "verdict",
    )  # fmt: skip

    def __init__(self, kinds: int, single: Sequence[int], threshold: float) -> None:
        self._single = tuple(single)
        self._threshold = threshold
        self._places = range(kinds)
        self._marks = [0.0] * kinds
        self._missed = [0] * kinds
        """For each kind, at how many points it was unknown; these are fewer than the others."""
        self._latest = [0.0] * kinds
        """The largest deviation above each record since the last raise,"""
        self._waiting = [0.0] * kinds
        """and the largest of the LAG points before, which the next raise uses."""
        self._limits: List[float] = []
        self.open = 0
        """Points since the current anomaly began; 0 without one."""
        self._evidence: Dict[int, float] = {}
        """The kinds that showed the latest anomalies, with their records from before."""
        self.is_ongoing = False
        """Whether the last point still shows the reported anomaly. This is judged by the records
        from before it, because the present records already contain it."""
        self._calm = self._quiet = 0
        """Points in a row in which all kinds were calm, and in which single values were calm."""
        self._height = self._before = 0.0
        """How clear the anomaly's single values are: two clearer values in a row raise it at once,
        and it falls slowly. And how clear the last value was."""
        self._since = 1 << 30
        self._total = 0
        self._excused = 1 << 30
        """Points since one was excused; what it shows must not raise a record."""
        self.verdict = Verdict()

    def mark(self, kind: int) -> float:
        """Return the record of a kind."""
        return self._marks[kind]

    def seen(self, kind: int) -> int:
        """Return the number of points at which a kind was known."""
        return self._total - self._missed[kind]

    def reach(self, kind: int, floor: float) -> float:
        """Return the deviation of a kind that would be an anomaly by itself."""
        mark = self._marks[kind]
        if floor > mark:
            mark = floor
        return mark * self._threshold * (1.0 + YOUTH / (self._total - self._missed[kind] or 1))

    def scale(self, by: float, kinds: Sequence[int]) -> None:
        """Multiply the records of some kinds: the series has been scaled by that factor."""
        for kind in kinds:
            self._marks[kind] *= by

    def settle(self) -> None:
        """Reset how clear the anomaly is: a shift explains it, so only departures from it count."""
        self._height = 0.0

    def weigh(
        self,
        deviations: Sequence[Optional[float]],
        floors: Sequence[float],
        judged: bool,
        explained: Optional[float] = None,
    ) -> Verdict:
        """Judge one point's deviations, then learn from them.

        Args:
            deviations: one for each kind, not negative; None: unknown at this point.
            floors: deviations no larger than these are noise, however small the record.
            judged: whether this point may be an anomaly.
            explained: how clear the value is against the shifted series that the anomaly has left,
                as a multiple of a record; None: there is no shifted series.
        """
        marks, missed = self._marks, self._missed
        ratios = self._ratios(deviations, floors) if self.open else None
        self._total = total = self._total + 1
        best, broken = 0.0, []
        # Inlined from _ratios for speed: every point of every series takes this path.
        for kind, deviation, mark, floor in zip(self._places, deviations, marks, floors):
            if deviation is None:
                missed[kind] += 1
                continue
            if deviation > mark:
                broken.append(kind)
            if floor > mark:
                mark = floor
            if deviation > best * mark:
                count = total - missed[kind]
                if count > FEWEST:
                    ratio = deviation / (mark * (1.0 + YOUTH / count)) if mark > 0.0 else MAX_RATIO
                    if ratio > best:
                        best = ratio
        self._since += 1
        if ratios is None and best < self._threshold and self._since >= WARY_POINTS:
            # Inlined from _decide for speed: nearly every point takes this path.
            verdict = self.verdict
            verdict.is_anomaly = verdict.lasting = False
            verdict.ratio = best if judged else 0.0
            self._excused += 1
        elif self._decide(
            best if best < MAX_RATIO else MAX_RATIO, ratios, judged, explained, deviations, floors
        ):
            self._begin(deviations, floors)
        else:
            self._note_evidence(deviations)
        if broken and self._excused:
            self._learn(broken, deviations)
        if self._total % LAG == 0:
            self._raise()
        return self.verdict

    def _learn(self, kinds: Sequence[int], deviations: Sequence[Optional[float]]) -> None:
        """Learn deviations; a record past LEARNING gets them later, by :meth:`_raise`."""
        marks, limits = self._marks, self._limits
        for kind in kinds:
            deviation = deviations[kind] or 0.0
            if self.seen(kind) <= LEARNING:
                marks[kind] = deviation
                continue
            if limits:
                deviation = min(deviation, limits[kind])
            self._latest[kind] = max(self._latest[kind], deviation)

    def _raise(self) -> None:
        """Decay the records, then raise them by the deviations that have waited long enough."""
        faded = [mark * _FADED for mark in self._marks]
        self._marks[:] = map(max, faded, self._waiting)
        self._waiting, self._latest = self._latest, [0.0] * len(self._marks)

    def _ratios(
        self, deviations: Sequence[Optional[float]], floors: Sequence[float]
    ) -> List[float]:
        """Return each deviation as a multiple of its record; 0 for one that does not count yet."""
        found = []
        for deviation, mark, floor, missed in zip(deviations, self._marks, floors, self._missed):
            count = self._total - missed
            least = max(mark, floor) * (1.0 + YOUTH / (count + 1))
            known = deviation is not None and deviation > 0.0 and count >= FEWEST
            ratio = (deviation or 0.0) / least if least else MAX_RATIO
            found.append(min(ratio, MAX_RATIO) if known else 0.0)
        return found

    def _decide(
        self,
        best: float,
        ratios: Optional[List[float]],
        judged: bool,
        explained: Optional[float],
        deviations: Sequence[Optional[float]],
        floors: Sequence[float],
    ) -> bool:
        """Fill in the verdict; return True if an anomaly is reported."""
        verdict, threshold = self.verdict, self._threshold
        verdict.is_anomaly = verdict.lasting = False
        ratio, is_repeated = best, False
        if ratios is not None:
            is_calm = best < CALM_LEVEL or self._is_of_the_season(deviations, ratios)
            is_repeated = self._went_on(is_calm and explained is None, ratios, explained)
        if self.open and not is_repeated:
            ratio = min(best, threshold) * 0.5
        elif (
            self._since < WARY_POINTS and self._since < WARY_SHARE * self._total and not is_repeated
        ):
            ratio = best / WARY
        verdict.ratio = ratio if judged else 0.0
        self._excused += 1
        if not judged or ratio < threshold:
            return False
        if self._is_excused(deviations, floors):
            verdict.ratio = threshold * 0.5
            return False
        verdict.is_anomaly = True
        self._since = 0
        return True

    def _is_excused(self, deviations: Sequence[Optional[float]], floors: Sequence[float]) -> bool:
        """Return whether the longest known season expected what the other kinds find unusual."""
        ratios = self._ratios(deviations, floors)
        if self._single_of(ratios) < EXCUSED_FROM:
            return self._excused < EXCUSED_POINTS
        if not self._is_of_the_season(deviations, ratios):
            return False
        self._excused = 0
        return True

    def _is_of_the_season(
        self, deviations: Sequence[Optional[float]], ratios: Sequence[float]
    ) -> bool:
        """Return whether the longest season predicted the value far better than the other kinds."""
        longest = self._single[-1]
        own = deviations[longest]
        # The season's mean is the last ratio. If it is an anomaly, all values are off a little.
        if own is None or ratios[longest] > 1.0 or ratios[-1] >= self._threshold:
            return False
        if own > 0.0 and self.seen(longest) < LEARNING:
            return False
        largest = max([deviations[kind] or 0.0 for kind in self._single])
        return own < EXCUSED_SHARE * largest

    def _begin(self, deviations: Sequence[Optional[float]], floors: Sequence[float]) -> None:
        """Start an anomaly that is reported, and bound what it may add to the records."""
        self.open = self.open or 1
        self._calm = self._quiet = 0
        ratios = self._ratios(deviations, floors)
        self._height = self._before = self._single_of(ratios)
        self.is_ongoing = True
        least = min(self._threshold, max(ratios))
        for kind, ratio in enumerate(ratios):
            if ratio >= least:
                self._evidence.setdefault(kind, max(self._marks[kind], floors[kind]))
        self._limits = [
            max(GROWTH * mark, LEAST_LEARNED * (deviation or 0.0))
            for mark, deviation in zip(self._marks, deviations)
        ]

    def _note_evidence(self, deviations: Sequence[Optional[float]]) -> None:
        """Update whether a point still shows the reported anomaly, until that becomes normal."""
        if self._since > LASTING:
            self._evidence = {}
        self.is_ongoing = any(
            (deviations[kind] or 0.0) >= CALM_LEVEL * mark for kind, mark in self._evidence.items()
        )

    def _went_on(self, is_calm: bool, ratios: Sequence[float], explained: Optional[float]) -> bool:
        """Follow an ongoing anomaly by one point; return True if it must be reported again."""
        self.open += 1
        self._calm = self._calm + 1 if is_calm else 0
        if self._calm >= CALM_POINTS:
            self.open = 0
            self._limits = []
            return False
        self.verdict.lasting = self.open % LASTING == 0
        single = self._single_of(ratios)
        if explained is not None and explained < single:
            single = explained
        comes_again = self._quiet >= CALM_POINTS and single >= self._threshold
        self._quiet = self._quiet + 1 if single < CALM_LEVEL else 0
        return self._is_worse(single) or comes_again

    def _is_worse(self, single: float) -> bool:
        """Follow how clear the values are; return True if far clearer than they lately were."""
        both, self._before = min(single, self._before), single
        height = self._height
        if both <= height:
            self._height = height + (both - height) / CALM_POINTS
            return False
        self._height = both
        return both >= WORSE * max(height, 1.0) and self._since >= WORSE_AFTER

    def _single_of(self, ratios: Sequence[float]) -> float:
        return max([ratios[kind] for kind in self._single])

    def to_state(self) -> Dict[str, Any]:
        return {
            "marks": list(self._marks),
            "seen": [self._total - missed for missed in self._missed],
            "latest": list(self._latest),
            "waiting": list(self._waiting),
            "limits": list(self._limits),
            "open": self.open,
            "calm": self._calm,
            "quiet": self._quiet,
            "height": self._height,
            "before": self._before,
            "since": min(self._since, 1 << 30),
            "total": self._total,
            "excused": min(self._excused, 1 << 30),
            "evidence": [[kind, mark] for kind, mark in self._evidence.items()],
        }

    def restore(self, state: Dict[str, Any]) -> None:
        """Continue from a result of :meth:`to_state`. Raises ValueError if its kinds differ."""
        kinds = len(self._marks)
        if {len(state[name]) for name in _LISTS} != {kinds}:
            raise ValueError("it has records of other kinds")
        self._marks = [float(mark) for mark in state["marks"]]
        self._total = int(state["total"])
        self._missed = [self._total - int(count) for count in state["seen"]]
        self._latest = [float(deviation) for deviation in state["latest"]]
        self._waiting = [float(deviation) for deviation in state["waiting"]]
        # A state that lacks these values continues as an anomaly that just began.
        self._quiet = int(state.get("quiet", 0))
        self._height, self._before = (
            float(state.get("height", MAX_RATIO)),
            float(state.get("before", 0)),
        )
        self._limits = [float(limit) for limit in state["limits"]]
        self.open, self._calm = int(state["open"]), int(state["calm"])
        self._since = int(state["since"])
        self._excused = int(state.get("excused", 1 << 30))
        self._evidence = {int(kind): float(mark) for kind, mark in state.get("evidence", ())}

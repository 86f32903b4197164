"""Learns one series of plain values, and judges each next value.

The measures that are watched are described in :mod:`.baseline`.
"""

from __future__ import annotations

import math
from typing import Any, Dict, List, Optional, Tuple

from .floors import CURVE, FEW, STEADY_POINTS, reckon_floors
from .kinds import CHANGE, FIRST_SEASON, SPREAD, VALUE, count_of, single
from .level import Level, median
from .previous_normal import BACK_POINTS, Move, PreviousNormal
from .records import CALM_LEVEL, LASTING, Records
from .season import PERIODS
from .seasonal import SEASON_MEANS, Seasonal
from .shift import FEWEST, Shift
from .window import FULL, SPREAD_POINTS, Means, Window
from .zone import Zone

__all__ = ["Judged", "Learner"]

Judged = Tuple[float, float, float, float, bool]
"""The fields of :class:`.baseline.Score`: expected, lower, upper, score, is_anomaly."""

_SEASON_NAMES: Dict[str, Tuple[str, ...]] = {"none": (), "auto": ("daily", "weekly")}

LEAST_BEND = 1e-150
"""A large value divided by a smaller bend would not be finite."""
GAP_FACTOR = 10.0
"""A pause of more than this many usual steps is a gap. The point after it is neither judged nor
learned, as it may stand for the whole gap. Two such pauses in a row are a new step."""
ERROR_RATE = 0.005
BETTER = 0.9
"""A season is used as the expectation if its error is below this share of the level's error."""
UNCLEAR_SECONDS = 72000.0
"""How long a shift must last if it is unclear whether it is scaled or moved: during a flat night,
the factor and the sum look the same."""
REFRESH = 32
"""Points after which the noise floors are computed again."""


class Learner:
    """One series of plain values; the arguments are those of :class:`.baseline.Baseline`."""

    __slots__ = (
        "_bend",
        "_curved",
        "_curved_means",
        "_direction",
        "_error",
        "_floors",
        "_is_count",
        "_last_time",
        "_level",
        "_min_history",
        "_paused",
        "_previous",
        "_records",
        "_seasons",
        "_seen",
        "_shift",
        "_spread",
        "_step",
        "_threshold",
        "_window",
    )  # fmt: skip

    def __init__(
        self, season: str, threshold: float, direction: str, min_history: int, zone: Zone
    ) -> None:
        names: Tuple[str, ...] = _SEASON_NAMES.get(season, (season,))
        self._seasons = [Seasonal(name, zone, i) for i, name in enumerate(names)]
        self._threshold = threshold
        self._direction = direction
        self._min_history = min_history
        self._seen = 0
        self._is_count = True
        self._last_time: Optional[float] = None
        self._step = 0.0
        self._paused = False
        self._level, self._curved, self._spread = Level(), Level(), Level()
        self._curved_means = Means(FEW)
        self._bend = 0.0
        self._window = Window()
        self._error = 0.0
        seasons = len(self._seasons)
        self._records = Records(count_of(seasons), single(seasons), threshold)
        self._floors = [0.0] * count_of(seasons)
        self._shift = Shift()
        self._previous = PreviousNormal()

    def add(self, value: float, time: Optional[float] = None) -> Judged:
        """Judge a point, then learn from it."""
        seen = self._seen
        if self._is_count and (value < 0 or value != int(value)):
            self._is_count = False
        if time is not None:
            last = self._last_time
            if last is not None and time - last == self._step and not self._paused:
                # Inlined from _note_time for speed: nearly every point takes this path.
                self._last_time = time
            elif self._note_time(time):
                return self._pass_over(value, time)
        if seen == 0:
            self._level.learn(value)
        if seen % REFRESH == 0 or seen < REFRESH:
            reckon_floors(
                self._floors,
                self._level,
                self._bend,
                self._is_count,
                seen >= STEADY_POINTS,
                self._seasons,
                self._records,
            )
        best = self._expect(value, time)
        # Inlined from _usual for speed: every point takes this path.
        if best is None:
            kind, expected = VALUE, self._level.middle
            low = high = expected
        else:
            kind, season = best.kind, best.season
            expected, low, high = season.usual or 0.0, season.low, season.high
        reach = self._records.reach(kind, self._floors[kind])
        deviations = self._deviations(value)
        if self._previous.move is not None and time is not None:
            judged = self._went_back(value, time)
            if judged is not None:
                return judged
        shift = self._shift
        verdict = self._records.weigh(
            deviations,
            self._floors,
            seen >= self._min_history,
            self._explained(value, expected, reach) if shift.holds else None,
        )
        if self._records.open:
            self._follow(value, expected, reach)
        elif shift.points:
            shift.clear()
        self._learn(value, time)
        if shift.holds:
            if self._is_lasting(kind):
                self._move(time)
        elif verdict.lasting:
            self._settle()
        lower = low - reach
        if self._is_count and lower < 0.0:
            lower = 0.0
        ratio = verdict.ratio
        score = ratio / (ratio + self._threshold)
        return expected, lower, high + reach, score, verdict.is_anomaly

    @property
    def is_ongoing(self) -> bool:
        """Whether the last point still shows the anomaly, see :class:`.records.Records`."""
        return self._records.is_ongoing

    def _pass_over(self, value: float, time: float) -> Judged:
        """Return the expectation for the first point after a gap; do not judge or learn it."""
        self._window.clear()
        kind, expected, low, high = self._usual(self._expect(value, time))
        reach = self._records.reach(kind, self._floors[kind])
        return expected, self._least(low - reach), high + reach, 0.0, False

    def _went_back(self, value: float, time: float) -> Optional[Judged]:
        """Judge a value that fits the normal from before the latest shift; None if it does not.

        The longest season decides, because the shorter ones have already learned the shift.
        """
        before = self._previous
        known = [one for one in self._seasons if one.season.usual is not None]
        kind, _expected, low, high = self._usual(known[-1] if known else None)
        bounds = before.bounds(
            value, time, low, high, self._records.reach(kind, self._floors[kind])
        )
        if bounds is None:
            return None
        self._shift.clear()
        self._records.is_ongoing = False
        self._learn(value, time)
        if before.move and before.is_back:
            self._scale(before.move.back(), BACK_POINTS)
            self._window.clear()
            before.forget()
        low, high, reach = bounds
        return (low + high) / 2.0, self._least(low - reach), high + reach, 0.0, False

    def _least(self, lower: float) -> float:
        """Return a lower bound, at least 0 for counts."""
        return 0.0 if self._is_count and lower < 0.0 else lower

    def _usual(self, best: Optional[Seasonal]) -> Tuple[int, float, float, float]:
        """Return the kind, the expected value, and the lowest and the highest usual value."""
        if best is None:
            middle = self._level.middle
            return VALUE, middle, middle, middle
        season = best.season
        return best.kind, season.usual or 0.0, season.low, season.high

    def _expect(self, value: float, time: Optional[float]) -> Optional[Seasonal]:
        """Update the distance of the value from each season; return the season that predicts best.

        None: the level predicts better than every season.
        """
        best, error = None, self._error * BETTER
        for seasonal in self._seasons:
            if time is None:
                seasonal.residual = None
                continue
            season = seasonal.season
            if not season.begin <= time < season.end:
                season.expected(time, self._shift.points > 0)
                if season.is_clock_changed:
                    # A day that is an hour longer or shorter does not mean that behaviour changed.
                    self._window.clear()
            if season.usual is None:
                seasonal.residual = None
                continue
            if value < season.low:
                seasonal.residual = value - season.low
            elif value > season.high:
                seasonal.residual = value - season.high
            else:
                seasonal.residual = 0.0
            if seasonal.error is not None and seasonal.error < error:
                best, error = seasonal, seasonal.error
        return best

    def _deviations(self, value: float) -> List[Optional[float]]:
        window = self._window
        window.add(value)
        middle, bend = self._level.middle, self._bend
        if not -bend <= middle <= bend:
            self._bend = bend = max(abs(middle), LEAST_BEND)
        curved = math.asinh(CURVE * value / (bend or 1.0))
        few = self._curved_means.add(curved)
        known = window.seen
        signed: List[Optional[float]] = [
            value - middle,
            few - self._curved.middle if self._seen >= FEW else None,
            window.change if known >= FULL else None,
            None,
        ]
        self._curved.learn(curved)
        if known >= SPREAD_POINTS:
            deviation = window.deviation
            signed[SPREAD] = deviation - self._spread.middle if self._spread.seen else 0.0
            self._spread.learn(deviation)
        for seasonal in self._seasons:
            residual = seasonal.residual
            if residual is None:
                known = 0
                signed += (None, None)
            else:
                signed += (residual, seasonal.means.add(residual))
        if self._direction == "both":
            if known >= FULL:
                # All distances are known for nearly every point, so this avoids a loop.
                return list(map(abs, signed))  # type: ignore[arg-type]
            for place, distance in enumerate(signed):
                if distance is not None and distance < 0.0:
                    signed[place] = -distance
            return signed
        # A change of the spread has no direction.
        signed[SPREAD] = None
        sign = 1.0 if self._direction == "up" else -1.0
        return [None if x is None else max(0.0, sign * x) for x in signed]

    def _explained(self, value: float, usual: float, reach: float) -> float:
        """Return a value's deviation from the shifted series, as a multiple of its record."""
        # Counts at four times the level are twice as noisy; other values up to four times.
        least = reach * math.sqrt(max(1.0, self._shift.factor)) or LEAST_BEND
        return self._shift.distance(value, usual) * self._threshold / least

    def _follow(self, value: float, usual: float, reach: float) -> None:
        """Learn how the ongoing anomaly has scaled or moved the series."""
        shift = self._shift
        held = shift.holds
        shift.follow(value, usual, CALM_LEVEL * reach / self._threshold)
        if shift.holds and not held:
            self._records.settle()

    def _learn(self, value: float, time: Optional[float]) -> None:
        self._seen = seen = self._seen + 1
        self._level.learn(value)
        if time is None or not self._seasons:
            return
        # Only normal values show how well a season fits.
        is_usual = not self._shift.points
        if is_usual:
            rate = 1.0 / seen if seen < 1.0 / ERROR_RATE else ERROR_RATE
            self._error += rate * (abs(value - self._level.middle) - self._error)
        for seasonal in self._seasons:
            seasonal.season.learn(value)
            if is_usual and seasonal.residual is not None:
                error = seasonal.error
                distance = abs(value - (seasonal.season.usual or 0.0))
                seasonal.error = (
                    distance if error is None else error + ERROR_RATE * (distance - error)
                )

    def _note_time(self, time: float) -> bool:
        """Learn the usual time between points; return True if this point comes after a gap."""
        last, self._last_time = self._last_time, time
        if last is None:
            return False
        step = time - last
        was_paused, self._paused = self._paused, 0.0 < GAP_FACTOR * self._step < step
        if self._paused and not was_paused:
            return True
        if self._paused or self._step == 0:
            # A search that was changed to longer spans would otherwise have gaps forever.
            self._step, self._paused = step, False
        else:
            self._step += 0.1 * (step - self._step)
        return False

    def _is_lasting(self, kind: int) -> bool:
        """Return whether the current shift has lasted long enough, given the expectation's kind."""
        shift = self._shift
        if kind == VALUE or shift.is_clear:
            return shift.points >= LASTING
        return shift.points >= 2 * FEWEST and shift.points * self._step >= UNCLEAR_SECONDS

    def _move(self, time: Optional[float]) -> None:
        """Take the shifted series as the new normal: adjust the level, seasons and records."""
        shift = self._shift
        errors = [one.error for one in self._seasons if one.error is not None]
        noise = shift.noise(min([self._error, *errors]) or self._level.spread)
        # With a season, most of a record is the season, which has been scaled by the factor.
        move = Move(shift.factor, shift.sum, noise, shift.factor if errors else noise)
        is_whole = self._scale(move, shift.points)
        if is_whole and time is not None:
            self._previous.note(move, time)
        else:
            self._previous.forget()
        shift.clear()

    def _scale(self, move: Move, points: int) -> bool:
        """Scale and move what was learned before the last points; True if that was everything."""
        factor, by, noise = move.factor, move.sum, move.noise
        is_whole = True
        self._set_level(self._level.middle * factor + by)
        for level in (self._level, self._spread):
            level.spread *= factor
        self._spread.middle *= factor
        self._error *= noise
        for seasonal in self._seasons:
            if self._records.seen(seasonal.kind) * self._step < PERIODS[seasonal.name].length:
                # Known for one period or less, so what moved may be the season itself.
                is_whole = False
                continue
            seasonal.season.move(factor, by, points * self._step, self._step)
            seasonal.means = Means(SEASON_MEANS[seasonal.name])
            if seasonal.error is not None:
                seasonal.error *= noise
        self._records.scale(move.records, (VALUE, CHANGE, SPREAD))
        self._records.scale(noise, range(FIRST_SEASON, len(self._floors)))
        return is_whole

    def _settle(self) -> None:
        """Take the level of the last hours as the new normal."""
        self._set_level(median(self._window.recent(SPREAD_POINTS)))
        self._spread.middle = self._window.deviation
        self._shift.clear()

    def _set_level(self, middle: float) -> None:
        self._level.middle = middle
        self._curved.middle = math.asinh(CURVE * middle / (self._bend or 1.0))

    def to_state(self) -> Dict[str, Any]:
        return {
            "seen": self._seen,
            "is_count": self._is_count,
            "last_time": self._last_time,
            "step": self._step,
            "paused": self._paused,
            "levels": [part.to_state() for part in (self._level, self._curved, self._spread)],
            "few": self._curved_means.to_state(),
            "bend": self._bend,
            "window": self._window.to_state(),
            "error": self._error,
            "records": self._records.to_state(),
            "shift": self._shift.to_state(),
            "floors": list(self._floors),
            "seasons": [seasonal.to_state() for seasonal in self._seasons],
            "before": self._previous.to_state(),
        }

    def restore(self, state: Dict[str, Any]) -> None:
        self._seen, self._is_count = int(state["seen"]), bool(state["is_count"])
        last = state["last_time"]
        self._last_time = None if last is None else float(last)
        self._step, self._bend = float(state["step"]), float(state["bend"])
        self._paused = bool(state.get("paused", False))
        self._error = float(state["error"])
        self._level, self._curved, self._spread = map(Level.from_state, state["levels"])
        self._curved_means = Means.from_state(state["few"])
        self._window = Window.from_state(state["window"])
        self._records.restore(state["records"])
        if "shift" in state:
            # A state without a shift follows an ongoing anomaly from here on.
            self._shift.restore(state["shift"])
        self._previous.restore(state.get("before", []))
        if len(state["floors"]) != len(self._floors) or len(state["seasons"]) != len(self._seasons):
            raise ValueError("it has other seasons")
        self._floors = [float(floor) for floor in state["floors"]]
        for seasonal, saved in zip(self._seasons, state["seasons"]):
            seasonal.restore(saved, self._step)

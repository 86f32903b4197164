"""Runs duties repeatedly: each on one cluster member at a time, none stopping another.

A turn is a slot of time, claimed by inserting ``worker:<turn>:<slot>``; consecutive duties share
one, which saves calls. Slots only save work: every duty is safe to run twice at once, so a member
that was wrongly taken for dead does no harm.
"""

from __future__ import annotations

import logging
import time
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Callable, Dict, List, Mapping, Optional, Set

from ..incidents.stores import bounded_queries, claim_document
from ..ports import Clock, SearchFailed, Stores
from ..splunk.configuration.stanza import SettingsError
from ..splunk.session import SplunkError
from ..worker_health import Failures

__all__ = ["Duty", "Worker"]

SLOT_SECONDS = 30.0
# The same trouble is logged once in this time, not in every cycle.
REPEAT_SECONDS = 600.0
# A worker without work logs a line this often.
HEARTBEAT_SECONDS = 300.0

Counts = Mapping[str, int]


@dataclass(frozen=True)
class Duty:
    """One kind of recurring work.

    ``run`` returns the counts of its work, by name. ``every`` is the least time between two runs,
    in seconds; ``rest`` the same after a run that did nothing. ``everywhere``: each member runs it
    for itself. ``turn``: the turn that it takes, by default the duty's own name. A member that runs
    a long duty delays, for the rest of the slot, the duties after it in the same turn.
    """

    name: str
    run: Callable[[], Counts]
    every: float = 0.0
    everywhere: bool = False
    turn: str = ""
    rest: float = 0.0


class Worker:
    """Runs the duties of this member in order.

    Args:
        holder: this member's name; its restarted worker keeps the turns.
        notice: shows a sentence to administrators in Splunk Web; an empty one removes it.
        stopping: tells whether to stop between two duties.
        failures: records failing duties for health checks.
        logs_heartbeat: whether to log a cycle without work now and then.
    """

    def __init__(
        self,
        duties: List[Duty],
        stores: Stores,
        clock: Clock,
        holder: str,
        log: logging.Logger,
        notice: Callable[[str], None],
        stopping: Callable[[], bool] = lambda: False,
        *,
        failures: Optional[Failures] = None,
        logs_heartbeat: bool = True,
    ) -> None:
        self._duties = duties
        self._stores = stores
        self._clock = clock
        self._holder = holder
        self._failures = failures
        self._log = log
        self._notice = notice
        self._stopping = stopping
        # The newest slot of each turn that this member holds, and that another one holds.
        self._slots: Dict[str, int] = {}
        self._others: Dict[str, int] = {}
        self._past: List[str] = []
        self._last_run: Dict[str, float] = {}
        self._idle: Set[str] = set()
        self._trouble: Dict[str, tuple[str, float]] = {}
        self._noticed = ""
        self._logs_heartbeat = logs_heartbeat
        self._heartbeat = 0.0

    def cycle(self) -> Dict[str, int]:
        """Run each duty whose turn it is; return the counts of their work."""
        began = time.monotonic()
        done: Dict[str, int] = {}
        malformed = ""
        for duty in self._duties:
            if self._stopping():
                break
            try:
                if self._is_due(duty) and self._is_mine(duty):
                    for name, count in self._run(duty).items():
                        done[name] = done.get(name, 0) + count
                    self._recovered(duty.name)
            except SettingsError as error:
                malformed = malformed or str(error)
                self._failed(duty.name, str(error))
            except (SplunkError, SearchFailed) as error:
                self._failed(duty.name, str(error))
            except Exception as error:  # noqa: BLE001 - one duty must not stop the others
                self._failed(duty.name, f"{type(error).__name__}: {error}", error)
        self._give_up_past_turns()
        self._show(malformed)
        self._report(done, time.monotonic() - began)
        return done

    def trouble(
        self,
        name: str,
        sentence: str,
        error: Optional[BaseException] = None,
        level: int = logging.ERROR,
    ) -> None:
        """Log a problem with one piece of work; the same problem is not repeated for a while.

        ``error``: an unexpected exception, logged with its traceback. ``level``: WARNING for
        something that is no failure.
        """
        known = self._trouble.get(name)
        now = self._clock.now()
        if known and known[0] == sentence and now - known[1] < REPEAT_SECONDS:
            return
        self._trouble[name] = (sentence, now)
        self._log.log(level, sentence, exc_info=error, extra={"facts": {"duty": name}})

    def _run(self, duty: Duty) -> Counts:
        self._last_run[duty.name] = self._clock.now()
        self._idle.discard(duty.name)
        done = duty.run()
        if not any(done.values()):
            self._idle.add(duty.name)
        return done

    def _is_due(self, duty: Duty) -> bool:
        last = self._last_run.get(duty.name)
        every = max(duty.every, duty.rest) if duty.name in self._idle else duty.every
        # A run in the future was timed by a clock that has been corrected since.
        return last is None or not 0 <= self._clock.now() - last < every

    def _is_mine(self, duty: Duty) -> bool:
        if duty.everywhere:
            return True
        slot, turn = int(self._clock.now() // SLOT_SECONDS), duty.turn or duty.name
        if self._slots.get(turn) == slot:
            return True
        if self._others.get(turn) == slot:
            return False
        key, purpose = f"worker:{turn}:{slot}", f"worker:{turn}"
        claim = claim_document(key, self._clock.now(), purpose=purpose, holder=self._holder)
        if not self._stores.claims.insert(claim):
            known = self._stores.claims.get(key)
            if known is None or known["holder"] != self._holder:
                self._others[turn] = slot
                return False
        if turn in self._slots:
            self._past.append(f"worker:{turn}:{self._slots[turn]}")
        self._slots[turn] = slot
        return True

    def _give_up_past_turns(self) -> None:
        """Delete the claims on expired turns, all at once."""
        if not self._past:
            return
        try:
            for some in bounded_queries(({"_key": key} for key in self._past), len(self._past)):
                self._stores.claims.delete_matching(some)
            self._past.clear()
        except SplunkError as error:
            self.trouble("turns", f"Expired turns can't be deleted: {error}")

    def _failed(self, name: str, sentence: str, error: Optional[BaseException] = None) -> None:
        self.trouble(name, f"The duty '{name}' failed and is retried: {sentence}", error)
        # If the KV store itself fails, a health check notices that without this record.
        if self._failures:
            with suppress(SplunkError):
                self._failures.failed(name, sentence)

    def _recovered(self, name: str) -> None:
        if self._failures:
            with suppress(SplunkError):
                self._failures.worked(name)
        if name in self._trouble:
            del self._trouble[name]
            self._log.info("The duty '%s' works again.", name)

    def _show(self, sentence: str) -> None:
        if sentence == self._noticed:
            return
        try:
            self._notice(sentence)
            self._noticed = sentence
        except SplunkError as error:
            self.trouble("notice", f"No message could be shown in Splunk Web: {error}")

    def _report(self, done: Mapping[str, int], seconds: float) -> None:
        """Log one line of metrics for a cycle with work, or as a heartbeat."""
        worked = {name: count for name, count in done.items() if count}
        now = self._clock.now()
        if worked or (self._logs_heartbeat and now - self._heartbeat >= HEARTBEAT_SECONDS):
            self._heartbeat = now
            facts: Dict[str, Any] = {**worked, "ms": round(seconds * 1000)}
            self._log.info("cycle", extra={"facts": facts})

"""Every order in which a few writers' KV calls may come, up to a number of interruptions.

Threads in a loop find a race by luck. Here each writer runs in a thread of its own, but only one of
them at a time, and at each of its KV calls another may go on. Most races need one or two such
interruptions, so trying all orders with so many finds them, and the same ones each time.

A writer may also be killed before a call, and then makes no further call. The moment of the kill
makes no difference to the other writers, so only a kill before each write is tried. A kill before a
read leaves the same state as a kill before the writer's next write, so reads are left out.

Orders that can't differ in their result are tried only once: it makes no difference whether another
writer continues before or after a read, unless it writes to the collection that is read.
"""

from __future__ import annotations

import random
import threading
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from typing import Any, FrozenSet, List, NamedTuple, Optional, Tuple

from tests.fakes.stores import FakeStores

__all__ = ["Killed", "Order", "at_random", "orders"]

Writer = Callable[[], object]
Order = Tuple[int, ...]
"""Whose turn it was, by number; ``~number`` stands for that one's end."""


_READS = ("get", "find")


class _Step(NamedTuple):
    """One turn: its writer, the others that could have had it, the collections it touched.

    A call to a service counts as a write to all collections, because its effects are unknown.
    """

    whose: int
    others: Order
    reads: FrozenSet[str]
    writes: FrozenSet[str]


_Earlier = Tuple[Order, FrozenSet[str]]
"""An order in which a writer is interrupted ahead of reads, and what these read."""


class Killed(BaseException):
    """The process is killed here; the app's code must not catch this."""


class _Turn:
    """A writer's thread, which stops before each KV call until it may continue."""

    def __init__(self, work: Writer) -> None:
        self._work = work
        self._go, self._stopped = threading.Lock(), threading.Lock()
        self._go.acquire()
        self._stopped.acquire()
        self.done = self.killed = False
        self.reads: List[str] = []
        self.writes: List[str] = []
        self.error: Optional[BaseException] = None
        self.thread = threading.Thread(target=self._run, daemon=True)
        self.thread.start()

    def stop(self) -> None:
        """Wait for the next turn; called in the writer's own thread."""
        if not self.killed:
            self._stopped.release()
            self._go.acquire()
        if self.killed:
            raise Killed

    def step(self) -> None:
        """Let the writer make its next call, and wait until it reaches the one after."""
        self.reads, self.writes = [], []
        self._go.release()
        self._stopped.acquire()

    def _run(self) -> None:
        self._go.acquire()
        try:
            self._work()
        except Killed:
            pass
        except BaseException as error:  # noqa: BLE001 - the test that reads it reports it
            self.error = error
        self.done = True
        self._stopped.release()


def _run(
    stores: FakeStores, writers: Sequence[Writer], begin: Order, at: Optional[Collection[str]]
) -> List[_Step]:
    """Let the writers take turns as ``begin`` says, then each to its end.

    Raises what a writer raised.
    """
    turns = [_Turn(writer) for writer in writers]
    of_thread = {turn.thread: turn for turn in turns}

    def before(verb: str, name: str) -> None:
        turn = of_thread[threading.current_thread()]
        if name not in FakeStores.NAMES:  # some write before this call, some after it
            turn.writes += FakeStores.NAMES
        if at is None or name in at:
            turn.stop()
        if name not in FakeStores.NAMES:
            turn.writes += FakeStores.NAMES
        else:
            (turn.reads if verb in _READS else turn.writes).append(name)

    watched = [*stores.collections, *stores.services]
    for one in watched:
        one.before = before
    taken: List[_Step] = []
    current = 0
    while True:
        able = tuple(number for number, turn in enumerate(turns) if not turn.done)
        if not able:
            break
        if len(taken) < len(begin):
            current = begin[len(taken)]
        elif current not in able:
            current = able[0]
        writer = current if current >= 0 else ~current
        turn = turns[writer]
        turn.killed = current < 0
        turn.step()
        others = tuple(number for number in able if number != writer)
        taken.append(_Step(current, others, frozenset(turn.reads), frozenset(turn.writes)))
    for one in watched:
        one.before = None
    for turn in turns:
        turn.thread.join()
        if turn.error is not None:
            raise AssertionError(f"A writer failed: {turn.error!r}") from turn.error
    return taken


def orders(
    begun: Callable[[], Tuple[FakeStores, Sequence[Writer]]],
    interruptions: int,
    at: Optional[Collection[str]] = None,
    kills: int = 0,
    elsewhere: bool = False,
) -> Iterator[Tuple[FakeStores, Order]]:
    """Yield the stores after each order of the writers' calls, and the order.

    Args:
        begun: makes the stores as they are before, and the writers; always the same.
        interruptions: how often, at most, a writer that is not done has to wait for another.
        at: the collections at whose calls it may have to; None: all, and the services'.
        kills: how many writers, at most, are killed.
        elsewhere: whether a writer changes what neither is a collection nor one of the stores'
            services: then a read may hide a change, and each order is tried.
    """
    waiting: List[Tuple[Order, Sequence[_Earlier]]] = [((), ())]
    while waiting:
        begin, earlier = waiting.pop()
        stores, writers = begun()
        steps = _run(stores, writers, begin, at)
        order = tuple(step.whose for step in steps)
        yield stores, order
        waiting.extend((one, ()) for one in _different(earlier, steps[len(begin) - 1 :]))
        spent = 0
        killed = sum(current < 0 for current in begin)
        put_off: List[_Earlier] = []
        for place, (current, others, reads, writes) in enumerate(steps):
            last = order[place - 1] if place else -1
            if place >= len(begin):
                if killed < kills and (writes or elsewhere):
                    waiting.append(((*order[:place], ~current), ()))
                goes_on = last == current and current in order[place + 1 : place + 2]
                for other in others:
                    costs = last >= 0 and last != other and (last == current or last in others)
                    if spent + costs > interruptions:
                        continue
                    other_order = (*order[:place], other)
                    if goes_on and len(others) == 1 and not writes and not elsewhere:
                        put_off.append((other_order, reads))
                    else:
                        waiting.append((other_order, tuple(put_off)))
                        put_off = []
            spent += last >= 0 and last != current and last in others


def _different(earlier: Iterable[_Earlier], steps: Sequence[_Step]) -> Iterator[Order]:
    """Yield the earlier interruptions whose result may differ from that of the one already tried.

    Between both the interrupted writer only reads. What the other does, up to its end or where it
    is interrupted itself, is the same after either; so the reads are, unless it wrote there.
    """
    written: FrozenSet[str] = frozenset()
    for step in steps:
        if step.whose != steps[0].whose:
            break
        written |= step.writes
    for order, reads in earlier:
        if reads & written:
            yield order


def at_random(
    watched: Sequence[Any],
    writers: Sequence[Writer],
    rng: random.Random,
    switching: float,
    kills: float,
    moment: Callable[[str, str], None],
) -> List[Optional[BaseException]]:
    """Let writers take turns at random, and return how each ended: None, or what it raised.

    Args:
        watched: the collections and services at whose calls another may go on.
        switching: how likely that is, at each call.
        kills: how likely the writer is killed there instead of making the call.
        moment: is called ahead of each call with its verb and name; may raise.
    """
    turns = [_Turn(writer) for writer in writers]
    of_thread = {turn.thread: turn for turn in turns}

    def before(verb: str, name: str) -> None:
        of_thread[threading.current_thread()].stop()
        moment(verb, name)

    for one in watched:
        one.before = before
    current = rng.choice(turns)
    while any(not turn.done for turn in turns):
        if current.done or rng.random() < switching:
            current = rng.choice([turn for turn in turns if not turn.done])
        current.killed = rng.random() < kills
        current.step()
    for one in watched:
        one.before = None
    for turn in turns:
        turn.thread.join()
    return [Killed() if turn.killed else turn.error for turn in turns]

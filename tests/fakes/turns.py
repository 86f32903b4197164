"""Every order in which a few writers' KV calls may come, up to a number of interruptions.

Threads in a loop find a race by luck. Here each writer runs in a thread of its own, but only one of
them at a time, and at each of its KV calls another may go on. Most races need one or two such
interruptions, so trying all orders with so many finds them, and the same ones each time.

A writer may also be killed ahead of a call: it makes no further one. When it is killed makes no
difference to the others, so each of its calls is tried, and not each moment.
"""

from __future__ import annotations

import random
import threading
from collections.abc import Callable, Collection, Iterator, Sequence
from typing import Any, List, Optional, Tuple

from tests.fakes.stores import FakeStores

__all__ = ["Killed", "Order", "at_random", "orders"]

Writer = Callable[[], object]
Order = Tuple[int, ...]
"""Whose turn it was, by number; ``~number`` stands for that one's end."""


class Killed(BaseException):
    """The process is killed here: nothing of ours may catch it."""


class _Turn:
    """A writer's thread, which stops ahead of each KV call until it is let on."""

    def __init__(self, work: Writer) -> None:
        self._work = work
        self._go, self._stopped = threading.Lock(), threading.Lock()
        self._go.acquire()
        self._stopped.acquire()
        self.done = self.killed = False
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
        """Let the writer make its next call, and wait until it is at the one after."""
        self._go.release()
        self._stopped.acquire()

    def _run(self) -> None:
        self._go.acquire()
        try:
            self._work()
        except Killed:
            pass
        except BaseException as error:  # noqa: BLE001 - told by who looks at it
            self.error = error
        self.done = True
        self._stopped.release()


def _run(
    stores: FakeStores, writers: Sequence[Writer], begin: Order, at: Optional[Collection[str]]
) -> List[Tuple[int, Order]]:
    """Let the writers take turns as ``begin`` says, then each to its end.

    Returns for each turn whose it was, and who else could have had it. Raises what a writer raised.
    """
    turns = [_Turn(writer) for writer in writers]
    of_thread = {turn.thread: turn for turn in turns}

    def before(_verb: str, name: str) -> None:
        if at is None or name in at:
            of_thread[threading.current_thread()].stop()

    watched = [*stores.collections, *stores.services]
    for one in watched:
        one.before = before
    taken: List[Tuple[int, Order]] = []
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
        taken.append((current, tuple(number for number in able if number != writer)))
        turns[writer].killed = current < 0
        turns[writer].step()
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
) -> Iterator[Tuple[FakeStores, Order]]:
    """Yield the stores after each order of the writers' calls, and the order.

    Args:
        begun: makes the stores as they are before, and the writers; always the same.
        interruptions: how often, at most, a writer that is not done has to wait for another.
        at: the collections at whose calls it may have to; None: all, and the services'.
        kills: how many writers, at most, are killed.
    """
    waiting: List[Order] = [()]
    while waiting:
        begin = waiting.pop()
        stores, writers = begun()
        taken = _run(stores, writers, begin, at)
        order = tuple(current for current, _others in taken)
        yield stores, order
        spent = 0
        killed = sum(current < 0 for current in begin)
        for place, (current, others) in enumerate(taken):
            last = order[place - 1] if place else -1
            if place >= len(begin):
                if killed < kills:
                    waiting.append((*order[:place], ~current))
                for other in others:
                    costs = last >= 0 and last != other and (last == current or last in others)
                    if spent + costs <= interruptions:
                        waiting.append((*order[:place], other))
            spent += last >= 0 and last != current and last in others


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

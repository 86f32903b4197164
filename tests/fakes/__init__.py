"""Fakes of the app's ports, which fail on demand."""

from tests.fakes.clock import ManualClock
from tests.fakes.search import FakeSearcher
from tests.fakes.stores import DiskFull, FakeCollection, FakeStores, Unavailable

__all__ = [
    "DiskFull",
    "FakeCollection",
    "FakeSearcher",
    "FakeStores",
    "ManualClock",
    "Unavailable",
]

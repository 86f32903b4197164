import pytest

from tests.fakes import FakeStores, ManualClock
from tests.unit.incidents.builders import START, signal
from tests.unit.incidents.movers import opened


@pytest.fixture
def stores() -> FakeStores:
    return FakeStores()


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(START + 100)


@pytest.fixture
def two(stores: FakeStores, clock: ManualClock) -> tuple[str, str]:
    """Return two open incidents, of checkout and of cart."""
    return opened(stores, clock, signal("checkout")), opened(stores, clock, signal("cart"))

import pytest

from tests.fakes import FakeStores, ManualClock
from tests.unit.incidents.builders import START


@pytest.fixture
def stores() -> FakeStores:
    return FakeStores()


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(START + 100)

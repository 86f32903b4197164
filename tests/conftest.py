"""What holds for every test."""

import gc

from hypothesis import HealthCheck, settings

# How long an example takes, or takes to make, says something of the machine's load, and nothing of
# the code.
settings.register_profile(
    "any machine", deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("any machine")


def pytest_collection_finish() -> None:
    """Leave what all tests share out of each look for garbage: a tenth of the unit tests' time."""
    gc.collect()
    gc.freeze()

"""Settings for every test."""

import gc

from hypothesis import HealthCheck, settings

# The time to generate or run an example depends on the machine's load, not on the code.
settings.register_profile(
    "any machine", deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("any machine")


def pytest_collection_finish() -> None:
    """Exclude shared objects from garbage collection: saves a tenth of the unit tests' time."""
    gc.collect()
    gc.freeze()

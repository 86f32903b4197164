"""The detectors of monitors by name, each of which has a module."""

from __future__ import annotations

from .burning import BurningBudget
from .detector import Detector
from .lasting import Lasting
from .monitor import MAY_HAVE_TO_LAST, Monitor
from .novelty import NewTemplates
from .ratio import Ratio
from .silence import Silence
from .unexpected import UnexpectedValues

__all__ = ["detector_for"]

_DETECTORS = {
    "baseline": UnexpectedValues,
    "silence": Silence,
    "ratio": Ratio,
    "new_template": NewTemplates,
    "burn_rate": BurningBudget,
}


def detector_for(monitor: Monitor) -> Detector:
    """Return a monitor's detector, which has learned nothing yet."""
    detector = _DETECTORS[monitor.detector](monitor)
    return Lasting(detector) if monitor.detector in MAY_HAVE_TO_LAST else detector

"""The detectors of monitors by name; each has a module of its own."""

from __future__ import annotations

from .burn_rate import BurnRateDetector
from .detector import Detector
from .monitor import WITH_RAISE_AFTER, Monitor
from .new_templates import NewTemplates
from .raise_after import RaiseAfter
from .ratio import Ratio
from .silence import Silence
from .unexpected import UnexpectedValues

__all__ = ["detector_for"]

_DETECTORS = {
    "baseline": UnexpectedValues,
    "silence": Silence,
    "ratio": Ratio,
    "new_template": NewTemplates,
    "burn_rate": BurnRateDetector,
}


def detector_for(monitor: Monitor) -> Detector:
    """Return a monitor's detector, which has learned nothing yet."""
    detector = _DETECTORS[monitor.detector](monitor)
    return RaiseAfter(detector) if monitor.detector in WITH_RAISE_AFTER else detector

"""Which signals are one problem: by entity and dependency, and by how a burst stands out in time.

* :mod:`.related`: open incidents of the same or of a neighbouring entity, nearest first.
* :mod:`.habits`: what usually comes from where, and how often.
* :mod:`.tempo`: how long a burst may pause before it is over.
* :mod:`.mix`: what a burst is made of, and whether that has changed.
* :mod:`.bursts`: the bursts that are going on, by entity.
* :mod:`.gatherings`: usual alerts, by time.
* :mod:`.segments`: groups a stream of alerts in one pass, with all but the first.
"""

from .related import Candidates, Join, Topology
from .segments import Limits, Placement, Segmenter

__all__ = ["Candidates", "Join", "Limits", "Placement", "Segmenter", "Topology"]

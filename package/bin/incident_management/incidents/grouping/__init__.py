"""Which signals are one problem: by entity and dependency, and by how a burst stands out in time.

* :mod:`.related`: open incidents of the same or of a neighbouring entity, nearest first.
* :mod:`.habits`: what usually comes from where, how often, and in whose company.
* :mod:`.tempo`: how long a burst may pause before it is over.
* :mod:`.segments`: groups a stream of alerts in one pass, with the two above.
"""

from .related import Candidates, Join, Topology
from .segments import Limits, Placement, Segmenter

__all__ = ["Candidates", "Join", "Limits", "Placement", "Segmenter", "Topology"]

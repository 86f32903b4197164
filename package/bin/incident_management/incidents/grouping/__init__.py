"""Which signals are one problem: by entity and dependency, and by how a burst stands out in time.

* :mod:`.related`: open incidents of the same or of a neighbouring entity, or whose events say the
  same, nearest first.
* :mod:`.wording`: how alike is what the events of two problems say.
* :mod:`.habits`: what usually comes from where, how often, and in whose company.
* :mod:`.tempo`: how long a burst may pause before it is over.
* :mod:`.segments`: groups a stream of alerts in one pass, with the two above.
"""

from .related import DEFAULT_GROUNDS, GROUNDS, Candidates, Join, Topology
from .segments import Limits, Placement, Segmenter
from .wording import wording_of

__all__ = [
    "DEFAULT_GROUNDS",
    "GROUNDS",
    "Candidates",
    "Join",
    "Limits",
    "Placement",
    "Segmenter",
    "Topology",
    "wording_of",
]

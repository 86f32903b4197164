"""Which signals are one problem: by entity and dependency, and by how a burst stands out in time.

* :mod:`.related`: open incidents of the same or of a neighbouring entity, or whose events say the
  same, nearest first.
* :mod:`.wording`: how alike is what the events of two problems say.
* :mod:`.habits`: what usually comes from where, and how often.
* :mod:`.tempo`: how long a burst may pause before it is over.
* :mod:`.mix`: what a burst is made of, and whether that has changed.
* :mod:`.bursts`: the bursts that are going on, by entity.
* :mod:`.gatherings`: usual alerts, by time.
* :mod:`.segments`: groups a stream of alerts in one pass, with all but the first two.
* :mod:`.rows`: the same for the rows of a search.
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

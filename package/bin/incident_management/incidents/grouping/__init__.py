"""Group signals into problems: by entity and dependency, and by bursts in time.

* :mod:`.related`: finds the open incidents that a new problem may join, nearest first.
* :mod:`.wording`: compares the wording of two problems' events.
* :mod:`.habits`: learns which alerts usually come from which entity, and how often.
* :mod:`.tempo`: estimates how long a burst may pause before it ends.
* :mod:`.mix`: detects that the mix of kinds in a burst has changed.
* :mod:`.bursts`: keeps the bursts in progress, by entity.
* :mod:`.gatherings`: groups usual alerts by time.
* :mod:`.segments`: groups a stream of alerts in one pass; uses all but the first two.
* :mod:`.rows`: groups the rows of a search in the same way.
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

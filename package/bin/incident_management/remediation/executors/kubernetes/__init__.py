"""Changes to Deployments, StatefulSets and DaemonSets of Kubernetes."""

from .change import Change
from .objects import OBJECTS
from .restart import Restart
from .rollback import Rollback
from .scale import Scale

__all__ = ["OBJECTS", "Change", "Restart", "Rollback", "Scale"]

"""Read the lookup ``incident_topology`` for grouping: which service depends on which.

Grouping reads the file itself, because a search for each signal would take too long. The lookup's
definition names the file (``filename`` in transforms.conf.spec), as for searches.
"""

from __future__ import annotations

import csv
import time
from pathlib import Path
from typing import Any, Callable, Mapping, Optional

from ...incidents.grouping import Topology
from ..session import APP, Session, SplunkError, path_of
from . import conf

__all__ = ["TopologyLookup"]

LOOKUP = "incident_topology"
LOCATED_SECONDS = 10.0
GOES_ON = "Grouping continues without the topology"


class TopologyLookup:
    """Reads the lookup; caches its path for 10 seconds, and its rows until the file changes.

    ``problem`` is a sentence if it could not be read the last time.
    """

    def __init__(self, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._monotonic = monotonic
        self._located_at = float("-inf")
        self._path: Optional[Path] = None
        self.problem = ""

    def read(self, session: Session) -> Topology:
        """Return the topology; an empty one if it can't be read. Raises no SplunkError."""
        try:
            now = self._monotonic()
            if self._path is None or now - self._located_at >= LOCATED_SECONDS:
                self._path = _file_of(_definition(session))
                self._located_at = now
            topology = Topology.from_rows(conf.read_lookup(self._path))
        except SplunkError as error:
            self.problem = f"{GOES_ON}: the location of {LOOKUP} can't be read: {error}"
        except (ValueError, OSError, csv.Error) as error:
            self.problem = f"{GOES_ON}: {error}"
        else:
            self.problem = ""
            return topology
        return Topology()


def _definition(session: Session) -> Mapping[str, Any]:
    path = "/servicesNS/nobody/" + path_of(APP, "configs", "conf-transforms", LOOKUP)
    entry: Mapping[str, Any] = session.get(path)["entry"][0]
    return entry


def _file_of(definition: Mapping[str, Any]) -> Path:
    """Return the file that a definition names. Raises ValueError when there is none."""
    # Only names are supported, no paths: transforms.conf.spec.
    name = Path(str(definition["content"].get("filename") or "")).name
    if not name:
        raise ValueError(
            f"transforms.conf [{LOOKUP}] names no file; grouping reads a CSV file only, so set "
            "filename."
        )
    etc, app = conf.home() / "etc", str((definition.get("acl") or {}).get("app") or APP)
    folders = [etc / "apps" / app, etc / "apps" / APP, etc / "system"]
    for path in (folder / "lookups" / name for folder in folders):
        if path.is_file():
            return path
    raise ValueError(
        f"transforms.conf [{LOOKUP}] names {name}, which is not in the folder lookups of the app "
        f"{app}; put the file there."
    )

"""``| incidentdetections``: how each detection does, and what would calm a noisy one.

A row for each detection, those that page most first. Reads only.
"""

import sys
import time

import import_declare_test  # noqa: F401  # puts the app's libraries on the path; must come first
from splunklib.searchcommands import Configuration, GeneratingCommand, Option, dispatch

from incident_management.detection.health.measures import PAGES_A_DAY
from incident_management.detection.health.report import HealthReport, flat
from incident_management.detection.options import Number, parse_options
from incident_management.ports import SearchFailed
from incident_management.splunk.kv.store import KvStores
from incident_management.splunk.session import Session, SplunkError

# What splunkd answers of a collection that a role may not read.
HIDDEN = (403, 404)
KINDS = {"pages_per_day": Number(0, 1e6)}


@Configuration(type="reporting")
class IncidentDetectionsCommand(GeneratingCommand):
    """Tells how each detection does.

    ##Syntax
    incidentdetections [pages_per_day=<number>]
    """

    pages_per_day = Option(doc="A detection with more pages is noisy; default 10.")

    def prepare(self):
        try:
            given = parse_options(KINDS, {"pages_per_day": self.pages_per_day}, self.fieldnames)
        except ValueError as error:
            self.error_exit(error, str(error))
        limit = given.get("pages_per_day")
        self._limit = PAGES_A_DAY if limit is None else limit

    def generate(self):
        session = Session.from_searchinfo(self.metadata.searchinfo)
        try:
            # Some small requests a detection: most of what one takes alone is its handshake.
            with session.kept_open():
                report = HealthReport(session, KvStores(session), time.time(), self._limit)
                for health in report.all(runs=True):
                    yield flat(health)
        except (SearchFailed, SplunkError) as error:
            why = str(error)
            if getattr(error, "status", 0) in HIDDEN:
                why = "your role may not see incidents; incident_viewer may."
            self.error_exit(error, f"The health of the detections can't be told: {why}")


if __name__ == "__main__":
    dispatch(IncidentDetectionsCommand, sys.argv, sys.stdin, sys.stdout, __name__)

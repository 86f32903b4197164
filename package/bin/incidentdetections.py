"""``| incidentdetections``: the health of each detection.

Returns a row for each detection, those that page most first, and for a noisy one the setting that
would have calmed it. Reads only.
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

# How splunkd answers when a role may not read a collection.
HIDDEN = (403, 404)
KINDS = {"pages_per_day": Number(0, 1e6)}


@Configuration(type="reporting")
class IncidentDetectionsCommand(GeneratingCommand):
    """Shows the health of each detection.

    ##Syntax
    incidentdetections [pages_per_day=<number>]
    """

    pages_per_day = Option(doc="Pages a day above which a detection is noisy; default: 10.")

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
            # Each detection takes some small requests; a connection for each would cost more.
            with session.kept_open():
                report = HealthReport(session, KvStores(session), time.time(), self._limit)
                for health in report.all(runs=True):
                    yield flat(health)
        except (SearchFailed, SplunkError) as error:
            why = str(error)
            if getattr(error, "status", 0) in HIDDEN:
                why = "your role may not read incidents; the role incident_viewer may."
            self.error_exit(error, f"The health of the detections can't be read: {why}")


if __name__ == "__main__":
    dispatch(IncidentDetectionsCommand, sys.argv, sys.stdin, sys.stdout, __name__)

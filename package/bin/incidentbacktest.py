"""``| incidentbacktest search=<saved search> earliest=-7d …``: what would it have opened?

Runs a saved detection again over past windows and gives a row for each incident that it would
have opened. Writes nothing, and refuses searches that do.
"""

import sys
import time

import import_declare_test  # noqa: F401  # puts the app's libraries on the path; must come first
from splunklib.searchcommands import Configuration, Option, dispatch

from incident_management.detection.backtest.replay import BacktestFailed
from incident_management.detection.backtest.request import SPANS, BacktestRequest, parse_compare
from incident_management.detection.backtest.setup import replay, replay_monitor
from incident_management.detection.options import Duration, Number, parse_options
from incident_management.splunk.scripts.progress import ProgressCommand
from incident_management.splunk.session import APP, Session

KINDS = {
    "step": Duration(),
    **{name: Duration() for name in SPANS},
    "threshold": Number(-1e12, 1e12),
    "target_pages_per_day": Number(0, 1e6),
}


@Configuration(type="reporting")
class IncidentBacktestCommand(ProgressCommand):
    """Replays a detection over past time.

    ##Syntax
    incidentbacktest (search=<saved search> | monitor=<name>) [earliest=<time>] [latest=<time>]
    [step=<span>] [quiet=<span>] [threshold=<number>] [group_window=<span>] [reopen_window=<span>]
    [compare="<name>=<value>,…"] [target_pages_per_day=<number>] [app=<app>] [owner=<user>]
    """

    search = Option(doc="Name of the saved search.")
    monitor = Option(doc="Name of the monitor, in the place of a saved search.")
    earliest = Option(default="-24h", doc="First run to replay, a time modifier.")
    latest = Option(default="now", doc="Last run to replay, a time modifier.")
    step = Option(doc="Time between runs, 5m; from the cron schedule if absent.")
    quiet = Option(doc="Time without findings after which it is over.")
    threshold = Option(doc="Limit in the place of the search's own.")
    group_window = Option(doc="In the place of incident_routing.conf's.")
    reopen_window = Option(doc="In the place of incident_routing.conf's.")
    compare = Option(doc="A second setting beside: threshold=9,group_window=1h.")
    target_pages_per_day = Option(doc="Propose a threshold with at most so many pages a day.")
    app = Option(doc="App of the saved search; the one you are in, else Incident Management's.")
    owner = Option(doc="Whose saved search, if it is private; yours if absent.")

    def prepare(self):
        given = {name: getattr(self, name) for name in KINDS}
        try:
            if bool(self.search) == bool(self.monitor):
                raise ValueError("Name what to replay: search= a saved search, or monitor= one.")
            options = parse_options(KINDS, given, self.fieldnames)
            compare = parse_compare(self.compare or "")
            self._user = str(self.metadata.searchinfo.username)
            self._request = BacktestRequest(
                self.earliest, self.latest, self._user, compare=compare, **options
            )
        except ValueError as error:
            self.error_exit(error, str(error))

    def generate(self):
        searchinfo = self.metadata.searchinfo
        apps = [self.app] if self.app else [str(searchinfo.app), APP]
        owner = self.owner or self._user
        session = Session.from_searchinfo(searchinfo)
        try:
            if self.monitor:
                what, run = (self.monitor,), replay_monitor
            else:
                what, run = (self.search, apps, owner), replay
            tells = (self.write_warning, self.report_progress)
            yield from run(session, time.time(), *what, self._request, *tells)
        except BacktestFailed as error:
            self.error_exit(error, str(error))


if __name__ == "__main__":
    dispatch(IncidentBacktestCommand, sys.argv, sys.stdin, sys.stdout, __name__)

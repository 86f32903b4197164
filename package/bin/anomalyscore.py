"""``… | anomalyscore value=<field> [by=<fields>] …``: score values against a learned baseline.

Adds ``expected``, ``lower``, ``upper``, ``anomaly_score`` and ``is_anomaly`` to each row and keeps
the order. Runs on the search head, in one pass; rows must be sorted oldest first.
"""

import gc
import sys
import time
from itertools import repeat

import import_declare_test  # noqa: F401  # puts the app's libraries on the path; must come first
from splunklib.searchcommands import Configuration, Option, dispatch

from incident_management.detection.baselines.baseline import DIRECTIONS, SEASONS, SENSITIVITIES
from incident_management.detection.baselines.saved_state import SavedState
from incident_management.detection.baselines.series import FIELDS, BadInput, SeriesScorer
from incident_management.detection.baselines.zone import Zone
from incident_management.detection.options import (
    Choice,
    FieldName,
    FieldNames,
    Number,
    TimeZone,
    parse_options,
)
from incident_management.incidents.errors import Invalid
from incident_management.splunk.scripts.rows import RowsCommand
from incident_management.splunk.session import Session, SplunkError

KINDS = {
    "value": FieldName(),
    "by": FieldNames(),
    "season": Choice(SEASONS),
    "sensitivity": Choice(SENSITIVITIES),
    "direction": Choice(DIRECTIONS),
    "min_history": Number(2, 10000, whole=True),
    "time_zone": TimeZone(),
}
NO_TIME = (
    "The rows have no _time, so they are scored in the order in which they come, without seasons. "
    "Keep _time, as in | bin _time span=5m | stats count by _time."
)


@Configuration(distributed=False)
class AnomalyScoreCommand(RowsCommand):
    """Scores each value against a baseline learned from those before it.

    ##Syntax
    anomalyscore value=<field> [by=<field,field…>] [season=auto|none|hourly|daily|weekly]
    [sensitivity=low|medium|high] [direction=both|up|down] [min_history=<int>]
    [time_zone=<name>] [state=<name>]
    """

    value = Option(require=True, doc="Field with the number.")
    by = Option(doc="Fields that identify a series, separated by commas.")
    season = Option(default="auto", doc="Season to learn: auto, none, hourly, daily or weekly.")
    sensitivity = Option(
        default="medium", doc="How easily a value counts as an anomaly: low, medium or high."
    )
    direction = Option(
        default="both", doc="Which values are anomalies: too high (up), too low (down) or both."
    )
    min_history = Option(default="10", doc="Points to learn from before the first point is scored.")
    time_zone = Option(
        doc="Time zone in which days begin (Europe/Berlin); default: the search head's."
    )
    state = Option(doc="Name under which to save what was learned, for the next run.")

    def prepare(self):
        given = {name: getattr(self, name) for name in KINDS}
        try:
            options = parse_options(KINDS, given, self.fieldnames)
        except ValueError as error:
            self.error_exit(error, str(error))
        self._value, self._by = options["value"], options["by"] or ()
        self._scorer = SeriesScorer(
            self._value,
            by=self._by,
            season=options["season"],
            threshold=SENSITIVITIES[options["sensitivity"]],
            direction=options["direction"],
            min_history=options["min_history"],
            zone=Zone(options["time_zone"] or ""),
        )
        self._saved, self._recalled = None, False
        if self.state is not None:
            self._remember(self.state.strip())
        self._warned = 0
        self._warned_of_time = False
        # Rows and scores are many small objects without cycles. Garbage collection would look for
        # cycles among them, which takes a third of the time.
        gc.disable()

    def change(self, table):
        if self._saved is not None:
            self._scorer.set_now(time.time())
            self._recall(table)
        elif table.has(self._value) and not (self._warned_of_time or table.has("_time")):
            self._warned_of_time = True
            self.write_warning(NO_TIME)
        scorer, by = self._scorer, self._by
        self.track_fields(table, by)
        values = table.column(self._value) if table.has(self._value) else repeat(None)
        keys = zip(*map(table.column, by)) if by else repeat(())
        if len(by) == 1:
            keys = table.column(by[0])
        try:
            table.add_plain(FIELDS, map(scorer.score_one, values, keys, table.column("_time")))
        except BadInput as error:
            self.error_exit(error, str(error))
        scorer.note_end()
        warnings = scorer.warnings()
        for text in warnings[self._warned :]:
            self.write_warning(text)
        self._warned = len(warnings)

    def end(self):
        """Save what was learned after the last row; a preview saves nothing."""
        self.warn_of_missing()
        ahead = self._scorer.ahead_warning()
        if ahead:
            self.write_warning(ahead)
        if not self._recalled or getattr(self.metadata, "preview", False):
            return
        try:
            kept = self._saved.save(self._scorer.named(), self._scorer.states())
        except SplunkError as error:
            self.write_warning(f"The learned state was not saved: {error.message}")
            return
        if kept < len(self._scorer):
            self.write_warning(f"Only the {kept} series with the latest rows were saved.")

    def _remember(self, name):
        info = self.metadata.searchinfo
        try:
            self._saved = SavedState(Session.from_searchinfo(info), name, info.sid)
        except Invalid as error:
            self.error_exit(error, str(error))

    def _recall(self, table):
        """Load what earlier runs learned, once the first rows have come."""
        if not table.has("_time"):
            text = "state=<name> needs the field _time, so that no row is learned from twice."
            self.error_exit(ValueError(text), text)
        if self._recalled:
            return
        self._recalled = True
        try:
            state = self._saved.load()
            if state:
                self._scorer.restore(state)
        except (SplunkError, ValueError) as error:
            self.error_exit(error, f"The saved state can't be used: {error}")


if __name__ == "__main__":
    dispatch(AnomalyScoreCommand, sys.argv, sys.stdin, sys.stdout, __name__)

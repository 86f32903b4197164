"""``… | anomalyscore value=<field> [by=<fields>] …``: is a value what it should be?

Adds ``expected``, ``lower``, ``upper``, ``anomaly_score`` and ``is_anomaly`` to each row and keeps
the order. Runs on the search head, in one pass; rows must come with the oldest first.
"""

import gc
import sys
from itertools import repeat

import import_declare_test  # noqa: F401  # puts the app's libraries on the path; must come first
from splunklib.searchcommands import Configuration, Option, dispatch

from incident_management.detection.baseline import DIRECTIONS, SEASONS, SENSITIVITIES
from incident_management.detection.options import (
    Choice,
    FieldName,
    FieldNames,
    Number,
    parse_options,
)
from incident_management.detection.series import FIELDS, BadInput, SeriesScorer
from incident_management.splunk.rows import RowsCommand

KINDS = {
    "value": FieldName(),
    "by": FieldNames(),
    "season": Choice(SEASONS),
    "sensitivity": Choice(SENSITIVITIES),
    "direction": Choice(DIRECTIONS),
    "min_history": Number(2, 10000, whole=True),
}


@Configuration(distributed=False)
class AnomalyScoreCommand(RowsCommand):
    """Scores each value against a baseline learned from those before it.

    ##Syntax
    anomalyscore value=<field> [by=<field,field…>] [season=auto|none|hourly|daily|weekly]
    [sensitivity=low|medium|high] [direction=both|up|down] [min_history=<int>]
    """

    value = Option(require=True, doc="Field with the number.")
    by = Option(doc="Fields that tell series apart, by comma.")
    season = Option(default="auto", doc="Season to learn: auto, none, hourly, daily or weekly.")
    sensitivity = Option(default="medium", doc="How soon it is an anomaly: low, medium or high.")
    direction = Option(default="both", doc="What is an anomaly: both, up or down.")
    min_history = Option(default="10", doc="Points before the first verdict.")

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
        )
        self._warned = 0
        # Rows and scores are many small objects without cycles, which go when the last reference
        # does; looking for cycles among them takes a third of the time.
        gc.disable()

    def change(self, table):
        scorer, by = self._scorer, self._by
        values = table.column(self._value) if table.has(self._value) else repeat(None)
        keys = zip(*map(table.column, by)) if by else repeat(())
        if len(by) == 1:
            keys = table.column(by[0])
        try:
            table.add(FIELDS, map(scorer.score_one, values, keys, table.column("_time")))
        except BadInput as error:
            self.error_exit(error, str(error))
        scorer.note_end()
        warnings = scorer.warnings()
        for text in warnings[self._warned :]:
            self.write_warning(text)
        self._warned = len(warnings)


if __name__ == "__main__":
    dispatch(AnomalyScoreCommand, sys.argv, sys.stdin, sys.stdout, __name__)

"""``… | alertgroups kind=<fields> [entity=<fields>]``: group alerts into problems.

Adds ``group_id``, ``group_usual`` and ``group_reason`` to each row and keeps the order. Runs on the
search head, in one pass; rows must be sorted oldest first.
"""

import gc
import sys
import time

import import_declare_test  # noqa: F401  # puts the app's libraries on the path; must come first
from splunklib.searchcommands import Configuration, Option, dispatch

from incident_management.detection.options import FieldNames, parse_options
from incident_management.incidents.errors import Invalid
from incident_management.incidents.grouping.rows import FIELDS, RowGrouper
from incident_management.splunk.scripts.rows import RowsCommand

KINDS = {"kind": FieldNames(), "entity": FieldNames()}


@Configuration(distributed=False)
class AlertGroupsCommand(RowsCommand):
    """Groups alerts into problems.

    ##Syntax
    alertgroups kind=<field,field…> [entity=<field,field…>]
    """

    kind = Option(
        require=True, doc="Fields that say what was found (such as signature), separated by commas."
    )
    entity = Option(
        default="host", doc="Fields that say what the alert is about, separated by commas."
    )

    def prepare(self):
        given = {name: getattr(self, name) for name in KINDS}
        try:
            self._fields = parse_options(KINDS, given, self.fieldnames)
        except ValueError as error:
            self.error_exit(error, str(error))
        self._wanted = ("_time", *self._fields["kind"])
        self._grouper = RowGrouper(time.time())
        # Placements are many small objects without cycles.
        gc.disable()

    def change(self, table):
        wanted, self._wanted = self._wanted, ()
        for name in wanted:
            if not table.has(name):
                text = f"alertgroups needs the field {name}, but the rows do not have it."
                self.error_exit(ValueError(text), text)
        self.track_fields(table, self._fields["entity"])
        kinds, entities = (_joined(table, self._fields[name]) for name in ("kind", "entity"))
        try:
            table.add(FIELDS, map(self._grouper.place, table.column("_time"), kinds, entities))
        except Invalid as error:
            self.error_exit(error, str(error))

    def end(self):
        self.warn_of_missing()
        for text in self._grouper.warnings():
            self.write_warning(text)


def _joined(table, names):
    """Return the values of some fields of each row, joined by blanks; empty where all are empty."""
    columns = [table.column(name) for name in names]
    return (
        columns[0] if len(columns) == 1 else [" ".join(filter(None, row)) for row in zip(*columns)]
    )


if __name__ == "__main__":
    dispatch(AlertGroupsCommand, sys.argv, sys.stdin, sys.stdout, __name__)

"""``… | logtemplates [field=_raw] [baseline=<lookup> [new=<bool>]]``: what kind of line it is.

Adds ``template_id``, ``template`` and ``variables`` to each event and keeps the order; with a
baseline also ``is_new`` and ``usual_per_hour``. Runs on the search head, because templates are
learned from all events together. The baseline is read with the rights of the search's user, in the
app of the search.
"""

import gc
import sys

import import_declare_test  # noqa: F401  # puts the app's libraries on the path; must come first
from splunklib.searchcommands import Configuration, Option, dispatch

from incident_management.detection.options import Choice, FieldName, parse_options
from incident_management.detection.templates.known_templates import MAX_TEMPLATES, KnownTemplates
from incident_management.detection.templates.miner import TemplateMiner
from incident_management.ports import SearchFailed
from incident_management.splunk.scripts.rows import MULTIVALUE, RowsCommand
from incident_management.splunk.searching import spl
from incident_management.splunk.searching.search import SplunkSearcher
from incident_management.splunk.session import Session, SplunkError

NAMES = ("template_id", "template", "variables", f"{MULTIVALUE}variables")
_NOTHING = ("",) * len(NAMES)
YES = ("1", "true", "t", "yes")
KINDS = {
    "field": FieldName(),
    "baseline": FieldName(),
    "new": Choice((*YES, "0", "false", "f", "no")),
}


@Configuration(distributed=False)
class LogTemplatesCommand(RowsCommand):
    """Finds the template of each event.

    ##Syntax
    logtemplates [field=<field>] [baseline=<lookup>] [new=<bool>]
    """

    field = Option(default="_raw", doc="Field with the line; _raw if absent.")
    baseline = Option(doc="Lookup with the templates that are known.")
    new = Option(default="0", doc="true: only events whose template the baseline has not.")

    def prepare(self):
        given = {name: getattr(self, name) for name in KINDS}
        try:
            options = parse_options(KINDS, given, self.fieldnames)
            if options["new"] in YES and not options["baseline"]:
                raise ValueError("new=true needs baseline=<lookup>: what is known?")
        except ValueError as error:
            self.error_exit(error, str(error))
        self._field = options["field"]
        self._only_new = options["new"] in YES
        self._lookup = options["baseline"]
        self._baseline = self._miner = None
        self._seen = False
        # A chunk is many small objects without cycles; collecting at every thousandth of them
        # takes a third of the time. Instead, once a chunk.
        gc.disable()

    def change(self, table):
        """Learn from the whole chunk first: its early lines get the same template as its late."""
        if self._miner is None:
            self._begin()
        gc.collect()
        lines = table.column(self._field)
        self._seen = self._seen or any(lines)
        found = [_row(*match) for match in self._miner.match_all(lines)]
        for place, line in enumerate(lines):
            if not line:
                found[place] = _NOTHING
        names = NAMES
        if self._baseline is not None:
            usual = self._baseline.usual_per_hour
            known = {
                row[1]: ("1" if self._baseline.is_new(row[1]) else "0", usual(row[1]))
                for row in found
            }
            known[""] = ("0", "")
            found = [row + known[row[1]] for row in found]
            names = (*NAMES, "is_new", "usual_per_hour")
        table.add(names, found)
        if self._only_new:
            table.keep([row[4] == "1" for row in found])

    def end(self):
        """Name the field when events came and none of them had it."""
        if self._miner is not None and not self._seen:
            self.write_warning(f"No event has the field {self._field}; none got a template.")

    def _begin(self):
        """Read the baseline, not before there are events: splunkd may start a command for none."""
        if self._lookup:
            self._baseline = self._read_baseline()
        self._miner = TemplateMiner(known=self._baseline.templates if self._baseline else ())

    def _read_baseline(self):
        """Return what is known. With no rows, a warning of splunkd's is the reason, and ends it.

        With rows it may be about anything, such as an indexer that is down: it is passed on.
        """
        info = self.metadata.searchinfo
        session = Session.from_searchinfo(info).within(str(info.app), str(info.username))
        try:
            search = spl.Search().pipe(spl.lookup(self._lookup))
            found = SplunkSearcher(session).run(str(search), "0", "now", limit=MAX_TEMPLATES)
            if found.warnings and not found.rows:
                raise ValueError(found.warnings[0])
            baseline = KnownTemplates(found.rows)
        except (SearchFailed, SplunkError, ValueError) as error:
            reason = str(error).rstrip(".")
            return self.error_exit(error, f"The baseline {self._lookup} can't be used: {reason}.")
        self._pass_warnings_on(found)
        return baseline

    def _pass_warnings_on(self, found):
        for text in found.warnings:
            self.write_warning(text)
        if found.truncated:
            self.write_warning(f"Only {MAX_TEMPLATES} rows of {self._lookup} were read.")
        if not found.rows:
            self.write_warning(f"The baseline {self._lookup} is empty: every template is new.")


def _row(identity, template, values):
    """The fields of one event; several values are written as splunklib writes them."""
    if len(values) < 2:
        return (identity, template, values[0] if values else "", "")
    coded = [value.replace("$", "$$") if "$" in value else value for value in values]
    return (identity, template, "\n".join(values), f"${'$;$'.join(coded)}$")


if __name__ == "__main__":
    dispatch(LogTemplatesCommand, sys.argv, sys.stdin, sys.stdout, __name__)

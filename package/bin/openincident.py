"""``| openincident sid=… offset=…``: open an incident about one event of a search.

The workflow action "Open incident" runs it. It is told where the event stands, not what is in it:
Splunk puts an event's values into a search as they are, so a log line could put commands there.
"""

import sys

import import_declare_test  # noqa: F401  # puts the app's libraries on the path; must come first
from splunklib.searchcommands import Configuration, GeneratingCommand, Option, dispatch

from incident_management.detection.options import Choice, Number, parse_options
from incident_management.incidents.intake.from_event import SEVERITIES, OpenFailed, open_from_event
from incident_management.splunk.session import Session

KINDS = {"offset": Number(0, 1e9, whole=True), "severity": Choice(SEVERITIES)}


@Configuration(type="reporting")
class OpenIncidentCommand(GeneratingCommand):
    """Opens an incident about one event.

    ##Syntax
    openincident sid=<search id> offset=<int> (severity=<severity>)? (title=<string>)?
    (fields=<string>)?
    """

    sid = Option(require=True, doc="The search that found the event.")
    offset = Option(require=True, doc="Its place among the events.")
    severity = Option(default="medium", doc="critical, high, medium, low or info.")
    title = Option(default="", doc="By default the first line of the event.")
    fields = Option(default="", doc="Values of custom fields: region=eu, vendor_case=17.")

    def prepare(self):
        given = {name: getattr(self, name) for name in KINDS}
        try:
            self._options = parse_options(KINDS, given, self.fieldnames)
        except ValueError as error:
            self.error_exit(error, str(error))

    def generate(self):
        info = self.metadata.searchinfo
        session = Session.from_searchinfo(info)
        offset, severity = self._options["offset"], self._options["severity"]
        given = (self.sid, offset, severity, self.title or "", str(info.username))
        try:
            yield open_from_event(session, *given, self.fields or "")
        except OpenFailed as error:
            self.error_exit(error, str(error))


if __name__ == "__main__":
    dispatch(OpenIncidentCommand, sys.argv, sys.stdin, sys.stdout, __name__)

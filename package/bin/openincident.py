"""``| openincident sid=… offset=…``: open an incident about one event of a search.

The workflow action "Open incident" runs it. It is told where the event stands, not what is in it:
Splunk puts an event's values into a search as they are, so a log line could put commands there.
"""

import sys

import import_declare_test  # noqa: F401  # puts the app's libraries on the path; must come first
from splunklib.searchcommands import Configuration, GeneratingCommand, Option, dispatch, validators

from incident_management.incidents.intake.by_event import SEVERITIES, OpenFailed, open_from_event
from incident_management.splunk.session import Session


@Configuration(type="reporting")
class OpenIncidentCommand(GeneratingCommand):
    """Opens an incident about one event.

    ##Syntax
    openincident sid=<search id> offset=<int> (severity=<severity>)? (title=<string>)?
    (fields=<string>)?
    """

    sid = Option(require=True, doc="The search that found the event.")
    offset = Option(require=True, validate=validators.Integer(0), doc="Its place among the events.")
    severity = Option(default="medium", validate=validators.Set(*SEVERITIES))
    title = Option(default="", doc="By default the first line of the event.")
    fields = Option(default="", doc="Values of custom fields: region=eu, vendor_case=17.")

    def generate(self):
        info = self.metadata.searchinfo
        session = Session.from_searchinfo(info)
        given = (self.sid, self.offset, self.severity, self.title or "", str(info.username))
        try:
            yield open_from_event(session, *given, self.fields or "")
        except OpenFailed as error:
            self.error_exit(error, str(error))


if __name__ == "__main__":
    dispatch(OpenIncidentCommand, sys.argv, sys.stdin, sys.stdout, __name__)

"""``| aianalyze incident=INC-…``: rank the causes of an incident, with cited evidence.

Nothing is searched, paid for or written before splunkd asks for results: splunkd may launch a
command more than once for one search, and the search's id makes that one analysis.
"""

import sys

import import_declare_test  # noqa: F401  # puts the app's libraries on the path; must come first
from splunklib.searchcommands import Configuration, GeneratingCommand, Option, dispatch

from incident_management.analysis.command import AnalysisFailed, analyze, rows
from incident_management.splunk.clock import SystemClock
from incident_management.splunk.search import SplunkSearcher
from incident_management.splunk.session import Session

SESSION_SECONDS = 660.0
"""The REST handler may wait this long for the model (its longest setting, and some)."""


@Configuration(type="reporting")
class AiAnalyzeCommand(GeneratingCommand):
    """Ranks the causes of one incident.

    ##Syntax
    aianalyze incident=<id>
    """

    incident = Option(require=True, doc="The incident's id, such as INC-20260131-A1B2C3.")

    def generate(self):
        info = self.metadata.searchinfo
        session = Session.from_searchinfo(info)
        session.timeout = SESSION_SECONDS
        try:
            # Dozens of small requests: most of what one takes alone is its handshake.
            with session.kept_open():
                analysis = analyze(
                    self.incident, session, SplunkSearcher(session), SystemClock(), str(info.sid)
                )
        except AnalysisFailed as error:
            self.error_exit(error, str(error))
        yield from rows(analysis)


if __name__ == "__main__":
    dispatch(AiAnalyzeCommand, sys.argv, sys.stdin, sys.stdout, __name__)

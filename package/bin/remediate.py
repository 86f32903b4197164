"""``| remediate incident=INC-…``: propose, decide on, execute, roll back or show a fix.

Acts only when splunkd asks for results, and never for a preview. A second launch by splunkd for the
same search is harmless, because a plan is proposed, approved and executed once.
"""

import sys

import import_declare_test  # noqa: F401  # puts the app's libraries on the path; must come first
from splunklib.searchcommands import Configuration, GeneratingCommand, Option, dispatch

from incident_management.remediation.command import RemediationFailed, remediate, rows
from incident_management.splunk.session import Session

DO = "preview, propose, approve, check, reject, execute, rollback or status."


@Configuration(type="reporting")
class RemediateCommand(GeneratingCommand):
    """Proposes, approves, executes, rolls back or shows a fix for one incident.

    ##Syntax
    remediate incident=<id> [action=<name>] [plan=<id>] [do=<verb>] [override=<reason>]
    """

    incident = Option(require=True, doc="The incident's id, such as INC-20260131-A1B2C3.")
    action = Option(default="", doc="The action to propose; by default the catalogue's only one.")
    plan = Option(default="", doc="The plan to act on; by default the newest.")
    do = Option(default="propose", doc=DO)

    override = Option(default="", doc="The reason to override a change freeze or hourly_limit.")

    def generate(self):
        session = Session.from_searchinfo(self.metadata.searchinfo)
        try:
            plans = remediate(
                session, self.do, self.incident, self.action, self.plan, self.override
            )
        except RemediationFailed as error:
            self.error_exit(error, str(error))
        yield from rows(plans)


if __name__ == "__main__":
    dispatch(RemediateCommand, sys.argv, sys.stdin, sys.stdout, __name__)

"""Model incident_routing.conf: who gets an incident, its deadlines, and who is notified.

Pure: everything is built from stanzas, so it can be explained and tested without Splunk.
"""

from .checklists import Checklist
from .choice import Choice
from .conf import CONF, Decision, Routing
from .custom_fields import CustomField, CustomFields
from .policies import Path, Policy, Step
from .rules import Rule
from .stakeholders import Stakeholders
from .teams import Member, Team
from .values import duration

__all__ = [
    "CONF",
    "Checklist",
    "Choice",
    "CustomField",
    "CustomFields",
    "Decision",
    "Member",
    "Path",
    "Policy",
    "Routing",
    "Rule",
    "Stakeholders",
    "Step",
    "Team",
    "duration",
]

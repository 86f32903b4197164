"""Who gets an incident, how fast it must go, who hears of what: incident_routing.conf.

Pure: made from stanzas, so that an explanation can be given and tested without Splunk.
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

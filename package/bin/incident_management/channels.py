"""The channels that can be told of an incident, by their names in settings and documents."""

__all__ = ["CHANNELS", "FOLLOW_UP_SYSTEMS", "INBOUND", "NAMES", "PEOPLE"]

CHANNELS = ("slack", "teams", "pagerduty", "servicenow", "jira", "email")
# Those that have a ticket (or an incident of their own) for an incident, and can be asked what
# became of it.
INBOUND = ("servicenow", "jira", "pagerduty")
# Those in which teams plan their work: a follow-up can have a ticket there.
FOLLOW_UP_SYSTEMS = ("servicenow", "jira")
# Those that people read: in a storm they are told in summaries.
PEOPLE = ("slack", "teams", "email")
# As people know them.
NAMES = {
    "slack": "Slack",
    "teams": "Teams",
    "pagerduty": "PagerDuty",
    "servicenow": "ServiceNow",
    "jira": "Jira",
    "email": "E-mail",
}

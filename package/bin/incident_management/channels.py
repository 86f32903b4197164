"""The notification channels, by their names in settings and documents."""

__all__ = ["CHANNELS", "FOLLOW_UP_SYSTEMS", "INBOUND", "NAMES", "PEOPLE"]

CHANNELS = ("slack", "teams", "pagerduty", "servicenow", "jira", "email")
# Channels with a ticket (or an incident of their own) for an incident, whose changes are read back.
INBOUND = ("servicenow", "jira", "pagerduty")
# Ticket systems in which a follow-up can have a ticket.
FOLLOW_UP_SYSTEMS = ("servicenow", "jira")
# Channels that people read: in a storm they get summaries.
PEOPLE = ("slack", "teams", "email")
# Display names.
NAMES = {
    "slack": "Slack",
    "teams": "Teams",
    "pagerduty": "PagerDuty",
    "servicenow": "ServiceNow",
    "jira": "Jira",
    "email": "E-mail",
}

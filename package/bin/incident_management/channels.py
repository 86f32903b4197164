"""The channels that can be told of an incident, by their names in settings and documents."""

__all__ = ["CHANNELS", "NAMES", "TICKET_SYSTEMS"]

CHANNELS = ("slack", "teams", "pagerduty", "servicenow", "jira")
# Those that have a ticket for an incident, and can be asked what became of it.
TICKET_SYSTEMS = ("servicenow", "jira")
# As people know them.
NAMES = {"servicenow": "ServiceNow", "jira": "Jira"}

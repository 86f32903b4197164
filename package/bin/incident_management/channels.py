"""The channels that can be told of an incident, by their names in settings and documents."""

__all__ = ["CHANNELS"]

CHANNELS = ("slack", "teams", "pagerduty", "servicenow", "jira")

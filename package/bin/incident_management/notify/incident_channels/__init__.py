"""IncidentChannels: Slack channels of their own for grave incidents, opened, kept and archived."""

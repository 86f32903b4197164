"""Reviews of incidents, built from their timelines, and follow-ups."""

"""The handover report: what whoever takes over on call has to know of a team's incidents."""

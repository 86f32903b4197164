"""The handover report: what the next person on call has to know of a team's incidents."""

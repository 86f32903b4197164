"""The handover report: what the next person on call must know of a team's incidents."""

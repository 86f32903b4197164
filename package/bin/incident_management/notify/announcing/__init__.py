"""Timeline entries become notifications: who wants to hear of what, at once or in a summary."""

"""The routes of one incident, and of the list of them."""

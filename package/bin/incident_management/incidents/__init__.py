"""From signals to an incident with an owner, a state and a story."""

"""The ways in for what is found: signals, other tools' alerts, tests, what alert actions kept."""

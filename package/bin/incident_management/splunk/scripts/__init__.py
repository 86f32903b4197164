"""What scripts of ``bin/`` share: alert actions and search commands."""

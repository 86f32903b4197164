"""What the scripts of ``bin/`` share: alert actions and search commands."""

"""Runs the programs of apps as splunkd does: commands, alert actions, inputs, REST handlers."""

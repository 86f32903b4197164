"""The management port: splunkd's REST API."""

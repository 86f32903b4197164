"""A stand-in for Splunk Enterprise 9.4/10, for tests and the demo. Never shipped."""

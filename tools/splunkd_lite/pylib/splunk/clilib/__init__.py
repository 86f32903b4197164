"""Helpers of Splunk's command line that apps import."""

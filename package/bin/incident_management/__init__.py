"""Incident Management for Splunk: the app's own library.

The folders follow the flow from a signal to a fix; docs/ARCHITECTURE.md draws it.
"""

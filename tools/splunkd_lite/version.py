"""The version of Splunk that this stands in for."""

__all__ = ["BUILD", "VERSION"]

VERSION = "9.4.0"
BUILD = "stand-in"

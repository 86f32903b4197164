"""Strict stand-ins for Slack, Teams, PagerDuty and Bedrock: they check what they are sent.

Each answers as its service documents, and writes down everything that it got together with what
was wrong with it, so that a test or the demo can say "valid, and none twice" from what arrived.
"""

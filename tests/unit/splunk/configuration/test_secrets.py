"""Secrets of the app's own making."""

import pytest

from incident_management.splunk.configuration import secrets
from incident_management.splunk.session import SplunkError


def told(**content):
    return 200, {"entry": [{"content": {"realm": "r", "username": "n", **content}}]}


def test_a_secret_is_read(splunkd, session):
    splunkd.answers = [told(clear_password="s3cret"), told(clear_password=None), told()]
    assert [secrets.read(session, "r", "n") for _ in range(3)] == ["s3cret", None, None]


def test_a_masked_secret_is_never_taken_for_one(splunkd, session):
    """Nothing may be signed with asterisks."""
    splunkd.answers = [told(clear_password="********")]
    with pytest.raises(SplunkError, match="Network Allow List"):
        secrets.read(session, "r", "n")

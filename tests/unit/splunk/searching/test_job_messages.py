"""What splunkd says of a search, in both forms in which it says it."""

from __future__ import annotations

import pytest

from incident_management.splunk.searching.job_messages import texts_of

LIST = [
    {"type": "WARN", "text": "a peer is down"},
    {"type": "FATAL", "text": " no such index "},
    {"type": "ERROR", "text": None},
]
BY_TYPE = {"warn": ["a peer is down"], "fatal": [" no such index "], "error": [""]}


@pytest.mark.parametrize("messages", [LIST, BY_TYPE])
def test_both_forms_are_read(messages):
    assert texts_of({"messages": messages}, "FATAL", "ERROR") in (
        ["no such index", ""],
        ["", "no such index"],
    )
    assert texts_of({"messages": messages}, "WARN") == ["a peer is down"]


@pytest.mark.parametrize("job", [{}, {"messages": None}, {"messages": []}, {"messages": {}}])
def test_nothing_is_reported(job):
    assert texts_of(job, "ERROR") == []

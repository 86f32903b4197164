"""Each kind of timeline entry reads as full sentences."""

from __future__ import annotations

import pytest

from incident_management.incidents.entry_text import describe_entry
from incident_management.incidents.model import Entry


@pytest.mark.parametrize(
    ("kind", "data", "text"),
    [
        ("opened", {"signals": {"a": 1}, "rule": "Errors"}, "Opened with 1 signal of Errors."),
        ("opened", {}, "Opened by hand."),
        ("signal", {"signals": {"a": 1, "b": 2}}, "Added 2 signals of several rules."),
        ("routed", {"reason": "Rule 'shop' assigns it."}, "Rule 'shop' assigns it."),
        (
            "assigned",
            {"owner": "kim", "team": "shop", "reason": "kim is on call."},
            "Assigned to kim, team shop. kim is on call.",
        ),
        ("unassigned", {"reason": "All are away."}, "Nobody could be assigned: All are away."),
        (
            "status",
            {"from": "new", "to": "in_progress", "reason": "acknowledged"},
            "Acknowledged.",
        ),
        (
            "status",
            {"from": "new", "to": "resolved", "category": "network", "resolution": "Restarted"},
            "Resolved: network. Restarted.",
        ),
        ("status", {"from": "closed", "to": "new", "reason": "Again"}, "Reopened: Again."),
        (
            "status",
            {"from": "in_progress", "to": "new"},
            "Status changed from in progress to new.",
        ),
        ("severity", {"from": "low", "to": "high"}, "Severity changed from low to high."),
        (
            "escalation",
            {"level": 2, "team": "leads", "reason": "Nobody answered."},
            "Escalated to level 2: team leads. Nobody answered.",
        ),
        ("escalation", {"level": 1, "channels": ["slack"]}, "Escalated to level 1: slack."),
        ("escalation", {"level": 1}, "Escalated to level 1: nobody."),
        ("sla", {"event": "timed"}, "Deadlines: none."),
        (
            "sla",
            {"event": "warning", "clock": "resolve", "reason": "10 min are left."},
            "The deadline to resolve is near: 10 min are left.",
        ),
        ("plan", {"summary": "Roll back orders."}, "Fix proposed: Roll back orders."),
        (
            "approval",
            {"decision": "approved", "plan_id": "PLAN-1", "left": 1},
            "Fix approved (plan PLAN-1); more approvals are needed.",
        ),
        (
            "approval",
            {"decision": "rejected", "plan_id": "PLAN-1", "reason": "Too late"},
            "Fix rejected (plan PLAN-1). Too late.",
        ),
        ("refused", {"reason": "It expired."}, "Fix refused: It expired."),
        ("action", {"phase": "started"}, "Fix started."),
        ("rollback", {"phase": "failed", "detail": "No answer."}, "Rollback failed: No answer."),
        ("verification", {"outcome": "not_recovered"}, "The fix did not help."),
        ("pinned", {"pinned": False, "reason": "Over"}, "Unpinned. Over."),
        ("room", {"event": "opened", "name": "inc-1"}, "Slack channel #inc-1 opened."),
        (
            "room",
            {"event": "failed", "reason": "No right."},
            "Slack channel could not be opened. No right.",
        ),
        ("review", {"summary": "x", "lessons": "y"}, "Wrote the review's summary, lessons."),
        ("review", {"state": "not_needed", "reason": "A test"}, "No review needed. A test."),
        (
            "follow_up",
            {"follow_up": "FU-1", "event": "added", "title": "Add a test", "owner": "kim"},
            "Follow-up FU-1 added: Add a test, owner kim.",
        ),
        (
            "follow_up",
            {"follow_up": "FU-1", "event": "changed", "state": "dropped", "reason": "Done before"},
            "Follow-up FU-1 dropped. Done before.",
        ),
        (
            "follow_up",
            {"follow_up": "FU-1", "event": "ticket", "channel": "jira"},
            "Ticket in jira requested for FU-1.",
        ),
        (
            "update",
            {"text": "We are on it", "state": "investigating"},
            "Stakeholder update (investigating): We are on it.",
        ),
        ("note", {"text": "as written"}, "as written"),
        (
            "ticket",
            {"number": "OPS-1", "event": "comment", "by": "lee", "text": "Is it over?"},
            "Ticket OPS-1: lee: Is it over?",
        ),
        ("merged", {"into": "INC-2", "reason": "The same"}, "Merged into INC-2. The same."),
        ("a_kind_of_tomorrow", {}, "a kind of tomorrow"),
    ],
)
def test_an_entry_is_described_in_full_sentences(kind, data, text):
    entry = Entry("k", "INC-1", kind, 0.0, 1, "ann", data, ())
    assert describe_entry(entry) == text


@pytest.mark.parametrize(
    "kind", ["ticket", "opened", "approval", "task", "role", "split", "update"]
)
def test_an_entry_without_data_is_described_too(kind):
    assert describe_entry(Entry("k", "INC-1", kind, 0.0, 1, "ann", {}, ()))

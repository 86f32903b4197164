"""What people are told of an entry."""

from __future__ import annotations

import pytest

from incident_management.durations import span
from incident_management.notify.events import HEADLINES, event_of
from incident_management.notify.message import Message, build, listed
from incident_management.notify.request_fields import truncated

INCIDENT = {"id": "INC-1", "title": "High Error Rate", "severity": "high", "entities": ["a"]}


def entry(kind, **data):
    return {"_key": "e", "kind": kind, "time": 10.0, "seq": 1, "data": data}


FIXED = "Fix it. Owner: nobody. It is done."


@pytest.mark.parametrize(
    ("before", "after", "event"),
    [
        ("new", "in_progress", "acknowledged"),
        ("new", "resolved", "resolved"),
        ("resolved", "closed", "closed"),
        ("resolved", "new", "reopened"),
        ("resolved", "assigned", "reopened"),
        ("in_progress", "assigned", "status"),
    ],
)
def test_a_status_change_is_named_by_what_it_means(before, after, event):
    assert event_of(entry("status", **{"from": before, "to": after})) == event


@pytest.mark.parametrize(
    ("kind", "data", "headline", "text"),
    [
        ("verification", {"outcome": "recovered", "detail": "d"}, "Fix verified: recovered", "d"),
        ("verification", {"outcome": "not_recovered"}, "Fix did not help", ""),
        ("approval", {"decision": "approved"}, "Fix approved", ""),
        ("approval", {"decision": "approved", "left": 1}, "Fix approved in part", ""),
        ("action", {"phase": "failed", "detail": "no"}, "Fix failed", "no"),
        ("rollback", {"phase": "started", "detail": "why"}, "Fix being rolled back", "why"),
        ("rollback", {"phase": "done", "detail": "r8"}, "Fix rolled back", "r8"),
        ("rollback", {"phase": "failed", "detail": "no"}, "Fix not rolled back", "no"),
        ("assigned", {"owner": "mia"}, "Incident assigned", "Owner: mia. Team: none."),
        ("severity", {"from": "low", "to": "high"}, "Severity changed", "From low to high."),
        ("note", {"text": "hello"}, "Note added", "hello"),
        (
            "ticket",
            {"event": "comment", "number": "OPS-1", "by": "Mia", "text": "It is the pool."},
            "Ticket changed",
            "OPS-1: Mia: It is the pool.",
        ),
        (
            "ticket",
            {"event": "state", "number": "OPS-1", "by": "Mia", "text": "Now Done, by Mia."},
            "Ticket changed",
            "OPS-1: Now Done, by Mia.",
        ),
        (
            "edited",
            {"title": "x", "entities": ["b"]},
            "Incident corrected",
            "Corrected: entities, title.",
        ),
        (
            "task",
            {"event": "changed", "title": "Call", "state": "dropped", "reason": "No."},
            "Task dropped",
            "Call. No.",
        ),
        (
            "task",
            {"event": "added", "title": "Call them.", "owner": "zoe"},
            "Task added",
            "Call them. Owner: zoe.",
        ),
        (
            "task",
            {"event": "changed", "title": "Ring", "was": "Call"},
            "Task renamed",
            "Ring. Before: Call.",
        ),
        (
            "task",
            {"event": "changed", "title": "Call", "owner": ""},
            "Task left to anybody",
            "Call. Owner: anybody.",
        ),
        (
            "task",
            {"event": "changed", "title": "Call", "state": "open"},
            "Task opened again",
            "Call.",
        ),
        (
            "role",
            {"role": "scribe", "person": "zoe"},
            "Role given",
            "zoe has the role scribe.",
        ),
        (
            "role",
            {"role": "scribe", "person": "", "instead_of": "zoe"},
            "Role taken away",
            "Nobody has the role scribe now; zoe had it.",
        ),
        ("review", {"state": "not_needed"}, "Review called off", ""),
        ("review", {"state": "open", "reason": "More."}, "Review taken up again", "More."),
        (
            "follow_up",
            {"event": "ticket", "title": "Fix it", "owner": "zoe"},
            "Ticket for a follow-up wanted",
            "Fix it. Owner: zoe.",
        ),
        ("follow_up", {"title": "Fix it", "state": "done"}, "Follow-up done", FIXED),
        ("pinned", {"pinned": True}, "Kept open, or no longer", "It is not resolved by itself."),
    ],
)
def test_each_kind_has_its_words(kind, data, headline, text):
    message = build(INCIDENT, entry(kind, **data))
    assert (message.headline, message.text) == (headline, text)
    assert message.event in HEADLINES, "a subscriber could not ask for it by name"


@pytest.mark.parametrize(
    ("actor", "kind", "data", "headline"),
    [
        ("dana", "status", {"from": "new", "to": "in_progress"}, "Incident acknowledged by dana"),
        ("dana", "status", {"from": "new", "to": "resolved"}, "Incident resolved by dana"),
        ("jira", "status", {"from": "new", "to": "resolved"}, "Incident resolved by Jira"),
        ("incident_management", "status", {"from": "new", "to": "resolved"}, "Incident resolved"),
        ("lee", "note", {"text": "hello"}, "Note added by lee"),
        ("lee", "task", {"title": "Call", "state": "done"}, "Task done by lee"),
        ("Lee", "task", {"title": "Call", "owner": "lee"}, "Task taken by Lee"),
        ("lee", "task", {"title": "Call", "owner": "zoe"}, "Task handed over by lee"),
        ("lee", "follow_up", {"event": "changed", "owner": "zoe"}, "Follow-up handed over by lee"),
        ("lee", "role", {"role": "scribe", "person": "lee"}, "Role taken by lee"),
        ("lee", "role", {"role": "scribe", "person": "zoe"}, "Role given by lee"),
        ("lee", "role", {"person": "", "instead_of": "lee"}, "Role given up by lee"),
        ("lee", "role", {"person": "", "instead_of": "zoe"}, "Role taken away by lee"),
        ("lee", "approval", {"decision": "rejected"}, "Fix rejected by lee"),
        # A search's owner did not do what its search found.
        ("admin", "opened", {}, "Incident opened"),
        ("admin", "status", {"from": "resolved", "to": "new"}, "Incident reopened"),
    ],
)
def test_a_message_says_whose_doing_it_is(actor, kind, data, headline):
    assert build(INCIDENT, {**entry(kind, **data), "actor": actor}).headline == headline


def test_an_acknowledgement_says_whose_the_incident_is():
    acknowledged = entry("status", **{"from": "new", "to": "in_progress", "reason": "acknowledged"})
    assert build({**INCIDENT, "owner": "mia"}, acknowledged).text == "Owner: mia."


def test_a_plan_says_how_to_approve_it():
    text = build(INCIDENT, entry("plan", plan_id="PLAN-1", summary="Roll back.")).text
    assert text == (
        "Roll back.\nIt needs an approval: | remediate incident=INC-1 plan=PLAN-1 do=approve"
    )


def test_a_quote_without_verification_is_not_shown():
    analysis = {
        "hypotheses": [
            {"rank": 1, "blamed": True, "cause": "c", "citations": ["C1", {"quote": "x"}]}
        ],
        "citations": [{"id": "C1", "quote": "y", "status": "rejected"}],
    }
    assert build({**INCIDENT, "cause": "c"}, entry("analysis"), analysis).quote == ""


def test_a_message_survives_its_document_and_newer_fields():
    message = build(INCIDENT, entry("opened", description="d"))
    document = {**message.to_document(), "added_later": 1}
    assert Message.from_document(document) == message


def test_durations_lists_and_cuts_are_for_people():
    assert [span(s) for s in (0, 59, 61, 3600, 90061)] == [
        "0 s",
        "59 s",
        "1 min 1 s",
        "1 h",
        "1 d 1 h",
    ]
    assert listed(["a", "b"]) == "a, b"
    assert listed(list("abcdefg")) == "a, b, c, d, e and 2 more"
    assert truncated("abcdef", 4) == "abc…" and truncated("abc", 4) == "abc"

"""What the pages say of each kind of timeline entry, out of the lookup and one macro."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.contract.spl.memory import MemoryContext, MemoryTable
from tools.splunkd_lite import conffile
from tools.splunkd_lite.spl import run

DEFAULT = Path(__file__).resolve().parents[3] / "package" / "default"
ENTRIES: list[tuple[str, dict[str, Any], str]] = [
    ("opened", {"rule": "R", "title": "slow"}, "Opened by R: slow"),
    ("opened", {"title": "slow"}, "Opened by hand: slow"),
    (
        "edited",
        {"title": "x", "owner": "", "entities": ["a", "b"]},
        "Edited: title is now x; entities are now a, b",
    ),
    ("fields", {"text": "region: eu (was us)"}, "region: eu (was us)"),
    ("edited", {"owner": ""}, "Edited: a field is empty now"),
    (
        "escalation",
        {"level": 2, "owner": "zoe", "team": "ops", "reason": "stuck"},
        "Escalated to level 2, zoe: stuck",
    ),
    ("escalation", {"level": 1, "reason": "loud"}, "Escalated to level 1: loud"),
    ("unassigned", {"team": "ops", "reason": "all off"}, "No owner available: all off"),
    ("sla", {"event": "timed", "acknowledge_due": 1}, "Deadlines set"),
    (
        "sla",
        {"event": "breached", "clock": "resolve", "reason": "late"},
        "Time to resolve: breached: late",
    ),
    ("flapping", {"state": "began", "reason": "4 times"}, "Flapping began: 4 times"),
    ("merged", {"into": "INC-2", "reason": "same"}, "Merged into INC-2: same"),
    ("unmerged", {"from": "INC-2"}, "Merge into INC-2 undone"),
    ("joined", {"from": "INC-1"}, "Merged in INC-1"),
    ("split", {"to": "INC-3", "reason": "other"}, "Split off to INC-3: other"),
    ("pinned", {"pinned": "true", "reason": "hot"}, "Pinned: hot"),
    ("note", {"text": "hello"}, "hello"),
    ("update", {"text": "We are investigating."}, "Stakeholder update: We are investigating."),
    (
        "update",
        {"text": "Found it.", "state": "identified", "next_by": 1_796_212_800.0},
        "Stakeholder update (identified): Found it. (next update by 2026-12-02 12:00)",
    ),
    ("update_due", {"event": "missed", "reason": "None was written."}, "None was written."),
    ("review", {"summary": "x"}, "Review written"),
    ("review", {"state": "not_needed", "reason": "a test"}, "Review not needed: a test"),
    (
        "follow_up",
        {"event": "added", "state": "open", "title": "Mend it", "owner": "ann", "due": 5},
        "Follow-up added: Mend it (ann)",
    ),
    (
        "follow_up",
        {"event": "overdue", "title": "Mend it", "owner": "ann"},
        "Follow-up overdue: Mend it (ann)",
    ),
    (
        "follow_up",
        {"event": "changed", "state": "dropped", "reason": "no"},
        "Follow-up dropped: no",
    ),
    ("follow_up", {"event": "changed", "state": "open"}, "Follow-up open"),
    ("follow_up", {"event": "changed", "owner": "bea"}, "Follow-up changed (bea)"),
    ("task", {"event": "added", "title": "Call", "owner": "ann"}, "Task added: Call (ann)"),
    ("task", {"event": "changed", "title": "Call", "state": "done"}, "Task done: Call"),
    (
        "task",
        {"event": "changed", "title": "Call", "state": "dropped", "reason": "no"},
        "Task dropped: Call: no",
    ),
    ("task", {"event": "changed", "title": "Call", "state": "open"}, "Task reopened: Call"),
    ("task", {"event": "changed", "title": "Call", "owner": "bea"}, "Task assigned to bea: Call"),
    ("task", {"event": "changed", "title": "Call", "owner": ""}, "Task unassigned: Call"),
    (
        "role",
        {"role": "scribe", "person": "bea", "instead_of": "ann"},
        "Role scribe assigned to bea, instead of ann",
    ),
    ("role", {"role": "scribe", "person": ""}, "Role scribe unassigned"),
    (
        "ticket",
        {"number": "INC1", "event": "comment", "by": "Mia", "text": "It is the pool."},
        "Ticket INC1: Mia: It is the pool.",
    ),
    (
        "ticket",
        {"number": "OPS-1", "event": "state", "by": "Mia", "text": "Now Done, by Mia."},
        "Ticket OPS-1: Now Done, by Mia.",
    ),
    ("assigned", {"owner": "zoe", "reason": "on shift"}, "Assigned to zoe: on shift"),
    ("refused", {"plan_id": "", "reason": "no analysis"}, "Refused: no analysis"),
    ("refused", {"plan_id": "PLAN-1", "reason": "too late"}, "Refused PLAN-1: too late"),
    (
        "approval",
        {"plan_id": "PLAN-1", "decision": "rejected", "reason": "not now"},
        "Plan PLAN-1 rejected: not now",
    ),
    (
        "verification",
        {"plan_id": "PLAN-1", "outcome": "insufficient_data", "detail": "Too few events."},
        "Verification of PLAN-1: insufficient data: Too few events.",
    ),
    (
        "analysis",
        {"verdict": "Most likely cause (high confidence): the pool.", "cause": "the pool"},
        "Analysis: Most likely cause (high confidence): the pool.",
    ),
    (
        "plan",
        {"plan_id": "PLAN-1", "action": "rollback_change", "summary": "Roll it back."},
        "Plan PLAN-1: Roll it back.",
    ),
    ("status", {"from": "new", "to": "in_progress", "reason": "acknowledged"}, "Acknowledged"),
    ("status", {"from": "new", "to": "assigned", "reason": "mia"}, "Status new to assigned: mia"),
    ("status", {"from": "assigned", "to": "resolved", "resolution": "done"}, "Resolved: done"),
    ("status", {"from": "resolved", "to": "new", "reason": "it is back"}, "Reopened: it is back"),
    ("status", {"from": "resolved", "to": "closed"}, "Closed"),
    (
        "notification",
        {"channel": "slack", "event": "opened", "outcome": "dead", "detail": "no such channel"},
        "Message to slack (opened): not delivered (no such channel)",
    ),
]


def conf(name: str) -> dict[str, dict[str, str]]:
    return conffile.read(DEFAULT / f"{name}.conf")


@pytest.mark.parametrize(("kind", "data", "text"), ENTRIES)
def test_an_entry_is_a_sentence(kind: str, data: dict[str, Any], text: str) -> None:
    row = {"kind": kind, **{f"data.{name}": _field(value) for name, value in data.items()}}
    shown = "| inputlookup t | eval what=`incident_entry_text`"
    context = MemoryContext([], confs={"macros": conf("macros")}, tables={"t": MemoryTable([row])})
    (found,) = run(shown, context).rows
    assert found["what"] == text


def test_the_lookup_has_every_field_that_the_text_is_made_of() -> None:
    known = conf("transforms")["incident_timeline"]["fields_list"].split(", ")
    named = {f"data.{name}" for _kind, data, _text in ENTRIES for name in data}
    assert named <= set(known)


def _field(value: Any) -> Any:
    return value if isinstance(value, list) else str(value)


@pytest.mark.parametrize(
    ("values", "region"),
    [
        (["due=2026-12-01", "region=eu", "region_two=us"], "eu"),
        (["region=a=b"], "a=b"),
        (["area=region=x"], None),
        ([], None),
    ],
)
def test_the_value_of_a_custom_field_is_a_macro(values: list[str], region: str | None) -> None:
    table = MemoryTable([{"id": "INC-1", "field_values": values}])
    context = MemoryContext([], confs={"macros": conf("macros")}, tables={"t": table})
    spl = "| inputlookup t | eval region=`incident_field(region)`"
    (found,) = run(spl, context).rows
    assert found.get("region") == region

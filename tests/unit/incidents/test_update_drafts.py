"""A draft of an update is true now, as people in a hurry send it unchanged."""

from __future__ import annotations

import pytest

from incident_management.incidents import lifecycle, timeline, updates
from incident_management.incidents.act import Act
from incident_management.incidents.routing import Routing
from tests.fakes import FakeStores, ManualClock

INCIDENT = "INC-20260101-AAAAAA"
CAUSE = {"verdict": "x", "cause": "r8"}


class Story:
    def __init__(self):
        self.stores, self.clock = FakeStores(), ManualClock()
        self.write("opened", title="x", severity="high", entities=["checkout"])

    def write(self, kind, **data):
        self.clock.advance(60)
        timeline.append(Act(self.stores, self.clock, "dana"), INCIDENT, kind, data)
        timeline.refresh(self.stores, INCIDENT)

    def update(self, state):
        self.clock.advance(60)
        act, routing = Act(self.stores, self.clock, "dana"), Routing.from_stanzas({})
        updates.publish(act, routing, INCIDENT, updates.Update("So it is.", state))

    def draft(self):
        return updates.draft(timeline.read(self.stores, INCIDENT))


@pytest.fixture
def story():
    return Story()


@pytest.mark.parametrize(
    ("kind", "data", "said"),
    [
        ("verification", {"outcome": "not_recovered"}, "A fix did not help"),
        ("rollback", {"phase": "done"}, "A fix was rolled back"),
    ],
)
def test_a_fix_that_did_not_help_is_not_monitored(story, kind, data, said):
    story.write("analysis", **CAUSE)
    story.write("action", phase="done")
    assert story.draft()["state"] == "monitoring"
    story.update("monitoring")
    story.write(kind, **data)
    assert story.draft()["state"] == "identified"
    assert said in story.draft()["text"]


def test_a_failed_fix_is_not_described_as_started(story):
    story.write("action", phase="started")
    assert "A fix was started" in story.draft()["text"]
    story.write("action", phase="failed")
    assert "A fix" not in story.draft()["text"] and story.draft()["state"] == "investigating"


def test_a_suspect_is_no_cause_and_one_that_was_given_up_is_none_any_more(story):
    story.write("analysis", **CAUSE, confidence="low")
    assert story.draft()["state"] == "investigating"
    story.write("analysis", **CAUSE)
    assert story.draft()["state"] == "identified"
    story.write("analysis", verdict="No cause in this evidence", cause="")
    assert story.draft()["state"] == "investigating"
    assert "cause was found" not in story.draft()["text"]


def test_a_draft_does_not_go_back_to_an_earlier_state_without_a_reason(story):
    story.update("monitoring")
    assert story.draft()["state"] == "monitoring"
    story.write("analysis", **CAUSE)
    assert story.draft()["state"] == "monitoring"


def test_what_is_over_was_affected_and_what_is_back_is_investigated_anew(story):
    story.write("analysis", **CAUSE)
    story.write("action", phase="done")
    story.update("resolved")
    lifecycle.resolve(Act(story.stores, story.clock, "dana"), INCIDENT)
    over = story.draft()
    assert over["state"] == "resolved"
    assert over["text"].startswith("checkout was affected from ")
    assert "It was resolved at" in over["text"]
    story.clock.advance(60)
    lifecycle.reopen(Act(story.stores, story.clock, "dana"), INCIDENT)
    back = story.draft()
    assert back["state"] == "investigating" and "The problem came back at" in back["text"]

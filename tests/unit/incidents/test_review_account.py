"""The generated account of a review: each sentence follows from entries, and names them."""

from __future__ import annotations

import re

import pytest

from incident_management.incidents import lifecycle, timeline
from incident_management.incidents.act import Act
from incident_management.incidents.joining import merging
from incident_management.incidents.model import ACTOR
from incident_management.incidents.review import writing
from incident_management.incidents.review.document import read_review
from tests.unit.incidents.builders import START, signal
from tests.unit.incidents.movers import opened

GRAVE = ("critical", "high")
HOSTILE = "# h\n<img src=x> [a](http://evil) @here | `x` ![p](q) https://evil ~~s~~ :smile: \u202e"


class Told:
    """An incident whose timeline is written entry by entry."""

    def __init__(self, stores, clock):
        self.stores, self.clock = stores, clock
        self.id = opened(stores, clock, signal("checkout", severity="critical"))

    def say(self, kind, actor=ACTOR, after=60.0, once="", **data):
        self.clock.advance(after)
        entry = timeline.append(Act(self.stores, self.clock, actor), self.id, kind, data, once)
        timeline.refresh(self.stores, self.id)
        return entry

    def review(self):
        return read_review(self.stores, self.id, GRAVE).to_document()

    def part(self, name):
        """Return the sentences of a part."""
        return [one["text"] for one in self.statements(name)]

    def statements(self, name):
        account = {one["name"]: one["statements"] for one in self.review()["account"]}
        return account[name]


@pytest.fixture
def told(stores, clock):
    return Told(stores, clock)


def repaired(told):
    """Write a whole life: opened, escalated, analysed, fixed, verified, resolved."""
    told.say("sla", event="timed", acknowledge_due=START + 1000, resolve_due=START + 9000)
    told.say("notification", channel="slack", event="opened", outcome="sent")
    told.say("notification", channel="email", event="opened", outcome="dead", detail="No mailbox.")
    told.say("sla", event="breached", clock="acknowledge", due=1.0, reason="15 min were promised.")
    told.say("escalation", level=1, owner="", team="leads", reason="Nobody of leads is on shift.")
    lifecycle.acknowledge(Act(told.stores, told.clock, "ann"), told.id)
    told.stores.analyses.save(
        [
            {
                "_key": "ANA-1",
                "incident_id": told.id,
                "hypotheses": [
                    {
                        "blamed": True,
                        "citations": [
                            {"quote": "pool 20 → 2", "status": "verified", "index": "changes"},
                            {"quote": "timeout", "status": "rejected", "time": START},
                        ],
                    },
                    {"blamed": False, "citations": [{"quote": "innocent", "status": "verified"}]},
                ],
            }
        ]
    )
    claims = {"verified": 3, "rejected": 1, "unchecked": 0}
    told.say("analysis", "ann", verdict="CHG-7 has caused it.", cause="CHG-7", analysis_id="ANA-1",
             claims=claims)  # fmt: skip
    told.say("plan", "ann", plan_id="PLAN-1", summary="Roll checkout back to 41.")
    told.say("approval", "bob", plan_id="PLAN-1", decision="approved")
    told.say("action", plan_id="PLAN-1", phase="done", detail="It runs 41.")
    told.say("verification", plan_id="PLAN-1", outcome="recovered", detail="It is found no more.",
             searches=[{"name": "High Error Rate", "before": ["checkout"], "after": [],
                        "windows": {"before": [START, START + 300], "after": [START, START + 9]}}],
             )  # fmt: skip
    told.clock.advance(60)
    lifecycle.resolve(
        Act(told.stores, told.clock, "ann"),
        told.id,
        lifecycle.Ending("Rolled back.", feedback="true_positive"),
    )


def test_every_sentence_names_entries_that_are_on_the_timeline(told):
    repaired(told)
    keys = {entry.key for entry in timeline.read(told.stores, told.id)}
    review = told.review()
    sentences = [one for part in review["account"] for one in part["statements"]]
    assert len(sentences) > 20
    for one in sentences:
        assert one["sources"], one["text"]
        assert {source["entry"] for source in one["sources"]} <= keys
        assert one["rests_on"] >= len(one["sources"])


def test_what_happened_how_long_it_took_and_what_was_affected(told):
    repaired(told)
    happened = told.part("happened")
    assert happened[0] == (
        "“High Error Rate: checkout” was opened by the detection High Error Rate, with severity "
        "critical."
    )
    took = told.part("lasted")
    assert took[0].endswith("It was opened 1 min 40 s later (time to detect).")
    assert (
        took[1] == "The incident was acknowledged 5 min after it was opened (time to acknowledge)."
    )
    assert took[2] == "A fix was executed 9 min after it was opened."
    assert took[3] == "Recovery was proved 10 min after it was opened."
    assert took[4] == "The incident ended 11 min after it was opened (time to resolve)."
    assert "Affected: checkout." in told.part("affected")
    assert any(
        text.startswith("5 events were counted, in 1 signal,") for text in told.part("affected")
    )
    (life,) = told.review()["lives"]
    assert (life["acknowledged"], life["fixed"], life["ended"]) == (300.0, 540.0, 660.0)


def test_the_cause_is_the_newest_analysis_with_its_citations_and_their_check(told):
    told.say("analysis", "ann", verdict="No cause in this evidence.", cause="", analysis_id="ANA-0")
    repaired(told)
    assert told.part("cause") == [
        "CHG-7 has caused it.",
        "Its citations: 3 verified by code, 1 rejected, 0 not checked.",
        "Cited (index changes, verified by code): pool 20 → 2",
        "Cited (2023-11-14 22:13:20 UTC, rejected): timeout",
        "An earlier analysis said: No cause in this evidence.",
    ]


def test_what_was_tried_and_what_proved_it(told):
    repaired(told)
    tried = told.part("tried")
    assert "Recovery was proved: It is found no more." in tried
    (search,) = [text for text in tried if text.startswith("The search")]
    assert search == (
        "The search High Error Rate found before the fix (2023-11-14 22:13:20 UTC to "
        "2023-11-14 22:18:20 UTC): checkout; after the fix (2023-11-14 22:13:20 UTC to "
        "2023-11-14 22:13:29 UTC): nothing."
    )
    assert tried[-2:] == ["Resolved: Rolled back.", "The finding was judged a true positive."]


def test_notifications_and_deviations_are_listed(told):
    repaired(told)
    assert told.part("told") == [
        "slack got 1 message, the first at 2023-11-14 22:17:00 UTC: opened.",
        "email did not receive “opened”: No mailbox.",
    ]
    different = told.part("promised")
    assert different[0].startswith("Deadlines: acknowledge by")
    assert "The deadline to acknowledge was missed: 15 min were promised." in different
    assert "Escalated to level 1: team leads. Nobody of leads is on shift." in different
    assert "email did not receive 1 of its messages, or may not have." in different


def test_stakeholder_updates_and_missed_ones_are_listed(told):
    said = told.say("update", "ann", text="We are at it.", state="investigating")
    told.say("update_due", event="set", due=1.0, reason="It was promised.")
    told.say("update_due", event="missed", due=1.0, reason="It was promised by 10:00.")
    (heard,) = told.statements("told")
    assert heard["sources"][0]["entry"] == said.key
    assert told.part("promised") == ["A stakeholder update was missed: It was promised by 10:00."]


def test_a_fix_that_did_not_help_is_no_recovery(told):
    told.say("action", plan_id="PLAN-1", phase="done", detail="It runs 41.")
    told.say("verification", plan_id="PLAN-1", outcome="not_recovered", detail="It is there still.")
    told.say("rollback", plan_id="PLAN-1", phase="failed", detail="It could not be reached.")
    assert "The fix did not help: It is there still." in told.part("tried")
    assert told.part("promised") == [
        "The fix did not help: It is there still.",
        "Rollback failed: It could not be reached.",
    ]
    told.say("rollback", plan_id="PLAN-1", phase="done", detail="It runs 42.")
    assert told.part("promised")[-1] == "Fix rolled back: It runs 42."
    assert told.review()["lives"][0]["recovered"] is None
    assert not any("proved" in text for text in told.part("lasted"))


def test_every_statement_comes_from_an_entry(stores, clock):
    told = Told(stores, clock)
    assert told.part("cause") == ["No analysis was run."]
    assert told.part("tried") == ["The timeline has no fix and no resolution."]
    assert told.part("told") == ["The app sent no notification."]
    assert told.part("promised") == ["The timeline has no deadline and no deviation."]
    assert told.part("lasted")[-1].startswith("The incident has been open since")
    assert not told.review()["due"]


def test_each_life_of_a_reopened_incident_is_described(told):
    told.clock.advance(60)
    lifecycle.resolve(Act(told.stores, told.clock, "ann"), told.id, lifecycle.Ending("Restarted."))
    told.clock.advance(600)
    lifecycle.reopen(Act(told.stores, told.clock, "bob"), told.id, "It is back.")
    told.clock.advance(120)
    lifecycle.acknowledge(Act(told.stores, told.clock, "bob"), told.id)
    told.clock.advance(60)
    lifecycle.resolve(Act(told.stores, told.clock, "bob"), told.id, lifecycle.Ending("Replaced."))
    first, second = told.review()["lives"]
    assert (first["acknowledged"], first["ended"]) == (None, 60.0)
    assert (second["acknowledged"], second["ended"]) == (120.0, 180.0)
    assert "Reopened: It is back." in told.part("happened")
    took = told.part("lasted")
    assert "The incident ended without an acknowledgement." in took
    assert any(
        re.match(r"The incident ended 3 min after it was reopened \(2023", one) for one in took
    )


def test_a_merge_is_reported_on_both_and_the_merged_one_is_not_to_be_reviewed(stores, clock, two):
    first, second = two
    merging.merge(Act(stores, clock, "ann"), first, second)
    gone, kept = (read_review(stores, one, GRAVE).to_document() for one in two)
    assert not gone["wanted"] and not gone["due"] and kept["wanted"]

    def happened(review):
        return [one["text"] for one in review["account"][0]["statements"]]

    assert any(f"Merged into {second}" in text for text in happened(gone))
    assert any(f"Merged in {first} with 1 signal" in text for text in happened(kept))
    assert gone["lives"][0]["ended"] == 0.0
    took = [one["text"] for one in gone["account"][1]["statements"]]
    assert f"The incident was merged into {second} 0 s after it was opened." in took


def test_an_entry_that_lost_a_race_is_not_described(told):
    told.say(
        "status", "ann", once="same", **{"from": "assigned", "to": "resolved", "resolution": "A"}
    )
    entries = timeline.read(told.stores, told.id)
    late = timeline.Entry.create(
        told.id, "status", {"from": "assigned", "to": "resolved", "resolution": "B"}, "bob",
        told.clock.now() + 1, timeline.head_of(entries), "same",
    )  # fmt: skip
    timeline.write(told.stores, [late])
    assert told.part("tried") == ["Resolved: A."]


@pytest.mark.parametrize(
    "ending, due",
    [
        ({}, True),
        ({"feedback": "false_positive"}, False),
        ({"resolution": "Withdrawn: a test"}, False),
    ],
)
def test_a_review_is_due_where_one_is_wanted_until_somebody_says_so(told, ending, due):
    act = Act(told.stores, told.clock, "ann")
    lifecycle.resolve(act, told.id, lifecycle.Ending(**ending))
    assert told.review()["due"] is due
    writing.write_review(Act(told.stores, told.clock, "ann"), told.id, {}, "done")
    assert told.review()["due"] is False
    assert read_review(told.stores, told.id, ("low",)).wanted is False


@pytest.mark.one_python
def test_of_hundreds_of_deeds_and_failures_the_first_and_last_are_reported(told):
    for number in range(300):
        told.say("note", "ann", after=0.001, text=f"note {number}")
        told.say(
            "notification", after=0.001, channel="slack", event="note", outcome="dead", detail="x"
        )
    did = told.part("did")
    assert len(did) == 121 and did[-1] == "note 299"
    assert re.match(r"\d+ more like these are on the timeline\.", did[80])
    assert len(told.part("told")) == 51 and told.part("told")[30].startswith("250 more")
    assert not any("signal" in text for text in did[1:])


def test_the_markdown_holds_nothing_but_text_of_what_others_wrote(told):
    repaired(told)
    stores, clock = told.stores, told.clock
    told.say("note", HOSTILE, text=HOSTILE)
    told.say("notification", channel=HOSTILE, event=HOSTILE, outcome="dead", detail=HOSTILE)
    told.say("analysis", "ann", verdict=HOSTILE, cause=HOSTILE, analysis_id="ANA-2", claims={})
    texts = dict.fromkeys(("summary", "lessons"), HOSTILE)
    writing.write_review(Act(stores, clock, "ann"), told.id, texts, "not_needed", HOSTILE)
    writing.add_follow_up(Act(stores, clock, "ann"), told.id, HOSTILE, HOSTILE[:100], START)
    text = read_review(stores, told.id, GRAVE).to_markdown()
    unescaped = re.sub(r"\\.", "", text)
    for mark in ("<img", "](http", "![", "@here", "`x`", "https://evil", "~~", ":smile:", "\u202e"):
        assert mark not in unescaped, mark
    headings = [line for line in text.splitlines() if line.startswith("#")]
    assert not any(line.lstrip("# ") == "h" for line in headings)
    for line in text.splitlines():
        if line.startswith("|"):
            assert re.sub(r"\\\|", "", line).count("|") in (3, 5, 7), line


def test_no_secret_leaves_with_the_markdown(told):
    told.say("note", "ann", text="It was password=hunter2 all along.")
    writing.write_review(
        Act(told.stores, told.clock, "ann"), told.id, {"causes": "token: s3cr3tvalue99"}
    )
    text = read_review(told.stores, told.id, GRAVE).to_markdown()
    assert "all along" in text and "hunter2" not in text and "s3cr3tvalue99" not in text


def test_what_a_person_wrote_is_whole_in_the_markdown(told):
    long = " ".join(f"word{number}" for number in range(1000))
    writing.write_review(
        Act(told.stores, told.clock, "ann"), told.id, {"causes": f"One.\n\n{long}"}
    )
    text = read_review(told.stores, told.id, GRAVE).to_markdown()
    assert "## Causes and contributing factors" in text and long in text

"""Reviews of unusual lives, and that a review exports no secret."""

from __future__ import annotations

import re

import pytest

from incident_management.incidents import lifecycle, report, timeline
from incident_management.incidents.act import Act
from incident_management.incidents.joining import merging
from incident_management.incidents.review import writing
from incident_management.incidents.review.document import read_review
from tests.unit.incidents.builders import signal
from tests.unit.incidents.movers import opened, split
from tests.unit.incidents.test_review_account import GRAVE, Told

KEY = (
    "It was this:\n-----BEGIN RSA PRIV"
    "ATE KEY-----\nMIIEowIBAAKCAQEAfirst0line\n"
    "second0line0of0it\n-----END RSA PRIVATE KEY-----\nIt is revoked."
)


@pytest.fixture
def told(stores, clock):
    return Told(stores, clock)


def part(stores, incident_id, name):
    account = read_review(stores, incident_id, GRAVE).to_document()["account"]
    return [s["text"] for one in account if one["name"] == name for s in one["statements"]]


def test_a_key_of_many_lines_does_not_leave(told):
    stores, clock = told.stores, told.clock
    texts = {"causes": KEY, "summary": "a\n\nb"}
    writing.write_review(Act(stores, clock, "ann"), told.id, texts)
    told.say("note", "ann", text=KEY)
    lifecycle.resolve(Act(stores, clock, "ann"), told.id, lifecycle.Ending(KEY))
    told.say("edited", "ann", description=KEY)
    entries = timeline.read(stores, told.id)
    for text in (read_review(stores, told.id, GRAVE).to_markdown(), report.to_markdown(entries)):
        assert "revoked" in text
        assert "first0line" not in text and "second0line" not in text
    assert "\na\n\nb\n" in read_review(stores, told.id, GRAVE).to_markdown()


def test_what_is_written_while_it_is_read_is_not_missing(told):
    def other(verb, name):
        told.stores.incidents.before = told.stores.timeline.before = None
        told.say("note", "ann", text="I am at it.")

    for collection in (told.stores.incidents, told.stores.timeline):
        collection.before = other
        assert told.review()["problems"] == []


def test_the_report_masks_secrets(told):
    told.say("note", "ann", text="It was password=hunter2 all along.")
    told.say("edited", "ann", title="password=hunter2", description="token: s3cr3tvalue99")
    text = report.to_markdown(timeline.read(told.stores, told.id))
    assert "all along" in text and "hunter2" not in text and "s3cr3tvalue99" not in text


def test_what_was_sent_again_and_came_through_was_not_lost(told):
    def ended(number, outcome, detail=""):
        told.say(
            "notification", channel="email", event="opened", outcome=outcome, detail=detail,
            notification_id=f"n{number}",
        )  # fmt: skip

    ended(1, "dead", "No mailbox.")
    ended(2, "unconfirmed")
    ended(3, "dead", "Full.")
    ended(1, "sent")
    ended(2, "sent")
    heard = told.part("told")
    assert heard[0].startswith("email got 2 messages, the first at ")
    assert heard[1:] == ["email did not receive “opened”: Full."]
    assert told.part("promised") == ["email did not receive 1 of its messages, or may not have."]
    text = report.to_markdown(timeline.read(told.stores, told.id))
    assert text.endswith("| email | 2 | 1 | Full. |\n")


def test_the_deadlines_of_what_was_merged_are_not_said_to_be_met(stores, clock, two):
    first, second = two
    dues = {"acknowledge_due": 1e9, "resolve_due": 2e9}
    timeline.append(Act(stores, clock, "x"), first, "sla", {"event": "timed", **dues})
    merging.merge(Act(stores, clock, "ann"), first, second)
    (said,) = part(stores, first, "promised")
    assert said.startswith("Deadlines: acknowledge by") and said.endswith("03:33:20 UTC.")
    timeline.append(Act(stores, clock, "x"), second, "sla", {"event": "timed"})
    assert part(stores, second, "promised") == ["Deadlines: none."]


def test_an_undone_merge_is_one_more_life_and_said_once(stores, clock, two):
    first, second = two
    clock.advance(60)
    merging.merge(Act(stores, clock, "ann"), first, second, "The same.")
    clock.advance(60)
    assert "The incident was merged without an acknowledgement." in part(stores, first, "lasted")
    merging.undo_merge(Act(stores, clock, "ann"), second, first, "Not the same.")
    happened = part(stores, first, "happened")
    assert [one for one in happened if "Not the same" in one] == ["Reopened: Not the same."]
    lives = read_review(stores, first, GRAVE).to_document()["lives"]
    assert [one["ended"] for one in lives] == [60.0, None]


def test_what_only_a_signal_that_was_split_off_had_found_is_not_named(stores, clock):
    here, there = signal("checkout"), signal("cart", rule="Slow Pages")
    kept, joined = opened(stores, clock, here), opened(stores, clock, there)
    merging.merge(Act(stores, clock, "ann"), joined, kept)
    assert "Found by High Error Rate, Slow Pages." in part(stores, kept, "happened")
    split(stores, clock, kept, there)
    assert not any("Found by" in one for one in part(stores, kept, "happened"))


def test_who_resolved_it_in_the_same_moment_without_effect_did_not(told):
    entries = timeline.read(told.stores, told.id)
    lifecycle.resolve(Act(told.stores, told.clock, "ann"), told.id, lifecycle.Ending("Restarted."))
    data = {"from": "assigned", "to": "resolved", "resolution": "Replaced."}
    late = timeline.Entry.create(
        told.id, "status", data, "bob", told.clock.now() + 1, timeline.head_of(entries)
    )
    timeline.write(told.stores, [late])
    timeline.refresh(told.stores, told.id)
    assert told.part("tried") == ["Resolved: Restarted."]
    assert not any("bob" in str(one) for one in told.statements("did"))


def test_of_hundreds_of_lives_the_first_and_last_are_reported(told):
    for number in range(60):
        lifecycle.resolve(Act(told.stores, told.clock, "ann"), told.id)
        told.clock.advance(60)
        lifecycle.reopen(Act(told.stores, told.clock, "ann"), told.id, f"Back {number}.")
    assert len(told.part("happened")) == 51 and len(told.part("lasted")) == 51
    assert told.part("happened")[-1] == "Reopened: Back 59."
    assert told.part("lasted")[-1].startswith("The incident has been open since")
    assert re.match(r"\d+ more like these", told.part("lasted")[30])


def test_each_moment_of_a_sentence_says_that_it_is_of_utc(told):
    told.say("sla", event="timed", acknowledge_due=1e9, resolve_due=2e9)
    told.say("update", "ann", text="We are at it.", state="investigating", next_by=1.5e9)
    moment = r"\d\d:\d\d:\d\d(?! UTC)"
    for name in ("happened", "lasted", "affected", "told", "promised", "did"):
        assert not re.search(moment, " ".join(told.part(name))), told.part(name)
    assert told.part("promised") == [
        "Deadlines: acknowledge by 2001-09-09 01:46:40 UTC, resolve by 2033-05-18 "
        "03:33:20 UTC. Status: ok."
    ]

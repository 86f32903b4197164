"""A storm: what more than people can read becomes, and that nothing of it is lost."""

from __future__ import annotations

import pytest

from incident_management.notify.announcing import storms, summaries
from incident_management.notify.channel import dead
from tests.unit.notify.services import Crash
from tests.unit.notify.stormy import WEB, Storm

GATHERED = {"state": "gathered", "summary": ""}


@pytest.fixture
def storm():
    return Storm()


def test_of_many_incidents_at_once_people_get_twenty_and_a_summary_and_machines_all(storm):
    storm.comes(100)
    storm.goes_on(60)
    for channel in ("slack", "email"):
        assert storm.arrived(channel) == ["opened"] * 20 + ["summary"], channel
    assert storm.arrived("pagerduty") == ["opened"] * 100
    (summary,) = storm.summaries("email")
    message = summary.message
    assert summary.target == "web@shop.example" and summary.incident_id == ""
    assert message["title"] == "80 more incidents of team web: incident opened"
    assert message["text"].startswith("80 high. They are summarized because there were too many")
    assert message["where"] == ["shop (80)"] and message["rules"] == ["High Error Rate (80)"]
    assert message["url"].endswith("/workbench?sort=-opened_at&team=web")


def test_each_incidents_timeline_says_how_it_was_announced(storm):
    storm.comes(30)
    storm.goes_on(60)
    assert storm.on_timeline(20, "email") == [""]
    assert storm.on_timeline(30, "email") == ["in a summary of 10 messages"]
    assert {d["state"] for d in storm.stores.outbox.all()} == {"sent"}


def test_a_storm_that_lasts_is_followed_up_and_then_all_is_as_before(storm):
    storm.comes(30)
    storm.goes_on(60)
    storm.comes(30)
    storm.goes_on(200)
    assert len(storm.summaries("slack")) == 1  # the next one waits for the end of the storm
    storm.goes_on(120)
    assert [one.message["title"][:2] for one in storm.summaries("slack")] == ["10", "30"]
    storm.goes_on(600)
    storm.comes(1)
    storm.goes_on(5)
    assert storm.arrived("slack")[-1] == "opened"


def test_the_gravest_are_announced_singly_up_to_a_limit_of_their_own(storm):
    storm.comes(25)
    storm.comes(65, severity="critical")
    storm.goes_on(60)
    singly = [one for one in storm.services["slack"].messages if one.event == "opened"]
    assert [one.message["severity"] for one in singly].count("critical") == 60
    assert len(singly) == 80
    assert storm.summaries("slack")[0].message["text"].startswith("5 critical, 5 high.")


def test_a_storm_of_one_team_buries_nothing_of_another(storm):
    storm.comes(50, team="web")
    storm.comes(1, team="pay", entity="till")
    storm.goes_on(5)
    assert ["till"] in [one.message["where"] for one in storm.services["slack"].messages]


def test_what_becomes_worse_or_somebodys_is_announced_singly(storm):
    storm.comes(40)
    storm.goes_on(60)
    told = storm.named(40)
    storm.write("severity", told, **{"from": "high", "to": "critical", "reason": "more"})
    storm.write("escalation", told, level=1, team="web", reason="nobody took it", channels=[])
    storm.write("assigned", told, owner="dana", team="web", reason="by hand")
    # One that was told singly shows its severity in its own message.
    storm.write("severity", storm.named(1), **{"from": "high", "to": "critical", "reason": "more"})
    storm.goes_on(5)
    events = [one.event for one in storm.services["slack"].messages if one.incident_id == told]
    assert events == ["severity", "escalation", "assigned"]
    first = [d["event"] for d in storm.stores.outbox.all() if d["incident_id"] == storm.named(1)]
    assert "severity" not in first


def test_what_goes_to_threads_in_slack_alone_stays_there(storm):
    storm.comes(20)
    for who in ("dana", "mia"):
        for number in range(1, 21):
            storm.write("assigned", storm.named(number), owner=who, team="web", reason="turn")
    for number in range(1, 21):
        storm.write("escalation", storm.named(number), level=1, team="web", reason="late")
        storm.write("escalation", storm.named(number), level=2, team="web", reason="late")
    storm.goes_on(60)
    told = storm.arrived("slack")
    assert told.count("assigned") == 40 and told.count("escalation") == 20
    assert [one.message["title"][:7] for one in storm.summaries("slack")] == ["10 more"]


def test_whether_something_goes_to_threads_is_asked_once_for_all_of_a_turn(storm):
    storm.comes(40)
    storm.goes_on(5)
    for number in range(1, 41):
        storm.write("assigned", storm.named(number), owner="dana", team="web", reason="turn")
    reads, outbox = [], storm.stores.outbox
    real = outbox.find

    def find(*given, **named):
        reads.append(given)
        return real(*given, **named)

    outbox.find = find
    storm.announcer.run(storm.routing, WEB, storm.set_up)
    assert len(reads) <= 10


@pytest.mark.parametrize("of_the_other", [{}, GATHERED], ids=["singly", "gathered"])
def test_whether_there_is_a_thread_is_what_another_worker_made_of_it(storm, of_the_other):
    """Both announce the same incident: one was slow, and lost its turn."""
    storm.comes(21)
    storm.goes_on(5)
    told = {"owner": "dana", "team": "web", "reason": "turn"}
    for number in range(1, 22):
        storm.write("assigned", storm.named(number), **told)
    contested, outbox = storm.named(22), storm.stores.outbox
    insert = outbox.insert

    def another_is_first(document):
        if (document["incident_id"], document["event"]) == (contested, "opened"):
            single = {key: value for key, value in document.items() if key != "summary"}
            insert({**single, "state": "pending", **of_the_other})
        return insert(document)

    outbox.insert = another_is_first
    about = {"title": "shop fails", "severity": "high", "entities": ["shop"], "signals": {"a": 1}}
    storm.write("opened", contested, **about, rule="High Error Rate")
    storm.write("routed", contested, team="web", owner="", reason="rule")
    storm.write("assigned", contested, **told)
    storm.announcer.run(storm.routing, WEB, storm.set_up)
    mine = {"incident_id": contested, "channel": "slack", "event": "assigned"}
    assert ["summary" in one for one in outbox.find(mine)] == [bool(of_the_other)]


def test_a_persons_own_mails_are_summed_up_for_them(storm):
    storm.comes(30)
    for number in range(1, 31):
        storm.write("assigned", storm.named(number), owner="dana", team="web", reason="all")
    storm.goes_on(60)
    mine = [one for one in storm.summaries("email") if "assigned" in one.message["title"]]
    assert [one.target for one in mine] == ["dana@shop.example"]
    assert mine[0].message["title"].startswith("10 more")


def test_a_summary_calls_those_by_name_whom_its_messages_would_have_called(storm):
    storm.comes(30)
    for number in range(1, 31):
        storm.write("assigned", storm.named(number), owner="dana", team="web", reason="all")
        storm.write("escalation", storm.named(number), level=1, team="web", reason="late")
    storm.goes_on(60)
    (late,) = [one for one in storm.summaries("email") if "escalated" in one.message["title"]]
    assert late.target == "web@shop.example" and late.message["mention"] == "dana@shop.example"


def test_fixes_that_wait_for_an_approval_are_asked_for_one_by_one(storm, monkeypatch):
    """A summary has no buttons: whoever may approve could not, in an outage of many services."""
    monkeypatch.setattr(storms, "ASKED_SINGLY", 25)
    storm.routing.announce["plan"] = storm.routing.announce["opened"]
    storm.comes(35)
    storm.goes_on(5)
    for number in range(1, 36):
        told = {"plan_id": f"PLAN-{number}", "plan_hash": "h", "summary": "Put it back."}
        storm.write("plan", storm.named(number), **told)
    storm.goes_on(40)
    asked = [one for one in storm.services["slack"].messages if one.event == "plan"]
    assert len(asked) == 25
    assert all(one.message["plan_id"] for one in asked)
    by_mail = [one for one in storm.services["email"].messages if one.event == "plan"]
    assert len(by_mail) == 20, "a mail has no Approve either"
    text = storm.summaries("slack")[-1].message["text"]
    assert text.startswith("10 high.") and text.endswith(
        "Approve each on its incident's page, or with | remediate."
    )


def test_a_summary_of_one_has_its_own_words(storm):
    storm.comes(21)
    storm.goes_on(60)
    last = storm.services["slack"].messages[-1]
    assert len(storm.services["slack"].messages) == 21 and last.message["event"] == "opened"
    assert last.message["incident_id"] == storm.named(21)
    assert storm.on_timeline(21, "slack") == [""]


def test_zero_tells_each_by_itself():
    storm = Storm(tell_singly=0)
    storm.comes(50)
    storm.goes_on(60)
    assert storm.arrived("slack") == ["opened"] * 50


def test_the_gravest_may_be_as_any_other():
    storm = Storm(tell_singly=5, tell_critical_singly=0)
    storm.comes(20, severity="critical")
    storm.goes_on(60)
    assert storm.arrived("slack") == ["opened"] * 5 + ["summary"]
    assert storm.summaries("slack")[0].message["severity"] == "critical"


def test_what_was_deleted_before_its_summary_is_left_out(storm):
    storm.comes(30)
    outbox = storm.stores.outbox
    find = outbox.find

    def found_and_deleted(query=None, *more, **named):
        found = find(query, *more, **named)
        if {"state": "gathered", "summary": ""} in query.get("$or", ()):
            for number in range(21, 31):
                outbox.delete_matching({"incident_id": storm.named(number)})
        return found

    storm.clock.advance(40)
    outbox.find = found_and_deleted
    assert storm.announcer.summarize(WEB)["summaries_queued"] == 0


def test_another_worker_neither_tells_again_nor_counts_anew(storm):
    storm.comes(30)
    for _ in range(3):
        storm.restart()
        storm.goes_on(20)
    assert storm.arrived("slack") == ["opened"] * 20 + ["summary"]


@pytest.mark.parametrize("kept", [0, 1, 3, 4, 6, 8, 9, 11, 12, 15])
def test_a_kill_at_any_write_of_a_summary_loses_and_doubles_nothing(storm, kept, monkeypatch):
    monkeypatch.setattr(summaries, "SAVED_AT_ONCE", 4)
    storm.comes(30)
    storm.goes_on(25)
    outbox = storm.stores.outbox
    save, insert, left = outbox.save, outbox.insert, [kept]

    def dies(write):
        def written(*arguments):
            if left[0] == 0:
                raise Crash
            left[0] -= 1
            return write(*arguments)

        return written

    outbox.save, outbox.insert = dies(save), dies(insert)
    for _ in range(2):
        try:
            storm.clock.advance(10)
            storm.announcer.summarize(WEB)
            outbox.save, outbox.insert = save, insert
            storm.outbox.deliver_due(storm.senders, 1000)
            outbox.save, outbox.insert = dies(save), dies(insert)
        except Crash:
            break
    outbox.save, outbox.insert = save, insert
    storm.restart()
    storm.goes_on(400)
    assert storm.arrived("slack") == ["opened"] * 20 + ["summary"]
    for number in range(21, 31):
        assert storm.on_timeline(number, "slack") == ["in a summary of 10 messages"]


def test_a_summary_that_was_refused_is_one_message_to_send_again(storm):
    storm.comes(30)
    storm.goes_on(25)
    storm.services["slack"].script = [dead("The channel is archived.")]
    storm.goes_on(30)
    refused = [d for d in storm.stores.outbox.all() if d["state"] == "dead"]
    assert [d["event"] for d in refused] == ["summary"]
    assert storm.on_timeline(30, "slack") == []
    storm.outbox.retry(refused[0]["_key"], lambda document: {})
    storm.goes_on(30)
    assert storm.on_timeline(30, "slack") == ["in a summary of 10 messages"]


def test_more_than_a_summary_holds_follows_at_once(storm, monkeypatch):
    monkeypatch.setattr(summaries, "MOST", 10)
    storm.comes(45)
    storm.goes_on(60)
    assert [one.message["title"][:2] for one in storm.summaries("slack")] == ["10", "10", "5 "]

"""Our Jira issues against Jira Cloud's rules: one issue an incident, each message once."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from incident_management.notify.services.jira import JiraSender
from incident_management.outside.network import NotConfigured
from incident_management.outside.transport import Network
from incident_management.splunk.configuration.settings import Jira

from .fake_jira import FakeJira, text_of
from .messages import ALL, CLOCK, INCIDENT, message, notification, told

SETTINGS = Jira("", "mia@example.com", "t0ken", "OPS")


@pytest.fixture
def site(receiver):
    return FakeJira(receiver)


def sender(site, **other):
    return JiraSender(replace(SETTINGS, site_url=site.receiver.url, **other), Network(), CLOCK)


def tell(site, *names):
    return told(sender(site), *names)


def comments(site, number=0):
    return [text_of(comment["body"]) for comment in site.issues[number]["comments"]]


def status(site, number=0):
    return site.issues[number]["fields"]["status"]


@pytest.mark.parametrize("name", ALL)
def test_every_message_is_taken(name, site):
    site.indexed = False
    tell(site, "opened", name)
    assert len(site.issues) == 1 and len(site.issues[0]["comments"]) == 1


def test_the_first_message_opens_an_issue_with_all_that_is_known(site):
    delivery = tell(site, "opened, analysed")
    (issue,) = site.issues
    assert delivery.receipt == {"ticket": issue["id"], "number": "OPS-1"}
    assert issue["fields"]["summary"] == "HIGH: High Error Rate: checkout"
    assert issue["fields"]["issuetype"] == {"name": "Task"}
    assert issue["fields"]["labels"] == ["splunk-incident", INCIDENT["id"]]
    said = text_of(issue["fields"]["description"])
    for part in (
        "checkout",
        "CHG-1042 set pool_size to 1",
        "QueuePool limit",
        "/workbench?incident=INC-",
    ):
        assert part in said


def test_what_follows_is_a_comment_and_the_end_moves_it_to_done(site):
    tell(site, "opened", "note", "resolved")
    assert ["Looking at it." in text for text in comments(site)] == [True, False]
    assert status(site) == "Done"


def test_customers_of_a_service_project_see_none_of_the_comments(site):
    tell(site, "opened", "note", "resolved")
    assert [one["jsdPublic"] for one in site.issues[0]["comments"]] == [False, False]


def test_a_receipt_says_in_which_status_the_message_left_the_issue(site):
    assert "state" not in tell(site, "opened", "note").receipt
    site.issues.clear()
    assert tell(site, "opened", "resolved").receipt["state"] == "10001"
    site.issues.clear()
    assert tell(site, "opened", "resolved", "reopened").receipt["state"] == "10000"


def test_a_reopening_moves_it_back(site):
    tell(site, "opened", "resolved", "reopened")
    assert status(site) == "To Do"
    assert len(comments(site)) == 2


def test_a_transition_that_asks_for_more_is_left_to_people(site):
    site.required = {"Done": {"resolution"}}
    tell(site, "opened", "resolved")
    assert status(site) == "To Do"
    assert "Please move it by hand." in comments(site)[0]


def test_a_transition_that_is_refused_is_announced_in_the_comment(site):
    tell(site, "opened")
    issue = notification(ALL["resolved"], "b" * 40, thread={"ticket": site.issues[0]["id"]})
    handle = site.receiver.respond
    refusal: Any = (400, {}, {"errorMessages": ["It is not valid for this issue."], "errors": {}})
    site.receiver.respond = lambda request: (
        refusal if request.method == "POST" and "transitions" in request.path else handle(request)
    )
    assert sender(site).send(issue).outcome == "sent"
    assert "It is not valid for this issue." in comments(site)[0]


def test_a_message_whose_answer_was_lost_is_not_written_twice(site):
    opened, note = notification(ALL["opened"], "a" * 40), notification(ALL["note"], "b" * 40)
    for message_of in (opened, note):
        assert sender(site).send(message_of).outcome == "sent"
        assert sender(site).send(message_of).outcome == "sent"
    assert len(site.issues) == 1 and len(comments(site)) == 1


def test_a_lost_creation_waits_for_the_search_to_know_it(site):
    opened = notification(ALL["opened"], "a" * 40)
    speaker = sender(site)
    site.indexed = False
    assert speaker.send(opened).outcome == "sent"
    assert CLOCK.now() - opened.first_sent < 60
    assert speaker.ask(opened).answer == "later"
    assert speaker.ask(replace(opened, first_sent=CLOCK.now() - 61)).answer == "harmless"
    again = replace(opened, first_sent=CLOCK.now() - 600, begun=CLOCK.now() - 15)
    assert speaker.ask(again).answer == "later", "it was tried in vain for ten minutes before"
    assert speaker.ask(replace(opened, thread={"ticket": "10001"})).answer == "harmless"


def test_an_issue_that_follows_a_deleted_one_is_made_once_also_when_its_answer_was_lost(site):
    note = notification(ALL["note"], "b" * 40, thread={"ticket": "999", "number": "OPS-9"})
    site.indexed = False
    assert sender(site).send(note).outcome == "sent"
    assert sender(site).ask(note).answer == "later", "Jira's search does not know it yet"
    site.indexed = True
    assert sender(site).send(note).receipt["ticket"] == site.issues[0]["id"]
    assert len(site.issues) == 1
    site.receiver.answers = ["drop"]
    assert sender(site).ask(note).answer == "later", "it can't be asked what is there"


def test_an_issue_that_was_deleted_is_made_again_while_the_incident_lasts(site):
    gone = {"ticket": "999", "number": "OPS-9"}
    assert sender(site).send(notification(ALL["note"], thread=gone)).outcome == "sent"
    assert len(site.issues) == 1
    assert sender(site).send(notification(ALL["resolved"], thread=gone)).outcome == "sent"
    assert len(site.issues) == 1


def test_an_incident_that_ended_before_it_was_sent_makes_no_issue(site):
    assert sender(site).send(notification(ALL["resolved"])).outcome == "sent"
    assert site.issues == []


def test_a_log_line_stays_text(site):
    tell(site, "opened")
    text = "{code}[x|https://evil.example]{code} <b>*bold*</b>\n\nh1. big"
    told = message("note", text=text)
    sender(site).send(notification(told, "c" * 40))
    assert text in comments(site)[0]


@pytest.mark.parametrize(
    ("answers", "outcome"),
    [
        ([(429, {"Retry-After": "9"}, b"")], "retry"),
        # A search changes nothing, although it is a POST: that it may have arrived does no harm.
        ([(502, {}, b"")], "unknown"),
        ([(200, {}, {"issues": []}), "drop"], "unknown"),
        ([(200, {}, {"issues": []}), (500, {}, b"")], "unknown"),
        ([(200, {}, {"issues": []}), (400, {}, {"errors": {"issuetype": "wrong"}})], "dead"),
        ([(302, {"Location": "https://evil.example/"}, b"")], "dead"),
        ([(401, {}, b"Client must be authenticated")], "dead"),
    ],
)
def test_what_an_answer_means(site, answers, outcome):
    site.receiver.answers = list(answers)
    delivery = sender(site).send(notification(ALL["opened"]))
    assert delivery.outcome == outcome, delivery
    assert "t0ken" not in delivery.detail
    assert delivery.retry_after == (9.0 if answers[0][0] == 429 else None)


def test_a_refusal_tells_the_services_reason(site):
    site.receiver.answers = [
        (200, {}, {"issues": []}),
        (400, {}, {"errorMessages": [], "errors": {"issuetype": "Specify a valid issue type"}}),
    ]
    delivery = sender(site).send(notification(ALL["opened"]))
    assert (
        delivery.detail
        == "Jira rejected the request with 400: issuetype: Specify a valid issue type"
    )


@pytest.mark.parametrize(
    ("missing", "sentence"),
    [
        (Jira(), "No Jira address is set"),
        (Jira("https://x.example"), "No Jira user is set"),
        (Jira("https://x.example", "u"), "No Jira API token is set"),
        (Jira("https://x.example", "u", "t"), "No Jira project is set"),
        (Jira("http://x.example", "u", "t", "P"), "The Jira address must start with https"),
    ],
)
def test_a_missing_setting_is_one_sentence(missing, sentence):
    with pytest.raises(NotConfigured, match=f"^{sentence}"):
        JiraSender(missing, Network(), CLOCK)


def test_a_new_issue_has_what_an_administrator_says_it_needs(site):
    priority = {"critical": {"name": "Highest"}, "high": {"name": "High"}}
    more = {"priority": priority, "components": [{"name": "Shop"}], "summary": "ours is ours"}
    sender(site, more_fields=more).send(notification(ALL["opened"]))
    fields = site.issues[0]["fields"]
    assert fields["priority"] == {"name": "High"} and fields["components"] == [{"name": "Shop"}]
    assert fields["summary"] == "HIGH: High Error Rate: checkout"
    low = notification(replace(ALL["opened"], severity="low", incident_id="INC-20260202-000000"))
    sender(site, more_fields=more).send(low)
    assert "priority" not in site.issues[1]["fields"]

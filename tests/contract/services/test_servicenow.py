"""Our ServiceNow records against the Table API's rules: one an incident, each message once."""

from __future__ import annotations

from typing import Any

import pytest

from incident_management.notify.services.servicenow import ServiceNowSender
from incident_management.outside.network import NotConfigured
from incident_management.outside.transport import Network
from incident_management.splunk.configuration.settings import ServiceNow

from .fake_servicenow import FakeServiceNow
from .messages import ALL, CLOCK, INCIDENT, message, notification, told


@pytest.fixture
def instance(receiver):
    return FakeServiceNow(receiver)


def settings(instance, **other):
    return ServiceNow(instance.receiver.url, "splunk", "s3cret", **other)


def sender(instance, **other):
    return ServiceNowSender(settings(instance, **other), Network(), CLOCK)


def tell(instance, *names):
    return told(sender(instance), *names)


@pytest.mark.parametrize("name", ALL)
def test_every_message_is_taken(name, instance):
    tell(instance, "opened", name)
    assert len(instance.records) == 1
    record = instance.records[0]
    assert record["correlation_id"] == INCIDENT["id"]


def test_the_first_message_opens_a_record_with_all_that_is_known(instance):
    delivery = tell(instance, "opened, analysed")
    (record,) = instance.records
    assert delivery.receipt == {
        "ticket": record["sys_id"],
        "number": "INC0000001",
        "state": "1",
        "over": False,
    }
    assert record["short_description"] == "HIGH: High Error Rate: checkout"
    assert (record["impact"], record["urgency"]) == ("2", "1")
    for part in (
        "checkout",
        "CHG-1042 set pool_size to 1",
        "QueuePool limit",
        "/workbench?incident=INC-",
    ):
        assert part in record["description"]


def test_what_follows_is_added_and_the_end_resolves_it(instance):
    tell(instance, "opened", "acknowledged")
    (record,) = instance.records
    assert record["state"] == "2"
    tell(instance, "opened", "acknowledged", "note", "severity", "resolved")
    (record,) = instance.records
    assert record["state"] == "6"
    assert record["close_code"] == "Solution provided" and "recovered" in record["close_notes"]
    assert (record["impact"], record["urgency"]) == ("2", "1")
    notes = instance.notes[record["sys_id"]]
    assert any("Looking at it." in note for note in notes)
    tell(instance, "opened", "resolved", "reopened")
    assert instance.records[0]["state"] == "2"


def test_a_message_whose_answer_was_lost_is_not_written_twice(instance):
    opened, note = notification(ALL["opened"], "a" * 40), notification(ALL["note"], "b" * 40)
    for message_of in (opened, note):
        speaker = sender(instance)
        assert speaker.send(message_of).outcome == "sent"
        assert speaker.ask(message_of).answer == "harmless"
        assert speaker.send(message_of).outcome == "sent"
    (record,) = instance.records
    assert len(instance.notes[record["sys_id"]]) == 1


def test_a_record_that_was_closed_is_followed_by_a_new_one(instance):
    first = tell(instance, "opened", "resolved").receipt
    instance.records[0]["state"] = "7"
    reopened = notification(ALL["reopened"], "8" * 40, thread=first)
    second = sender(instance).send(reopened).receipt
    assert [record["state"] for record in instance.records] == ["7", "1"]
    assert second["number"] == "INC0000002"
    sender(instance).send(notification(ALL["resolved"], "9" * 40, thread=second))
    assert [record["state"] for record in instance.records] == ["7", "6"]


def test_a_record_that_follows_another_is_made_once_also_when_its_answer_was_lost(instance):
    first = tell(instance, "opened", "resolved").receipt
    instance.records[0]["state"] = "7"
    for thread in (first, {"ticket": "f" * 32, "number": "INC9"}):
        again = notification(ALL["reopened"], "8" * 40, thread=thread)
        one, two = sender(instance).send(again), sender(instance).send(again)
        assert one.receipt["ticket"] == two.receipt["ticket"]
        assert [record["state"] for record in instance.records] == ["7", "1"]


def test_a_closed_record_takes_no_more_of_an_incident_that_is_over(instance):
    first = tell(instance, "opened", "resolved").receipt
    instance.records[0]["state"] = "7"
    late = sender(instance).send(notification(ALL["resolved"], "9" * 40, thread=first))
    assert (late.outcome, late.receipt["ticket"]) == ("sent", first["ticket"])
    # That somebody closed it is not this app's doing.
    assert "state" not in late.receipt
    assert len(instance.records) == 1


def test_a_receipt_says_in_which_state_the_message_left_the_record(instance):
    assert tell(instance, "opened", "acknowledged").receipt["state"] == "2"
    instance.records.clear()
    assert tell(instance, "opened", "resolved").receipt["state"] == "6"
    instance.records.clear()
    assert "state" not in tell(instance, "opened", "note").receipt


def test_an_incident_that_ended_before_it_was_sent_makes_no_record(instance):
    assert sender(instance).send(notification(ALL["resolved"])).outcome == "sent"
    assert instance.records == []


def test_a_record_that_was_deleted_is_made_again_while_the_incident_lasts(instance):
    gone = {"ticket": "f" * 32, "number": "INC9"}
    assert sender(instance).send(notification(ALL["note"], thread=gone)).outcome == "sent"
    assert len(instance.records) == 1


def test_a_log_line_is_never_taken_for_html(instance):
    tell(instance, "opened")
    told = message("note", text="[code]<a href='https://evil.example'>x</a>[/CODE]")
    sender(instance).send(notification(told, "c" * 40))
    (note,) = instance.notes[instance.records[0]["sys_id"]]
    assert "[code]" not in note.lower() and "[/code]" not in note.lower()
    assert "evil.example" in note


def test_the_assignment_group_is_given_where_there_is_one(instance):
    speaker = sender(instance, assignment_group="Payments on call")
    assert speaker.send(notification(ALL["opened"])).outcome == "sent"
    assert instance.records[0]["assignment_group"] == "Payments on call"


@pytest.mark.parametrize(
    ("answers", "outcome"),
    [
        ([(429, {"Retry-After": "9"}, b"")], "retry"),
        ([(502, {}, b"")], "retry"),
        (["drop"], "retry"),
        ([(200, {}, {"result": []}), "drop"], "unknown"),
        ([(200, {}, {"result": []}), (502, {}, b"")], "unknown"),
        ([(200, {}, {"result": []}), (503, {}, b"")], "retry"),
        ([(200, {}, b"<html>Instance is hibernating</html>")], "retry"),
        ([(302, {"Location": "https://evil.example/"}, b"")], "dead"),
        ([(401, {}, {"error": {"message": "User Not Authenticated", "detail": "x"}})], "dead"),
    ],
)
def test_what_an_answer_means(instance, answers, outcome):
    instance.receiver.answers = list(answers)
    delivery = sender(instance).send(notification(ALL["opened"]))
    assert delivery.outcome == outcome, delivery
    assert "s3cret" not in delivery.detail and "c3BsdW5r" not in delivery.detail
    assert delivery.retry_after == (9.0 if answers[0][0] == 429 else None)


def test_a_refusal_tells_the_services_reason(instance):
    refusal: Any = (403, {}, {"error": {"message": "Operation Failed", "detail": "Data Policy: x"}})
    instance.receiver.answers = [(200, {}, {"result": []}), refusal]
    delivery = sender(instance).send(notification(ALL["opened"]))
    assert (
        delivery.detail
        == "ServiceNow rejected the request with 403: Operation Failed Data Policy: x"
    )


@pytest.mark.parametrize(
    ("missing", "sentence"),
    [
        (ServiceNow(), "No ServiceNow address is set"),
        (ServiceNow("https://x.example"), "No ServiceNow user is set"),
        (ServiceNow("https://x.example", "u"), "No ServiceNow password is set"),
        (ServiceNow("http://x.example", "u", "p"), "The ServiceNow address must start with https"),
    ],
)
def test_a_missing_setting_is_one_sentence(missing, sentence):
    with pytest.raises(NotConfigured, match=f"^{sentence}"):
        ServiceNowSender(missing, Network(), CLOCK)


def test_a_table_without_correlation_id_has_nobody_elses_record_written_to(instance):
    """An instance drops a condition that it can't use, and answers with any record it has."""
    instance.is_no_task = True
    strangers = instance._create("incident", {"short_description": "A stranger's", "impact": "1"})
    delivery = tell(instance, "opened", "note", "resolved")
    assert (strangers["state"], instance.notes[strangers["sys_id"]]) == ("1", [])
    assert delivery.receipt["ticket"] != strangers["sys_id"]
    assert [record["state"] for record in instance.records] == ["1", "6"]


def test_a_new_record_has_what_an_administrator_says_it_needs(instance):
    instance.needs = ("caller_id", "category")
    refused = sender(instance).send(notification(ALL["opened"]))
    assert refused.outcome == "dead" and "mandatory: caller_id, category" in refused.detail
    category = {"critical": "outage", "high": "degradation"}
    more = {"caller_id": "abc", "category": category, "impact": "3"}
    delivery = sender(instance, more_fields=more).send(notification(ALL["opened"]))
    (record,) = instance.records
    assert (delivery.outcome, record["caller_id"]) == ("sent", "abc")
    assert (record["category"], record["impact"]) == ("degradation", "2"), "ours are ours"


def test_a_record_that_may_not_be_resolved_gets_the_reason_and_keeps_the_message(instance):
    instance.needs_to_resolve = ("category",)
    delivery = tell(instance, "opened", "resolved")
    (record,) = instance.records
    (note,) = instance.notes[record["sys_id"]]
    assert record["state"] == "1" and "state" not in delivery.receipt
    assert note.startswith("What happened: Incident resolved\n")
    assert "Splunk could not resolve this record, please do so by hand." in note
    assert "mandatory: category" in note

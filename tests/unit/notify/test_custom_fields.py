"""Custom fields in what people are told: those that are marked, masked, bounded, of now."""

from dataclasses import replace

import pytest

from incident_management.incidents import timeline
from incident_management.incidents.routing import CustomField, CustomFields
from incident_management.incidents.routing.http_channels import HttpChannel
from incident_management.notify.channel import Notification
from incident_management.notify.current_state import marks_of
from incident_management.notify.message import Message, build, facts
from incident_management.notify.services.http_call import values_of
from incident_management.notify.services.pagerduty import event
from incident_management.notify.services.slack_layout import blocks
from incident_management.notify.services.tickets import facts as ticket_facts
from tests.unit.notify.desk import INCIDENT
from tests.unit.notify.stakeholder_desk import ROUTING, StakeholderDesk
from tests.unit.notify.test_first_messages import SINGLY, ShownDesk

FIELDS = CustomFields(
    (
        CustomField("impact", "Customer *impact*", shown=("messages", "stakeholders")),
        CustomField("region", "Region", shown=("messages",)),
        CustomField("case", "Vendor case"),
    )
)
SHOWN = FIELDS.shown_in("messages")
VALUES = {"impact": "some", "region": "eu", "case": "17"}


def built(values, shown=SHOWN):
    incident = {"id": INCIDENT, "title": "Slow", "severity": "high", "fields": values}
    entry = {"_key": "e", "kind": "opened", "time": 10.0, "seq": 1, "data": {}, "actor": "mia"}
    return build(incident, entry, shown=shown)


def test_those_that_are_marked_and_have_a_value_are_announced_everywhere():
    message = built({"impact": "some", "case": "17"})
    told = [("Customer *impact*", "some")]
    assert [one for one in facts(message) if one in told] == told
    assert told[0] in ticket_facts(message, first=True)
    assert told[0] not in ticket_facts(message, first=False)
    assert event(message)["payload"]["custom_details"]["Customer *impact*"] == "some"
    given = values_of(
        Notification("n", INCIDENT, "http", "", "opened", {}), message, HttpChannel("http")
    )
    assert given["fields"] == "Customer *impact*: some"
    shown = [part["text"] for one in blocks(message) for part in one.get("fields", ())]
    assert any("impact" in text and text.endswith("\nsome") for text in shown)
    assert not any("17" in text or "Region" in text for text in shown)


def changed(kind="fields", **data):
    incident = {"id": INCIDENT, "title": "Slow", "severity": "high", "fields": VALUES}
    entry = {"_key": "e", "kind": kind, "time": 10.0, "seq": 2, "data": data, "actor": "mia"}
    return build(incident, entry, shown=SHOWN)


def test_who_is_notified_that_fields_were_set_receives_those_alone_that_messages_show():
    was = {"impact": "none", "case": "16"}
    text = "impact: some (was none); case: 17 (was 16)"
    message = changed(set={"impact": "some", "case": "17"}, was=was, text=text)
    assert message.text == "Customer *impact*: some (was none)"
    assert "17" not in str(message.to_document())
    assert "16" not in str(message.to_document())
    message = changed(set={"case": "17"}, was={}, text="case: 17")
    assert (message.headline, message.text) == ("Custom fields set by mia", "")


def test_a_label_takes_no_other_detail_s_place_in_pagerduty():
    shown = (("impact", "incident"), ("region", "Region"))
    details = event(built(VALUES, shown))["payload"]["custom_details"]
    assert (details["incident"], details["Region"]) == (INCIDENT, "eu")


@pytest.mark.parametrize("value", ["password=hunter2", "Bearer eyJhbGciOi" + "JIUzI1NiJ9.e30.abc"])
def test_a_secret_is_masked(value):
    text = str(built({"region": value}).to_document())
    assert value not in text


def test_hostile_values_are_text_and_bounded_and_slack_reads_no_markup_in_them():
    hostile = "<!channel> <https://evil.example|click> & *x*\nmore " + "y" * 480
    message = built({"region": hostile})
    (told,) = (value for label, value in facts(message) if label == "Region")
    assert len(told) <= 200
    assert "\n" not in told
    shown = [part["text"] for one in blocks(message) for part in one.get("fields", ())]
    (text,) = (one for one in shown if one.startswith("*Region*"))
    assert "<" not in text
    assert "&lt;!channel&gt;" in text


def test_there_are_ten_of_a_message_at_most():
    many = CustomFields(
        tuple(CustomField(f"f{n}", f"F{n}", shown=("messages",)) for n in range(12))
    )
    message = built({f"f{n}": "x" for n in range(12)}, many.shown_in("messages"))
    assert len(message.fields) == 10
    assert all(len(one["fields"]) <= 10 for one in blocks(message) if one.get("fields"))


def test_a_message_of_an_earlier_version_is_read():
    known = built({}).to_document()
    del known["fields"]
    assert Message.from_document(known).fields == []
    assert len(marks_of(known)) == 6


def test_what_no_message_shows_is_no_reason_to_bring_one_up_to_date():
    values = {"impact": "password=hunter2", "region": "y" * 300, "case": "17"}
    incident = {"title": "Slow", "severity": "high", "fields": values}
    shown = marks_of(incident, SHOWN)
    assert shown == marks_of(built(values).to_document())
    assert "17" not in str(shown)
    assert "hunter2" not in str(shown)


def test_stakeholders_are_shown_theirs_alone():
    desk = StakeholderDesk()
    routing = replace(ROUTING, fields=FIELDS)
    desk.announce(routing)
    desk.open()
    desk.write("fields", set=VALUES, was={}, text="x")
    desk.clock.advance(1)
    desk.update(routing=routing)
    desk.announce(routing)
    (message,) = desk.messages("support")
    assert message["fields"] == [["impact", "Customer *impact*", "some"]]


def test_the_first_message_shows_a_value_that_is_set_later_and_what_it_shows_is_not_sent_again():
    desk = ShownDesk()
    desk.fields = SHOWN
    routing = replace(SINGLY, fields=FIELDS)
    desk.announce(routing)
    desk.open()
    desk.announce(routing)
    desk.run()
    desk.look()
    desk.clock.advance(60)
    desk.write("fields", set=VALUES, was={}, text="x")
    for _look in range(3):
        desk.clock.advance(60)
        desk.look()
    (message,) = desk.slack.shown.values()
    assert [(name, value) for name, _, value in message.fields] == [
        ("impact", "some"),
        ("region", "eu"),
    ]
    assert desk.slack.updates == 1
    # One that messages are not to show any more goes at the next change of the incident.
    desk.fields = CustomFields(FIELDS.all[:1]).shown_in("messages")
    desk.write("fields", set={"impact": "all"}, was={}, text="x")
    desk.clock.advance(60)
    desk.look()
    (message,) = desk.slack.shown.values()
    assert message.fields == [["impact", "Customer *impact*", "all"]]
    desk.write("fields", set={"impact": "some"}, was={}, text="x")
    assert timeline.current(desk.stores, INCIDENT).fields == VALUES

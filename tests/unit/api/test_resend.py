"""What failed is sent again to where it is to go by now, in one step for each message."""

from incident_management.incidents.routing import Routing
from incident_management.notify.channel import dead
from incident_management.notify.delivery.notification import NewNotification
from tests.fakes.api import FakeApi
from tests.unit.notify.services import FakeService, Office

ARCHIVED = dead("Slack rejected the message for #old: is_archived.")


def refused(**more):
    """An office whose one message was refused, and the API over the same stores."""
    slack = FakeService()
    slack.script = [ARCHIVED]
    office = Office(slack=slack)
    office.enqueue("entry-1", target="#old", **more)
    office.run()
    document = office.only()
    document["message"]["team"] = "payments"
    office.stores.outbox.save([document])
    api = FakeApi(stores=office.stores, clock=office.clock)
    team = {"slack_channel": "#new"}
    api.routing_value = Routing.from_stanzas({"team:payments": team})
    return office, slack, api


def send_again(office, api):
    status, body = api.call("POST", f"/outbox/{office.only()['_key']}/retry", {})
    assert (status, body["state"]) == (200, "pending")
    office.run()
    assert office.only()["state"] == "sent"


def test_a_message_goes_to_the_channel_that_its_team_has_by_now():
    """It went to the archived one again, whatever was set since."""
    office, slack, api = refused(incident_id="INC-20260101-AAAAAA", order="1")
    send_again(office, api)
    assert [one.target for one in slack.messages] == ["#new"]


def test_a_team_is_known_by_its_name_and_not_by_what_a_message_shows_of_it():
    """Which is masked, and cut to 80 characters."""
    name = "payments and everything that has to do with money, in Europe and elsewhere, by day"
    office, slack, api = refused(incident_id="INC-20260101-AAAAAA", order="1", extra={"team": name})
    api.routing_value = Routing.from_stanzas({f"team:{name}": {"slack_channel": "#new"}})
    send_again(office, api)
    assert [one.target for one in slack.messages] == ["#new"]


def test_a_mail_goes_to_the_address_that_its_owner_has_by_now():
    """It went to the wrong one again, and Slack mentioned the wrong member."""
    mail = FakeService()
    mail.script = [dead("550 5.1.1 no such user")]
    office = Office(email=mail)
    told = {"owner": "mia", "mention": "miaa@example.com", "team": "payments"}
    office.outbox.enqueue(
        NewNotification("1", "email", "assigned", told, "INC-20260101-AAAAAA", order="1")
    )
    office.run()
    api = FakeApi(stores=office.stores, clock=office.clock)
    api.routing_value = Routing.from_stanzas({"member:mia": {"email": "mia@example.com"}})
    send_again(office, api)
    assert [one.message["mention"] for one in mail.messages] == ["mia@example.com"]


def test_a_storms_summary_goes_to_the_channel_that_its_team_has_by_now():
    """It went to the archived one again, and all that it tells of stayed untold."""
    office, slack, api = refused(event="summary", order="", extra={"team": "payments"})
    send_again(office, api)
    assert [one.target for one in slack.messages] == ["#new"]


def test_an_alerts_own_channel_stays():
    office, slack, api = refused(order="")
    send_again(office, api)
    assert [one.target for one in slack.messages] == ["#old"]

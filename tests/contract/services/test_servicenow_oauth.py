"""ServiceNow by OAuth: tokens are fetched once, renewed before and when they end."""

from __future__ import annotations

import pytest

from incident_management.notify.inbound.servicenow import ServiceNowReader
from incident_management.notify.services import oauth
from incident_management.notify.services.servicenow import ServiceNowSender
from incident_management.outside.network import NotConfigured
from incident_management.outside.transport import Network
from incident_management.splunk.configuration.settings import ServiceNow, parse
from tests.fakes import ManualClock

from .fake_servicenow import FakeServiceNow
from .messages import ALL, notification

GRANTS = ("client_credentials", "password")


class Instance(FakeServiceNow):
    """An instance that takes tokens alone, and those who speak to it."""

    def set_up(self):
        self.takes_passwords = False
        self.wall = ManualClock()
        self.told = 0
        return self

    def tell(self, grant="client_credentials", name="opened", **other):
        self.told += 1
        chosen = settings(self.receiver.url, grant, **other)
        made = ServiceNowSender(chosen, Network(), self.wall)
        return made.send(notification(ALL[name], f"{self.told:040d}"))


def settings(url, grant, client_secret="cl1ent s3cret&", **other):
    password = "s3cret" if grant == "password" else ""
    login = {"sign_in": grant, "client_id": "cl1ent", "client_secret": client_secret}
    return ServiceNow(url, "splunk", password, **{**login, **other})


@pytest.fixture
def instance(receiver, monkeypatch):
    monkeypatch.setattr(oauth, "_tokens", {})
    return Instance(receiver).set_up()


@pytest.mark.parametrize("grant", GRANTS)
def test_a_token_is_fetched_once_and_kept(instance, grant):
    for name in ("opened", "note", "resolved"):
        assert instance.tell(grant, name).outcome == "sent"
    assert (instance.given, len(instance.records)) == (1, 1)
    reader = ServiceNowReader(settings(instance.receiver.url, grant), Network(), instance.wall)
    assert len(reader.tickets([instance.records[0]["sys_id"]])) == 1
    assert instance.given == 1


def test_a_token_is_renewed_a_minute_before_it_ends(instance):
    instance.tell()
    instance.wall.advance(1730)
    instance.tell(name="note")
    assert instance.given == 1
    instance.wall.advance(10)
    assert instance.tell(name="note").outcome == "sent"
    assert instance.given == 2


def test_a_token_that_was_revoked_is_replaced_and_the_message_written_once(instance):
    instance.tell()
    instance.tokens.clear()
    assert instance.tell(name="note").outcome == "sent"
    assert instance.given == 2
    assert len(instance.notes[instance.records[0]["sys_id"]]) == 1


def test_tokens_that_are_refused_again_and_again_are_not_fetched_without_end(instance):
    instance.tell()
    real, instance.receiver.respond = instance.receiver.respond, None
    instance.receiver.default = (401, {}, {"error": {"message": "User Not Authenticated"}})
    asked = len(instance.receiver.requests)
    delivery = instance.tell(name="note")
    assert delivery.outcome == "dead" and "refused" in delivery.detail
    assert len(instance.receiver.requests) - asked == 2
    instance.receiver.respond = real
    assert instance.tell(name="note").outcome == "sent"


@pytest.mark.parametrize(
    ("grant", "hint"),
    [("client_credentials", "allows client credentials"), ("password", "user and password")],
)
def test_a_sign_in_that_is_refused_is_a_clear_sentence(instance, grant, hint):
    delivery = instance.tell(grant, client_secret="wr0ng")
    assert delivery.outcome == "dead"
    assert delivery.detail.startswith(
        "ServiceNow refused the sign-in with 401: server_error, access_denied. Check client ID"
    )
    assert hint in delivery.detail
    assert "wr0ng" not in delivery.detail and "s3cret" not in delivery.detail
    # Another secret is another account: it is tried at once.
    assert instance.tell(grant).outcome == "sent"


@pytest.mark.parametrize(
    ("answer", "says"),
    [
        ((503, {"Retry-After": "9"}, b""), "answered 503 to the sign-in"),
        ((429, {}, {}), "answered 429 to the sign-in"),
        ((200, {}, b"<html>log in</html>"), "form that can't be read"),
        ((200, {}, {"access_token": "bad\r\nheader", "expires_in": 1}), "form that can't be read"),
        ("drop", "broke before it answered"),
    ],
)
def test_a_sign_in_that_fails_in_passing_is_tried_again(instance, answer, says):
    instance.receiver.answers = [answer]
    delivery = instance.tell()
    assert delivery.outcome == "retry" and says in delivery.detail
    assert instance.tell().outcome == "sent"


@pytest.mark.parametrize("end", [None, "soon", 0, "1799"])
def test_a_token_whose_end_is_not_said_or_is_now_still_serves_the_request(instance, end):
    instance.tokens.append("own")
    answer = {"access_token": "own", **({} if end is None else {"expires_in": end})}
    instance.receiver.answers = [(200, {}, answer)]
    assert instance.tell().outcome == "sent"


def test_what_is_missing_is_one_sentence():
    for other, what in ({"client_id": ""}, "client ID"), ({"username": ""}, "user"):
        chosen = {**vars(settings("https://x.example", "client_credentials")), **other}
        with pytest.raises(NotConfigured, match=f"^No ServiceNow {what} is set: set it under"):
            ServiceNowSender(ServiceNow(**chosen), Network(), ManualClock())


def test_the_settings_are_read_and_a_secret_is_never_shown():
    stanza = {"instance_url": "https://x.example", "username": "u", "sign_in": "client_credentials"}
    read = parse({"servicenow": {**stanza, "client_id": "c", "client_secret": "s3cret"}}).servicenow
    assert (read.sign_in, read.client_id, read.client_secret) == (
        "client_credentials",
        "c",
        "s3cret",
    )
    assert "s3cret" not in repr(read)
    assert parse({"servicenow": stanza | {"sign_in": ""}}).servicenow.sign_in == "basic"
    wrong = parse({"servicenow": stanza | {"sign_in": "saml"}})
    assert "not one of basic, client_credentials, password" in wrong.problems["servicenow"]

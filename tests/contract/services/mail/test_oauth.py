"""Mail servers that take no passwords: XOAUTH2 with the token of an application."""

from __future__ import annotations

import ssl
from urllib.parse import parse_qs

import pytest

from incident_management.notify.senders import senders
from incident_management.notify.services import mail, oauth
from incident_management.notify.services.mail import EmailSender
from incident_management.outside.network import NotConfigured
from incident_management.outside.transport import Network
from incident_management.splunk.configuration.channel_settings import NO_TLS, Email
from incident_management.splunk.configuration.settings import parse
from tests.contract.services.fake_smtp import FakeSmtp
from tests.contract.services.messages import message, notification
from tests.fakes import ManualClock

SCOPE = "https://outlook.office365.com/.default"
# As long as Microsoft's are.
LONG = "e" * 2500


class Tenant:
    """A mail server behind a token service, and who mails through them."""

    def __init__(self, receiver, server, ca_file):
        self.receiver, self.server, self.ca_file = receiver, server, ca_file
        self.clock = ManualClock()
        self.given = 0
        receiver.respond = self.gives

    def gives(self, request):
        form = {name: values[0] for name, values in parse_qs(request.body.decode()).items()}
        if form["client_secret"] != "s3cret&":
            error = {"error": "invalid_client", "error_description": "AADSTS7000215: Invalid"}
            return 401, {}, error
        assert form == {
            "grant_type": "client_credentials",
            "client_id": "app",
            "client_secret": "s3cret&",
            "scope": SCOPE,
        }
        self.given += 1
        token = f"{LONG}{self.given}"
        self.server.tokens.add(token)
        return 200, {}, {"token_type": "Bearer", "expires_in": 3599, "access_token": token}

    def settings(self, **other):
        known = {
            **{"server": "localhost", "port": self.server.port, "sender": "splunk@example.com"},
            **{"recipients": ("ops@example.com",), "sign_in": "client_credentials"},
            **{"token_url": self.receiver.url + "/token", "client_id": "app"},
            **{"client_secret": "s3cret&"},
        }
        return Email(**{**known, **other})

    def sender(self, **other):
        return EmailSender(self.settings(**other), Network(self.ca_file), self.clock)

    def mail(self, **other):
        own = self.sender(**other)
        delivery = own.send(notification(message()))
        own.close()
        return delivery


@pytest.fixture
def tenant(authority, ca_file, receiver, monkeypatch):
    monkeypatch.setattr(oauth, "_tokens", {})
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert("localhost").configure_cert(context)
    service = FakeSmtp(context, ways="LOGIN XOAUTH2", tokens={"another"}).start()
    yield Tenant(receiver, service, ca_file)
    service.stop()
    assert service.complaints == []


def test_a_token_is_fetched_once_and_kept_until_shortly_before_its_end(tenant):
    assert [tenant.mail().outcome for _ in range(2)] == ["sent"] * 2
    tenant.clock.advance(3530)
    assert tenant.mail().outcome == "sent" and tenant.given == 1
    tenant.clock.advance(10)
    assert tenant.mail().outcome == "sent" and tenant.given == 2
    assert len(tenant.server.mails) == 4


@pytest.mark.parametrize("challenges", [False, True])
def test_a_token_that_is_refused_is_renewed_once(tenant, challenges):
    tenant.server.challenges = challenges
    tenant.mail()
    tenant.server.tokens = {"another"}
    assert tenant.mail().outcome == "sent"
    assert tenant.given == 2 and len(tenant.server.mails) == 2


@pytest.mark.parametrize("challenges", [False, True])
def test_tokens_that_are_refused_again_are_final_and_said(tenant, challenges):
    tenant.server.challenges = challenges
    tenant.server.replies["AUTH"] = "535 5.7.3 Authentication unsuccessful [X.PROD.OUTLOOK.COM]"
    delivery = tenant.mail(username="alerts@example.com")
    assert delivery.outcome == "dead" and tenant.given == 2
    assert "alerts@example.com: 535 5.7.3" in delivery.detail
    assert "SMTP.SendAsApp" in delivery.detail and LONG[:50] not in delivery.detail
    assert tenant.server.mails == []


def test_a_renewal_that_would_take_too_long_is_left_to_the_next_attempt(tenant, monkeypatch):
    tenant.mail()
    tenant.server.tokens = {"another"}
    monkeypatch.setattr(mail, "RENEWED_SECONDS", -1.0)
    assert tenant.mail().outcome == "retry"
    assert tenant.mail().outcome == "sent"


def test_a_server_that_is_busy_with_signing_in_is_tried_again(tenant):
    tenant.server.replies["AUTH"] = "454 4.7.0 Temporary authentication failure"
    assert tenant.mail().outcome == "retry" and tenant.given == 1


def test_a_wrong_secret_is_a_clear_sentence_and_reaches_no_mail_server(tenant):
    delivery = tenant.mail(client_secret="wr0ng")
    assert delivery.outcome == "dead" and "wr0ng" not in delivery.detail
    assert "invalid_client, AADSTS7000215" in delivery.detail
    assert "client secret and scope under Configuration > E-mail" in delivery.detail
    assert tenant.server.commands == []


@pytest.mark.parametrize(
    ("answer", "outcome"),
    [((503, {}, b""), "retry"), ("drop", "retry"), ((302, {"Location": "/x"}, b""), "dead")],
)
def test_a_token_service_in_trouble(tenant, answer, outcome):
    tenant.receiver.respond = None
    tenant.receiver.answers = [answer]
    assert tenant.mail().outcome == outcome


def test_a_server_without_xoauth2_gets_no_token(tenant):
    tenant.server.ways = "PLAIN LOGIN"
    delivery = tenant.mail()
    assert delivery.outcome == "dead" and "PLAIN, LOGIN, and not XOAUTH2" in delivery.detail


@pytest.mark.parametrize("code", ["535 5.7.139", "550 5.7.30"])
def test_where_passwords_are_switched_off_the_way_on_is_reported(tenant, code):
    tenant.server.users = {"splunk": "p"}
    tenant.server.replies["AUTH"] = f"{code} Authentication unsuccessful"
    delivery = tenant.mail(sign_in="basic", username="splunk", password="p")
    assert delivery.outcome == "dead" and "choose OAuth under" in delivery.detail


def test_who_has_chosen_oauth_is_not_told_to_choose_it(tenant):
    tenant.server.replies["AUTH"] = "550 5.7.30 Basic authentication is not supported"
    delivery = tenant.mail()
    assert delivery.outcome == "dead" and "choose OAuth" not in delivery.detail


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"token_url": ""}, "token URL"),
        ({"client_id": ""}, "client ID"),
        ({"client_secret": ""}, "client secret"),
        ({"token_url": "http://login.example.com/token"}, "https"),
        ({"server": "mail.example", "encryption": "plain"}, "without TLS"),
    ],
)
def test_a_setting_that_is_missing_is_named(tenant, changed, said):
    with pytest.raises(NotConfigured, match=said):
        tenant.sender(**changed)


def test_a_file_may_go_on_to_say_none_for_no_tls():
    known = {"server": "mail.example", "sender": "a@b.example", "encryption": "none"}
    assert parse({"email": known}).email.encryption == NO_TLS


def test_the_proxy_is_for_tokens_alone(tenant):
    """A proxy that can't be used is no matter where no token is asked for."""
    proxy = {"proxy_enabled": "1", "proxy_type": "socks5", "proxy_url": "p", "proxy_port": "1"}
    login = {"token_url": "https://login.example/t", "client_id": "a", "client_secret": "b"}
    plain = {"server": "mail.example", "sender": "a@b.example"}
    known = {"email": plain, "proxy": proxy}
    assert senders(parse(known), tenant.clock)["email"]()
    known["email"] = {**plain, **login, "sign_in": "client_credentials"}
    with pytest.raises(NotConfigured, match="proxy type"):
        senders(parse(known), tenant.clock)["email"]()

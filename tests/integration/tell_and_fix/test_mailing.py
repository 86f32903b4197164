"""A team that has only mail is told: set up as the page does it, sent by the installed app."""

from __future__ import annotations

import ssl
from urllib.parse import parse_qs

import pytest
import trustme

from tests.contract.services.fake_smtp import FakeSmtp
from tests.contract.services.receiver import Receiver

from .conftest import Office, wait_for


@pytest.fixture
def mail_server(tmp_path):
    authority = trustme.CA()
    authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert("localhost").configure_cert(context)
    service = FakeSmtp(context, users={"splunk": "s3cret-of-mail"}).start()
    yield service
    service.stop()
    assert service.complaints == []


def test_an_incident_is_mailed_to_its_team_over_tls_with_the_stored_password(
    fresh: Office, mail_server, tmp_path
):
    fresh.admin.confs["incident_routing"]["team:operations"].update(email="ops@example.com")
    fresh.set("network", ca_file=str(tmp_path / "ca.pem"))
    fresh.set(
        "email",
        server="localhost",
        port=str(mail_server.port),
        encryption="starttls",
        username="splunk",
        password="s3cret-of-mail",
        sender="splunk@example.com",
        recipients="everybody@example.com",
    )
    fresh.start_worker()
    incident = fresh.signal()
    wait_for(lambda: mail_server.mails)
    (mail,) = mail_server.mails
    assert mail.recipients == ["ops@example.com"]
    assert mail.parsed["X-Incident-Id"] == incident
    wait_for(lambda: [one["state"] for one in fresh.outbox()] == ["sent"])
    settings = fresh.home / "etc/apps/incident_management/local/incident_management_settings.conf"
    assert "s3cret-of-mail" not in settings.read_text(encoding="utf-8")

    fresh.call("POST", f"/incidents/{incident}/resolve", {"resolution": "done"})
    wait_for(lambda: len(mail_server.mails) == 2)
    first, last = (one.parsed for one in mail_server.mails)
    assert last["Subject"] == f"Re: {first['Subject']}"
    assert last["References"] == first["References"]


def test_a_server_without_passwords_is_signed_in_to_with_the_applications_token(
    fresh: Office, mail_server, tmp_path
):
    mail_server.users, mail_server.ways, mail_server.tokens = {}, "XOAUTH2", {"t0ken-of-mail"}
    given = {"token_type": "Bearer", "expires_in": 3599, "access_token": "t0ken-of-mail"}
    tenant = Receiver(default=(200, {}, given)).start()
    fresh.set("network", ca_file=str(tmp_path / "ca.pem"))
    fresh.set(
        "email",
        server="localhost",
        port=str(mail_server.port),
        sender="splunk@example.com",
        recipients="everybody@example.com",
        sign_in="client_credentials",
        token_url=f"{tenant.url}/oauth2/v2.0/token",
        client_id="app",
        client_secret="s3cret-of-app",
    )
    fresh.start_worker()
    incident = fresh.signal()
    wait_for(lambda: mail_server.mails)
    assert mail_server.mails[0].parsed["X-Incident-Id"] == incident
    (asked,) = tenant.requests
    form = {name: values[0] for name, values in parse_qs(asked.body.decode()).items()}
    assert form == {
        "grant_type": "client_credentials",
        "client_id": "app",
        "client_secret": "s3cret-of-app",
        "scope": "https://outlook.office365.com/.default",
    }
    settings = fresh.home / "etc/apps/incident_management/local/incident_management_settings.conf"
    assert "s3cret-of-app" not in settings.read_text(encoding="utf-8")
    tenant.stop()

"""A team that has only mail is told: set up as the page does it, sent by the installed app."""

from __future__ import annotations

import ssl

import pytest
import trustme

from tests.contract.services.fake_smtp import FakeSmtp

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

"""Strict mail servers, with and without TLS."""

from __future__ import annotations

import ssl

import pytest

from tests.contract.services.fake_smtp import FakeSmtp


@pytest.fixture
def server():
    service = FakeSmtp().start()
    yield service
    service.stop()
    assert service.complaints == []


@pytest.fixture
def tls(authority):
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert("localhost").configure_cert(context)
    return context


@pytest.fixture
def tls_server(tls):
    service = FakeSmtp(tls, users={"splunk": "pässword\U0001f511"}).start()
    yield service
    service.stop()
    assert service.complaints == []

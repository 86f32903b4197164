from __future__ import annotations

import ssl

import pytest
import trustme

from .receiver import Receiver


@pytest.fixture
def receiver():
    service = Receiver().start()
    yield service
    service.stop()


@pytest.fixture(scope="session")
def authority():
    return trustme.CA()


@pytest.fixture
def ca_file(authority, tmp_path):
    path = tmp_path / "ca.pem"
    authority.cert_pem.write_to_path(str(path))
    return str(path)


@pytest.fixture
def tls_receiver(authority):
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert("127.0.0.1", "localhost", "service.example").configure_cert(context)
    service = Receiver().start(context)
    yield service
    service.stop()

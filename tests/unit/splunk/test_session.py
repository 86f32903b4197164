"""Requests to splunkd: what is sent, what is sent again, what an error says."""

import json
import socket
import ssl
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from types import SimpleNamespace

import pytest
from splunklib import binding

from incident_management.hosts import is_loopback, is_splunkd_here
from incident_management.splunk.session import (
    ATTEMPTS,
    Session,
    SplunkError,
    _trusted_context,
    path_of,
)

INITIALIZING = {"messages": [{"type": "ERROR", "text": "KV Store is initializing."}]}


def test_a_relative_path_is_in_the_apps_namespace(splunkd, session):
    splunkd.answers = [(200, {"ok": 1})]

    assert session.get("storage/x", limit=5) == {"ok": 1}
    method, path, query, _body = splunkd.seen[0]
    assert (method, path) == ("GET", "/servicesNS/nobody/incident_management/storage/x")
    assert query == {"limit": "5", "output_mode": "json"}
    assert splunkd.authorization == "Splunk key-1"


def test_json_is_posted_whole_in_any_script(splunkd, session):
    splunkd.answers = [(200, {})]
    session.post("/services/x", json_body={"text": "naïve ☃"})

    assert splunkd.seen[0][3] == {"text": "naïve ☃"}


def test_a_body_is_not_parsed_again_on_its_way_out(splunkd, session, monkeypatch):
    """splunklib masks what it would log, for which it parses each body; ours may have megabytes."""
    splunkd.answers = [(200, {}), (200, {})]
    parsed, loads = [], json.loads
    monkeypatch.setattr(binding, "json", SimpleNamespace(loads=lambda t: parsed.append(loads(t))))

    session.post("/services/x", json_body=[{"text": "a"}])
    with session.kept_open():
        session.post("/services/x", json_text='[{"text": "b"}]')

    assert [seen[3] for seen in splunkd.seen] == [[{"text": "a"}], [{"text": "b"}]]
    assert not [value for value in parsed if isinstance(value, list)]


def test_a_form_is_posted_as_a_form(splunkd, session):
    splunkd.answers = [(201, {"sid": "1"})]
    session.post("search/jobs", {"search": "search a=b", "count": "1"})

    assert splunkd.seen[0][3] == "search=search+a%3Db&count=1"


def test_a_503_is_tried_again_with_growing_pauses(splunkd, session, pauses):
    splunkd.answers = [(503, INITIALIZING), (503, INITIALIZING), (200, [])]

    assert session.get("storage/x") == []
    assert len(pauses) == 2
    assert 0.1 <= pauses[0] <= 0.2 <= pauses[1] <= 0.4


def test_a_503_that_stays_is_reported(splunkd, session, pauses):
    splunkd.answers = [(503, INITIALIZING)] * ATTEMPTS

    with pytest.raises(SplunkError, match="503 to storage/x: KV Store is initializing") as caught:
        session.get("storage/x")
    assert caught.value.status == 503
    assert len(pauses) == ATTEMPTS - 1


@pytest.mark.parametrize("status", [400, 403, 404, 409, 500])
def test_another_error_is_not_tried_again(splunkd, session, status):
    splunkd.answers = [(status, INITIALIZING)]

    with pytest.raises(SplunkError) as caught:
        session.get("x")
    assert caught.value.status == status
    assert len(splunkd.seen) == 1


def test_an_expired_session_is_a_401(splunkd, session):
    splunkd.answers = [(401, {"messages": [{"type": "WARN", "text": "call not properly auth"}]})]

    with pytest.raises(SplunkError) as caught:
        session.get("x")
    assert caught.value.status == 401


def test_a_problem_of_the_app_keeps_its_sentence(splunkd, session):
    splunkd.answers = [(403, {"title": "Forbidden", "detail": "Joe lacks incident_signal."})]

    with pytest.raises(SplunkError, match=r"^Joe lacks incident_signal\.$"):
        session.post("/services/incident_management/v1/signals", json_body={})


def test_an_error_in_xml_is_read_too(splunkd, session):
    xml = "<response><messages><msg type='ERROR'>No such thing</msg></messages></response>"
    splunkd.answers = [(404, xml)]

    with pytest.raises(SplunkError, match="answered 404 to x: No such thing"):
        session.get("x")


def test_a_splunkd_that_is_not_there_is_tried_again_and_then_named(pauses):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with pytest.raises(SplunkError, match=f"127.0.0.1:{port} refuses connections") as caught:
        Session(f"https://127.0.0.1:{port}", "k", sleep=pauses.append).get("x")
    assert caught.value.status == 0
    assert len(pauses) == ATTEMPTS - 1


def test_who_has_no_time_asks_once_also_in_another_namespace(pauses):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        uri = f"https://127.0.0.1:{free.getsockname()[1]}"
    quick = Session(uri, "k", sleep=pauses.append, attempts=1)
    for session in (quick, quick.within("search", "mia")):
        with pytest.raises(SplunkError, match="refuses connections"):
            session.get("x")
    assert pauses == []


def test_an_answer_that_never_comes_is_not_sent_again(pauses):
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        uri = f"http://127.0.0.1:{silent.getsockname()[1]}"
        with pytest.raises(SplunkError, match="No answer") as caught:
            Session(uri, "k", timeout=0.2, sleep=pauses.append).get("x")
    assert caught.value.status == 504
    assert pauses == []


def test_a_session_does_not_show_its_key(session):
    assert "key-1" not in repr(session)


def test_only_this_machine_is_loopback():
    assert is_loopback("127.0.0.1") and is_loopback("::1") and is_loopback("localhost")
    assert not is_loopback("127.example.com") and not is_loopback("10.0.0.1")


def test_a_name_cannot_leave_its_place_in_a_path():
    assert path_of("a", "../b c", "d/e") == "a/..%2Fb%20c/d%2Fe"


def test_splunkd_listens_where_it_was_configured_to(monkeypatch):
    monkeypatch.delenv("SPLUNK_BINDIP", raising=False)
    assert is_splunkd_here("::1") and not is_splunkd_here("10.0.0.1")

    monkeypatch.setenv("SPLUNK_BINDIP", "10.0.0.1")
    assert is_splunkd_here("10.0.0.1") and is_splunkd_here("127.0.0.1")
    assert not is_splunkd_here("10.0.0.2")

    monkeypatch.setenv("SPLUNK_BINDIP", "[2001:DB8:0::1]")
    assert is_splunkd_here("2001:db8::1") and not is_splunkd_here("2001:db8::2")


@pytest.fixture
def bound():
    """A splunkd with a certificate of its own making, at an address that is no loopback."""
    trustme = pytest.importorskip("trustme")
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("198.51.100.1", 9))  # sends nothing
        except OSError:
            pytest.skip("this machine has no address but loopback")
        address = probe.getsockname()[0]

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(200)
            self.send_header("Content-Length", "2")
            self.end_headers()
            self.wfile.write(b"{}")

        def log_message(self, *_arguments):
            return

    server = HTTPServer((address, 0), Handler)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    trustme.CA().issue_cert("splunkserverdefaultcert").configure_cert(context)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    yield address, f"https://{address}:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


def test_a_splunkd_that_listens_at_one_address_alone_is_spoken_to(bound, monkeypatch):
    """SPLUNK_BINDIP in splunk-launch.conf; the certificate is still the one Splunk came with."""
    address, uri = bound
    monkeypatch.setenv("SPLUNK_BINDIP", address)
    session = Session(uri, "k", attempts=1)
    assert session.get("x") == {}
    with session.kept_open():
        assert session.get("x") == {}


def test_another_machines_splunkd_must_prove_who_it_is(bound, monkeypatch):
    monkeypatch.delenv("SPLUNK_BINDIP", raising=False)
    _address, uri = bound
    with pytest.raises(SplunkError, match=r"to x: [a-zA-Z ]*certificate"):
        Session(uri, "k", attempts=1).get("x")


def test_a_private_ca_is_trusted_on_python_3_13_as_on_3_9():
    """Strictly, as is the default from 3.13 on, certificates of many a company's own CA fail."""
    context = _trusted_context()
    assert context.verify_mode == ssl.CERT_REQUIRED and context.check_hostname
    assert not context.verify_flags & ssl.VERIFY_X509_STRICT

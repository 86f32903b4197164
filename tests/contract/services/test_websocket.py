"""Our WebSocket client against a strict server: RFC 6455, TLS, proxy, and what it refuses."""

from __future__ import annotations

import json
import ssl

import pytest

from incident_management.outside.transport import Network
from incident_management.slack_socket.websocket import MESSAGE_BYTES, Broken, open_websocket
from tests.fakes.websocket import PING, TEXT, WebSocketServer, frame

from .connections import Proxy

NOWHERE = Network()


@pytest.fixture
def server():
    made = WebSocketServer()
    yield made
    made.stop()
    assert made.faults == []


@pytest.fixture
def tls_server(authority):
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert("127.0.0.1", "wss.example").configure_cert(context)
    made = WebSocketServer(context)
    yield made
    made.stop()
    assert made.faults == []


@pytest.mark.parametrize("size", [0, 1, 125, 126, 65_535, 65_536, 300_000])
def test_messages_of_any_length_go_both_ways(server, size):
    wire = open_websocket(server.url + "?ticket=1&app_id=2", NOWHERE)
    peer = server.next_peer()
    text = "ü" * (size // 2) + "x" * (size % 2)
    wire.send(text)
    peer.send(text)
    assert wire.receive(5) == text
    assert peer.texts.get(timeout=60) == text
    assert peer.target == "/link/?ticket=1&app_id=2"
    wire.close()
    assert peer.over.wait(5) and peer.closed == 1000


def test_what_comes_with_the_handshake_is_not_lost_and_fragments_are_one_message(server):
    pieces = [frame(TEXT, b'{"a"', final=False), frame(PING, b"mid"), frame(0, b": 1}")]
    server.follow = frame(TEXT, b"hello") + b"".join(pieces)
    wire = open_websocket(server.url, NOWHERE)
    peer = server.next_peer()
    assert wire.receive(5) == "hello"
    assert json.loads(wire.receive(5) or "") == {"a": 1}
    assert peer.pongs.get(timeout=60) == b"mid"
    assert wire.receive(0.01) is None
    wire.close()


def test_a_goodbye_is_answered_and_a_broken_connection_noticed(server):
    wire = open_websocket(server.url, NOWHERE)
    peer = server.next_peer()
    peer.say_goodbye(1001)
    with pytest.raises(Broken, match=r"Slack closed the connection \(1001\)"):
        wire.receive(5)
    assert peer.over.wait(5) and peer.closed == 1000
    other = open_websocket(server.url, NOWHERE)
    server.next_peer().drop()
    with pytest.raises(Broken, match="closed without a goodbye"):
        other.receive(5)
    with pytest.raises(Broken):
        other.send("x")
        other.send("x")


@pytest.mark.parametrize(
    ("sent", "code", "says"),
    [
        (frame(TEXT, b"x", mask=True), 1002, "nobody agreed on"),
        (bytes([0xC1, 0]), 1002, "nobody agreed on"),
        (frame(3, b""), 1002, "nobody agreed on"),
        (frame(2, b"binary"), 1002, "out of place"),
        (frame(0, b"the end of nothing"), 1002, "out of place"),
        (frame(TEXT, b"a", final=False) + frame(TEXT, b"b"), 1002, "out of place"),
        (frame(PING, b"x" * 126), 1002, "malformed control frame"),
        (frame(PING, b"x", final=False), 1002, "malformed control frame"),
        (frame(TEXT, b"\xff"), 1007, "not UTF-8"),
        (bytes([0x81, 127]) + (MESSAGE_BYTES + 1).to_bytes(8, "big"), 1009, "a frame of more"),
        (frame(TEXT, b"x" * 600_000, final=False) + frame(0, b"x" * 600_000), 1009, "a message of"),
    ],
)
def test_what_a_server_must_not_send_ends_the_connection(server, sent, code, says):
    wire = open_websocket(server.url, NOWHERE)
    peer = server.next_peer()
    peer.send_bytes(sent)
    with pytest.raises(Broken, match=says):
        wire.receive(5)
    assert peer.over.wait(5) and peer.closed in (code, None)


@pytest.mark.parametrize(
    ("answer", "says"),
    [
        (b"HTTP/1.1 403 Forbidden\r\n\r\n", "127.0.0.1 answered 403"),
        (b"HTTP/1.1 101 X\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n", "RFC 6455"),
        (b"SSH-2.0-OpenSSH\r\n\r\n", "did not answer as a web server"),
        (b"HTTP/1.1 \xb2 X\r\n\r\n", "did not answer as a web server"),
        (b"x" * 20_000, "did not answer as a web server"),
    ],
)
def test_an_answer_that_opens_no_websocket_is_refused(server, answer, says):
    server.answer = answer
    with pytest.raises(Broken, match=says) as caught:
        open_websocket(server.url + "?ticket=secret-ticket", NOWHERE)
    assert "secret-ticket" not in str(caught.value)


@pytest.mark.parametrize(
    "url",
    [
        *("https://x/", "ws://wss.example/", "wss://", "wss://x:99999/", "wss://a..b/"),
        f"wss://{'a' * 64}.example/",
    ],
)
def test_only_tls_leaves_this_machine(url):
    with pytest.raises(Broken, match="not of the form wss://"):
        open_websocket(url, NOWHERE)


def test_nobody_there_is_one_sentence(server):
    server.stop()
    with pytest.raises(Broken, match=r"No connection to 127\.0\.0\.1 could be made"):
        open_websocket(server.url, NOWHERE)


def test_a_certificate_is_verified_and_so_is_its_name(tls_server, ca_file, authority):
    with pytest.raises(Broken, match=r"The certificate of 127\.0\.0\.1 .* is not to be trusted"):
        open_websocket(tls_server.url, NOWHERE)
    wire = open_websocket(tls_server.url, Network(ca_file))
    tls_server.next_peer().send("hello")
    assert wire.receive(5) == "hello"
    wire.close()
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert("other.example").configure_cert(context)
    other = WebSocketServer(context)
    with pytest.raises(Broken, match="is not to be trusted"):
        open_websocket(other.url, Network(ca_file))
    other.stop()


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_a_proxy_is_used_with_its_login_and_tls_goes_through_it(
    tls_server, ca_file, authority, scheme
):
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    proxy = Proxy(tls_server.port, tls=context if scheme == "https" else None)
    network = Network(ca_file, f"{scheme}://user:pa%20ss@127.0.0.1:{proxy.port}")
    wire = open_websocket(f"wss://wss.example:{tls_server.port}/link/", network)
    peer = tls_server.next_peer()
    assert wire.receive(0.05) is None
    peer.send("hello" * 10_000)
    assert wire.receive(5) == "hello" * 10_000
    wire.send("thanks")
    assert peer.texts.get(timeout=60) == "thanks"
    assert proxy.asked[0].startswith(f"CONNECT wss.example:{tls_server.port} HTTP/1.1\r\n")
    assert "Proxy-Authorization: Basic dXNlcjpwYSBzcw==" in proxy.asked[0]
    wire.close()


def test_a_tunnel_that_the_proxy_refuses_is_one_sentence():
    proxy = Proxy(refusal=b"HTTP/1.1 407 Proxy Authentication Required\r\n\r\n")
    with pytest.raises(Broken, match=r"The proxy did not connect to wss\.example"):
        open_websocket("wss://wss.example/", Network(proxy_url=f"http://127.0.0.1:{proxy.port}"))


def test_proxies_of_the_environment_have_no_say(server, monkeypatch):
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    open_websocket(server.url, NOWHERE).close()

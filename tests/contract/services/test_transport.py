"""TLS, proxy, redirects: what every request to the outside is held to."""

from __future__ import annotations

import gzip
import socket
import ssl
import time
import tracemalloc

import pytest
import trustme
from urllib3.util import connection  # type: ignore[import-untyped]

from incident_management.notify.services.pagerduty import PagerDutySender
from incident_management.outside import adapter, connecting, pinned
from incident_management.outside.network import NotConfigured, network_of
from incident_management.outside.network_failure import CONNECT_SECONDS
from incident_management.outside.transport import (
    BadUrl,
    Network,
    NoAnswer,
    NotSent,
    checked_url,
    http_session,
    not_followed,
    retry_after,
    send_json,
)
from incident_management.splunk.configuration import settings as configured

from .connections import DRIPS, HEAD, Proxy, Raw
from .messages import ALL, CLOCK, notification


def test_a_private_authority_is_trusted_when_its_file_is_set(tls_receiver, ca_file):
    assert send_json(Network(ca_file=ca_file), tls_receiver.url, {}).status == 200


def test_an_unknown_authority_is_refused_and_nothing_is_sent(tls_receiver):
    with pytest.raises(NotSent, match="not signed by a trusted authority: set ca_file"):
        send_json(Network(), tls_receiver.url, {"secret": 1})
    assert tls_receiver.requests == []


def test_a_certificate_for_another_host_is_refused(authority, ca_file, tls_receiver):
    url = tls_receiver.url.replace("127.0.0.1", "127.0.0.2")
    with pytest.raises((NotSent, NoAnswer)):
        send_json(Network(ca_file=ca_file), url, {"secret": 1})
    assert tls_receiver.requests == []


def test_a_proxy_is_used_with_its_login_and_tls_goes_through_it(tls_receiver, ca_file):
    proxy = Proxy(tls_receiver.port)
    network = Network(ca_file, f"http://user:pa%20ss@127.0.0.1:{proxy.port}")
    url = f"https://service.example:{tls_receiver.port}/hook"
    assert send_json(network, url, {"a": 1}).status == 200
    assert proxy.asked[0].startswith(f"CONNECT service.example:{tls_receiver.port} ")
    assert "Proxy-Authorization: Basic dXNlcjpwYSBzcw==" in proxy.asked[0]
    assert tls_receiver.requests[0].json == {"a": 1}


def test_an_https_proxy_of_a_private_authority_is_trusted_by_ca_file(
    authority, tls_receiver, ca_file
):
    """ca_file held for services and for Socket Mode, but not for the proxy's own certificate."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert("127.0.0.1", "service.example").configure_cert(context)
    proxy = Proxy(tls_receiver.port, tls=context)
    network = Network(ca_file, f"https://127.0.0.1:{proxy.port}")
    url = f"https://service.example:{tls_receiver.port}/hook"
    assert send_json(network, url, {"a": 1}).status == 200
    assert tls_receiver.requests[0].json == {"a": 1}


def test_an_https_proxy_with_another_name_gets_nothing(authority, tls_receiver, ca_file):
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert("proxy.example").configure_cert(context)
    proxy = Proxy(tls_receiver.port, tls=context)
    network = Network(ca_file, f"https://127.0.0.1:{proxy.port}")
    with pytest.raises(NotSent):
        send_json(network, "https://service.example/", {})
    assert proxy.asked == [] and tls_receiver.requests == []


def test_a_changed_ca_file_holds_at_once(authority, tls_receiver, tmp_path):
    path = tmp_path / "changing.pem"
    network = Network(ca_file=str(path))
    for pem, is_trusted in ((trustme.CA(), False), (authority, True), (trustme.CA(), False)):
        pem.cert_pem.write_to_path(str(path))
        for method in ("GET", "POST"):
            if is_trusted:
                assert send_json(network, tls_receiver.url, method=method).status == 200
            else:
                with pytest.raises(NotSent):
                    send_json(network, tls_receiver.url, method=method)


def test_loopback_goes_past_the_proxy(receiver):
    network = Network(proxy_url="http://127.0.0.1:9")
    assert send_json(network, receiver.url, {}).status == 200


@pytest.mark.parametrize(
    ("host", "places", "by_proxy"),
    [
        ("awx.example.com", ["example.com"], False),
        ("awx.example.com", [".example.com"], False),
        ("AWX.Example.com.", ["awx.example.com"], False),
        ("notexample.com", ["example.com"], True),
        ("example.com.evil.example", ["example.com"], True),
        ("10.1.2.3", ["10.0.0.0/8"], False),
        ("11.1.2.3", ["10.0.0.0/8", "10.1.2.3"], True),
        ("fd00::7", ["fd00::/8"], False),
        ("2001:db8:0::1", ["[2001:db8::1]"], False),
        ("ten.example.com", ["10.0.0.0/8"], True),
        ("localhost", [], False),
    ],
)
def test_what_the_proxy_is_not_for_is_asked_without_it(host, places, by_proxy):
    network = Network(proxy_url="http://proxy.example:3128", no_proxy=tuple(places))
    session = http_session(network, f"https://{f'[{host}]' if ':' in host else host}/x")
    assert bool(session.proxies) is by_proxy is bool(network.proxy_for(host))


def test_a_dead_proxy_proves_that_nothing_was_sent():
    with pytest.raises(NotSent, match=r"The proxy did not connect to service\.example"):
        send_json(Network(proxy_url="http://127.0.0.1:9"), "https://service.example/x", {})


def test_a_tunnel_that_the_proxy_refuses_proves_that_nothing_was_sent():
    proxy = Proxy(refusal=b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n")
    network = Network(proxy_url=f"http://127.0.0.1:{proxy.port}")
    with pytest.raises(NotSent, match=r"The proxy did not connect to service\.example"):
        send_json(network, "https://service.example/x", {})


def test_a_connection_that_breaks_behind_the_proxy_proves_nothing(tls_receiver, ca_file):
    """The service takes the request and hangs up: it may have acted on it."""
    proxy = Proxy(tls_receiver.port)
    tls_receiver.answers = ["drop"]
    network = Network(ca_file, f"http://127.0.0.1:{proxy.port}")
    with pytest.raises(NoAnswer, match=r"to service\.example through the proxy broke"):
        send_json(network, "https://service.example/hook", {"a": 1})
    assert tls_receiver.requests[0].json == {"a": 1}


def test_a_proxy_that_hangs_up_proves_nothing():
    """It looks the same as a connection that broke after the request was sent."""
    network = Network(proxy_url=f"http://127.0.0.1:{Proxy(refusal=b'').port}")
    with pytest.raises(NoAnswer, match="through the proxy broke"):
        send_json(network, "https://service.example/x", {})


def test_proxies_of_the_environment_have_no_say(receiver, monkeypatch):
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("ALL_PROXY", "http://127.0.0.1:9")
    assert send_json(Network(), receiver.url, {}).status == 200


def test_a_redirect_is_handed_back_not_followed(receiver):
    receiver.answers = [(307, {"Location": receiver.url + "/elsewhere"}, b"")]
    reply = send_json(Network(), receiver.url, {}, {"Authorization": "Bearer x"})
    assert len(receiver.requests) == 1
    assert "redirect, which is not followed" in not_followed(reply, "127.0.0.1")


def test_an_endless_answer_is_given_up(receiver):
    receiver.answers = [(200, {}, b"x" * 5_000_000)]
    with pytest.raises(NoAnswer, match="more than 4000000 bytes"):
        send_json(Network(), receiver.url, {})


def _by_pagerduty(url):
    event = notification(ALL["opened"])
    delivery = PagerDutySender("R" * 32, url, Network(), CLOCK).send(event)
    assert delivery.outcome == "unknown"
    raise NoAnswer(delivery.detail)


WAYS = [lambda url: send_json(Network(), url, {}), _by_pagerduty]


@pytest.mark.parametrize("token", ["t\u2013oken", "token\n", "a\r\nX-Other: b"])
def test_a_token_that_no_header_takes_is_named_and_nothing_is_sent(receiver, token):
    """A dash of a word processor raised UnicodeEncodeError out of the duty that sends."""
    with pytest.raises(BadUrl, match=r"header Authorization for .* contains a character"):
        send_json(Network(), receiver.url, {}, {"Authorization": f"Bearer {token}"})
    assert receiver.requests == []


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("drip", DRIPS)
def test_a_service_that_drips_its_answer_holds_nobody_up(way, drip, monkeypatch):
    """Each byte comes in time, and all together would take hours."""
    monkeypatch.setattr(adapter, "ANSWER_SECONDS", 0.6)
    began = time.monotonic()
    with pytest.raises(NoAnswer):
        way(Raw(*DRIPS[drip], pause=0.1).url)
    assert time.monotonic() - began < 15


@pytest.mark.parametrize("way", WAYS)
def test_what_is_compressed_is_never_unpacked(way):
    """400 kB of gzip are 400 MB, and gzip within gzip is any number of times more."""
    packed = gzip.compress(b"\0" * 20_000_000)
    head = b"Content-Encoding: gzip\r\nContent-Length: %d\r\n\r\n" % len(packed)
    tracemalloc.start()
    try:
        with pytest.raises(NoAnswer, match="compressed"):
            way(Raw(HEAD + head + packed).url)
        assert tracemalloc.get_traced_memory()[1] < 10_000_000
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize(
    "url",
    [
        # urllib3 ends the host at the backslash, urlsplit() does not.
        "https://169.254.169.254\\.example.com/",
        "https://[fe80::1%25eth0]/",
        # Digits of Unicode 13, which the idna package takes for 1, 6, 9 …
        "https://\U0001fbf1\U0001fbf6\U0001fbf9.254.169.254/",
        "https://exa\tmple.com/",
        "https://example.com/a b",
        # No message to them ever left, and each was taken for one whose answer was lost.
        "https://hooks..example.com/",
        f"https://{'a' * 64}.example.com/",
    ],
)
def test_a_host_that_another_parser_may_read_otherwise_is_refused(url):
    with pytest.raises(BadUrl, match=r"a character that a URL can.t have"):
        checked_url(url, "The URL")


@pytest.mark.parametrize(
    "url",
    [
        *("http://example.com/", "ftp://example.com", "example.com"),
        *("https://", "https://h:x/", "https://[::1"),
    ],
)
def test_only_https_leaves_this_machine(url):
    with pytest.raises(BadUrl, match=r"^The URL "):
        checked_url(url, "The URL")


@pytest.mark.parametrize("url", ["https://example.com/", "http://127.0.0.1:1", "http://[::1]:1"])
def test_good_urls(url):
    assert checked_url(url, "The URL") == url.rstrip("/")


def test_an_unreadable_ca_file_is_one_sentence(tmp_path):
    with pytest.raises(BadUrl, match=r"can't be read as PEM .*: correct ca_file under Network\.$"):
        send_json(Network(ca_file=str(tmp_path / "none.pem")), "https://example.com/", {})


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("12", 12.0),
        ("999999", 3600.0),
        ("Thu, 01 Jan 1970 00:01:40 GMT", 60.0),
        ("soon", None),
        ("²", None),
        ("", None),
    ],
)
def test_retry_after_is_seconds_or_a_date(text, seconds):
    assert retry_after({"retry-after": text}, 40.0) == seconds


def test_the_proxy_comes_out_of_the_settings():
    def settings(**proxy):
        base = {"enabled": True, "type": "http", "host": "p", "port": 3128}
        return configured.Settings(
            proxy=configured.Proxy(**{**base, **proxy}), network=configured.Network("/ca.pem")
        )

    assert network_of(settings()).proxy_url == "http://p:3128"
    login = network_of(settings(username="u@x", password="p:/"))
    assert login.proxy_url == "http://u%40x:p%3A%2F@p:3128" and "p%3A" not in repr(login)
    assert network_of(settings(no_proxy=("awx",))).proxy_for("awx") == ""
    assert network_of(settings(enabled=False)) == Network("/ca.pem")
    with pytest.raises(NotConfigured, match="'socks5' is not supported"):
        network_of(settings(type="socks5"))
    with pytest.raises(NotConfigured, match="no host or port"):
        network_of(settings(host=""))


@pytest.mark.parametrize("way", ["direct", "checked", "proxy"])
def test_addresses_that_do_not_answer_share_the_time(receiver, monkeypatch, way):
    """Each took ten seconds of its own, so a host with a dozen kept the other channels waiting."""
    monkeypatch.setattr(pinned, "_failed", {})
    tried = []

    def connect(address, timeout, **_more):
        tried.append((address[0], timeout))
        raise TimeoutError

    dead = [f"192.0.2.{number}" for number in range(8)]
    found = [(2, 1, 6, "", (one, 443)) for one in dead]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: found)
    monkeypatch.setattr(connection, "create_connection", connect)
    network = Network(proxy_url="http://proxy.example:3128" if way == "proxy" else "")
    addresses = (lambda host: dead) if way == "checked" else None
    with pytest.raises(NotSent):
        send_json(network, "https://service.example/x", {}, addresses=addresses)
    assert [address for address, _ in tried] == dead
    assert tried[0][1] <= CONNECT_SECONDS / 8 and tried[-1][1] > CONNECT_SECONDS / 2


def test_a_name_with_hundreds_of_addresses_takes_no_longer(monkeypatch):
    """Each had its second, so whoever owns a webhook's name could hold up all messages for long."""
    now = [0.0]
    monkeypatch.setattr(connecting.time, "monotonic", lambda: now[0])
    tried = 0
    for _address, share in connecting.in_turn(["192.0.2.1"] * 500, CONNECT_SECONDS):
        tried, now[0] = tried + 1, now[0] + share
    assert 1 < tried <= CONNECT_SECONDS and now[0] <= CONNECT_SECONDS + connecting.LEAST_SECONDS


def test_after_a_short_share_tls_and_answer_have_all_of_the_time(
    tls_receiver, ca_file, monkeypatch
):
    monkeypatch.setattr(pinned, "_failed", {})
    own = socket.getaddrinfo
    found = own("127.0.0.1", None, 0, socket.SOCK_STREAM) * 8
    look_up = lambda host, *more: found if host == "localhost" else own(host, *more)  # noqa: E731
    monkeypatch.setattr(socket, "getaddrinfo", look_up)
    left = []
    real = connection.create_connection

    def connect(*asked, **more):
        sock = real(*asked, **more)
        left.append(sock.gettimeout())
        return sock

    monkeypatch.setattr(connection, "create_connection", connect)
    wrapped = []
    tls = ssl.SSLContext.wrap_socket

    def wrap(self, sock, *more, **named):
        wrapped.append(sock.gettimeout())
        return tls(self, sock, *more, **named)

    monkeypatch.setattr(ssl.SSLContext, "wrap_socket", wrap)
    url = f"https://localhost:{tls_receiver.port}/x"
    assert send_json(Network(ca_file=ca_file), url, {}).status == 200
    assert left[0] <= CONNECT_SECONDS / 8 and [one for one in wrapped if one] == [CONNECT_SECONDS]

"""HTTP to external services: one place for TLS, the proxy, limits and error meanings.

Only https is used, except to loopback addresses. Certificates are always verified. Redirects are
never followed, because they would send one host's credentials to another. An answer is limited in
time and size. Error texts name the host and never the rest of the URL, which may itself be a secret
(a webhook).
"""

from __future__ import annotations

import email.utils
import re
import ssl
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, Callable, Dict, Mapping, Optional, Tuple
from urllib.parse import urlsplit

from ..hosts import is_among, is_loopback
from .adapter import adapter
from .network_failure import CONNECT_SECONDS, READ_SECONDS, NoAnswer, NotSent, network_failure
from .pinned import Addresses, every_address
from .session_pool import SessionPool

__all__ = [
    "BadUrl",
    "Network",
    "NoAnswer",
    "NotSent",
    "Reply",
    "checked_url",
    "http_session",
    "json_headers",
    "network_failure",
    "not_followed",
    "redirect_refused",
    "retry_after",
    "send_json",
    "shared_context",
    "tls_context",
]

LONGEST_RETRY_AFTER = 3600.0
CONTEXTS = 8
# Parsers of URLs disagree on what else ends a host (a backslash) or is one (letters that look like
# digits).
_LABEL = r"[A-Za-z0-9_-]{1,63}"
_HOST = re.compile(rf"(?=.{{1,254}}\Z){_LABEL}(\.{_LABEL})*\.?|[0-9A-Fa-f:.]{{2,45}}")


class BadUrl(ValueError):
    """A configured URL is invalid; the text says which and why."""


@dataclass(frozen=True)
class Network:
    """How to reach external services.

    Attributes:
        ca_file: PEM of a private CA, trusted in addition to the bundled roots; empty: none.
        proxy_url: ``scheme://[user:password@]host:port``; empty: none.
        no_proxy: hosts, domains, addresses and networks that are reached without the proxy.
    """

    ca_file: str = ""
    proxy_url: str = field(default="", repr=False)
    no_proxy: Tuple[str, ...] = ()

    def proxy_for(self, host: str) -> str:
        """Return the proxy for a host; empty for none, as for this machine."""
        return "" if is_loopback(host) or is_among(host, self.no_proxy) else self.proxy_url


@dataclass(frozen=True)
class Reply:
    """A complete HTTP answer; ``headers`` have lower-case names."""

    status: int
    headers: Mapping[str, str]
    text: str


def checked_url(url: str, what: str) -> str:
    """Return the URL without its last slash. Raises BadUrl, which names ``what``, not the URL."""
    try:
        parts = urlsplit(url.strip())
        host = parts.hostname or "" if parts.port != 0 else ""
    except ValueError:
        parts, host = urlsplit(""), ""
    if not host or parts.scheme not in ("http", "https"):
        raise BadUrl(f"{what} is not a URL of the form https://host/path: correct it.")
    if not _HOST.fullmatch(host) or re.search(r"[\s\\\x00-\x1f]", url.strip()):
        raise BadUrl(
            f"{what} contains a host name or a character that a URL can't have: write an "
            "international name in its DNS form (xn--…)."
        )
    if parts.scheme == "http" and not is_loopback(host):
        raise BadUrl(f"{what} must start with https:// (http is allowed only for this machine).")
    return url.strip().rstrip("/")


def tls_context(network: Network) -> ssl.SSLContext:
    """Return a context that trusts the bundled roots and ``ca_file``. Raises BadUrl.

    The context is urllib3's own kind: urllib3 then compares the certificate's names itself, for
    addresses as well as for host names.
    """
    import certifi
    from urllib3.util.ssl_ import create_urllib3_context  # type: ignore[import-untyped]

    context: ssl.SSLContext = create_urllib3_context(cert_reqs=ssl.CERT_REQUIRED)
    context.load_verify_locations(cafile=certifi.where())
    if network.ca_file:
        try:
            context.load_verify_locations(cafile=network.ca_file)
        except (OSError, ssl.SSLError) as error:
            raise BadUrl(
                f"The CA file '{network.ca_file}' can't be read as PEM ({type(error).__name__}): "
                "correct ca_file under Network."
            ) from None
    return context


# Reading the roots takes longer than most requests. By the content of the CA file, so that another
# one holds at once.
_contexts: Dict[Tuple[str, bytes, bool], ssl.SSLContext] = {}
_idle = SessionPool()


def shared_context(network: Network, check_hostname: bool = False) -> ssl.SSLContext:
    """Return the cached context of :func:`tls_context`; callers must not change it."""
    key = (*_authority(network), check_hostname)
    context = _contexts.get(key)
    if context is None:
        context = tls_context(network)
        context.check_hostname = check_hostname
        if len(_contexts) >= CONTEXTS:
            _contexts.clear()
        _contexts[key] = context
    return context


def _authority(network: Network) -> Tuple[str, bytes]:
    try:
        return network.ca_file, Path(network.ca_file).read_bytes()
    except OSError:
        # None is set, or tls_context() says what is wrong with it.
        return network.ca_file, b""


def http_session(
    network: Network, base_url: str, session: Any = None, addresses: Optional[Addresses] = None
) -> Any:
    """Make (or prepare a given) ``requests`` session for one service.

    Environment variables and .netrc files are ignored. ``addresses`` resolves where to connect to,
    if no proxy is used. A request raises NoAnswer for an answer that is too long or too slow.
    """
    import requests

    session = session or requests.Session()
    session.trust_env = False
    context, for_proxy = shared_context(network), partial(shared_context, network, True)
    sends = adapter(context, for_proxy, addresses or every_address)
    session.mount("https://", sends)
    session.mount("http://", sends)
    proxy = network.proxy_for(urlsplit(base_url).hostname or "")
    if proxy:
        session.proxies = {"https": proxy, "http": proxy}
    return session


def send_json(
    network: Network,
    url: str,
    body: Any = None,
    headers: Optional[Mapping[str, str]] = None,
    method: str = "POST",
    data: Optional[bytes] = None,
    addresses: Optional[Addresses] = None,
) -> Reply:
    """Send one request with a JSON body (or ``data`` as it is) and read the whole answer.

    A request that may change something gets a connection of its own: on a connection that the
    service is just closing it would be unknown whether the request arrived. A GET reuses a
    connection of the last seconds, and is repeated over a new one if that breaks.

    Args:
        addresses: returns the addresses of an https host that may be connected to, and raises if
            none may; not used with a proxy, which looks names up itself.

    Raises:
        BadUrl: a header has an invalid character, such as a token copied with a line break.
        NotSent: no connection could be made.
        NoAnswer: the connection broke, or the answer took longer than 40 seconds, was larger than 4
            MB or compressed.
    """
    import requests

    host = urlsplit(url).hostname or ""
    _check_headers(headers or {}, host)

    def ask(session: Any) -> Reply:
        response = session.request(
            method,
            url,
            json=body if data is None else None,
            data=data,
            headers=dict(headers or {}),
            timeout=(CONNECT_SECONDS, READ_SECONDS),
            allow_redirects=False,
        )
        names = {name.lower(): value for name, value in response.headers.items()}
        return Reply(response.status_code, names, response.content.decode("utf-8", "replace"))

    try:
        if method == "GET" and addresses is None:
            return _read(network, url, ask)
        with http_session(network, url, addresses=addresses) as session:
            return ask(session)
    except requests.exceptions.RequestException as error:
        raise network_failure(error, host) from None


def _check_headers(headers: Mapping[str, str], host: str) -> None:
    for name, value in headers.items():
        if not (value.isascii() and value.isprintable()):
            raise BadUrl(
                f"The header {name} for {host} contains a character that a header can't "
                "have: enter the token or login again."
            )


def _read(network: Network, url: str, ask: Callable[[Any], Reply]) -> Reply:
    """Send a GET over a kept connection, or over a new one, and keep it for the next."""
    from requests.exceptions import ConnectionError as Broken
    from requests.exceptions import Timeout

    place = (network, _authority(network), urlsplit(url)[:2])
    session = _idle.take(place)
    is_new = session is None
    session = session or http_session(network, url)
    try:
        reply = ask(session)
    except Exception as error:
        session.close()
        if is_new or isinstance(error, Timeout) or not isinstance(error, Broken):
            raise
        return _read(network, url, ask)
    _idle.put(place, session)
    return reply


def not_followed(reply: Reply, host: str) -> str:
    """Return the sentence for an answer that is a redirect; empty for any other."""
    return redirect_refused(host) if 300 <= reply.status < 400 else ""


def redirect_refused(host: str) -> str:
    """Return the sentence for a redirect."""
    return (
        f"{host} answered with a redirect, which is not followed, because the request carries "
        "credentials: set the final URL."
    )


def retry_after(headers: Mapping[str, str], now: float) -> Optional[float]:
    """Return ``Retry-After`` (RFC 9110, 10.2.3: seconds or a date) in seconds, at most an hour."""
    text = headers.get("retry-after", "").strip()
    if not text:
        return None
    if text.isascii() and text.isdigit():
        return min(float(text), LONGEST_RETRY_AFTER)
    try:
        when = email.utils.parsedate_to_datetime(text)
    except (TypeError, ValueError, IndexError):
        return None
    return min(max(when.timestamp() - now, 0.0), LONGEST_RETRY_AFTER)


def json_headers(token: str = "") -> Dict[str, str]:
    """Return headers of a JSON request, with a bearer token if given."""
    headers = {"Accept": "application/json", "User-Agent": "incident-management-for-splunk"}
    if token:
        headers["Authorization"] = f"Bearer {token}"
    return headers

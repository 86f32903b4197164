"""HTTP to services outside: one place for TLS, proxy, limits and what an error means.

https only, except to loopback addresses; certificates are always verified; redirects are never
followed, because the credentials of one host are nobody else's business. An answer is bounded in
time and size, whoever sends it and however slowly. Error texts name the host and never the rest of
the URL, which may itself be a secret (a webhook).
"""

from __future__ import annotations

import email.utils
import io
import re
import ssl
import time
from dataclasses import dataclass, field
from typing import Any, Dict, Mapping, Optional
from urllib.parse import urlsplit

from ..hosts import is_loopback
from .pinned import Addresses, pinned

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
    "tls_context",
]

CONNECT_SECONDS = 10.0
READ_SECONDS = 20.0
ANSWER_SECONDS = 40.0
ANSWER_BYTES = 4_000_000
PIECE_BYTES = 65_536
LONGEST_RETRY_AFTER = 3600.0
# Parsers of URLs disagree on what else ends a host (a backslash) or is one (letters that look like
# digits).
_HOST = re.compile(r"[A-Za-z0-9._-]{1,253}|[0-9A-Fa-f:.]{2,45}")


class BadUrl(ValueError):
    """A configured URL can't be used; the text says which and why."""


class NotSent(Exception):
    """The request certainly never reached the service."""


class NoAnswer(Exception):
    """The request may have reached the service; its answer did not reach us."""


@dataclass(frozen=True)
class Network:
    """How to reach the outside.

    Attributes:
        ca_file: PEM of a private CA, trusted besides the bundled roots; empty: only those.
        proxy_url: ``scheme://[user:password@]host:port``; empty: none.
    """

    ca_file: str = ""
    proxy_url: str = field(default="", repr=False)


@dataclass(frozen=True)
class Reply:
    """A complete HTTP answer; ``headers`` have lower-case names."""

    status: int
    headers: Mapping[str, str]
    text: str


def checked_url(url: str, what: str) -> str:
    """Return the URL without its last slash. Raises BadUrl, which names ``what``, not the URL."""
    parts = urlsplit(url.strip())
    try:
        port_ok = parts.port is None or parts.port > 0
    except ValueError:
        port_ok = False
    if not parts.hostname or not port_ok or parts.scheme not in ("http", "https"):
        raise BadUrl(f"{what} is not a URL of the form https://host/path: correct it.")
    if not _HOST.fullmatch(parts.hostname) or re.search(r"[\s\\\x00-\x1f]", url.strip()):
        raise BadUrl(
            f"{what} holds a character that no host or path may have: write a name with other "
            "letters as it is in DNS (xn--…)."
        )
    if parts.scheme == "http" and not is_loopback(parts.hostname):
        raise BadUrl(f"{what} must start with https:// (http is only for this machine itself).")
    return url.strip().rstrip("/")


def tls_context(network: Network) -> ssl.SSLContext:
    """Trust the bundled roots and ``ca_file``. Raises BadUrl if that file can't be used.

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


def http_session(
    network: Network, base_url: str, session: Any = None, addresses: Optional[Addresses] = None
) -> Any:
    """Make (or prepare a given) ``requests`` session to talk to one service.

    Neither environment variables nor .netrc files have a say in it. Loopback addresses are
    reached without the proxy. ``addresses``: where to connect to, without a proxy. A request raises
    NoAnswer for an answer that is too long or too slow.
    """
    import requests

    session = session or requests.Session()
    session.trust_env = False
    adapter = _adapter(tls_context(network), addresses)
    session.mount("https://", adapter)
    session.mount("http://", adapter)
    host = urlsplit(base_url).hostname or ""
    if network.proxy_url and not is_loopback(host):
        session.proxies = {"https": network.proxy_url, "http": network.proxy_url}
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

    Args:
        addresses: gives the addresses of an https host that may be connected to, and raises where
            none may; not asked where a proxy is used, which looks names up itself.

    Raises:
        BadUrl: a header holds what none may, such as a token that was copied with a line break.
        NotSent: no connection could be made.
        NoAnswer: the connection broke, or the answer took longer than 40 seconds, was longer than
            4 MB or compressed.
    """
    import requests

    host = urlsplit(url).hostname or ""
    for name, value in (headers or {}).items():
        if not (value.isascii() and value.isprintable()):
            raise BadUrl(
                f"What {host} is to get as {name} holds a character that no header may have: set "
                "the token or login again."
            )
    with http_session(network, url, addresses=addresses) as session:
        try:
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
        except requests.exceptions.RequestException as error:
            raise network_failure(error, host) from None


def _adapter(context: ssl.SSLContext, addresses: Optional[Addresses]) -> Any:
    """Return what sends the requests of a session, and reads each answer whole and bounded."""
    from requests.adapters import HTTPAdapter
    from urllib3 import HTTPConnectionPool, HTTPSConnectionPool  # type: ignore[import-untyped]

    class _Http(HTTPConnectionPool.ConnectionCls):
        response_class = _timed_response()

    class _Https(HTTPSConnectionPool.ConnectionCls):
        response_class = _timed_response()

    def pools(connect: Any = lambda connection: connection) -> Dict[str, Any]:
        return {
            "http": type("_HttpPool", (HTTPConnectionPool,), {"ConnectionCls": connect(_Http)}),
            "https": type("_HttpsPool", (HTTPSConnectionPool,), {"ConnectionCls": connect(_Https)}),
        }

    class _Adapter(HTTPAdapter):
        def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
            super().init_poolmanager(*args, ssl_context=context, **kwargs)
            direct = pools(pinned(addresses)) if addresses else pools()
            self.poolmanager.pool_classes_by_scheme = direct

        def proxy_manager_for(self, proxy: str, **kwargs: Any) -> Any:
            manager = super().proxy_manager_for(proxy, ssl_context=context, **kwargs)
            manager.pool_classes_by_scheme = pools()
            return manager

        def send(self, request: Any, *args: Any, **kwargs: Any) -> Any:
            # A few compressed kilobytes may be gigabytes, so nothing compressed is asked for.
            request.headers["Accept-Encoding"] = "identity"
            response = super().send(request, *args, **{**kwargs, "stream": True})
            with response:
                response._content = _bounded(response, urlsplit(request.url).hostname or "")
            return response

    return _Adapter(max_retries=0)


def _timed_response() -> Any:
    """Return http.client's HTTPResponse with one deadline for head and body together.

    A socket's timeout is for each read, and a line or body may take thousands of these.
    """
    from http.client import HTTPResponse

    class _TimedResponse(HTTPResponse):
        def __init__(self, sock: Any, *args: Any, **kwargs: Any) -> None:
            super().__init__(sock, *args, **kwargs)
            self.fp.close()
            self.fp = io.BufferedReader(_UntilDeadline(sock))

    return _TimedResponse


class _UntilDeadline(io.RawIOBase):
    """What comes out of a socket within ANSWER_SECONDS; raises NoAnswer after that."""

    def __init__(self, sock: Any) -> None:
        self._sock = sock
        self._raw = sock.makefile("rb", buffering=0)
        self._deadline = time.monotonic() + ANSWER_SECONDS

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> Any:
        left = self._deadline - time.monotonic()
        if left <= 0:
            raise NoAnswer(f"The answer took longer than {ANSWER_SECONDS:.0f} s.")
        self._sock.settimeout(min(left, READ_SECONDS))
        return self._raw.readinto(buffer)

    def close(self) -> None:
        self._raw.close()
        super().close()


def _bounded(response: Any, host: str) -> bytes:
    """Read an answer's body. Raises NoAnswer, and RequestException when the connection breaks."""
    import requests
    from urllib3.exceptions import HTTPError  # type: ignore[import-untyped]

    if response.headers.get("Content-Encoding", "identity").strip().lower() not in ("", "identity"):
        raise NoAnswer(f"{host} answered compressed, which it was not asked for.")
    answer = bytearray()
    try:
        while piece := response.raw.read(PIECE_BYTES, decode_content=False):
            answer += piece
            if len(answer) > ANSWER_BYTES:
                raise NoAnswer(f"{host} answered with more than {ANSWER_BYTES} bytes.")
    except HTTPError as error:
        raise requests.exceptions.ConnectionError(error) from None
    return bytes(answer)


def network_failure(error: BaseException, host: str) -> Exception:
    """Tell, from what ``requests`` raised, whether the request can have arrived.

    Only a failure to connect, to the service or to the proxy, proves that it did not.
    """
    import requests
    from urllib3.exceptions import NewConnectionError

    kinds = requests.exceptions
    if isinstance(error, kinds.ConnectTimeout):
        return NotSent(f"{host} did not accept a connection within {CONNECT_SECONDS:.0f} s.")
    if isinstance(error, kinds.ProxyError):
        return _proxy_failure(error, host)
    if isinstance(error, kinds.SSLError):
        if "CERTIFICATE_VERIFY_FAILED" in str(error):
            return NotSent(
                f"The certificate of {host} is not signed by a trusted authority: "
                "set ca_file under Network if it is a private one."
            )
        return NoAnswer(f"The TLS connection to {host} failed.")
    if isinstance(error, kinds.ReadTimeout):
        return NoAnswer(f"{host} did not answer within {READ_SECONDS:.0f} s.")
    if isinstance(error, kinds.ConnectionError):
        cause = _cause(error)
        if isinstance(cause, NewConnectionError):
            return NotSent(f"No connection to {host} could be made: {_reason(cause)}.")
    return NoAnswer(f"The connection to {host} broke before it answered ({_name(error)}).")


def _proxy_failure(error: BaseException, host: str) -> Exception:
    """Tell a proxy that made no connection from a connection through it that broke.

    urllib3 1.26 raises ProxyError for both (``HTTPConnectionPool.urlopen``: any OSError while a
    proxy is set). That the tunnel was refused only http.client's text says
    (``HTTPConnection._tunnel``).
    """
    from urllib3.exceptions import NewConnectionError

    cause = getattr(_cause(error), "original_error", None)
    refused = str(cause).startswith("Tunnel connection failed")
    if refused or isinstance(cause, NewConnectionError):
        return NotSent(f"The proxy did not connect to {host}: check the proxy's settings.")
    return NoAnswer(
        f"The connection to {host} through the proxy broke before it answered "
        f"({type(cause).__name__})."
    )


def _cause(error: BaseException) -> Any:
    """Return why urllib3 gave up (``MaxRetryError.reason``), or None."""
    return getattr(error.args[0], "reason", None) if error.args else None


def _reason(error: Any) -> str:
    text = str(error).rpartition(": ")[2]
    return text[:120] if "http" not in text else _name(error)


def _name(error: BaseException) -> str:
    return type(error).__name__


def not_followed(reply: Reply, host: str) -> str:
    """The sentence for an answer that points elsewhere; empty when it does not."""
    return redirect_refused(host) if 300 <= reply.status < 400 else ""


def redirect_refused(host: str) -> str:
    """The sentence for a redirect."""
    return (
        f"{host} answered with a redirect, which is not followed, because the request carries "
        "credentials: set the final URL."
    )


def retry_after(headers: Mapping[str, str], now: float) -> Optional[float]:
    """Read ``Retry-After`` (RFC 9110, 10.2.3: seconds or a date) as seconds, at most an hour."""
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
    """Headers of a JSON request, with a bearer token if there is one."""
    headers = {"Accept": "application/json", "User-Agent": "incident-management-for-splunk"}
    if token:
        headers["Authorization"] = f"Bearer {token}"
    return headers

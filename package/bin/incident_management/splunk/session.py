"""One authenticated session with splunkd's management port.

Built on ``splunklib.binding``, which is imported at the first request. Requests that splunkd could
not accept (refused connection, 503 while the KV store starts or fails over) are sent again a few
times. The caller handles all other errors.
"""

from __future__ import annotations

import errno
import json
import os
import random
import socket
import ssl
import time
from contextlib import contextmanager
from http.client import HTTPException
from pathlib import Path
from typing import Any, Callable, Dict, Iterator, Mapping, Optional
from urllib.parse import quote, urlsplit

from ..hosts import is_splunkd_here
from .connection import KeptConnection

__all__ = ["API", "APP", "Session", "SplunkError", "content_of"]

APP = "incident_management"
# Where splunkd has the app's own REST API.
API = "/services/incident_management/v1"

ATTEMPTS = 5
FIRST_PAUSE_SECONDS = 0.2
LONGEST_PAUSE_SECONDS = 2.0
REQUEST_TIMEOUT_SECONDS = 60.0


class SplunkError(Exception):
    """splunkd refused or could not be reached; ``status`` is HTTP's, 0 when there was no answer."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.message = message


class Session:
    """Requests to splunkd as one user, in one app's namespace.

    Args:
        server_uri: ``https://host:port`` of the management port.
        token: a session key, without its ``Splunk`` prefix.
        owner: namespace owner of relative paths.
        app: namespace app of relative paths.
        timeout: seconds that one request may take.
        sleep: pauses between attempts; tests pass their own.
        attempts: how often a request is sent that splunkd could not accept.

    ``answer_bytes`` is the length of the last answer's body.
    """

    def __init__(
        self,
        server_uri: str,
        token: str,
        owner: str = "nobody",
        app: str = APP,
        timeout: float = REQUEST_TIMEOUT_SECONDS,
        sleep: Callable[[float], None] = time.sleep,
        attempts: int = ATTEMPTS,
    ) -> None:
        parts = urlsplit(server_uri)
        if parts.scheme not in ("http", "https") or not parts.hostname or not parts.port:
            raise ValueError(f"'{server_uri}' is not the URI of a splunkd: scheme://host:port.")
        self.server_uri = server_uri
        self.token = token
        self.owner = owner
        self.app = app
        self.timeout = timeout
        self.scheme = parts.scheme
        self.host = parts.hostname
        self.port = parts.port
        self.answer_bytes = 0
        self._sleep = sleep
        self._attempts = attempts
        self._context: Any = None
        self._kept: Optional[KeptConnection] = None

    def __repr__(self) -> str:
        return f"Session({self.server_uri!r}, owner={self.owner!r}, app={self.app!r})"

    @classmethod
    def from_alert_payload(cls, payload: Mapping[str, Any]) -> Session:
        """Make one from the JSON that an alert action reads on stdin (search owner's rights)."""
        return cls(str(payload["server_uri"]), str(payload["session_key"]))

    @classmethod
    def from_searchinfo(cls, searchinfo: Any) -> Session:
        """Make one from splunklib's ``SearchCommand.metadata.searchinfo`` (searcher's rights)."""
        return cls(str(searchinfo.splunkd_uri), str(searchinfo.session_key))

    @classmethod
    def from_request(cls, request: Mapping[str, Any], system: bool) -> Session:
        """Make one from a persistent handler's request.

        ``system`` chooses the app's own rights (``system_authtoken``, given because of
        ``passSystemAuth`` in restmap.conf) instead of the caller's.
        """
        key = request["system_authtoken"] if system else request["session"]["authtoken"]
        return cls(str(request["server"]["rest_uri"]), str(key))

    def within(self, app: str, owner: str) -> Session:
        """Return a session with the same rights whose relative paths are in another namespace."""
        return Session(
            self.server_uri, self.token, owner, app, self.timeout, self._sleep, self._attempts
        )

    @contextmanager
    def kept_open(self) -> Iterator[None]:
        """Use one connection for all requests inside; they must come from one thread."""
        tls = _trusting_context if is_splunkd_here(self.host) else _trusted_context
        self._kept = KeptConnection(self.timeout, tls)
        try:
            yield
        finally:
            self._kept.close()
            self._kept = None

    def get(self, path: str, **query: Any) -> Any:
        """GET a path; returns the parsed JSON. Raises SplunkError."""
        return self._request("get", path, query)

    def post(
        self,
        path: str,
        form: Optional[Mapping[str, Any]] = None,
        json_body: Any = None,
        json_text: str = "",
        **query: Any,
    ) -> Any:
        """POST a form or a JSON body; returns the parsed JSON. Raises SplunkError.

        ``json_text`` is a body that is JSON already, in plain ASCII.
        """
        arguments: Dict[str, Any] = dict(query)
        if json_body is not None or json_text:
            arguments["headers"] = [("Content-Type", "application/json")]
            text = json_text or json.dumps(json_body, allow_nan=False)
            # A view: splunklib parses a text or bytes, to mask it for a log that nobody keeps.
            arguments["body"] = memoryview(text.encode("ascii"))
        else:
            arguments["body"] = dict(form or {})
        return self._request("post", path, arguments)

    def delete(self, path: str, **query: Any) -> Any:
        """DELETE a path; returns the parsed JSON. Raises SplunkError."""
        return self._request("delete", path, query)

    def _request(self, verb: str, path: str, arguments: Dict[str, Any]) -> Any:
        arguments.setdefault("output_mode", "json")
        for attempt in range(1, self._attempts + 1):
            try:
                return self._once(verb, path, arguments)
            except SplunkError as error:
                if error.status not in (0, 503) or attempt == self._attempts:
                    raise
                self._sleep(_pause(attempt))
        raise AssertionError("unreachable")

    def _once(self, verb: str, path: str, arguments: Dict[str, Any]) -> Any:
        from splunklib.binding import HTTPError, UrlEncoded

        try:
            # Our paths are escaped already, see path_of().
            escaped = UrlEncoded(path, skip_encode=True)
            response = getattr(self._connected(), verb)(escaped, **arguments)
            body = response.body.read()
            self.answer_bytes = len(body)
            return _parsed(body)
        except HTTPError as error:
            raise SplunkError(error.status, _refusal(error, path)) from None
        except ConnectionRefusedError:
            raise SplunkError(0, f"splunkd at {self.server_uri} refuses connections.") from None
        except (socket.timeout, ssl.SSLError, OSError, HTTPException) as error:
            # The request may have been carried out: not sent again, hence not status 0.
            text = f"No answer from splunkd at {self.server_uri} to {path}: {_reason(error)}."
            raise SplunkError(504, text) from error

    def _connected(self) -> Any:
        if self._context is None:
            from splunklib import binding

            here = is_splunkd_here(self.host)
            alone = binding.handler(
                timeout=self.timeout, verify=not here, context=None if here else _trusted_context()
            )
            self._context = binding.Context(
                handler=lambda url, message, **_more: (
                    self._kept.send(url, message) if self._kept else alone(url, message)
                ),
                scheme=self.scheme,
                host=self.host,
                port=self.port,
                token=self.token,
                # splunklib puts them into paths as they are.
                owner=path_of(self.owner),
                app=path_of(self.app),
                sharing="user" if self.owner != "nobody" else "app",
            )
        return self._context


def path_of(*parts: str) -> str:
    """Join path segments, each escaped, so that a name can't leave its segment."""
    return "/".join(quote(part, safe="") for part in parts)


def content_of(answer: Any) -> Mapping[str, Any]:
    """Return the content of an answer's only entry; empty if the answer has no body.

    A job that splunkd has not parsed yet is a 204 without a body: ``Job.is_ready`` in
    ``splunklib.client``, and splunk-sdk-python's issue 66, for a server under load.
    """
    content: Mapping[str, Any] = answer["entry"][0]["content"] if answer else {}
    return content


def _trusted_context() -> ssl.SSLContext:
    """Trust the system's roots and, if there is one, the CA that signed this Splunk's own.

    Certificates of many companies' own CAs lack what Python requires from 3.13 on
    (``VERIFY_X509_STRICT``, "ssl.create_default_context()" in its documentation). It is not
    required here, or the app would lose splunkd with the upgrade to Splunk 10.2.
    """
    context = ssl.create_default_context()
    context.verify_flags &= ~ssl.VERIFY_X509_STRICT
    own = Path(os.environ.get("SPLUNK_HOME", "")) / "etc" / "auth" / "cacert.pem"
    if own.is_file():
        context.load_verify_locations(cafile=str(own))
    return context


def _trusting_context() -> ssl.SSLContext:
    """Trust any certificate, for this machine's own splunkd: it names no address."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


def _reason(error: Exception) -> str:
    if isinstance(error, ssl.SSLError):  # whose errno counts OpenSSL's own errors
        return str(getattr(error, "verify_message", "") or error.reason or type(error).__name__)
    return errno.errorcode.get(getattr(error, "errno", None) or 0, type(error).__name__)


def _pause(attempt: int) -> float:
    longest = min(LONGEST_PAUSE_SECONDS, FIRST_PAUSE_SECONDS * 2 ** (attempt - 1))
    return longest * random.uniform(0.5, 1.0)


def _parsed(body: bytes) -> Any:
    if not body.strip():
        return None
    try:
        return json.loads(body)
    except ValueError:
        raise SplunkError(502, "splunkd answered with something that is not JSON.") from None


def _refusal(error: Any, path: str) -> str:
    """Return one sentence from splunkd's error body, which is JSON or XML by endpoint."""
    body = error.body
    detail = ""
    try:
        parsed = json.loads(body)
    except ValueError:
        parsed = None
    if isinstance(parsed, dict):
        if isinstance(parsed.get("detail"), str):
            return str(parsed["detail"])
        messages = parsed.get("messages") or [{}]
        first = messages[0] if isinstance(messages, list) else {}
        detail = str(first.get("text", "")) if isinstance(first, dict) else ""
    if not detail:
        detail = str(error).partition(" -- ")[2] or str(error.reason)
    return f"splunkd answered {error.status} to {path.partition('?')[0]}: {detail.strip()}"

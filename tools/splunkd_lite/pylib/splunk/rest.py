"""Requests to splunkd from an app's process, as ``splunk.rest`` offers them."""

from __future__ import annotations

import json
import os
import ssl
import urllib.error
import urllib.parse
import urllib.request
from pathlib import Path
from typing import Any

import splunk
from splunk.clilib.cli_common import getMgmtUri

__all__ = ["getWebCertFile", "getWebKeyFile", "is_cert_or_key_encrypted", "makeSplunkdUri",
           "simpleRequest"]  # fmt: skip

DEFAULT_TIMEOUT_SECONDS = 30
_ERRORS = {
    400: splunk.BadRequest,
    401: splunk.AuthenticationFailed,
    403: splunk.AuthorizationFailed,
    404: splunk.ResourceNotFound,
    500: splunk.InternalServerError,
}


class _Response(dict):
    """The answer's headers as a dictionary, with ``status`` and ``reason``."""

    def __init__(self, status: int, reason: str, headers: Any) -> None:
        super().__init__({name.lower(): value for name, value in headers})
        self.status = status
        self.reason = reason
        self["status"] = str(status)


def makeSplunkdUri() -> str:
    """The management port's address, with a slash at the end."""
    return getMgmtUri() + "/"


def simpleRequest(
    path: str,
    sessionKey: Any = None,
    getargs: Any = None,
    postargs: Any = None,
    method: str = "GET",
    raiseAllErrors: bool = False,
    proxyMode: bool = False,
    rawResult: bool = False,
    timeout: Any = DEFAULT_TIMEOUT_SECONDS,
    jsonargs: Any = None,
    token: bool = False,
    **unknown: Any,
) -> tuple[_Response, bytes]:
    """Send one request; a response (a dict with ``.status``) and the body as bytes.

    Raises:
        splunk.AuthenticationFailed: 401, and splunk.RESTException for other refusals where
            ``raiseAllErrors`` is set; splunk.SplunkdConnectionException: splunkd is not there.
    """
    if unknown:
        raise TypeError("simpleRequest: not supported here: {}".format(", ".join(sorted(unknown))))
    request = _request(path, sessionKey, getargs, postargs, method, jsonargs, token)
    context = ssl._create_unverified_context()
    opener = urllib.request.build_opener(
        urllib.request.ProxyHandler({}), urllib.request.HTTPSHandler(context=context)
    )
    try:
        with opener.open(request, timeout=timeout) as answer:
            return _Response(answer.status, answer.reason, answer.headers.items()), answer.read()
    except urllib.error.HTTPError as error:
        body = error.read()
        if not (proxyMode or rawResult) and (error.code == 401 or raiseAllErrors):
            _refuse(error.code, body)
        return _Response(error.code, error.reason, error.headers.items()), body
    except OSError as error:
        raise splunk.SplunkdConnectionException(f"splunkd could not be reached: {error}") from error


def _request(
    path: str, sessionKey: Any, getargs: Any, postargs: Any, method: Any, jsonargs: Any, token: Any
) -> urllib.request.Request:
    url = path if path.startswith("http") else makeSplunkdUri() + path.lstrip("/")
    if "/services" not in url and not path.startswith("http"):
        url = makeSplunkdUri() + "services/" + path.lstrip("/")
    if getargs:
        pairs = [(k, v) for k, v in getargs.items() if v is not None]
        url += ("&" if "?" in url else "?") + urllib.parse.urlencode(pairs, doseq=True)
    headers, body = {}, None
    if jsonargs is not None:
        body, method = jsonargs, "POST" if method == "GET" else method
        body = body.encode("utf-8") if isinstance(body, str) else json.dumps(body).encode("utf-8")
        headers["Content-Type"] = "application/json"
    elif postargs is not None:
        method = "POST" if method == "GET" else method
        pairs = [(k, v) for k, v in postargs.items() if v is not None]
        body = urllib.parse.urlencode(pairs, doseq=True).encode("utf-8")
    key = sessionKey or splunk.getSessionKey()
    if key:
        headers["Authorization"] = ("Bearer " if token else "Splunk ") + key
    return urllib.request.Request(url, data=body, headers=headers, method=method)


def _refuse(status: int, body: bytes) -> None:
    text = body.decode("utf-8", "replace")
    try:
        messages = json.loads(text)["messages"]
    except (ValueError, KeyError, TypeError):
        messages = [{"text": text}]
    kind = _ERRORS.get(status)
    raise kind(messages) if kind else splunk.RESTException(status, messages)


def getWebCertFile() -> None:
    """splunkweb has no certificate here."""
    return


def getWebKeyFile() -> None:
    """splunkweb has no key here."""
    return


def is_cert_or_key_encrypted(cert_filename: str) -> bool:
    """Whether a PEM file's key is encrypted."""
    return "ENCRYPTED" in Path(os.path.expandvars(cert_filename)).read_text(encoding="utf-8")


def __getattr__(name: str) -> Any:
    if name.startswith("__"):
        raise AttributeError(name)
    raise AttributeError(f"splunk.rest.{name} is not provided by this stand-in for Splunk")

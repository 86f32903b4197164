"""Determine from an error of ``requests`` or urllib3 whether a request may have arrived."""

from __future__ import annotations

from typing import Any

__all__ = ["CONNECT_SECONDS", "READ_SECONDS", "NoAnswer", "NotSent", "network_failure"]

CONNECT_SECONDS = 10.0
READ_SECONDS = 20.0


class NotSent(Exception):
    """The request certainly never reached the service."""


class NoAnswer(Exception):
    """The request may have reached the service; its answer did not reach us."""


def network_failure(error: BaseException, host: str) -> Exception:
    """Return NotSent or NoAnswer for an error that ``requests`` raised.

    Only a failure to connect, to the service or to the proxy, proves that the request did not
    arrive.
    """
    import requests
    from urllib3.exceptions import NewConnectionError  # type: ignore[import-untyped]

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
    """Distinguish a proxy that made no connection from a connection through it that broke.

    urllib3 1.26 raises ProxyError for both (``HTTPConnectionPool.urlopen``: any OSError while a
    proxy is set). Only http.client's text says that the tunnel was refused
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

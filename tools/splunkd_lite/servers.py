"""The ports: uvicorn in threads, with a certificate of a local authority for https."""

from __future__ import annotations

import asyncio
import logging
import socket
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import trustme
import uvicorn

from tools.splunkd_lite.errors import SplunkdError

if TYPE_CHECKING:
    from tools.splunkd_lite.core import Splunk

__all__ = ["Servers"]

START_SECONDS = 20.0
ANSWER_SECONDS = 3.0  # that a stop leaves to the requests that are being answered
GOODBYE_SECONDS = 0.5  # and to open connections, to close in good order
NEXT_PORTS = 20


class _NotOfTheStop(logging.Filter):
    """Drops what uvicorn says of a request that it cancels because the server stops.

    A request that is still being answered then is cut off, as by splunkd; that is no error.
    """

    def filter(self, record: logging.LogRecord) -> bool:
        raised = record.exc_info[1] if record.exc_info else None
        # Of an application's own end it logs the traceback's text.
        told = "asyncio.exceptions.CancelledError" in record.getMessage()
        return not (told or isinstance(raised, asyncio.CancelledError))


_QUIET = _NotOfTheStop()


class Servers:
    """Loopback listeners by name (``mgmt``, ``web``, ``hec``)."""

    def __init__(self, splunk: Splunk) -> None:
        self._splunk = splunk
        self._running: dict[str, tuple[uvicorn.Server, threading.Thread, socket.socket]] = {}
        self._ports: dict[str, int] = {}
        logging.getLogger("uvicorn.error").addFilter(_QUIET)
        self.notes: list[str] = []  # what a person should know about the ports

    def port(self, name: str) -> int:
        """The port it listens on; 0 if it is not running."""
        return self._ports.get(name, 0)

    def start(self, name: str, app: Any, port: int, https: bool) -> None:
        """Serve an ASGI app and return when it accepts connections.

        Raises:
            SplunkdError: the port is taken, or the server did not start.
        """
        listener = self._listen(name, port)
        tls: dict[str, Any] = {}
        if https:
            pem = str(certificate(self._splunk.home))
            tls = {"ssl_keyfile": pem, "ssl_certfile": pem}
        config = uvicorn.Config(
            app, log_level="error", access_log=False, lifespan="auto", timeout_keep_alive=30, **tls
        )
        server = uvicorn.Server(config)
        thread = threading.Thread(
            target=server.run, kwargs={"sockets": [listener]}, name=f"port-{name}", daemon=True
        )
        thread.start()
        self._running[name] = (server, thread, listener)
        self._ports[name] = listener.getsockname()[1]
        deadline = time.monotonic() + START_SECONDS
        while not server.started:
            if not thread.is_alive() or time.monotonic() > deadline:
                raise SplunkdError(500, f"The {name} server did not start.")
            time.sleep(0.01)

    def _listen(self, name: str, port: int) -> socket.socket:
        """The port, or one of the next where the caller left it to us."""
        lenient = name in self._splunk.options.or_next_port
        for candidate in range(port, port + (NEXT_PORTS if lenient else 1)):
            # Named TCP, or asyncio leaves Nagle's algorithm on and each answer waits 40 ms.
            listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                listener.bind(("127.0.0.1", candidate))
                # Until one of them listens, Linux lets two be bound to a port.
                listener.listen()
            except OSError as error:
                listener.close()
                refusal = error
                continue
            if candidate != port:
                self.notes.append(f"Port {port} is taken: {name} is on {candidate}.")
            return listener
        raise SplunkdError(
            500,
            f"Cannot listen on 127.0.0.1:{port}: {refusal.strerror}. Choose another --{name}-port.",
        ) from refusal

    def stop(self) -> None:
        for server, _, _ in self._running.values():
            server.should_exit = True
        for server, thread, listener in self._running.values():
            _wait_for_answers(server, thread)
            server.force_exit = True
            thread.join(timeout=10)
            listener.close()
        self._running.clear()


def _wait_for_answers(server: uvicorn.Server, thread: threading.Thread) -> None:
    """Wait while requests are answered, but not for a client that only keeps its connection.

    Over TLS such a client has to agree to the end, which it does when it next reads.
    """
    deadline = time.monotonic() + ANSWER_SECONDS
    thread.join(timeout=GOODBYE_SECONDS)
    while thread.is_alive() and server.server_state.tasks and time.monotonic() < deadline:
        thread.join(timeout=0.02)


def certificate(home: Path) -> Path:
    """``etc/auth/server.pem`` (key and chain), with its authority in ``etc/auth/cacert.pem``."""
    folder = home / "etc" / "auth"
    pem = folder / "server.pem"
    if not pem.exists():
        folder.mkdir(parents=True, exist_ok=True)
        authority = trustme.CA(organization_name="stand-in for Splunk")
        issued = authority.issue_cert("localhost", "127.0.0.1")
        authority.cert_pem.write_to_path(str(folder / "cacert.pem"))
        pem.touch(mode=0o600)
        issued.private_key_and_cert_chain_pem.write_to_path(str(pem))
    return pem

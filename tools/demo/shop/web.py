"""What the shop's services share: a Flask application on waitress that stops gracefully."""

from __future__ import annotations

import argparse
import logging
import os
import secrets
import signal
import socket
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import requests
from flask import Flask, Response, g, jsonify, request
from sqlalchemy.exc import SQLAlchemyError
from waitress.server import TcpWSGIServer, create_server  # type: ignore[import-untyped]

from tools.demo.children import end_with_parent
from tools.demo.shop import logs, settings

DRAIN_SECONDS = 5.0
THREADS = 8

log = logging.getLogger("shop.service")
access = logging.getLogger("shop.access")


@dataclass(frozen=True)
class Started:
    """What a service process was started with."""

    config: settings.Settings
    listener: socket.socket
    ready: int
    data: Path
    upstream: str


def arguments(service: str) -> Started:
    """Parse a service's command line, set up its log, and end with its parent process.

    The listening socket is inherited from the deployer (as in systemd's socket activation), so
    a connection made while versions change waits in the backlog and is never refused.
    """
    parser = argparse.ArgumentParser(prog=service)
    parser.add_argument("--config", type=Path, required=True)
    parser.add_argument("--listen-fd", type=int, required=True)
    parser.add_argument("--ready-fd", type=int, required=True)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--log", type=Path, required=True)
    parser.add_argument("--upstream", default="")
    given = parser.parse_args()
    logs.configure(service, given.log)
    end_with_parent()
    listener = socket.socket(fileno=given.listen_fd)
    config = settings.load(given.config)
    return Started(config, listener, given.ready_fd, given.data, given.upstream)


def create_app(config: settings.Settings) -> Flask:
    """Return a Flask application with a health page, access lines and error answers."""
    app = Flask(f"shop.{config.service}")

    @app.before_request
    def begin() -> None:
        g.begun = time.monotonic()
        g.trace = request.headers.get("X-Trace", "") or secrets.token_hex(4)

    @app.after_request
    def write_access_line(response: Response) -> Response:
        access.info(
            "method=%s path=%s status=%d duration_ms=%d trace=%s",
            request.method,
            request.path,
            response.status_code,
            round((time.monotonic() - g.begun) * 1000),
            g.trace,
        )
        return response

    @app.get("/health")
    def health() -> Response:
        return jsonify(service=config.service, version=config.version, pid=os.getpid())

    @app.errorhandler(SQLAlchemyError)
    def database_unavailable(_: Exception) -> tuple[Response, int]:
        log.exception("%s %s not served trace=%s", request.method, request.path, g.trace)
        return jsonify(detail="The database is not available."), 503

    @app.errorhandler(requests.RequestException)
    def upstream_unavailable(reason: Exception) -> tuple[Response, int]:
        log.exception("%s %s not served trace=%s", request.method, request.path, g.trace)
        late = isinstance(reason, requests.Timeout)
        return jsonify(detail="A service that is needed did not answer."), 504 if late else 502

    return app


def post(
    url: str, body: Mapping[str, str | float], timeout: tuple[float, float]
) -> dict[str, object]:
    """POST JSON to another service of the shop and return its JSON answer.

    ``timeout`` is (connect, read) in seconds. Each call has a connection of its own, so that a
    service that stops never leaves a half-dead one behind.

    Raises:
        requests.RequestException: no answer in time, or one that is not a success.
    """
    with requests.Session() as session:
        session.trust_env = False
        headers = {"X-Trace": g.trace, "Connection": "close"}
        response = session.post(url, json=dict(body), headers=headers, timeout=timeout)
        response.raise_for_status()
        return dict(response.json())


def serve(app: Flask, started: Started) -> None:
    """Serve until SIGTERM; then finish the requests under way and return."""
    stopping = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stopping.set())
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    server = create_server(app, sockets=[started.listener], threads=THREADS, ident=None)
    log.info("version=%s pid=%d serving", started.config.version, os.getpid())
    os.write(started.ready, b"1")
    os.close(started.ready)
    while not stopping.is_set():
        _turn(server)
    # Another process listens on the same socket: leave new connections to it.
    server.accepting = False
    limit = time.monotonic() + DRAIN_SECONDS
    while server.active_channels and time.monotonic() < limit:
        _turn(server)
    server.task_dispatcher.shutdown()
    log.info("version=%s pid=%d stopped", started.config.version, os.getpid())


def _turn(server: TcpWSGIServer) -> None:
    """Run waitress's event loop once. It has no public way to stop without breaking off."""
    server.asyncore.loop(timeout=0.1, map=server._map, count=1)

"""The shop's deployer: an HTTP API that releases configurations of the services it runs.

Every request needs ``Authorization: Bearer <token>``; the token comes from the environment
variable ``SHOP_DEPLOY_TOKEN``. Refusals are ``application/problem+json`` with one sentence.
"""

from __future__ import annotations

import argparse
import hmac
import json
import os
import signal
import threading
from pathlib import Path

from flask import Flask, Response, jsonify, request
from waitress.server import create_server  # type: ignore[import-untyped]

from tools.demo.children import end_with_parent
from tools.demo.shop import logs
from tools.demo.shop.processes import NotStarted, Service
from tools.demo.shop.releases import Conflict, Order, Releases
from tools.demo.shop.settings import BadSettings

KINDS = ("deploy", "config", "flag", "commit")


def create_app(releases: Releases, token: str) -> Flask:
    """Return the API over ``releases``."""
    app = Flask("shop.deployer")

    @app.before_request
    def check_token() -> tuple[Response, int] | None:
        given = request.headers.get("Authorization", "")
        if not hmac.compare_digest(given.encode(), f"Bearer {token}".encode()):
            return _problem(401, "A valid bearer token is needed.")
        return None

    @app.errorhandler(KeyError)
    def unknown(reason: KeyError) -> tuple[Response, int]:
        return _problem(404, f"There is no {reason.args[0]!r} here.")

    @app.errorhandler(BadSettings)
    def malformed(reason: BadSettings) -> tuple[Response, int]:
        return _problem(422, str(reason))

    @app.errorhandler(Conflict)
    def conflict(reason: Conflict) -> tuple[Response, int]:
        return _problem(409, str(reason))

    @app.errorhandler(NotStarted)
    def not_started(reason: NotStarted) -> tuple[Response, int]:
        return _problem(500, str(reason))

    @app.get("/v1/services/<name>")
    def show(name: str) -> Response:
        return jsonify(releases.show(name))

    @app.post("/v1/services/<name>/deploy")
    def deploy(name: str) -> tuple[Response, int]:
        body = _body("config", "summary", "actor")
        kind = str(body.get("kind", "config"))
        if kind not in KINDS:
            raise BadSettings(f"The kind of a change is one of {', '.join(KINDS)}, not {kind!r}.")
        order = Order(kind, str(body["summary"]), str(body["actor"]))
        return jsonify(releases.deploy(name, dict(body["config"]), order)), 201

    @app.post("/v1/services/<name>/rollback")
    def roll_back(name: str) -> Response:
        body = _body("change_id", "to_version", "request_id")
        change_id, to_version = str(body["change_id"]), str(body["to_version"])
        actor = str(body.get("actor", "deploy-api"))
        return jsonify(
            releases.roll_back(name, change_id, to_version, str(body["request_id"]), actor)
        )

    return app


def _body(*needed: str) -> dict:
    """Return the request's JSON object, which has the keys that are needed."""
    body = request.get_json(silent=True)
    if not isinstance(body, dict):
        raise BadSettings("The body must be a JSON object.")
    missing = [key for key in needed if not body.get(key)]
    if missing:
        raise BadSettings(f"The body lacks {', '.join(missing)}.")
    return body


def _problem(status: int, detail: str) -> tuple[Response, int]:
    response = jsonify(status=status, detail=detail)
    response.content_type = "application/problem+json"
    return response, status


def main() -> None:
    """Start the shop, write ``ready.json`` with its URLs, and serve until SIGTERM."""
    parser = argparse.ArgumentParser(prog="deployer")
    parser.add_argument("--home", type=Path, required=True)
    home = parser.parse_args().home
    logs.configure("deployer", home / "log" / "deployer.log")
    end_with_parent()
    releases = Releases(home, [Service.bind(name) for name in ("bank", "payments", "orders")])
    server = None
    try:
        releases.start()
        app = create_app(releases, os.environ["SHOP_DEPLOY_TOKEN"])
        server = create_server(app, host="127.0.0.1", port=0, threads=4)
        urls = {name: service.url for name, service in releases.services.items()}
        urls["deployer"] = f"http://127.0.0.1:{server.effective_port}"
        _write_ready(home / "ready.json", urls)
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        signal.signal(signal.SIGTERM, lambda *_: _leave())
        server.run()
    finally:
        releases.stop()


def _leave() -> None:
    # Waitress ends its loop on SystemExit raised in the main thread.
    if threading.current_thread() is threading.main_thread():
        raise SystemExit(0)


def _write_ready(path: Path, urls: dict[str, str]) -> None:
    new = path.with_suffix(".new")
    new.write_text(json.dumps(urls), encoding="utf-8")
    new.replace(path)


if __name__ == "__main__":
    main()

"""The ``bank``: an outside service that confirms transfers, after the time a bank takes."""

from __future__ import annotations

import random
import secrets
import time

from flask import Flask, Response, jsonify

from tools.demo.shop import web
from tools.demo.shop.settings import Settings


def create_app(config: Settings) -> Flask:
    """Return the application; each transfer takes ``latency.min_ms`` to ``latency.max_ms``."""
    app = web.create_app(config)
    shortest, longest = config.number("latency.min_ms"), config.number("latency.max_ms")

    @app.post("/transfers")
    def transfer() -> tuple[Response, int]:
        time.sleep(random.uniform(shortest, longest) / 1000)
        return jsonify(transfer=secrets.token_hex(5)), 201

    return app


def main() -> None:
    """Run the service until it is told to stop."""
    started = web.arguments("bank")
    web.serve(create_app(started.config), started)


if __name__ == "__main__":
    main()

"""The service ``payments``: has the bank confirm a payment, and keeps its receipt."""

from __future__ import annotations

import logging
from pathlib import Path

from flask import Flask, Response, jsonify, request
from sqlalchemy.orm import Session

from tools.demo.shop import database, web
from tools.demo.shop.database import Payment
from tools.demo.shop.settings import Settings

log = logging.getLogger("shop.payments")


def create_app(config: Settings, data: Path, bank_url: str) -> Flask:
    """Return the application over the database in the folder ``data``."""
    pool_size = int(config.number("db.pool_size"))
    engine = database.connect(data / "payments.db", pool_size, max_overflow=5, pool_timeout=2.0)
    timeout = (
        config.number("bank.connect_timeout_seconds"),
        config.number("bank.read_timeout_seconds"),
    )
    app = web.create_app(config)

    @app.post("/payments")
    def pay() -> tuple[Response, int]:
        asked = request.get_json()
        confirmed = web.post(f"{bank_url}/transfers", {"amount": asked["amount"]}, timeout)
        receipt = f"{config.text('receipt.prefix')}-{confirmed['transfer']}"
        with Session(engine) as session:
            session.add(Payment(receipt=receipt, amount=float(asked["amount"])))
            session.commit()
        log.info("receipt=%s amount=%.2f confirmed", receipt, asked["amount"])
        return jsonify(receipt=receipt), 201

    return app


def main() -> None:
    """Run the service until it is told to stop."""
    started = web.arguments("payments")
    web.serve(create_app(started.config, started.data, started.upstream), started)


if __name__ == "__main__":
    main()

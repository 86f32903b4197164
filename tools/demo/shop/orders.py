"""The service ``orders``: takes orders, has them paid by ``payments``, and keeps them."""

from __future__ import annotations

import logging
from pathlib import Path

from flask import Flask, Response, jsonify, request
from sqlalchemy import Engine
from sqlalchemy.orm import Session

from tools.demo.shop import database, web
from tools.demo.shop.database import Order, Stock
from tools.demo.shop.settings import Settings

log = logging.getLogger("shop.orders")

PRICES = {"kettle": 39.0, "teapot": 24.5, "cup": 6.9, "tray": 18.0}


def create_app(config: Settings, data: Path, payments_url: str) -> Flask:
    """Return the application over the database in the folder ``data``."""
    engine = database.connect(
        data / "orders.db",
        pool_size=int(config.number("db.pool_size")),
        max_overflow=int(config.number("db.max_overflow")),
        pool_timeout=config.number("db.pool_timeout_seconds"),
    )
    _fill_stock(engine)
    app = web.create_app(config)

    @app.post("/orders")
    def place() -> tuple[Response, int]:
        item = str(request.get_json()["item"])
        # One session a request, as web frameworks do it: its connection is held while paying.
        with Session(engine) as session:
            stock = session.get(Stock, item)
            if stock is None:
                return jsonify(detail=f"There is no {item}."), 404
            paid = _pay(config, payments_url, item, stock.price)
            order = Order(item=item, amount=stock.price, payment=str(paid["receipt"]))
            session.add(order)
            session.commit()
            log.info("order=%d item=%s amount=%.2f placed", order.id, item, order.amount)
            return jsonify(id=order.id, item=item, payment=order.payment), 201

    @app.get("/orders/<int:number>")
    def show(number: int) -> tuple[Response, int]:
        with Session(engine) as session:
            order = session.get(Order, number)
            if order is None:
                return jsonify(detail=f"There is no order {number}."), 404
            return jsonify(id=order.id, item=order.item, payment=order.payment), 200

    return app


def _pay(config: Settings, payments_url: str, item: str, amount: float) -> dict[str, object]:
    timeout = config.number("payments.timeout_seconds")
    return web.post(f"{payments_url}/payments", {"item": item, "amount": amount}, (1.0, timeout))


def _fill_stock(engine: Engine) -> None:
    with Session(engine) as session:
        for item, price in PRICES.items():
            session.merge(Stock(item=item, price=price))
        session.commit()


def main() -> None:
    """Run the service until it is told to stop."""
    started = web.arguments("orders")
    web.serve(create_app(started.config, started.data, started.upstream), started)


if __name__ == "__main__":
    main()

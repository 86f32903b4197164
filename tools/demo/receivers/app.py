"""The receivers' HTTP side: one application for all services, and a page for people."""

from __future__ import annotations

import threading
from collections.abc import Sequence

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.routing import Route

from tools.demo.receivers.exchange import Answer, Incoming, Receiver, Record
from tools.demo.receivers.page import page


class Refusals:
    """How many of the next requests each service answers with 429, and what it asks to wait."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._left: dict[str, tuple[int, int]] = {}

    def order(self, service: str, times: int, retry_after: int) -> None:
        """Limit the next ``times`` requests; ``retry_after`` is in seconds."""
        with self._lock:
            self._left[service] = (times, retry_after)

    def take(self, service: str) -> int | None:
        """Return how long this request must wait, or None when it is to be served."""
        with self._lock:
            times, retry_after = self._left.get(service, (0, 0))
            if times <= 0:
                return None
            self._left[service] = (times - 1, retry_after)
            return retry_after


def create_app(receivers: Sequence[Receiver], record: Record) -> Starlette:
    """Return the application that serves the receivers and shows their record.

    ``GET /`` is the page, ``GET /record`` the record as JSON; ``POST /limit`` with ``{"service",
    "times", "retry_after"}`` has the next requests to a service answered with 429.
    """
    refusals = Refusals()
    names = {receiver.name for receiver in receivers}

    async def show(_: Request) -> Response:
        return HTMLResponse(page(record.entries()))

    async def list_record(_: Request) -> Response:
        return JSONResponse(record.entries())

    async def limit(request: Request) -> Response:
        asked = await request.json()
        if asked.get("service") not in names:
            return JSONResponse({"detail": f"service is one of {sorted(names)}."}, 422)
        refusals.order(asked["service"], int(asked.get("times", 1)), int(asked["retry_after"]))
        return Response(status_code=204)

    async def serve(request: Request) -> Response:
        incoming = await _incoming(request)
        answer = await run_in_threadpool(_answer, receivers, refusals, record, incoming)
        if answer.body is None:
            return Response(status_code=answer.status, headers=answer.headers)
        return JSONResponse(answer.body, answer.status, headers=answer.headers)

    return Starlette(
        routes=[
            Route("/", show),
            Route("/record", list_record),
            Route("/limit", limit, methods=["POST"]),
            Route("/{path:path}", serve, methods=["GET", "POST", "PUT", "PATCH", "DELETE"]),
        ]
    )


def _answer(
    receivers: Sequence[Receiver], refusals: Refusals, record: Record, incoming: Incoming
) -> Answer:
    for receiver in receivers:
        if receiver.serves(incoming.path):
            wait = refusals.take(receiver.name)
            answer = receiver.answer(incoming) if wait is None else receiver.limited(wait)
            record.add(receiver.name, incoming, answer)
            return answer
    answer = Answer(404, {"detail": "no service is here"}, problems=["no service has this path"])
    record.add("unknown", incoming, answer)
    return answer


async def _incoming(request: Request) -> Incoming:
    raw_path = request.scope.get("raw_path", b"").decode("ascii")
    return Incoming(
        method=request.method,
        path=request.url.path,
        raw_path=raw_path.split("?")[0],
        query=dict(request.query_params),
        headers={name.lower(): value for name, value in request.headers.items()},
        body=await request.body(),
    )

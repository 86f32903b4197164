"""``Idempotency-Key``: a POST that is sent again gets the answer of the first time.

The manner is that of the IETF draft "The Idempotency-Key HTTP Header Field": the key is the
caller's own, the answer is kept for 24 hours by user, route and key, another body under the same
key is refused, and so is a repeat while the first is still being worked on.

The claim is inserted before the route runs, so of two requests at the same moment one runs.
"""

from __future__ import annotations

import hashlib
import json
from typing import Any, Callable, Dict

from ..incidents.canonical import canonical
from .messages import Problem, Request, Response

__all__ = ["HEADER", "KEPT_ANSWER", "KEPT_SECONDS", "once"]

HEADER = "idempotency-key"
REPLAYED = "Idempotency-Replayed"
KEY_CHARACTERS = 255
KEPT_ANSWER = "idempotency:"
KEPT_SECONDS = 24 * 3600.0
# A handler that has not answered after this was ended.
WORKING_SECONDS = 120.0


def once(request: Request, run: Callable[[], Response]) -> Response:
    """Run a request unless its key's answer is known. Raises Problem 400 and 409.

    An error of ours (5xx) is not kept: the caller may try again with the same key.
    """
    key = request.headers[HEADER].strip()
    if not 0 < len(key) <= KEY_CHARACTERS:
        raise Problem(400, f"An Idempotency-Key has 1 to {KEY_CHARACTERS} characters.")
    claim = _claim(request, key)
    if not request.stores.claims.insert(claim):
        known = request.stores.claims.get(claim["_key"])
        if known is not None and not _is_over(known, request.clock.now()):
            return _known(known, claim)
        request.stores.claims.save([claim])
    try:
        response = run()
    except Problem as problem:
        if problem.status >= 500:
            request.stores.claims.delete(claim["_key"])
        else:
            _keep(
                request,
                claim,
                {
                    "status": problem.status,
                    "detail": problem.detail,
                    "headers": problem.headers,
                },
            )
        raise
    except Exception:
        request.stores.claims.delete(claim["_key"])
        raise
    body = response.body if response.kept is None else response.kept
    answer = {"status": response.status, "body": body, "headers": response.headers}
    _keep(request, claim, answer)
    return response


def _claim(request: Request, key: str) -> Dict[str, Any]:
    place = "\n".join((request.user, request.path, key))
    purpose = KEPT_ANSWER + hashlib.sha256(place.encode("utf-8", "replace")).hexdigest()
    content = canonical([request.body, dict(request.query)])
    return {
        "_key": purpose,
        "purpose": purpose,
        "holder": request.user,
        "time": request.clock.now(),
        "value": {"sent": hashlib.sha256(content.encode("utf-8")).hexdigest(), "answer": ""},
    }


def _is_over(known: Dict[str, Any], now: float) -> bool:
    answered = bool(known["value"].get("answer"))
    return now - float(known["time"]) > (KEPT_SECONDS if answered else WORKING_SECONDS)


def _known(known: Dict[str, Any], claim: Dict[str, Any]) -> Response:
    value = known["value"]
    if value.get("sent") != claim["value"]["sent"]:
        raise Problem(409, "This Idempotency-Key was used for another request: choose a new one.")
    if not value.get("answer"):
        text = "The first request with this Idempotency-Key is being worked on: try again later."
        raise Problem(409, text, {"Retry-After": "5"})
    # As text, because an answer's field names need not be ones that the KV store takes.
    answer = json.loads(value["answer"])
    headers = {**answer.get("headers", {}), REPLAYED: "true"}
    if "detail" in answer:
        raise Problem(int(answer["status"]), str(answer["detail"]), headers)
    return Response(answer["body"], int(answer["status"]), headers)


def _keep(request: Request, claim: Dict[str, Any], answer: Dict[str, Any]) -> None:
    claim["value"]["answer"] = canonical(answer)
    request.stores.claims.save([claim])

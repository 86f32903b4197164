"""``Idempotency-Key``: a repeated POST returns the first response.

The manner is that of the IETF draft "The Idempotency-Key HTTP Header Field": the key is the
caller's own, the answer is kept for 24 hours by user, route and key, another body under the same
key is refused, and so is a repeat while the first is still being worked on.

The claim is inserted before the route runs, so of two requests at the same moment one runs. It
stays when that fails: the repeat has the same ``mark``, from which a route makes the ids of what it
writes. So a repeat finds what the first one came to write, and adds what is missing.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace
from typing import Any, Callable, Dict, Mapping

from ..incidents.canonical import canonical, digest, milliseconds
from ..incidents.stores import KEPT_ANSWER, KEPT_ANSWER_SECONDS, claim_document
from .messages import Problem, Request, Response

__all__ = ["HEADER", "once"]

HEADER = "idempotency-key"
REPLAYED = "Idempotency-Replayed"
KEY_CHARACTERS = 255
# A handler that has not answered after so long was killed.
WORKING_SECONDS = 120.0
MARK_DIGITS = 32


def once(request: Request, run: Callable[[Request], Response]) -> Response:
    """Run a request, or return the stored response of its key. Raises Problem 400, 409.

    A server error (5xx) is not stored: the caller may retry with the same key.
    """
    key = request.headers[HEADER].strip()
    if not 0 < len(key) <= KEY_CHARACTERS:
        raise Problem(400, f"An Idempotency-Key must have 1 to {KEY_CHARACTERS} characters.")
    claim = _claim(request, key)
    if not request.stores.claims.insert(claim):
        known = request.stores.claims.get(claim["_key"])
        if known is not None and request.clock.now() - float(known["time"]) <= KEPT_ANSWER_SECONDS:
            if not _may_run_again(known, claim, request.clock.now()):
                return _known(known)
            claim["value"]["began"] = known["value"].get("began", known["time"])
        request.stores.claims.save([claim])
    return _run(request, claim, run)


def _run(request: Request, claim: Dict[str, Any], run: Callable[[Request], Response]) -> Response:
    """Run a request whose key is claimed; store its response unless a repeat must run again."""
    began = float(claim["value"]["began"])
    mark = digest([claim["_key"], claim["value"]["sent"], f"{began:.3f}"], MARK_DIGITS)
    try:
        response = run(replace(request, mark=mark, began=began))
    except Problem as problem:
        if problem.status >= 500:
            _let_go(request, claim)
        else:
            names = ("status", "detail", "headers", "more")
            _keep(request, claim, {name: getattr(problem, name) for name in names})
        raise
    except Exception:
        _let_go(request, claim)
        raise
    if response.unfinished:
        _let_go(request, claim)
    else:
        body = response.body if response.kept is None else response.kept
        answer = {"status": response.status, "body": body, "headers": response.headers}
        _keep(request, claim, answer)
    return response


def _claim(request: Request, key: str) -> Dict[str, Any]:
    place = "\n".join((request.user, request.path, key))
    purpose = KEPT_ANSWER + hashlib.sha256(place.encode("utf-8", "replace")).hexdigest()
    now = milliseconds(request.clock.now())
    sent = digest([request.body, dict(request.query)])
    value = {"sent": sent, "answer": "", "began": now, "failed": False}
    return claim_document(purpose, now, value, holder=request.user)


def _may_run_again(known: Mapping[str, Any], claim: Mapping[str, Any], now: float) -> bool:
    """Return whether an earlier attempt ended without a response. Raises Problem 409."""
    value = known["value"]
    if value.get("sent") != claim["value"]["sent"]:
        raise Problem(409, "This Idempotency-Key was used for another request. Use a new key.")
    ended = value.get("failed") or now - float(known["time"]) > WORKING_SECONDS
    return bool(ended) and not value.get("answer")


def _known(known: Mapping[str, Any]) -> Response:
    value = known["value"]
    if not value.get("answer"):
        text = "The first request with this Idempotency-Key is still running. Try again later."
        raise Problem(409, text, {"Retry-After": "5"})
    # As text, because an answer's field names need not be ones that the KV store takes.
    answer = json.loads(value["answer"])
    headers = {**answer.get("headers", {}), REPLAYED: "true"}
    if "detail" in answer:
        status, detail = int(answer["status"]), str(answer["detail"])
        raise Problem(status, detail, headers, answer.get("more", {}))
    return Response(answer["body"], int(answer["status"]), headers)


def _let_go(request: Request, claim: Dict[str, Any]) -> None:
    """Let a repeat run at once."""
    claim["value"]["failed"] = True
    request.stores.claims.save([claim])


def _keep(request: Request, claim: Dict[str, Any], answer: Dict[str, Any]) -> None:
    claim["value"]["answer"] = canonical(answer)
    request.stores.claims.save([claim])

"""A Teams Workflows webhook ("When a Teams webhook request is received").

Source: Microsoft's "Create incoming webhooks with Workflows for Microsoft Teams" and "Rate limiting
and message size" (learn.microsoft.com): a message of at most 28 KB with one Adaptive Card; accepted
with 202 and no body. The address itself is the secret: its ``sig`` is checked.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import re
from typing import Any

from tools.demo.receivers import card
from tools.demo.receivers.exchange import Answer, Incoming

MAX_BYTES = 28 * 1024
PATH = re.compile(r"^/workflows/([0-9a-f]{32})/triggers/manual/paths/invoke$")


class Teams:
    """One flow behind one webhook address."""

    name = "teams"

    def __init__(self, flow: str, signature: str) -> None:
        self._flow = flow
        self._signature = signature
        self._seen: set[str] = set()

    def serves(self, path: str) -> bool:
        """Tell whether a path is a webhook's."""
        return path.startswith("/workflows/")

    def answer(self, request: Incoming) -> Answer:
        """Answer a post to the webhook."""
        address = PATH.match(request.path)
        if request.method != "POST":
            return Answer(405, {"error": {"code": "MethodNotAllowed"}}, problems=["not a POST"])
        signed = hmac.compare_digest(request.query.get("sig", ""), self._signature)
        if not address or address.group(1) != self._flow or not signed:
            body = {"error": {"code": "DirectApiAuthorizationRequired"}}
            return Answer(401, body, problems=["the address is not a flow's"])
        if len(request.body) > MAX_BYTES:
            problem = f"the message has {len(request.body)} bytes, more than {MAX_BYTES}"
            return Answer(413, {"error": {"code": "RequestEntityTooLarge"}}, problems=[problem])
        message = request.json_object()
        wrong = ["the body is not a JSON object"] if message is None else card.problems(message)
        if wrong:
            body = {"error": {"code": "InvalidRequest", "message": wrong[0]}}
            return Answer(400, body, problems=wrong, message=message)
        return self._accept(message)

    def limited(self, retry_after: int) -> Answer:
        """Say that there were too many requests."""
        body = {"error": {"code": "WorkflowRunActionRepetitionQuotaExceeded"}}
        return Answer(429, body, {"Retry-After": str(retry_after)})

    def _accept(self, message: dict[str, Any] | None) -> Answer:
        """Take a card. A card that says just what an earlier one said is a repeat."""
        content = json.dumps(message, sort_keys=True)
        identity = hashlib.sha256(content.encode()).hexdigest()[:40]
        problems = []
        if identity in self._seen:
            problems.append(f"card {identity} was posted before")
        self._seen.add(identity)
        return Answer(202, problems=problems, message=message, identity=identity)

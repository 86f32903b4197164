"""A LaunchDarkly with one flag, strict: what its documentation does not name is an error.

Of its REST API it knows "Get feature flag" and "Update feature flag" with a JSON patch and a
comment (RFC 6902: all of it or nothing). Each change of an environment's settings raises their
version. What status a failed ``test`` has is not documented: ``fails_with``.
"""

from __future__ import annotations

import copy
import json
from typing import Any, Callable
from urllib.parse import parse_qs, urlsplit

from incident_management.outside.transport import Reply

URL = "https://flags.example"
TOKEN = "api-0123456789"
PATH = "/api/v2/flags/shop/new-checkout"


class Flags:
    """It is a ``Send``. ``script``: what the next PATCHes do instead, before or after the change.

    ``("before", error)`` raises without the change, ``("after", error)`` with it, a number answers
    with that status and does nothing. ``others``: called right before a PATCH is looked at.
    """

    def __init__(self) -> None:
        self.flag: dict[str, Any] = {
            "key": "new-checkout", "kind": "boolean", "tags": ["incident-management", "web"],
            "archived": False, "_version": 12,
            "environments": {
                "production": {"on": True, "archived": False, "version": 7, "rules": []},
                "test": {"on": True, "archived": False, "version": 3, "rules": []},
            },
        }  # fmt: skip
        self.script: list[Any] = []
        self.comments: list[str] = []
        self.patches = 0
        self.others: Callable[[], None] = lambda: None
        self.fails_with = 400

    @property
    def production(self) -> dict[str, Any]:
        return self.flag["environments"]["production"]

    def change(self, environment: str = "production", **settings: Any) -> None:
        """Somebody changes an environment's settings of the flag."""
        known = self.flag["environments"][environment]
        known.update(settings)
        known["version"] += 1

    def __call__(self, url: str, body: Any, headers: Any, method: str) -> Reply:
        parts = urlsplit(url)
        assert f"{parts.scheme}://{parts.netloc}" == URL
        return self.answer(method, parts.path, parse_qs(parts.query), body, headers)

    def answer(self, method: str, path: str, query: Any, body: Any, headers: Any) -> Reply:
        if headers["Authorization"] != TOKEN:
            return self.no(401, "unauthorized", "Invalid account ID header")
        assert headers["LD-API-Version"] == "20240415"
        if path != PATH:
            return self.no(404, "not_found", "Unknown flag key")
        if method == "GET":
            assert set(query) <= {"env"} and body is None
            return Reply(200, {}, json.dumps(self.shown(self.flag, query.get("env"))))
        assert method == "PATCH" and set(body) == {"comment", "patch"}, (method, body)
        assert query in ({}, {"dryRun": ["true"]}), query
        return self.patched(body, bool(query))

    def patched(self, body: Any, dry: bool) -> Reply:
        step = self.script.pop(0) if self.script else None
        if isinstance(step, int):
            return self.no(step, "rate_limited", "Too many requests")
        if step and step[0] == "before":
            raise step[1]
        self.others()
        changed = copy.deepcopy(self.flag)
        for operation in body["patch"]:
            *above, name = operation["path"].split("/")[1:]
            place = changed
            for part in above:
                if part not in place:
                    return self.no(400, "invalid_request", f"Unknown path {operation['path']}")
                place = place[part]
            if operation["op"] == "test":
                if (type(place.get(name)), place.get(name)) != (
                    type(operation["value"]), operation["value"]
                ):  # fmt: skip
                    return self.no(self.fails_with, "conflict", "A test of the patch has failed.")
                continue
            assert operation["op"] == "replace" and name == "on", operation
            assert type(operation["value"]) is bool
            if place["on"] != operation["value"]:
                place["on"], place["version"] = operation["value"], place["version"] + 1
                changed["_version"] += 1
        if not dry:
            self.flag = changed
            self.patches += 1
            self.comments.append(body["comment"])
        if step:
            raise step[1]
        return Reply(200, {}, json.dumps(self.shown(changed)))

    @staticmethod
    def shown(flag: dict[str, Any], only: list[str] | None = None) -> dict[str, Any]:
        known = flag["environments"]
        return {**flag, "environments": {k: v for k, v in known.items() if k in (only or known)}}

    @staticmethod
    def no(status: int, code: str, message: str) -> Reply:
        return Reply(status, {}, json.dumps({"code": code, "message": message, "id": "1"}))

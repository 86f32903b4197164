"""A collection that answers as the KV store does."""

from __future__ import annotations

import json
from typing import Any

from incident_management.splunk.kv.store import sorted_documents
from tests.fakes.queries import matches


class Shelf:
    """Answers GETs as the KV store does; ``between`` is called before each one but the first."""

    def __init__(self, *documents: Any, between: Any = lambda _documents: None) -> None:
        self.documents = list(documents)
        self.asked: list[dict[str, str]] = []
        self._between = between

    def __call__(self, _method: str, _path: str, asked: Any, _body: Any) -> Any:
        if self.asked:
            self._between(self.documents)
        self.asked.append(asked)
        query = json.loads(asked.get("query") or "{}")
        found = [one for one in self.documents if matches(one, query)]
        begin = int(asked["skip"])
        found = sorted_documents(found, asked["sort"])[begin : begin + int(asked["limit"])]
        names = [name for name in asked.get("fields", "").split(",") if name]
        return 200, [
            {n: v for n, v in one.items() if not names or n in ("_key", *names)} for one in found
        ]

"""The app's collections in Splunk's KV store.

REST endpoints and limits: Splunk's "KV store endpoint descriptions" (REST API Reference) and
``[kvstore]`` in limits.conf.spec: at most 1,000 documents a ``batch_save``
(``max_documents_per_batch_save``), at most 50,000 rows (``max_rows_per_query``) and 50 MB
(``max_size_per_result_mb``) an answer, where a longer answer is cut without a word.
"""

from __future__ import annotations

import json
from typing import Any, Dict, Iterator, List, Mapping, Optional, Sequence

from ..ports import Collection, Document
from .session import Session, SplunkError, path_of

__all__ = ["COLLECTIONS", "KvCollection", "KvStores"]

COLLECTIONS = {
    "signals": "incident_signals",
    "timeline": "incident_timeline",
    "incidents": "incidents",
    "claims": "incident_claims",
    "outbox": "incident_outbox",
    "plans": "incident_plans",
    "analyses": "incident_analyses",
    "suppressions": "incident_suppressions",
    "freezes": "incident_freezes",
    "subscriptions": "incident_subscriptions",
    "baselines": "incident_baselines",
}

SAVE_DOCUMENTS = 1000
SAVE_BYTES = 16_000_000
PAGE_ROWS = 10_000
ANSWER_ROWS = 50_000
# A longer answer may have been cut: half the limit, as a cut one lacks less than one document.
ANSWER_BYTES = 25_000_000
# Longer queries travel in a POST to batch_find, because a URL has a limit.
URL_QUERY_BYTES = 1500
# What splunkd's server takes at least; for a query that matches too much for one answer.
LONGEST_URL_QUERY_BYTES = 6000
# More alternatives than this never fit; their text need not be made to see that.
URL_QUERY_PARTS = 150


class KvCollection:
    """One collection, see :class:`incident_management.ports.Collection`.

    Every method raises SplunkError when the KV store answers 503 for longer than the session
    retries, refuses the request, or can't be reached.
    """

    def __init__(self, session: Session, name: str) -> None:
        self._session = session
        self.name = name
        self._data = path_of("storage", "collections", "data", name)

    def get(self, key: str) -> Optional[Document]:
        if not _is_key(key):
            return None
        try:
            found = self._session.get(f"{self._data}/{path_of(key)}")
        except SplunkError as error:
            if error.status == 404:
                return None
            raise
        return _document(found)

    def find(
        self,
        query: Optional[Mapping[str, Any]] = None,
        sort: str = "",
        limit: int = 0,
        skip: int = 0,
        fields: Sequence[str] = (),
    ) -> List[Document]:
        # A limit is the KV store's to keep in a URL alone, so that one may be longer.
        longest = LONGEST_URL_QUERY_BYTES if limit else URL_QUERY_BYTES
        text = _url_query(query or {}, longest)
        if text is None:
            return self._find_by_post(query, sort, limit, skip, fields)
        return self._find_by_get(text if query else "", sort, limit, skip, ",".join(fields))

    def keys(self, query: Mapping[str, Any]) -> List[str]:
        text = _url_query(query)
        if text is None:
            return [str(row["_key"]) for row in self._all_by_post(query, "_key")]
        return [str(row["_key"]) for row in self._find_by_get(text, fields="_key")]

    def _find_by_get(
        self, query: str, sort: str = "", limit: int = 0, skip: int = 0, fields: str = ""
    ) -> List[Document]:
        asked: Dict[str, Any] = {"query": query} if query else {}
        if fields:
            asked["fields"] = fields
        # Pages of an unsorted query could overlap while others write.
        asked["sort"] = sort or "_key:1"
        found: List[Document] = []
        while True:
            rows = PAGE_ROWS if not limit else min(PAGE_ROWS, limit - len(found))
            page = self._session.get(self._data, limit=rows, skip=skip + len(found), **asked)
            found.extend(_document(row) for row in page or [])
            is_whole = self._session.answer_bytes < ANSWER_BYTES
            if (len(page or []) < rows and is_whole) or (limit and len(found) >= limit):
                return found

    def insert(self, document: Document) -> bool:
        try:
            self._session.post(self._data, json_body=document)
        except SplunkError as error:
            if error.status == 409:
                return False
            raise
        return True

    def save(self, documents: Sequence[Document]) -> None:
        for batch in _batches(documents):
            self._session.post(f"{self._data}/batch_save", json_text=batch)

    def delete(self, key: str) -> bool:
        if not _is_key(key):
            return False
        try:
            self._session.delete(f"{self._data}/{path_of(key)}")
        except SplunkError as error:
            if error.status == 404:
                return False
            raise
        return True

    def delete_matching(self, query: Mapping[str, Any]) -> None:
        if not query:
            raise ValueError(f"Without a query all of {self.name} would be deleted.")
        self._session.delete(self._data, query=json.dumps(query, allow_nan=False))

    def _find_by_post(
        self,
        query: Optional[Mapping[str, Any]],
        sort: str,
        limit: int,
        skip: int,
        fields: Sequence[str],
    ) -> List[Document]:
        """Find with a query too long for a URL.

        ``batch_find`` takes it in its body. Order and paging are done here, because their form in
        that body is not documented: what is sorted by has to be read.
        """
        read = ",".join([*fields, *_sorted_by(sort)]) if fields else ""
        rows = [_document(row) for row in self._all_by_post(query or {}, read)]
        found = sorted_documents(rows, sort or "_key:1")
        return found[skip : skip + limit] if limit else found[skip:]

    def _all_by_post(self, query: Mapping[str, Any], fields: str = "") -> List[Document]:
        """Return every match; an answer that may have been cut is asked for again in halves.

        What has no alternatives left to halve is then read page by page.
        """
        search: Dict[str, Any] = {"query": query, "limit": ANSWER_ROWS}
        if fields:
            search["fields"] = fields
        body = [search]
        rows = list(self._session.post(f"{self._data}/batch_find", json_body=body)[0])
        if len(rows) < ANSWER_ROWS and self._session.answer_bytes < ANSWER_BYTES:
            return rows
        cut = _halves(query)
        if not cut:
            text = json.dumps(query, allow_nan=False)
            if len(text) <= LONGEST_URL_QUERY_BYTES:
                return self._find_by_get(text, fields=fields)
            text = f"More than {ANSWER_ROWS} documents of {self.name} match; ask for less."
            raise SplunkError(413, text)
        halves = (self._all_by_post(half, fields) for half in cut)
        return list({row["_key"]: row for half in halves for row in half}.values())


class KvStores:
    """All collections, read and written with one session's rights (ports.Stores)."""

    def __init__(self, session: Session) -> None:
        self.signals: Collection = KvCollection(session, COLLECTIONS["signals"])
        self.timeline: Collection = KvCollection(session, COLLECTIONS["timeline"])
        self.incidents: Collection = KvCollection(session, COLLECTIONS["incidents"])
        self.claims: Collection = KvCollection(session, COLLECTIONS["claims"])
        self.outbox: Collection = KvCollection(session, COLLECTIONS["outbox"])
        self.plans: Collection = KvCollection(session, COLLECTIONS["plans"])
        self.analyses: Collection = KvCollection(session, COLLECTIONS["analyses"])
        self.suppressions: Collection = KvCollection(session, COLLECTIONS["suppressions"])
        self.freezes: Collection = KvCollection(session, COLLECTIONS["freezes"])
        self.subscriptions: Collection = KvCollection(session, COLLECTIONS["subscriptions"])
        self.baselines: Collection = KvCollection(session, COLLECTIONS["baselines"])


def sorted_documents(documents: Sequence[Document], sort: str) -> List[Document]:
    """Sort as the KV store does, by ``field:1,other:-1``; a missing field counts as lowest."""
    ordered = list(documents)
    for part in reversed([part for part in sort.split(",") if part]):
        name, _, direction = part.partition(":")
        ordered.sort(
            key=lambda document, name=name: (name in document, document.get(name)),  # type: ignore[misc]
            reverse=direction.strip() == "-1",
        )
    return ordered


def _is_key(key: str) -> bool:
    """Tell whether a document can have that key, which may be anything that a client sent.

    Nothing, or a dot, would name the collection itself once a path is normalized (RFC 3986,
    6.2.2.3; an escaped dot as well), and a DELETE of that deletes all.
    """
    return key.strip(".") != ""


def _sorted_by(sort: str) -> List[str]:
    return [part.partition(":")[0].strip() for part in sort.split(",") if part]


def _document(row: Document) -> Document:
    """Drop ``_user``, the KV store's own mark of who owns a row, from a row just read."""
    row.pop("_user", None)
    return row


def _url_query(query: Mapping[str, Any], longest: int = URL_QUERY_BYTES) -> Optional[str]:
    """A query as the text for a URL; None when it is too long for one."""
    parts = query.get("$or")
    if isinstance(parts, list) and len(parts) > URL_QUERY_PARTS:
        return None
    text = json.dumps(query, allow_nan=False)
    return text if len(text) <= longest else None


def _halves(query: Mapping[str, Any]) -> List[Dict[str, Any]]:
    """Two queries that together match what this one does; none where it has no alternatives.

    Halved are the most alternatives that stand at the top or in an ``$and`` there.
    """
    parts = query.get("$or")
    most = parts if isinstance(parts, list) else []
    found: List[Dict[str, Any]] = []
    if len(most) > 1:
        middle = len(most) // 2
        found = [{**query, "$or": half} for half in (most[:middle], most[middle:])]
    all_of = query.get("$and") or []
    for place, part in enumerate(all_of):
        inner = part.get("$or")
        if isinstance(inner, list) and len(inner) > len(most):
            most = inner
            rest = [*all_of[:place], *all_of[place + 1 :]]
            found = [{**query, "$and": [*rest, half]} for half in _halves(part)]
    return found


def _batches(documents: Sequence[Document]) -> Iterator[str]:
    """Cut into parts that one batch_save takes; a single document that is too large goes alone."""
    for start in range(0, len(documents), SAVE_DOCUMENTS):
        yield from _small_enough(documents[start : start + SAVE_DOCUMENTS])


def _small_enough(batch: Sequence[Document]) -> Iterator[str]:
    text = json.dumps(batch, allow_nan=False)
    if len(batch) < 2 or len(text) <= SAVE_BYTES:
        yield text
        return
    middle = len(batch) // 2
    yield from _small_enough(batch[:middle])
    yield from _small_enough(batch[middle:])

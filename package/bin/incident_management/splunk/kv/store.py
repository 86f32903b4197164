"""The app's collections in Splunk's KV store.

REST endpoints and limits: Splunk's "KV store endpoint descriptions" (REST API Reference) and
``[kvstore]`` in limits.conf.spec: at most 1,000 documents a ``batch_save``
(``max_documents_per_batch_save``), at most 50,000 rows (``max_rows_per_query``) and 50 MB
(``max_size_per_result_mb``) an answer, where a longer answer is cut without a word. An
administrator may have set less, see :mod:`.limits`.
"""

from __future__ import annotations

import json
from typing import Any, Dict, Iterator, List, Mapping, Optional, Sequence, Tuple

from ...ports import STORES, Document, StoresOf
from ..session import Session, SplunkError, path_of
from .limits import SURE_BYTES, SURE_DOCUMENTS, SURE_ROWS, limits_of

__all__ = ["COLLECTIONS", "KvCollection", "KvStores"]

# Of two apps' collections of one name splunkd may take the other one, where that is shared with all
# apps (lookup-editor's issue 40): Alert Manager has an `incidents`.
COLLECTIONS = {name: f"incident_{name}" for name in STORES}
"""The name in ports.Stores -> the stanza of collections.conf."""

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

    # Whether this splunkd takes `fields` in batch_find.
    _chooses_fields = True

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
        if _url_query(query or {}, longest) is None:
            return self._find_by_post(query, sort, limit, skip, fields)
        if not (sort or limit or skip):
            return self._all_by_get(query or {}, fields)
        return self._find_by_get(query or {}, sort or "_key:1", limit, skip, fields)

    def keys(self, query: Mapping[str, Any]) -> List[str]:
        if _url_query(query) is None:
            return [str(row["_key"]) for row in self._all_by_post(query, ["_key"])]
        return [str(row["_key"]) for row in self._all_by_get(query, ["_key"])]

    def _find_by_get(
        self, query: Mapping[str, Any], sort: str, limit: int, skip: int, fields: Sequence[str]
    ) -> List[Document]:
        """Find matches, page by page if one answer does not hold all.

        A page continues from the last row of the page before, not from an offset: a row that is
        added or deleted before that place would otherwise be missed or returned twice.
        """
        read = list(dict.fromkeys([*fields, *_sorted_by(sort)])) if fields else fields
        page, is_last = self._page(query, sort, min(PAGE_ROWS, limit or PAGE_ROWS), skip, read)
        if is_last or 0 < limit <= len(page):
            return page
        first = [] if skip else page
        found = self._first_by_get(query, sort, skip + limit, read, first) if limit else []
        # Their keys alone tell whether there are more, of another type or without the value.
        if not limit or (len(found) < skip + limit and not self._has_all(query, found)):
            found = self._all_by_get(query, read)
        return _cut(sorted_documents(found, sort), limit, skip)

    def _has_all(self, query: Mapping[str, Any], found: Sequence[Document]) -> bool:
        """Tell whether nothing matches except what was found (some may be deleted by now)."""
        return {row["_key"] for row in found}.issuperset(self.keys(query))

    def _all_by_get(self, query: Mapping[str, Any], fields: Sequence[str]) -> List[Document]:
        """Return every match, in the order of the keys."""
        found: List[Document] = []
        rest, is_last = query, False
        while not is_last:
            page, is_last = self._page(rest, "_key:1", PAGE_ROWS, 0, fields)
            found += page
            rest = {"$and": [query, {"_key": {"$gt": page[-1]["_key"]}}]} if page else query
        return found

    def _first_by_get(
        self,
        query: Mapping[str, Any],
        sort: str,
        limit: int,
        fields: Sequence[str],
        page: List[Document],
    ) -> List[Document]:
        """Return the first matches in an order; fewer than the limit if there may be more.

        ``page`` is the first page, if already read. A range query finds values of one type only
        (MongoDB's type bracketing), and no rows without a value.
        """
        name, is_falling = _sorted_by(sort)[0], sort.split(",")[0].endswith("-1")
        rows, is_last = min(PAGE_ROWS, limit), False
        if not page:
            page, is_last = self._page(query, sort, rows, 0, fields)
        found = {row["_key"]: row for row in page}
        while page and not is_last and len(found) < limit:
            last = page[-1].get(name)
            if last is None:
                break
            operator = "$lt" if is_falling else "$gt"
            if page[0].get(name) != last:
                operator += "e"
            else:
                # As many as a page, or more, have this value.
                same = self._all_by_get({"$and": [query, {name: last}]}, fields)
                found.update((row["_key"], row) for row in sorted_documents(same, sort))
            rest = {"$and": [query, {name: {operator: last}}]}
            page, is_last = self._page(rest, sort, rows, 0, fields)
            found.update((row["_key"], row) for row in page)
        return list(found.values())

    def _page(
        self, query: Mapping[str, Any], sort: str, rows: int, skip: int, fields: Sequence[str]
    ) -> Tuple[List[Document], bool]:
        """Return one answer's rows, and whether they are all the matches."""
        asked: Dict[str, Any] = {"query": json.dumps(query, allow_nan=False)} if query else {}
        if fields:
            asked["fields"] = ",".join(fields)
        answer = self._session.get(self._data, limit=rows, skip=skip, sort=sort, **asked)
        page = [_document(row) for row in answer or []]
        return page, not page or self._is_whole(len(page), rows)

    def _is_whole(self, found: int, most: int) -> bool:
        """Tell whether the last answer, of ``found`` rows, is complete.

        ``most`` is the number of rows that was requested. At one of splunkd's limits it may be cut.
        """
        size, longest = self._session.answer_bytes, ANSWER_BYTES
        if found >= SURE_ROWS or size >= SURE_BYTES:
            limits = limits_of(self._session)
            most, longest = min(most, limits.rows), min(longest, limits.bytes // 2)
        return found < most and size < longest

    def insert(self, document: Document) -> bool:
        try:
            self._session.post(self._data, json_body=document)
        except SplunkError as error:
            if error.status == 409:
                return False
            raise
        return True

    def save(self, documents: Sequence[Document]) -> None:
        # Of few, large ones more requests are made, rather than that it is asked what fits.
        most, longest = SURE_DOCUMENTS, min(SAVE_BYTES, SURE_BYTES)
        if len(documents) > SURE_DOCUMENTS:
            limits = limits_of(self._session)
            most, longest = (
                min(SAVE_DOCUMENTS, limits.save_documents),
                min(SAVE_BYTES, limits.save_bytes),
            )
        for batch in _batches(documents, most, longest):
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
        """Find with a query that is too long for a URL.

        ``batch_find`` takes it in its body. Sorting and paging are done here, because their form in
        that body is not documented; so the sort fields must be read.
        """
        read = [*fields, *_sorted_by(sort)] if fields else []
        rows = [_document(row) for row in self._all_by_post(query or {}, read)]
        found = sorted_documents(rows, sort or "_key:1")
        return _cut(found, limit, skip)

    def _all_by_post(self, query: Mapping[str, Any], fields: Sequence[str] = ()) -> List[Document]:
        """Return every match; an answer that may be cut is requested again in halves.

        A query without alternatives to halve is read page by page.
        """
        rows = self._batch_find({"query": query, "limit": ANSWER_ROWS}, fields)
        if self._is_whole(len(rows), ANSWER_ROWS):
            return rows
        cut = _halves(query)
        if not cut:
            if _url_query(query, LONGEST_URL_QUERY_BYTES) is not None:
                return self._all_by_get(query, fields)
            text = f"More than {ANSWER_ROWS} documents of {self.name} match; narrow the query."
            raise SplunkError(413, text)
        halves = (self._all_by_post(half, fields) for half in cut)
        return list({row["_key"]: row for half in halves for row in half}.values())

    def _batch_find(self, search: Mapping[str, Any], fields: Sequence[str]) -> List[Document]:
        """Request some fields of each match, in the form in which ``batch_find`` may accept them.

        The form is not documented: clients that were tried on a splunkd send a list, and ``sort``
        as a list of objects (panoramicdata/Splunk.Api, KvStoreBatchQuery). If it is rejected, whole
        documents are read.
        """
        path = f"{self._data}/batch_find"
        if fields and KvCollection._chooses_fields:
            try:
                return list(self._session.post(path, json_body=[{**search, "fields": fields}])[0])
            except SplunkError as error:
                if error.status != 400:
                    raise
        found = list(self._session.post(path, json_body=[search])[0])
        KvCollection._chooses_fields = KvCollection._chooses_fields and not fields
        return found


class KvStores(StoresOf):
    """All collections, read and written with one session's rights."""

    def __init__(self, session: Session) -> None:
        super().__init__(lambda name: KvCollection(session, COLLECTIONS[name]))


def sorted_documents(documents: Sequence[Document], sort: str) -> List[Document]:
    """Sort as the KV store does, by ``field:1,other:-1``.

    Values of different types come in the order of MongoDB's "Comparison/Sort Order"; a missing
    field counts as null.
    """
    ordered = list(documents)
    for part in reversed([part for part in sort.split(",") if part]):
        name, _, direction = part.partition(":")
        ordered.sort(
            key=lambda document, name=name: _place(document.get(name)),  # type: ignore[misc]
            reverse=direction.strip() == "-1",
        )
    return ordered


def _place(value: Any) -> Tuple[int, Any]:
    """Where a value stands; nothing is sorted by objects and arrays, whose order is left open."""
    if value is None:
        return 0, 0
    if isinstance(value, bool):
        return 5, value
    if isinstance(value, (int, float)):
        return 1, value
    return (2, value) if isinstance(value, str) else (4 if isinstance(value, list) else 3, 0)


def _cut(documents: List[Document], limit: int, skip: int = 0) -> List[Document]:
    return documents[skip : skip + limit] if limit else documents[skip:]


def _is_key(key: str) -> bool:
    """Tell whether a key, which may be any client's text, can be a document's key.

    An empty key, or dots, would name the collection itself once a path is normalized (RFC 3986,
    6.2.2.3; an escaped dot too), and a DELETE of that deletes everything.
    """
    return key.strip(".") != ""


def _sorted_by(sort: str) -> List[str]:
    return [part.partition(":")[0].strip() for part in sort.split(",") if part]


def _document(row: Document) -> Document:
    """Drop ``_user``, the KV store's own mark of who owns a row, from a row just read."""
    row.pop("_user", None)
    return row


def _url_query(query: Mapping[str, Any], longest: int = URL_QUERY_BYTES) -> Optional[str]:
    """Return a query as text for a URL; None if it is too long."""
    parts = query.get("$or")
    if isinstance(parts, list) and len(parts) > URL_QUERY_PARTS:
        return None
    text = json.dumps(query, allow_nan=False)
    return text if len(text) <= longest else None


def _halves(query: Mapping[str, Any]) -> List[Dict[str, Any]]:
    """Return two queries that together match the same; none if there are no alternatives.

    The longest list of alternatives at the top, or in an ``$and`` there, is halved.
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


def _batches(documents: Sequence[Document], most: int, longest: int) -> Iterator[str]:
    """Yield parts that one batch_save accepts; a document that is too large goes alone."""
    for start in range(0, len(documents), most):
        yield from _small_enough(documents[start : start + most], longest)


def _small_enough(batch: Sequence[Document], longest: int) -> Iterator[str]:
    text = json.dumps(batch, allow_nan=False)
    if len(batch) < 2 or len(text) <= longest:
        yield text
        return
    middle = len(batch) // 2
    yield from _small_enough(batch[:middle], longest)
    yield from _small_enough(batch[middle:], longest)

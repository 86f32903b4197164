"""The KV store: documents in memory (``kvdocs.py``), written through to SQLite.

Source: "KV store endpoint descriptions" in the REST API Reference; collections.conf and limits.conf
in the Admin manual. A write is acknowledged when SQLite has committed it to its log, so a killed
process loses nothing. Documents belong to (app, owner, collection); ``nobody`` owns what an app's
users share. The members of a cluster share one SQLite file, see ``kvlog.py``.
"""

from __future__ import annotations

import json
import secrets
import sqlite3
import threading
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Callable, Iterable, Iterator, NamedTuple

from tools.splunkd_lite.conf import NOBODY, ConfStore, is_true
from tools.splunkd_lite.errors import SplunkdError, is_disk_full
from tools.splunkd_lite.kvdocs import Documents, accelerated
from tools.splunkd_lite.kvfaults import KvFaults
from tools.splunkd_lite.kvlag import Behind
from tools.splunkd_lite.kvlog import Change, ChangeLog
from tools.splunkd_lite.kvquery import Document, matcher, project, sort_documents
from tools.splunkd_lite.kvsort import check_sort, is_indexed
from tools.splunkd_lite.kvtypes import apply_types, check_names, has_nul

__all__ = ["CollectionId", "KvStore"]

MAX_DOCUMENT_BYTES = 16 * 1024 * 1024  # MongoDB's own limit
_SCHEMA = """
CREATE TABLE IF NOT EXISTS documents (
  app TEXT NOT NULL, owner TEXT NOT NULL, collection TEXT NOT NULL, key TEXT NOT NULL,
  body TEXT NOT NULL, PRIMARY KEY (app, owner, collection, key)) WITHOUT ROWID;
"""
_BUSY_SECONDS = 30.0
_ONE = "SELECT body FROM documents WHERE app=? AND owner=? AND collection=? AND key=?"
_UPSERT = "INSERT OR REPLACE INTO documents VALUES (?, ?, ?, ?, ?)"


class _Prepared(NamedTuple):
    """A checked document and its JSON text."""

    key: str
    document: Document
    body: str


@dataclass(frozen=True)
class CollectionId:
    """Where documents live."""

    app: str
    name: str
    owner: str = NOBODY


class KvStore:
    """Collections defined in collections.conf. ``faults`` are what can be switched on."""

    def __init__(
        self,
        home: Path,
        conf: ConfStore,
        on_disk_full: Callable[[str], None] | None = None,
        shared: Path | None = None,
    ) -> None:
        """``shared``: the folder that all members of a cluster keep their documents in."""
        self.faults = KvFaults()
        self._conf = conf
        self._on_disk_full = on_disk_full
        self._lock = threading.RLock()
        folder = shared or home / "var" / "lib" / "splunk" / "kvstore"
        folder.mkdir(parents=True, exist_ok=True)
        self.path = folder / "documents.sqlite"
        self._db = sqlite3.connect(
            self.path, timeout=_BUSY_SECONDS, check_same_thread=False, isolation_level=None
        )
        self._db.execute("PRAGMA journal_mode = WAL")
        self._db.execute("PRAGMA synchronous = NORMAL")
        self._db.executescript(_SCHEMA)
        self._log = ChangeLog(self._db) if shared else None
        self._data: dict[CollectionId, Documents] = {}
        self._behind: Behind | None = None
        self._load()

    def _load(self) -> None:
        self._data = {}
        for app, owner, name, key, body in self._db.execute("SELECT * FROM documents"):
            self._of(CollectionId(app, name, owner)).put(key, body)

    def _of(self, where: CollectionId) -> Documents:
        found = self._data.get(where)
        if found is None:
            found = self._data[where] = Documents()
        return found

    def close(self) -> None:
        with self._lock:
            self._db.close()

    # Reading

    def resolve(self, app: str, name: str, owner: str = NOBODY) -> CollectionId:
        """The collection that ``name`` means in ``app``: its own, or one that an app exports.

        Raises:
            SplunkdError: 404, no such collection; 503, the KV store is switched off; 500, another
                app shares one so named: splunkd was seen to take that (lookup-editor's issue 40).
        """
        self.faults.require_up()
        app_of, named = self._conf.view(("kv", app), "collections", None, lambda: self._named(app))
        if name not in app_of:
            raise SplunkdError(404, f"Could not find collection '{name}' in app '{app}'.")
        if len(named[name]) > 1:
            text = f"'{name}' is a collection of {' and '.join(named[name])}: it may be either's."
            raise SplunkdError(500, text)
        return CollectionId(app_of[name], name, owner)

    def _named(self, app: str) -> tuple[dict[str, str], dict[str, list[str]]]:
        """The app of each collection that ``app`` sees, and all apps that define one so named."""
        seen = self._conf.entries("collections", app)
        on = [entry for entry in seen if not is_true(entry.settings.get("disabled", "0"))]
        return {e.name: e.acl.app for e in on}, self._conf.definers("collections", app)

    def get(self, where: CollectionId, key: str) -> Document:
        """Raises: SplunkdError: 404, no document with that ``_key``."""
        self.faults.before_read()
        with self._lock:
            document = self._readable()(where).get(key)
        if document is None:
            raise SplunkdError(404, "Could not find object.")
        return document

    def find(
        self,
        where: CollectionId,
        query: Document | None = None,
        sort: str = "",
        skip: int = 0,
        limit: int = 0,
        fields: str = "",
        shared: bool = False,
    ) -> list[Document]:
        """Matching documents; ``limit`` 0 means as many as one answer may hold.

        An answer is cut without a word at ``max_rows_per_query`` (limits.conf: 50,000).
        ``shared`` adds what ``nobody`` owns to a user's own documents. Raises: SplunkdError: 500,
        an order that no index gives, of too much (``kvsort.py``).
        """
        self.faults.before_read()
        query = query or {}
        matches, (start, end) = matcher(query), self._span(skip, limit)
        with self._lock:
            of = self._readable()
            if fields == "_key" and sort in ("", "_key:1") and not shared:
                keys = self._indexed(where, of).decided(query)
                if keys is not None:
                    keys = sorted(keys) if sort else keys
                    return [{"_key": key} for key in keys[start:end]]
            documents = self._indexed(where, of)
            if not shared and is_indexed(sort, query, self._settings(where)):
                first = documents.first(query, matches, sort, end)
                if first is not None:
                    return project(first[start:], fields)
            candidates = documents.candidates(query)
            if shared and where.owner != NOBODY:
                common = CollectionId(where.app, where.name)
                candidates = [*self._indexed(common, of).candidates(query), *candidates]
        found = [document for document in candidates if matches(document)]
        sizes = (documents.size(each["_key"]) for each in found)
        check_sort(sizes, end, sort, query, self._settings(where))
        return project(sort_documents(found, sort)[start:end], fields)

    # Writing

    def insert(self, where: CollectionId, document: Document) -> str:
        """Insert one document and return its ``_key``.

        Raises:
            SplunkdError: 409, the ``_key`` is taken; 400, a bad document; 507, the disk is full.
        """
        prepared = self._prepared(where, [document])[0]
        with self._exclusively():
            if prepared.key in self._of(where):
                raise SplunkdError(409, "A document with the same key and user already exists.")
            self._commit(where, [prepared])
        return prepared.key

    def replace(self, where: CollectionId, key: str, document: Document) -> str:
        """Replace a document as a whole.

        Raises:
            SplunkdError: 404, no document with that ``_key``.
        """
        prepared = self._prepared(where, [{**document, "_key": key}])[0]
        with self._exclusively():
            if key not in self._of(where):
                raise SplunkdError(404, "Could not find object.")
            self._commit(where, [prepared])
        return key

    def batch_save(self, where: CollectionId, documents: list[Document]) -> list[str]:
        """Insert or replace documents by ``_key``: all of them or none.

        Raises:
            SplunkdError: 400, more than ``max_documents_per_batch_save`` or
                ``max_size_per_batch_save_mb`` (limits.conf).
        """
        most = int(self._limit("max_documents_per_batch_save"))
        if len(documents) > most:
            raise SplunkdError(
                400,
                "Request exceeds API limits - see limits.conf for details. (Too many documents "
                f"for a single batch save, max_documents_per_batch_save={most})",
            )
        prepared = self._prepared(where, documents)
        megabytes = self._limit("max_size_per_batch_save_mb")
        if sum(len(each.body) for each in prepared) > megabytes * 1024 * 1024:
            raise SplunkdError(
                400,
                "Request exceeds API limits - see limits.conf for details. (Batch save size is "
                f"too large, max_size_per_batch_save_mb={megabytes:g})",
            )
        with self._exclusively():
            self._commit(where, prepared)
        return [each.key for each in prepared]

    def delete(self, where: CollectionId, key: str) -> None:
        """Raises: SplunkdError: 404, no document with that ``_key``."""
        self.faults.before_write()
        with self._exclusively():
            if key not in self._of(where):
                raise SplunkdError(404, "Could not find object.")
            self._remove(where, [key])

    def delete_matching(self, where: CollectionId, query: Document | None = None) -> int:
        """Delete what matches (all, without a query) and return how many."""
        self.faults.before_write()
        with self._exclusively():
            matches = matcher(query or {})
            found = self._indexed(where, self._of).candidates(query or {})
            keys = [each["_key"] for each in found if matches(each)]
            self._remove(where, keys)
        return len(keys)

    def replace_all(self, where: CollectionId, documents: list[Document]) -> None:
        """Make ``documents`` the whole collection, in one step (for ``outputlookup``)."""
        prepared = self._prepared(where, documents)
        with self._exclusively():
            keep = {each.key for each in prepared}
            stale = [key for key in self._of(where) if key not in keep]
            self._commit(where, prepared, stale)

    def drop(self, app: str, name: str) -> None:
        """Forget all documents of a collection that was deleted."""
        with self._exclusively():
            for where in [w for w in self._data if (w.app, w.name) == (app, name)]:
                self._remove(where, list(self._data[where]))

    # Inside

    def _span(self, skip: int, limit: int) -> tuple[int, int]:
        """Which of all matches an answer holds."""
        most = int(self._limit("max_rows_per_query"))
        return skip, skip + min(limit, most) if limit > 0 else skip + most

    def _readable(self) -> Callable[[CollectionId], Documents]:
        """What tells the documents that this member's reads see of a collection."""
        self._catch_up()
        lag = self.faults.lag
        if self._log is None or not lag:
            self._behind = None
            return self._of
        try:
            behind = self._behind or self._copy(self._log)
            behind.follow(lag)
        except LookupError:
            behind = self._copy(self._log)
        self._behind = behind
        return lambda where: behind.of((where.app, where.owner, where.name))

    def _copy(self, log: ChangeLog) -> Behind:
        return Behind({(w.app, w.owner, w.name): each for w, each in self._data.items()}, log)

    def _indexed(self, where: CollectionId, of: Callable[[CollectionId], Documents]) -> Documents:
        """A collection's documents, with the indexes that its acceleration asks for."""
        documents = of(where)
        documents.index(accelerated(self._settings(where)))
        return documents

    def _settings(self, where: CollectionId) -> dict[str, str]:
        """The stanza of collections.conf; nothing for what an app left behind."""
        for entry in self._conf.entries("collections", where.app):
            if entry.name == where.name:
                return entry.settings
        return {}

    def _prepared(self, where: CollectionId, documents: list[Any]) -> list[_Prepared]:
        self.faults.before_write()
        settings = self._conf.entry("collections", where.name, where.app).settings
        return [_checked(document, settings, where.owner) for document in documents]

    @contextmanager
    def _exclusively(self) -> Iterator[None]:
        """Nobody else writes meanwhile, in this process or another member's."""
        with self._lock:
            try:
                if self._log is not None:
                    self._db.execute("BEGIN IMMEDIATE")
                    self._catch_up()
                yield
            finally:
                if self._db.in_transaction:
                    self._db.execute("ROLLBACK")

    def _catch_up(self) -> None:
        """Take over what other members have written."""
        news = self._log.news() if self._log is not None else []
        if news is None:
            self._load()
            return
        for app, owner, name, key in news:
            data = self._of(CollectionId(app, name, owner))
            row = self._db.execute(_ONE, (app, owner, name, key)).fetchone()
            if row is None:
                data.pop(key)
            else:
                data.put(key, row[0])

    def _commit(
        self, where: CollectionId, documents: list[_Prepared], stale: Iterable[str] = ()
    ) -> None:
        stale = list(stale)
        rows = [(where.app, where.owner, where.name, each.key, each.body) for each in documents]
        self._transaction(where, rows, stale)
        data = self._of(where)
        for key in stale:
            data.pop(key)
        for each in documents:
            data.put(each.key, each.body, each.document)

    def _remove(self, where: CollectionId, keys: list[str]) -> None:
        self._transaction(where, [], keys)
        data = self._of(where)
        for key in keys:
            data.pop(key)

    def _transaction(self, where: CollectionId, rows: list[Any], stale: list[str]) -> None:
        gone = [(where.app, where.owner, where.name, key) for key in stale]
        try:
            if not self._db.in_transaction:
                self._db.execute("BEGIN IMMEDIATE")
            self._db.executemany(
                "DELETE FROM documents WHERE app=? AND owner=? AND collection=? AND key=?", gone
            )
            self._db.executemany(_UPSERT, rows)
            if self._log is not None:
                deleted: list[Change] = [(*place, None) for place in gone]
                self._log.add([*deleted, *rows])
            self._db.execute("COMMIT")
            if self._log is not None:
                self._log.committed()
        except sqlite3.OperationalError as error:
            if self._db.in_transaction:
                self._db.execute("ROLLBACK")
            if not is_disk_full(error):
                raise
            text = (
                f"The KV store could not write to {self.path.parent}: the disk is full. "
                "Nothing of this request was stored; free some space and repeat it."
            )
            if self._on_disk_full:
                self._on_disk_full(text)
            raise SplunkdError(507, text) from error

    def _limit(self, key: str) -> float:
        return float(self._conf.get("limits", "kvstore", key) or 0)


def _checked(document: Any, settings: dict[str, str], owner: str) -> _Prepared:
    if not isinstance(document, dict):
        raise SplunkdError(400, "A document must be a JSON object.")
    check_names(document)
    prepared = apply_types(document, settings)
    key = prepared.get("_key")
    if key is None or key == "":
        key = secrets.token_hex(12)
    if not isinstance(key, (str, int, float)) or isinstance(key, bool):
        raise SplunkdError(400, "The _key of a document must be text.")
    prepared["_key"], prepared["_user"] = str(key), owner
    body = json.dumps(prepared, separators=(",", ":"))
    if len(body) > MAX_DOCUMENT_BYTES:
        raise SplunkdError(400, "A document is larger than 16 MB, the most MongoDB stores.")
    if has_nul(body):
        raise SplunkdError(400, "Invalid document: a text holds a NUL.")
    return _Prepared(str(key), prepared, body)

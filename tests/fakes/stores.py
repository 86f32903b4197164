"""The app's collections in memory, with switches that make them fail."""

from __future__ import annotations

import configparser
import json
import marshal
import threading
from pathlib import Path
from typing import Any, Callable, Dict, List, Mapping, Optional, Sequence

from incident_management.splunk.kv.store import (
    COLLECTIONS,
    LONGEST_URL_QUERY_BYTES,
    URL_QUERY_BYTES,
    sorted_documents,
)
from incident_management.splunk.session import SplunkError
from tests.fakes.queries import condition_of
from tools.splunkd_lite.kvsort import is_bounded, is_indexed

__all__ = ["DiskFull", "FakeCollection", "FakeStores", "Unavailable"]

Document = Dict[str, Any]

# 32 MB are what the KV store sorts without an index: 16 KB for each of so many.
MOST_UNINDEXED = 2000
_ENCODER = json.JSONEncoder(allow_nan=False)
_SCALARS = frozenset((str, int, float, bool, type(None)))
# Collections that hold hundreds of thousands of documents in a large installation.
LARGE = ("signals", "timeline", "incidents", "claims", "outbox")


def _collections_conf() -> Dict[str, Dict[str, str]]:
    """Return the accelerations of each collection; its other settings don't matter here."""
    parser = configparser.RawConfigParser(delimiters=("=",), comment_prefixes=("#",))
    parser.optionxform = str  # type: ignore[assignment,method-assign]
    package = Path(__file__).parents[2] / "package"
    parser.read(package / "default" / "collections.conf", encoding="utf-8")
    return {
        name: {k: v for k, v in parser[name].items() if k.startswith("accelerated_fields.")}
        for name in parser.sections()
    }


COLLECTIONS_CONF = _collections_conf()


class Unavailable(SplunkError):
    """The error that the app raises when the KV store keeps answering 503."""

    def __init__(self) -> None:
        super().__init__(503, "splunkd answered 503: KV Store is initializing.")


class DiskFull(SplunkError):
    """The KV store's answer when its disk is full."""

    def __init__(self) -> None:
        super().__init__(500, "splunkd answered 500: No space left on device.")


class _Read:
    """A stored text and its parsed document, which is parsed once and never handed out."""

    __slots__ = ("_bytes", "document", "text")

    def __init__(self, text: str) -> None:
        self.text = text
        self.document: Document = json.loads(text)
        self._bytes = b""

    def copy(self) -> Document:
        """Return a fresh copy of the document; marshal takes a third of JSON's time."""
        self._bytes = self._bytes or marshal.dumps(self.document)
        return marshal.loads(self._bytes)


class FakeCollection:
    """One collection (ports.Collection), safe for threads.

    ``calls`` counts the requests that splunkd would have seen, ``log`` names them.
    ``fail_after(n)`` lets n more calls through and then fails every one until ``heal()``;
    ``before`` is called with (verb, collection name) ahead of each call and may raise.
    """

    def __init__(self, name: str) -> None:
        self.name = name
        self.documents: Dict[str, str] = {}
        self._read: Dict[str, _Read] = {}
        self.calls = 0
        self.log: List[str] = []
        self.before: Optional[Callable[[str, str], None]] = None
        self._lock = threading.RLock()
        self._left: Optional[int] = None
        self._error: Callable[[], Exception] = Unavailable

    def fail_after(self, calls: int, error: Callable[[], Exception] = Unavailable) -> None:
        self._left = calls
        self._error = error

    def heal(self) -> None:
        self._left = None

    def get(self, key: str) -> Optional[Document]:
        self._call("get")
        with self._lock:
            text = self.documents.get(key)
            return None if text is None else self._known(key, text).copy()

    def find(
        self,
        query: Optional[Mapping[str, Any]] = None,
        sort: str = "",
        limit: int = 0,
        skip: int = 0,
        fields: Sequence[str] = (),
    ) -> List[Document]:
        self._call("find")
        self._check_reach(query or {}, sort, limit)
        self._check_order(query or {}, sort, limit, skip)
        known = self._matching(query or {})
        found = sorted_documents([one.document for one in known], sort or "_key:1")
        found = found[skip : skip + limit] if limit else found[skip:]
        of = {id(one.document): one for one in known}
        whole = [of[id(document)].copy() for document in found]
        if not fields:
            return whole
        return [{n: one[n] for n in ("_key", *fields) if n in one} for one in whole]

    def _check_order(self, query: Mapping[str, Any], sort: str, limit: int, skip: int) -> None:
        """Fail a test whose order the KV store may refuse, see tools/splunkd_lite/kvsort.py.

        A long query is sent without an order, because KvCollection sorts the result itself.
        """
        longest = LONGEST_URL_QUERY_BYTES if limit else URL_QUERY_BYTES
        if self.name not in COLLECTIONS or len(json.dumps(query)) > longest:
            return
        if is_indexed(sort, query, COLLECTIONS_CONF[COLLECTIONS[self.name]]):
            return
        assert 0 < limit <= MOST_UNINDEXED and not skip, (
            f"No acceleration of {self.name} gives the order '{sort}' of {query}, so it must have "
            f"a limit of at most {MOST_UNINDEXED} and not be paged by skip."
        )

    def _check_reach(self, query: Mapping[str, Any], sort: str = "", limit: int = 0) -> None:
        """Fail a test whose query makes the KV store scan a whole large collection."""
        if self.name not in LARGE:
            return
        settings = COLLECTIONS_CONF[COLLECTIONS[self.name]]
        first_in_order = bool(sort) and limit and is_indexed(sort, query, settings)
        assert first_in_order or is_bounded(query, settings), (
            f"No acceleration of {self.name} leads to {query}: it would be looked for in all."
        )

    def keys(self, query: Mapping[str, Any]) -> List[str]:
        return [str(document["_key"]) for document in self.find(query)]

    def insert(self, document: Document) -> bool:
        self._call("insert")
        with self._lock:
            if document["_key"] in self.documents:
                return False
            self._put(document)
            return True

    def save(self, documents: Sequence[Document]) -> None:
        for start in range(0, len(documents), 1000):
            self._call("save")
            with self._lock:
                for document in documents[start : start + 1000]:
                    self._put(document)

    def delete(self, key: str) -> bool:
        self._call("delete")
        with self._lock:
            return self.documents.pop(key, None) is not None

    def delete_matching(self, query: Mapping[str, Any]) -> None:
        if not query:
            raise ValueError("Without a query all documents would be deleted.")
        size = len(json.dumps(query))
        assert size <= LONGEST_URL_QUERY_BYTES, f"A DELETE has its query in its URL: {size} bytes."
        self._check_reach(query)
        self._call("delete")
        with self._lock:
            for one in self._matching(query):
                del self.documents[one.document["_key"]]

    def all(self) -> List[Document]:
        """Return every document, without counting this as a call."""
        with self._lock:
            return [json.loads(text) for text in self.documents.values()]

    def _matching(self, query: Mapping[str, Any]) -> List[_Read]:
        is_wanted = condition_of(query)
        with self._lock:
            known = [self._known(key, text) for key, text in self.documents.items()]
        return [one for one in known if is_wanted(one.document)]

    def _known(self, key: str, text: str) -> _Read:
        """Return the parsed form of a stored document, which is parsed only once."""
        known = self._read.get(key)
        if known is None or known.text is not text:
            known = self._read[key] = _Read(text)
        return known

    def _put(self, document: Document) -> None:
        check_names(document)
        self.documents[document["_key"]] = _ENCODER.encode(document)

    def _call(self, verb: str) -> None:
        if self.before is not None:
            self.before(verb, self.name)
        with self._lock:
            if self._left is not None:
                if self._left <= 0:
                    raise self._error()
                self._left -= 1
            self.calls += 1
            self.log.append(f"{verb} {self.name}")


class FakeStores:
    """All collections (ports.Stores)."""

    NAMES = tuple(COLLECTIONS)

    def __init__(self) -> None:
        for name in COLLECTIONS:
            setattr(self, name, FakeCollection(name))
        # Other ports that call ``before`` ahead of their calls, so that a writer may wait there.
        self.services: List[Any] = []

    def __getattr__(self, name: str) -> Any:
        """Type the collections for mypy; an unknown name is an error."""
        raise AttributeError(name)

    @property
    def collections(self) -> List[FakeCollection]:
        return [getattr(self, name) for name in COLLECTIONS]

    @property
    def calls(self) -> int:
        return sum(collection.calls for collection in self.collections)

    def fail_after(self, calls: int, error: Callable[[], Exception] = Unavailable) -> None:
        """Let ``calls`` more calls through, over all collections, then fail until ``heal()``."""
        left = [calls]
        lock = threading.Lock()

        def count(_verb: str, _name: str) -> None:
            with lock:
                if left[0] <= 0:
                    raise error()
                left[0] -= 1

        for collection in self.collections:
            collection.before = count

    def heal(self) -> None:
        for collection in self.collections:
            collection.before = None
            collection.heal()


def check_names(value: Any) -> None:
    """Refuse what the KV store refuses: names with a dot inside or a leading dollar sign."""
    if isinstance(value, dict):
        for name in value:
            if "." in name or name.startswith("$"):
                raise SplunkError(400, f"splunkd answered 400: Invalid field name {name!r}.")
        value = value.values()
    elif not isinstance(value, list):
        return
    for inner in value:
        if type(inner) not in _SCALARS:
            check_names(inner)

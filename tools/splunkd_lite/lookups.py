"""Lookup tables: CSV files of apps, and KV store collections.

Source: transforms.conf in the Admin manual (``filename``; ``external_type = kvstore`` with
``collection`` and ``fields_list``); inputlookup and outputlookup in the Search Reference.
"""

from __future__ import annotations

import csv
import json
import os
import tempfile
from pathlib import Path
from typing import Any, Callable, Iterable, Mapping, Protocol

from tools.splunkd_lite.access import Access, User
from tools.splunkd_lite.conf import ConfStore
from tools.splunkd_lite.errors import SplunkdError
from tools.splunkd_lite.kvstore import CollectionId, KvStore
from tools.splunkd_lite.resultsfile import text_of

__all__ = ["CsvLookup", "KvLookup", "LookupTable", "find_lookup"]

Row = dict[str, Any]
Test = Callable[[Row], bool]


class LookupTable(Protocol):
    """What the SPL engine needs of a lookup."""

    @property
    def exists(self) -> bool: ...

    def rows(self, test: Test | None = None, reads: Iterable[str] = ()) -> list[Row]: ...

    def write(self, rows: Iterable[Mapping[str, Any]], append: bool) -> None: ...


def find_lookup(
    conf: ConfStore, kv: KvStore, access: Access, user: User, app: str, name: str
) -> LookupTable | None:
    """The table that ``name`` means in ``app``: a transforms.conf stanza or a CSV file's name.

    Raises:
        SplunkdError: 403, the user may not read it.
    """
    for entry in conf.entries("transforms", app, user.name):
        if entry.name != name or not access.may(user, "read", entry.acl):
            continue
        settings = entry.settings
        if settings.get("external_type") == "kvstore":
            where = kv.resolve(entry.acl.app, settings.get("collection", ""))
            return KvLookup(conf, kv, access, user, where, _names(settings.get("fields_list", "")))
        if "filename" in settings:
            return _file(conf, access, user, settings["filename"], [entry.acl.app])
        return None
    if name.endswith(".csv"):
        others = [each for each in conf.apps() if each != app]
        return _file(conf, access, user, name, [app, *others])
    return None


def _file(
    conf: ConfStore, access: Access, user: User, name: str, apps: list[str]
) -> CsvLookup | None:
    if "/" in name or "\\" in name or name.startswith("."):
        raise SplunkdError(400, f"Invalid lookup file name '{name}'.")
    home = apps[0]
    for app in apps:
        path = conf.etc / "apps" / app / "lookups" / name
        acl = conf.metadata.acl(app, "lookups", name)
        visible = app == home or acl.sharing == "global"
        if path.exists() and visible and access.may(user, "read", acl):
            return CsvLookup(path, name, access.may(user, "write", acl))
    target = conf.etc / "apps" / home / "lookups" / name
    acl = conf.metadata.acl(home, "lookups", name)
    return CsvLookup(target, name, access.may(user, "add", acl))


class CsvLookup:
    """A CSV file under an app's ``lookups`` folder. It may not exist yet."""

    def __init__(self, path: Path, name: str, writable: bool) -> None:
        self.path = path
        self._name = name
        self._writable = writable

    @property
    def exists(self) -> bool:
        return self.path.exists()

    def rows(self, test: Test | None = None, reads: Iterable[str] = ()) -> list[Row]:
        """The rows as text, those alone that pass a test; empty cells are left out.

        Raises:
            SplunkdError: 404, there is no such file.
        """
        if not self.exists:
            raise SplunkdError(404, f"The lookup table '{self._name}' does not exist.")
        with self.path.open(encoding="utf-8-sig", newline="") as stream:
            rows = ({k: v for k, v in row.items() if k and v} for row in csv.DictReader(stream))
            return [row for row in rows if test is None or test(row)]

    def write(self, rows: Iterable[Mapping[str, Any]], append: bool) -> None:
        """Replace the file, or add to its rows, in one step.

        Raises:
            SplunkdError: 403, the user may not write it.
        """
        if not self._writable:
            raise SplunkdError(403, f"You may not write the lookup table '{self._name}'.")
        kept: list[Mapping[str, Any]] = [*(self.rows() if append and self.exists else []), *rows]
        fields = list(dict.fromkeys(field for row in kept for field in row))
        self.path.parent.mkdir(parents=True, exist_ok=True)
        handle, temporary = tempfile.mkstemp(dir=self.path.parent, prefix=".lookup")
        with os.fdopen(handle, "w", encoding="utf-8", newline="") as stream:
            writer = csv.writer(stream)
            writer.writerow(fields)
            writer.writerows([text_of(row.get(field)) for field in fields] for row in kept)
        Path(temporary).replace(self.path)


class KvLookup:
    """A collection seen through ``fields_list``.

    A field of an object is named with a dot (``search.name``); a list of texts is a multivalue
    field; a list of objects gives one multivalue field for each dotted field.
    """

    exists = True

    def __init__(
        self,
        conf: ConfStore,
        kv: KvStore,
        access: Access,
        user: User,
        where: CollectionId,
        fields: list[str],
    ) -> None:
        self._kv, self._where, self._fields = kv, where, fields
        acl = conf.metadata.acl(where.app, "collections", where.name)
        if not access.may(user, "read", acl):
            raise SplunkdError(403, f"You may not read the collection '{where.name}'.")
        self._writable = access.may(user, "write", acl)

    def rows(self, test: Test | None = None, reads: Iterable[str] = ()) -> list[Row]:
        """The rows, those alone that pass a test, which is shown the fields that it ``reads``."""
        documents: Iterable[Mapping[str, Any]] = self._kv.find(self._where)
        if test is not None:
            wanted = [field for field in self._fields if field in set(reads)]
            documents = (one for one in documents if test(_row(one, wanted)))
        return [_row(one, self._fields) for one in documents]

    def write(self, rows: Iterable[Mapping[str, Any]], append: bool) -> None:
        """Append, or replace the whole collection; ``_key`` in a row replaces that document.

        Raises:
            SplunkdError: 403, the user may not write the collection.
        """
        if not self._writable:
            raise SplunkdError(403, f"You may not write the collection '{self._where.name}'.")
        documents = [_document(row, self._fields) for row in rows]
        if not append:
            self._kv.replace_all(self._where, documents)
            return
        for start in range(0, len(documents), 1000):
            self._kv.batch_save(self._where, documents[start : start + 1000])


def _names(text: str) -> list[str]:
    return [name.strip() for name in text.split(",") if name.strip()]


def _row(document: Mapping[str, Any], fields: list[str]) -> Row:
    row = {field: _flat(document, field) for field in fields}
    return {field: value for field, value in row.items() if value is not None}


def _flat(value: Any, path: str) -> Any:
    if isinstance(value, dict) and path in value:
        return _value(value[path])
    head, _, rest = path.partition(".")
    if isinstance(value, list):
        found = [_flat(item, path) for item in value]
        return [item for item in found if item is not None] or None
    if not isinstance(value, dict) or head not in value or not rest:
        return None
    return _flat(value[head], rest)


def _value(value: Any) -> Any:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, dict):
        return json.dumps(value)
    if isinstance(value, list):
        return [text_of(_value(item)) for item in value]
    return value if isinstance(value, (int, float)) or value is None else str(value)


def _document(row: Mapping[str, Any], fields: list[str]) -> Row:
    document: Row = {}
    for field in dict.fromkeys([*fields, "_key"]):
        value = row.get(field)
        if value is None or value == "":
            continue
        target = document
        *parents, leaf = field.split(".")
        for parent in parents:
            target = target.setdefault(parent, {})
        target[leaf] = value
    return document

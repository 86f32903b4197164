"""incident_routing.conf as the configuration page reads and writes it, with its user's rights.

The page's entries are the file's stanzas: edits of the file show on the page, and settings without
a field on the page are kept. Endpoint: ``configs/conf-{file}`` and ``configs/conf-{file}/{stanza}``
in Splunk's REST API Reference ("Configuration endpoint descriptions").
"""

from __future__ import annotations

import re
import time
from typing import Any, Dict, List, Mapping

from ....conf_values import listed
from ....incidents.errors import Invalid, NotFound
from ....incidents.routing.changes import (
    KINDS,
    NAME,
    NAME_RULE,
    check_change,
    is_off,
    stanza_of,
)
from ....incidents.stores import IS_OPEN
from ...kv.store import KvStores
from ...session import APP, Session, path_of
from .. import conf

__all__ = ["FILE", "PATH", "RoutingFile", "check_lines"]

FILE = "incident_routing"
PATH = "/servicesNS/nobody/" + path_of(APP, "configs", f"conf-{FILE}")
# A field of the page holds no dot.
_STEP_FIELD = re.compile(r"^step_(\d+)$")
_CHOSEN = {"channels", "events", "shown"}
_STEP = re.compile(r"^step\.(\d+)$")
# A backslash at its end would make the next line of the file part of the value ("Configuration file
# structure" in the Admin Manual), as a line break would begin a setting of its own.
_NOT_IN_A_LINE = re.compile(r"[\x00-\x1f\x7f\x85\u2028\u2029]|\\$")

Values = Dict[str, str]


class RoutingFile:
    """The stanzas of one kind, by the names that people gave them.

    All methods may raise SplunkError; those that change something raise Invalid for invalid
    changes.
    """

    def __init__(self, session: Session, kind: str) -> None:
        self._session = session
        self._kind = kind

    def all(self) -> Dict[str, Values]:
        """Return each entry's fields, by its name."""
        start = stanza_of(self._kind, "")
        return {
            header[len(start) :]: self._fields(values)
            for header, values in sorted(conf.load_with_disabled(self._session, FILE).items())
            if header.startswith(start)
        }

    def one(self, name: str) -> Values:
        """Return an entry's fields. Raises NotFound."""
        found = self.all()
        if name not in found:
            raise NotFound(f"There is no {KINDS[self._kind]} '{name[:100]}'. Reload the list.")
        return found[name]

    def create(self, name: str, fields: Mapping[str, str]) -> None:
        """Add an entry."""
        self._check_name(name)
        self._check_new(name)
        values = {key: value for key, value in self._settings(fields).items() if value}
        self._check(name, values)
        self._session.post(PATH, {"name": stanza_of(self._kind, name), **values})

    def edit(self, name: str, fields: Mapping[str, str]) -> None:
        """Change the given fields; fields that do not change are not written."""
        known = self._settings(self.one(name))
        values = {
            key: value
            for key, value in self._settings(fields).items()
            if value != known.get(key, "")
        }
        if values:
            self._check(name, values)
            self._session.post(f"{PATH}/{path_of(stanza_of(self._kind, name))}", values)

    def remove(self, name: str) -> None:
        """Delete an entry."""
        self.one(name)
        stanzas = conf.load_with_disabled(self._session, FILE)
        check_change(stanzas, self._kind, name, None, self._open_of, time.time())
        self._session.delete(f"{PATH}/{path_of(stanza_of(self._kind, name))}")

    def _check_name(self, name: str) -> None:
        if not NAME.fullmatch(name):
            raise Invalid(NAME_RULE)

    def _check_new(self, name: str) -> None:
        if name in self.all():
            raise Invalid(f"The {KINDS[self._kind]} '{name}' already exists. Edit that one.")

    def _fields(self, values: Mapping[str, str]) -> Values:
        """Return a stanza's settings as the page's fields."""
        fields = {_STEP.sub(r"step_\1", key): value for key, value in values.items()}
        fields["disabled"] = "1" if is_off(values) else "0"
        for name in _CHOSEN & fields.keys():
            # The page's list of choices knows no blanks.
            fields[name] = ",".join(listed(fields[name]))
        return fields

    def _settings(self, fields: Mapping[str, str]) -> Values:
        """Return the page's fields as a stanza's settings."""
        found = {_STEP_FIELD.sub(r"step.\1", name): text.strip() for name, text in fields.items()}
        if "disabled" in found:
            found["disabled"] = "1" if is_off(found) else "0"
        return found

    def _check(self, name: str, values: Values) -> None:
        check_lines(values)
        stanzas = conf.load_with_disabled(self._session, FILE)
        check_change(stanzas, self._kind, name, values, self._open_of, time.time())

    def _open_of(self, team: str) -> List[str]:
        query: Dict[str, Any] = {"$and": [{"team": team}, IS_OPEN]}
        found = KvStores(self._session).incidents.find(query, limit=1, fields=("id",))
        return [str(one["id"]) for one in found]


def check_lines(values: Values) -> None:
    """Raise Invalid for a value that does not fit into one line of the file."""
    for key, value in values.items():
        if _NOT_IN_A_LINE.search(value):
            raise Invalid(
                f"{key} must be a single line without control characters, and must not "
                "end with a backslash."
            )

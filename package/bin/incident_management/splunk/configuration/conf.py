"""Read the app's own .conf files as splunkd layers them, and lookup files.

Endpoint: ``configs/conf-{file}`` in Splunk's REST API Reference ("Configuration endpoint
descriptions"). Encrypted values are not decrypted here; see :mod:`.settings`.
"""

from __future__ import annotations

import csv
import os
from pathlib import Path
from typing import Any, Dict, List, Mapping, Tuple

from ...conf_values import is_true
from ..session import APP, Session, SplunkError, path_of

__all__ = [
    "OWN",
    "SETTINGS",
    "from_other_apps",
    "home",
    "load",
    "load_with_disabled",
    "read_lookup",
    "web_url",
]

# The file of the app's own settings, as UCC's pages write it.
SETTINGS = "incident_management_settings"
# The app's own files. Splunk mixes in what other apps share with all apps ("Configuration file
# precedence" in the Admin Manual), and in some of these more than administrators may write.
OWN = (
    "incident_actions",
    "incident_management_account",
    "incident_management_cluster",
    SETTINGS,
    "incident_routing",
    "incident_webhooks",
)
# etc/system is administrators' too.
_TRUSTED = (APP, "system")

# A lookup that is larger belongs into the KV store.
LOOKUP_BYTES = 10_000_000

_lookups: Dict[Path, Tuple[Tuple[float, int], List[Dict[str, str]]]] = {}


def load(session: Session, conf: str, disabled: bool = False) -> Dict[str, Dict[str, str]]:
    """Return the stanzas of one conf file, each with its settings as text.

    Stanzas with ``disabled`` set are left out unless requested, and so are stanzas of other apps if
    the file is one of :data:`OWN`. Raises SplunkError.
    """
    return {
        name: {key: value for key, value in settings.items() if key != "disabled"}
        for name, settings in load_with_disabled(session, conf).items()
        if disabled or not is_true(settings.get("disabled"))
    }


def load_with_disabled(session: Session, conf: str) -> Dict[str, Dict[str, str]]:
    """Return the stanzas as :func:`load` does, including disabled ones and ``disabled`` itself."""
    path = "/servicesNS/nobody/" + path_of(APP, "configs", f"conf-{conf}")
    answer: Mapping[str, Any] = session.get(path, count=0)
    return {
        str(entry["name"]): {
            key: "" if value is None else str(value)
            for key, value in entry.get("content", {}).items()
            if not key.startswith("eai:")
        }
        for entry in answer.get("entry", [])
        if conf not in OWN or _app_of(entry) in _TRUSTED
    }


def web_url(session: Session) -> str:
    """Return Splunk Web's address, the one setting of its file that is needed without secrets."""
    return load(session, SETTINGS).get("network", {}).get("web_url", "").strip()


def from_other_apps(session: Session, conf: str) -> List[str]:
    """Return a sentence for each stanza of an :data:`OWN` file that another app shares.

    A stanza with a new name is not used. What another app adds to one of our stanzas can't be told
    apart from ours. Raises SplunkError.
    """
    try:
        answer = session.get("/servicesNS/-/-/" + path_of("configs", f"conf-{conf}"), count=0)
    except SplunkError as error:
        if error.status != 404:
            raise
        # No app has a stanza of it.
        return []
    return [
        f"{conf}.conf [{entry['name']}] of the app {_app_of(entry)} is shared with all apps, and "
        f"not used unless {APP} has a stanza of that name: move it there, or stop sharing it."
        for entry in answer.get("entry", [])
        if _app_of(entry) not in _TRUSTED and entry["acl"].get("sharing") == "global"
    ]


def _app_of(entry: Mapping[str, Any]) -> str:
    return str((entry.get("acl") or {}).get("app") or APP)


def home() -> Path:
    """Return ``$SPLUNK_HOME``, which splunkd sets for every process it starts."""
    return Path(os.environ["SPLUNK_HOME"])


def read_lookup(path: Path) -> List[Dict[str, str]]:
    """Return the rows of a lookup file; it is read again only after it changed.

    Raises ValueError for a file beyond 10 MB or not in UTF-8, OSError for a missing one.
    """
    state = path.stat()
    if state.st_size > LOOKUP_BYTES:
        raise ValueError(f"The lookup {path.name} is larger than 10 MB; reduce its size.")
    mark = (state.st_mtime, state.st_size)
    known = _lookups.get(path)
    if known is None or known[0] != mark:
        with path.open(encoding="utf-8-sig", newline="") as file:
            rows = [{k: v or "" for k, v in row.items() if k} for row in csv.DictReader(file)]
        known = (mark, rows)
        _lookups[path] = known
    return known[1]

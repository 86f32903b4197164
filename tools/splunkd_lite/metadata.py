"""Who may see and change what: ``metadata/{default,local}.meta`` of apps.

Source: default.meta.conf in the Admin manual. The stanza ``[]`` speaks for the whole app,
``[savedsearches]`` for a category, ``[savedsearches/name]`` for one object; the more exact stanza
wins, and ``local.meta`` wins over ``default.meta``. To read an object a user needs read access to
the app, to the category and to the object; to change one, write access to the object as well; to
add or remove one, write access to the app.
"""

from __future__ import annotations

import re
import threading
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote, unquote

from tools.splunkd_lite import conffile

__all__ = ["Acl", "Metadata", "format_access", "parse_access"]

_ACCESS = re.compile(r"(read|write)\s*:\s*\[([^\]]*)\]")


@dataclass(frozen=True)
class Acl:
    """The access list of one object, as the REST API shows it under ``eai:acl``."""

    app: str
    owner: str = "nobody"
    sharing: str = "app"
    read: tuple[str, ...] = ("*",)
    write: tuple[str, ...] = ("admin",)
    layers: tuple[tuple[str, ...], ...] = field(default=())
    app_write: tuple[str, ...] = ("admin",)


def parse_access(text: str) -> dict[str, tuple[str, ...]]:
    """``read : [ * ], write : [ admin, power ]`` as a dictionary of role names."""
    found = {}
    for verb, roles in _ACCESS.findall(text):
        found[verb] = tuple(role.strip() for role in roles.split(",") if role.strip())
    return found


def format_access(read: tuple[str, ...], write: tuple[str, ...]) -> str:
    return f"read : [ {', '.join(read)} ], write : [ {', '.join(write)} ]"


class Metadata:
    """The ``.meta`` files of all apps under one ``etc``."""

    def __init__(self, etc: Path) -> None:
        self._etc = etc
        self._lock = threading.RLock()
        self._cache: dict[Path, tuple[conffile.Stamp, conffile.Stanzas]] = {}

    def acl(self, app: str, conf: str, stanza: str, user: str | None = None) -> Acl:
        """The access list of ``stanza`` in ``conf``; ``user`` for an object private to them."""
        names = ["", conf, f"{conf}/{quote(stanza, safe='')}"]
        settings: dict[str, str] = {}
        access: dict[str, tuple[str, ...]] = {}
        layers = []
        app_write: tuple[str, ...] = ("admin",)
        for name in names:
            level = self._level(app, name)
            settings.update(level)
            granted = parse_access(level.get("access", ""))
            access.update(granted)
            if "read" in granted:
                layers.append(granted["read"])
            if name == "":
                app_write = granted.get("write", app_write)
        if user is not None:
            return Acl(app, user, "user", (user,), (user,), (), app_write)
        exported = settings.get("export", "none") == "system" or app == "system"
        return Acl(
            app,
            settings.get("owner", "nobody"),
            "system" if app == "system" else "global" if exported else "app",
            access.get("read", ("*",)),
            access.get("write", ("admin",)),
            tuple(layers),
            app_write,
        )

    def write(self, app: str, conf: str, stanza: str, settings: dict[str, str]) -> None:
        """Set keys of one object's stanza in ``local.meta``."""
        with self._lock:
            path = self._folder(app) / "local.meta"
            stanzas = conffile.read(path)
            stanzas.setdefault(f"{conf}/{quote(stanza, safe='')}", {}).update(settings)
            self._save(path, stanzas)

    def remove(self, app: str, conf: str, stanza: str) -> None:
        with self._lock:
            path = self._folder(app) / "local.meta"
            stanzas = conffile.read(path)
            if stanzas.pop(f"{conf}/{quote(stanza, safe='')}", None) is not None:
                self._save(path, stanzas)

    def _save(self, path: Path, stanzas: conffile.Stanzas) -> None:
        conffile.write(path, stanzas)
        self._cache.pop(path, None)

    def _folder(self, app: str) -> Path:
        root = self._etc / "system" if app == "system" else self._etc / "apps" / app
        return root / "metadata"

    def _level(self, app: str, name: str) -> dict[str, str]:
        merged: dict[str, str] = {}
        for file in ("default.meta", "local.meta"):
            merged.update(self._read(self._folder(app) / file).get(name, {}))
        return merged

    def _read(self, path: Path) -> conffile.Stanzas:
        stamp = conffile.stamp(path)
        if stamp is None:
            return {}
        cached = self._cache.get(path)
        if cached is None or cached[0] != stamp:
            stanzas = {_normal(name): body for name, body in conffile.read(path).items()}
            cached = self._cache[path] = (stamp, stanzas)
        return cached[1]


def _normal(name: str) -> str:
    """Object names may be written encoded or not; compare them encoded."""
    conf, slash, stanza = name.partition("/")
    return f"{conf}/{quote(unquote(stanza), safe='')}" if slash else name

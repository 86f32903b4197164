"""Splunk's layered configuration files.

Source: "Configuration file precedence" in the Admin manual. Two orders, highest first:

- global context (indexes, inputs, restmap, …): ``system/local``, the apps' ``local`` (A before Z),
  the apps' ``default``, ``system/default``;
- app and user context (saved searches, lookups, …): the user's own folder, the app's ``local`` and
  ``default``, what other apps export (Z before A), ``system/local``, ``system/default``.

Unlike splunkd, a file changed by hand is seen at once, without a reload or restart.
"""

from __future__ import annotations

import os
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Callable, Iterator, Mapping, TypeVar

from tools.splunkd_lite import conffile
from tools.splunkd_lite.conffile import Stanzas
from tools.splunkd_lite.errors import SplunkdError, not_found
from tools.splunkd_lite.metadata import Acl, Metadata

__all__ = ["ConfEntry", "ConfStore", "is_true"]

T = TypeVar("T")
SYSTEM = "system"
NOBODY = "nobody"
ANY = "-"


def is_true(value: object) -> bool:
    """Splunk's booleans in .conf files: 1, true, t, yes, y, enabled, on."""
    return str(value).strip().lower() in ("1", "true", "t", "yes", "y", "enabled", "on")


@dataclass(frozen=True)
class ConfEntry:
    """One stanza as seen from a namespace, with the access list of the layer that owns it."""

    name: str
    settings: dict[str, str]
    acl: Acl


@dataclass(frozen=True)
class _Layer:
    app: str
    user: str | None
    stanzas: Stanzas


class ConfStore:
    """All ``.conf`` files under one ``SPLUNK_HOME``."""

    def __init__(self, home: Path) -> None:
        self.etc = home / "etc"
        self.metadata = Metadata(self.etc)
        self._cache: dict[Path, tuple[conffile.Stamp, Stanzas]] = {}
        self._views: dict[tuple[str, ...], tuple[object, Any]] = {}
        self.lock = threading.RLock()
        self.on_change: Callable[[dict[str, Any]], None] | None = None  # told of each change

    # Reading

    def apps(self, enabled_only: bool = True) -> list[str]:
        """Installed apps, A to Z."""
        folder = self.etc / "apps"
        paths = folder.iterdir() if folder.is_dir() else iter(())
        names = sorted(path.name for path in paths if path.is_dir())
        return [name for name in names if not enabled_only or self.app_enabled(name)]

    def app_enabled(self, app: str) -> bool:
        layers = (self._file(app, None, kind, "app") for kind in ("local", "default"))
        states = [layer.get("install", {}).get("state") for layer in layers]
        return next((state for state in states if state), "enabled") != "disabled"

    def stanzas(self, conf: str, app: str | None = None, owner: str = NOBODY) -> Stanzas:
        """Every stanza, merged: from the global context (``app=None``) or as an app sees it.

        ``[default]`` is inherited by each stanza and not listed.
        """
        if app is None:
            found = self.view(("", conf), conf, None, lambda: _merge(self._global_layers(conf)))
        else:
            found = {entry.name: entry.settings for entry in self.entries(conf, app, owner)}
        return {name: dict(settings) for name, settings in found.items()}

    def entries(self, conf: str, app: str = ANY, owner: str = NOBODY) -> list[ConfEntry]:
        """The stanzas that a namespace sees. ``app`` or ``owner`` may be ``-`` for all of them.

        With ``app='-'`` a name that two apps define is listed once for each of them.
        """
        made = self.view((conf, app, owner), conf, owner, lambda: self._entries(conf, app, owner))
        return list(made)

    def view(self, key: tuple[str, ...], conf: str, owner: str | None, make: Callable[[], T]) -> T:
        """What ``make`` gives, kept until a file that it reads from changes."""
        state = self._state(conf, owner)
        kept = self._views.get(key)
        if kept is None or kept[0] != state:
            kept = self._views[key] = (state, make())
        made: T = kept[1]
        return made

    def _state(self, conf: str, owner: str | None) -> list[object]:
        """The stamps of all files that say something about ``conf``."""
        _check_name(conf)
        _check_name(owner or NOBODY)
        apps = f"{self.etc}/apps"
        try:
            names = os.listdir(apps)  # noqa: PTH208 - at each request
        except FileNotFoundError:
            names = []
        told = (*_ABOUT_APP, *_conf_files(conf))
        files = [f"{self.etc}/system/{tail}" for tail in told]
        files += [f"{apps}/{name}/{tail}" for name in names for tail in told]
        if owner == ANY:
            files += map(str, self.etc.glob(f"users/*/*/local/{conf}.conf"))
        elif owner not in (None, NOBODY):
            files += [f"{self.etc}/users/{owner}/{name}/local/{conf}.conf" for name in names]
        return [*files, *map(conffile.stamp, files)]

    def _entries(self, conf: str, app: str, owner: str) -> list[ConfEntry]:
        if app == ANY:
            found = [
                entry
                for each in [SYSTEM, *self.apps()]
                for entry in self._entries_of(conf, each, owner)
                if entry.acl.app == each
            ]
            taken = {entry.name for entry in found if entry.acl.app != SYSTEM}
            return [e for e in found if e.acl.app != SYSTEM or e.name not in taken]
        return self._entries_of(conf, app, owner)

    def entry(self, conf: str, stanza: str, app: str = ANY, owner: str = NOBODY) -> ConfEntry:
        """One stanza as a namespace sees it; not to be changed.

        Raises:
            SplunkdError: 404, there is none.
        """
        for entry in self.entries(conf, app, owner):
            if entry.name == stanza:
                return entry
        raise not_found(stanza)

    def get(
        self, conf: str, stanza: str, key: str, default: str | None = None, app: str | None = None
    ) -> str | None:
        """One setting, or ``default``."""
        return self.stanzas(conf, app).get(stanza, {}).get(key, default)

    def app_of(self, conf: str, stanza: str) -> str:
        """The app whose definition of ``stanza`` wins in the global context."""
        for layer in reversed(self._global_layers(conf)):
            if stanza in layer.stanzas:
                return layer.app
        raise not_found(stanza)

    def definers(self, conf: str, app: str) -> dict[str, list[str]]:
        """Each stanza that counts in ``app``, and the apps that say something of it there."""
        found: dict[str, list[str]] = {}
        for layer in self._context_layers(conf, app):
            for name in layer.stanzas:
                if layer.app not in found.setdefault(name, []):
                    found[name].append(layer.app)
        return found

    def exists(self, conf: str) -> bool:
        """True if any app has a file of that name."""
        return any(True for _ in self._paths(conf))

    def names(self) -> list[str]:
        """The names of all .conf files that exist."""
        roots = [self.etc / SYSTEM, *(self.etc / "apps" / app for app in self.apps())]
        return sorted(
            {p.stem for r in roots for d in ("default", "local") for p in (r / d).glob("*.conf")}
        )

    # Writing

    def write(
        self,
        conf: str,
        stanza: str,
        settings: Mapping[str, str],
        app: str,
        create: bool,
        owner: str = NOBODY,
    ) -> None:
        """Set keys of one stanza in the app's ``local`` folder (a user's own, if ``owner``).

        Raises:
            SplunkdError: 409, ``create`` and it exists; 404, no such app; 507, disk full.
        """
        if app != SYSTEM and not (self.etc / "apps" / app).is_dir():
            raise SplunkdError(404, f"Application does not exist: {app}")
        with self.lock:
            user = None if owner == NOBODY else owner
            if create and any(
                stanza in self._file(app, user, kind, conf) for kind in ("local", "default")
            ):
                raise SplunkdError(409, f"An object with name={stanza} already exists")
            path = self._path(app, user, "local", conf)
            stanzas = conffile.read(path)
            clean = {key: str(value) for key, value in settings.items()}
            stanzas.setdefault(stanza, {}).update(clean)
            self._save(path, stanzas)
            self._tell(conf, stanza, app, user, clean)

    def delete(self, conf: str, stanza: str, app: str, owner: str = NOBODY) -> None:
        """Remove a stanza from ``local``.

        Raises:
            SplunkdError: 404, there is none; 403, it is defined in the app's ``default``.
        """
        with self.lock:
            user = None if owner == NOBODY else owner
            if user is None and stanza in self._file(app, None, "default", conf):
                raise SplunkdError(403, f"Object id={stanza} cannot be deleted in config={conf}.")
            path = self._path(app, user, "local", conf)
            stanzas = conffile.read(path)
            if stanzas.pop(stanza, None) is None:
                raise not_found(stanza)
            self._save(path, stanzas)
            if user is None:
                self.metadata.remove(app, conf, stanza)
            self._tell(conf, stanza, app, user, None)

    def move(self, conf: str, stanza: str, app: str, owner: str, sharing: str) -> None:
        """Turn a user's private stanza into one shared in its app (or global)."""
        with self.lock:
            path = self._path(app, owner, "local", conf)
            stanzas = conffile.read(path)
            settings = stanzas.pop(stanza, None)
            if settings is not None:
                self.write(conf, stanza, settings, app, create=True)
                self._save(path, stanzas)
                self._tell(conf, stanza, app, owner, None)
            export = "system" if sharing in ("global", SYSTEM) else "none"
            self.write_access(app, conf, stanza, {"owner": owner, "export": export})

    def write_access(self, app: str, conf: str, stanza: str, settings: dict[str, str]) -> None:
        """Set keys of an object's stanza in the app's ``local.meta``."""
        with self.lock:
            self.metadata.write(app, conf, stanza, settings)
            if self.on_change is not None:
                change = {"conf": conf, "stanza": stanza, "app": app, "access": settings}
                self.on_change(change)

    def replay(self, change: dict[str, Any]) -> None:
        """Do what another member of a cluster did, as it told :attr:`on_change`."""
        conf, stanza, app = change["conf"], change["stanza"], change["app"]
        with self.lock:
            if "access" in change:
                self.metadata.write(app, conf, stanza, change["access"])
                return
            path = self._path(app, change["user"], "local", conf)
            stanzas = conffile.read(path)
            if change["settings"] is None:
                stanzas.pop(stanza, None)
                if change["user"] is None:
                    self.metadata.remove(app, conf, stanza)
            else:
                stanzas.setdefault(stanza, {}).update(change["settings"])
            self._save(path, stanzas)

    def _tell(
        self, conf: str, stanza: str, app: str, user: str | None, settings: dict[str, str] | None
    ) -> None:
        """``settings`` None: the stanza is gone."""
        if self.on_change is not None:
            change = {"conf": conf, "stanza": stanza, "app": app, "user": user}
            self.on_change({**change, "settings": settings})

    def create_file(self, conf: str, app: str) -> None:
        """Make an empty ``local`` file, if no app has one of that name."""
        path = self._path(app, None, "local", conf)
        if not path.exists():
            self._save(path, {})

    def reload(self) -> None:
        """Forget what was read."""
        with self.lock:
            self._cache.clear()
            self._views.clear()

    # Layers

    def _entries_of(self, conf: str, app: str, owner: str) -> list[ConfEntry]:
        owners = self._owners(app, conf) if owner == ANY else [owner]
        private = {user for user in owners if user not in (NOBODY, ANY)}
        shared = self._context_layers(conf, app)
        found = []
        own_names = set()
        for user in sorted(private):
            layer = _Layer(app, user, self._file(app, user, "local", conf))
            merged = _merge([*shared, layer])
            own = [name for name in layer.stanzas if name != "default"]
            own_names.update(own if owner != ANY else [])
            acl = {name: self.metadata.acl(app, conf, name, user) for name in own}
            found += [ConfEntry(name, merged[name], acl[name]) for name in own]
        merged = _merge(shared)
        for name, settings in merged.items():
            if name not in own_names:
                home = next(la.app for la in reversed(shared) if name in la.stanzas)
                found.append(ConfEntry(name, settings, self.metadata.acl(home, conf, name)))
        return sorted(found, key=lambda entry: entry.name.lower())

    def _global_layers(self, conf: str) -> list[_Layer]:
        apps = list(reversed(self.apps()))
        order = [(SYSTEM, "default"), *((app, "default") for app in apps)]
        order += [*((app, "local") for app in apps), (SYSTEM, "local")]
        return [_Layer(app, None, self._file(app, None, kind, conf)) for app, kind in order]

    def _context_layers(self, conf: str, app: str) -> list[_Layer]:
        layers = [_Layer(SYSTEM, None, self._file(SYSTEM, None, k, conf)) for k in _KINDS]
        for other in self.apps():
            if other != app:
                layers += [self._exported(conf, other, kind) for kind in _KINDS]
        if app != SYSTEM:
            layers += [_Layer(app, None, self._file(app, None, kind, conf)) for kind in _KINDS]
        return layers

    def _exported(self, conf: str, app: str, kind: str) -> _Layer:
        stanzas = self._file(app, None, kind, conf)
        visible = {
            name: body
            for name, body in stanzas.items()
            if name != "default" and self.metadata.acl(app, conf, name).sharing == "global"
        }
        return _Layer(app, None, visible)

    def _owners(self, app: str, conf: str) -> list[str]:
        return [p.parts[-4] for p in self.etc.glob(f"users/*/{app}/local/{conf}.conf")]

    def _paths(self, conf: str) -> Iterator[Path]:
        for app in [SYSTEM, *self.apps()]:
            for kind in _KINDS:
                path = self._path(app, None, kind, conf)
                if path.exists():
                    yield path

    def _path(self, app: str, user: str | None, kind: str, conf: str) -> Path:
        _check_name(app)
        _check_name(conf)
        _check_name("x" if user is None else user)
        if user is not None:
            return self.etc / "users" / user / app / "local" / f"{conf}.conf"
        root = self.etc / SYSTEM if app == SYSTEM else self.etc / "apps" / app
        return root / kind / f"{conf}.conf"

    def _file(self, app: str, user: str | None, kind: str, conf: str) -> Stanzas:
        path = self._path(app, user, kind, conf)
        stamp = conffile.stamp(path)
        if stamp is None:
            return {}
        with self.lock:
            cached = self._cache.get(path)
            if cached is None or cached[0] != stamp:
                cached = self._cache[path] = (stamp, conffile.read(path))
            return cached[1]

    def _save(self, path: Path, stanzas: Stanzas) -> None:
        conffile.write(path, stanzas)
        self._cache.pop(path, None)


_KINDS = ("default", "local")
_ABOUT_APP = (
    "default/app.conf",
    "local/app.conf",
    "metadata/default.meta",
    "metadata/local.meta",
)


def _conf_files(conf: str) -> list[str]:
    return [f"{kind}/{conf}.conf" for kind in _KINDS]


def _check_name(name: str) -> None:
    if not name or name in (".", "..") or "/" in name or "\\" in name or "\x00" in name:
        raise SplunkdError(400, f"Invalid name: {name!r}")


def _merge(layers: list[_Layer]) -> Stanzas:
    """Merge layers, lowest precedence first. ``[default]`` goes under every stanza."""
    default: dict[str, str] = {}
    merged: Stanzas = {}
    for layer in layers:
        for name, body in layer.stanzas.items():
            (default if name == "default" else merged.setdefault(name, {})).update(body)
    return {name: {**default, **body} for name, body in merged.items()}

"""Versions of configurations: deploy one, roll one back, and write each change down.

What is released lives in ``state.json``, the configurations in ``config/<service>/<version>.json``,
and each change is one JSON line in ``log/changes.log``, the shop's change feed.
"""

from __future__ import annotations

import datetime
import json
import threading
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import requests

from tools.demo.shop import settings
from tools.demo.shop.processes import NotStarted, Service

FIRST_CHANGE = 1001
HEALTH_SECONDS = 5.0


class Conflict(Exception):
    """What was asked for does not fit what is released now."""


@dataclass
class Release:
    """What one service runs, what it ran before, and the change between the two."""

    version: str
    previous_version: str = ""
    change_id: str = ""


@dataclass(frozen=True)
class Order:
    """Why and by whom a change is made."""

    kind: str
    summary: str
    actor: str


class Releases:
    """All services of the shop, in the order in which they need one another."""

    def __init__(self, home: Path, services: list[Service]) -> None:
        self.home = home
        self.services = {service.name: service for service in services}
        self._lock = threading.Lock()
        self._state = home / "state.json"
        self._changes = home / "log" / "changes.log"
        self._releases: dict[str, Release] = {}
        self._answers: dict[str, dict[str, Any]] = {}
        self._last_change = FIRST_CHANGE - 1

    def start(self) -> None:
        """Start every service with its baseline configuration."""
        for folder in ("data", "log"):
            (self.home / folder).mkdir(parents=True, exist_ok=True)
        for name in self.services:
            config = settings.baseline(name)
            self._write_config(config)
            order = Order("deploy", f"Start {name} {config.version}", "release-train")
            self._release(config, order, previous="", diff="")

    def stop(self) -> None:
        """Stop the services, those that need others first."""
        for service in reversed(list(self.services.values())):
            service.stop()

    def show(self, name: str) -> dict[str, Any]:
        """Return what a service runs. Raises KeyError for an unknown service."""
        release = self._releases[name]
        running = self._running_version(name)
        return {
            "service": name,
            "version": release.version,
            "previous_version": release.previous_version,
            "change_id": release.change_id,
            "healthy": running == release.version,
            "running_version": running,
            "url": self.services[name].url,
        }

    def deploy(self, name: str, changes: Mapping[str, object], order: Order) -> dict[str, Any]:
        """Release a new version with some settings changed.

        Raises:
            KeyError: there is no such service.
            settings.BadSettings: a setting is unknown or of another type.
        """
        with self._lock:
            current = self._config(name, self._releases[name].version)
            number = max(int(path.stem[1:]) for path in self._folder(name).glob("r*.json")) + 1
            new = settings.changed(current, f"r{number}", changes)
            self._write_config(new)
            return self._release(new, order, previous=current.version, diff=_diff(current, new))

    def roll_back(
        self, name: str, change_id: str, to_version: str, request_id: str, actor: str
    ) -> dict[str, Any]:
        """Go back to the version from before a change, once per ``request_id``.

        Raises:
            KeyError: there is no such service.
            Conflict: another change came after this one, or there is no such version.
        """
        with self._lock:
            if request_id in self._answers:
                return self._answers[request_id]
            release = self._releases[name]
            if release.change_id != change_id:
                raise Conflict(
                    f"{name} runs {release.version} since {release.change_id}, not {change_id}."
                )
            if not (self._folder(name) / f"{to_version}.json").exists():
                raise Conflict(f"{name} has no version {to_version!r} to go back to.")
            current, old = self._config(name, release.version), self._config(name, to_version)
            order = Order("config", f"Roll back {change_id} to {to_version}", actor)
            return self._release(
                old, order, previous=current.version, diff=_diff(current, old), request=request_id
            )

    def _release(
        self,
        config: settings.Settings,
        order: Order,
        previous: str,
        diff: str,
        request: str = "",
    ) -> dict[str, Any]:
        """Run a version, check that it serves, and write the change down.

        Raises NotStarted when it does not: no refusal, as the service was touched.
        """
        begun = datetime.datetime.now(datetime.timezone.utc)
        name = config.service
        self.services[name].replace(self._path(config), self.home, self._upstream(name))
        if self._running_version(name) != config.version:
            raise NotStarted(f"{name} does not serve version {config.version} after its restart.")
        self._last_change += 1
        change_id = f"CHG-{self._last_change}"
        self._releases[name] = Release(config.version, previous, change_id)
        change = {
            "time": begun.isoformat(timespec="milliseconds"),
            "change_id": change_id,
            "service": name,
            "kind": order.kind,
            "summary": order.summary,
            "actor": order.actor,
            "version": config.version,
            "previous_version": previous,
            "diff": diff,
        }
        if request:
            self._answers[request] = change
        self._save_state()
        with self._changes.open("a", encoding="utf-8") as feed:
            feed.write(json.dumps(change) + "\n")
        return change

    def _upstream(self, name: str) -> str:
        """Return the URL of the service that this one calls: the one started before it."""
        names = list(self.services)
        place = names.index(name)
        return self.services[names[place - 1]].url if place else ""

    def _running_version(self, name: str) -> str:
        """Return the version that answers on the service's port, empty when none does."""
        with requests.Session() as session:
            session.trust_env = False
            try:
                answer = session.get(f"{self.services[name].url}/health", timeout=HEALTH_SECONDS)
                return str(answer.json()["version"])
            except (requests.RequestException, KeyError):
                return ""

    def _folder(self, name: str) -> Path:
        return self.home / "config" / name

    def _path(self, config: settings.Settings) -> Path:
        return self._folder(config.service) / f"{config.version}.json"

    def _config(self, name: str, version: str) -> settings.Settings:
        return settings.load(self._folder(name) / f"{version}.json")

    def _write_config(self, config: settings.Settings) -> None:
        path = self._path(config)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(config.to_json(), encoding="utf-8")

    def _save_state(self) -> None:
        document = {
            "releases": {name: asdict(release) for name, release in self._releases.items()},
            "answers": self._answers,
        }
        new = self._state.with_suffix(".new")
        new.write_text(json.dumps(document, indent=1), encoding="utf-8")
        new.replace(self._state)


def _diff(before: settings.Settings, after: settings.Settings) -> str:
    """Return the settings that differ, as ``-key: old`` and ``+key: new`` lines."""
    lines = []
    for key in sorted(before.values):
        if before.values[key] != after.values[key]:
            lines += [f"-{key}: {before.values[key]}", f"+{key}: {after.values[key]}"]
    return "\n".join(lines)

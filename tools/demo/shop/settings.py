"""The versioned configuration files of the shop's services.

A file is JSON: ``{"service": "orders", "version": "r42", "settings": {...}}``. A version is never
changed once written: a new configuration is a new file.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

Value = int | float | str

BASELINE: dict[str, tuple[str, dict[str, Value]]] = {
    "bank": (
        "r7",
        {"latency.min_ms": 20, "latency.max_ms": 80, "statement.currency": "EUR"},
    ),
    "payments": (
        "r17",
        {
            "bank.connect_timeout_seconds": 1.0,
            "bank.read_timeout_seconds": 2.0,
            "db.pool_size": 5,
            "receipt.prefix": "SHOP",
        },
    ),
    "orders": (
        "r41",
        {
            "db.pool_size": 5,
            "db.max_overflow": 5,
            "db.pool_timeout_seconds": 2.0,
            "payments.timeout_seconds": 3.0,
            "page.size": 20,
        },
    ),
}
"""The configuration that each service starts with: its version and settings."""


class BadSettings(Exception):
    """A configuration can't be used; the text says which key and why."""


@dataclass(frozen=True)
class Settings:
    """One version of one service's configuration."""

    service: str
    version: str
    values: Mapping[str, Value]

    def number(self, key: str) -> float:
        """Return a setting that must be a number."""
        value = self.values[key]
        if isinstance(value, str):
            raise BadSettings(f"{self.service} {self.version}: {key} is {value!r}, not a number.")
        return value

    def text(self, key: str) -> str:
        """Return a setting as text."""
        return str(self.values[key])

    def to_json(self) -> str:
        """Return the file's content: one setting a line, sorted, so that versions diff well."""
        document = {
            "service": self.service,
            "version": self.version,
            "settings": dict(sorted(self.values.items())),
        }
        return json.dumps(document, indent=2) + "\n"


def baseline(service: str) -> Settings:
    """Return the configuration that a service starts with."""
    version, values = BASELINE[service]
    return Settings(service, version, values)


def load(path: Path) -> Settings:
    """Read a configuration file.

    Raises:
        BadSettings: a key is missing or unknown, or its value is of another type.
    """
    document = json.loads(path.read_text(encoding="utf-8"))
    return changed(baseline(document["service"]), document["version"], document["settings"])


def changed(current: Settings, version: str, changes: Mapping[str, object]) -> Settings:
    """Return ``current`` with some settings changed, as a new version.

    Raises:
        BadSettings: a key is unknown, or a value's type is not that of the setting.
    """
    values = dict(current.values)
    for key, value in changes.items():
        if key not in values:
            raise BadSettings(f"{current.service} has no setting {key!r}.")
        expected = str if isinstance(values[key], str) else (int, float)
        if not isinstance(value, expected) or isinstance(value, bool):
            raise BadSettings(f"{current.service}: {key} can't be {value!r}.")
        values[key] = value
    return Settings(current.service, version, values)

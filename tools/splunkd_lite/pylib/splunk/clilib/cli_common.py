"""Configuration of the server as apps read it without a session key: from the files."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any

__all__ = [
    "getConfKeyValue",
    "getConfStanza",
    "getMergedConf",
    "getMgmtUri",
]  # fmt: skip


def getMgmtUri() -> str:
    """The management port's address."""
    scheme = (
        "https" if _true(getConfKeyValue("server", "sslConfig", "enableSplunkdSSL")) else "http"
    )
    return "{}://{}".format(scheme, getConfKeyValue("web", "settings", "mgmtHostPort"))


def getMergedConf(confName: str) -> dict[str, dict[str, str]]:
    """All stanzas, merged in the order of the global context."""
    etc = Path(os.environ["SPLUNK_HOME"]) / "etc"
    apps = sorted((etc / "apps").iterdir(), reverse=True) if (etc / "apps").is_dir() else []
    folders = [etc / "system" / "default"]
    folders += [app / layer for layer in ("default", "local") for app in apps]
    folders += [etc / "system" / "local"]
    return _merge(folder / f"{confName}.conf" for folder in folders)


def getConfStanza(confName: str, stanza: str) -> dict[str, str]:
    """One stanza; an unknown one is empty."""
    return getMergedConf(confName).get(stanza, {})


def getConfKeyValue(confName: str, stanza: str, key: str) -> str:
    """One setting.

    Raises:
        KeyError: there is none.
    """
    settings = getConfStanza(confName, stanza)
    if key not in settings:
        raise KeyError(f"{confName}.conf has no {key} in [{stanza}]")
    return settings[key]


def _merge(paths: Iterable[Path]) -> dict[str, dict[str, str]]:
    """The stanzas of files, later ones winning."""
    merged: dict[str, dict[str, str]] = {}
    for path in paths:
        for stanza, settings in _read(path).items():
            merged.setdefault(stanza, {}).update(settings)
    return merged


def _read(path: Path) -> dict[str, dict[str, str]]:
    stanzas: dict[str, dict[str, str]] = {}
    current: dict[str, str] | None = None
    if not path.is_file():
        return stanzas
    text = path.read_text(encoding="utf-8").replace("\\\n", "")
    for line in text.splitlines():
        line = line.strip()
        if not line or line.startswith("#"):
            continue
        if line.startswith("[") and line.endswith("]"):
            current = stanzas.setdefault(line[1:-1], {})
        elif "=" in line:
            current = stanzas.setdefault("default", {}) if current is None else current
            key, _, value = line.partition("=")
            current[key.strip()] = value.strip()
    return stanzas


def _true(value: Any) -> bool:
    return str(value).strip().lower() in ("1", "true", "t", "yes", "y")


def __getattr__(name: str) -> Any:
    if name.startswith("__"):
        raise AttributeError(name)
    raise AttributeError(f"splunk.clilib.cli_common.{name} is not provided by this stand-in")

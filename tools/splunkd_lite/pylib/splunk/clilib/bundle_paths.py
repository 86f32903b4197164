"""Paths below SPLUNK_HOME."""

from __future__ import annotations

import os
from typing import Any

__all__ = ["make_splunkhome_path"]


def make_splunkhome_path(parts: Any) -> str:
    """An absolute path below SPLUNK_HOME; what would leave it raises ValueError."""
    home = os.path.normpath(os.environ["SPLUNK_HOME"])
    path = os.path.normpath("/".join([home, *parts]))
    if path != home and not path.startswith(home + os.sep):
        raise ValueError(f'Illegal escape from parent directory "{home}": {path}')
    return path


def __getattr__(name: str) -> Any:
    if name.startswith("__"):
        raise AttributeError(name)
    raise AttributeError(f"splunk.clilib.bundle_paths.{name} is not provided by this stand-in")

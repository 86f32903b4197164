"""Reading and writing one ``.conf`` or ``.meta`` file.

The format, as "Configuration file structure" in the Admin manual and the ``*.conf.spec`` files
describe it: ``[stanza]`` lines, ``key = value`` lines, ``#`` comments at the start of a line, a
value continued by a backslash at the end of its line (the line break stays in the value), and
settings before the first stanza belonging to ``[default]``.
"""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from typing import Mapping

__all__ = ["Stamp", "Stanzas", "parse", "read", "render", "stamp", "write"]

Stanzas = dict[str, dict[str, str]]
Stamp = tuple[int, int, int]


def parse(text: str) -> Stanzas:
    """Parse a file's text. A repeated stanza adds to the first; a repeated key: last one wins."""
    stanzas: Stanzas = {}
    current = "default"
    lines = iter(text.removeprefix("\ufeff").splitlines())
    for line in lines:
        stripped = line.strip()
        if not stripped or stripped.startswith("#"):
            continue
        if stripped.startswith("[") and stripped.endswith("]"):
            current = stripped[1:-1]
            stanzas.setdefault(current, {})
            continue
        key, separator, value = line.partition("=")
        if not separator:
            continue
        parts = [value]
        while parts[-1].endswith("\\"):
            parts[-1] = parts[-1][:-1]
            following = next(lines, None)
            if following is None:
                break
            parts.append(following)
        stanzas.setdefault(current, {})[key.strip()] = "\n".join(parts).strip()
    return stanzas


def render(stanzas: Mapping[str, Mapping[str, str]]) -> str:
    """The text that :func:`parse` reads back."""
    blocks = []
    for name, settings in stanzas.items():
        lines = [f"[{name}]"]
        lines += [f"{key} = " + value.replace("\n", "\\\n") for key, value in settings.items()]
        blocks.append("\n".join(lines) + "\n")
    return "\n".join(blocks)


def read(path: Path) -> Stanzas:
    """The stanzas of a file; none if there is no such file."""
    try:
        return parse(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}


def stamp(path: str | Path) -> Stamp | None:
    """What changes when a file does (its number, time and size); None if there is no such file."""
    try:
        status = os.stat(path)  # noqa: PTH116 - thousands of times a second
    except (FileNotFoundError, NotADirectoryError):
        return None
    return status.st_ino, status.st_mtime_ns, status.st_size


def write(path: Path, stanzas: Mapping[str, Mapping[str, str]], mode: int = 0o600) -> None:
    """Replace a file in one step, so that a crash leaves the old or the new one."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as stream:
            stream.write(render(stanzas))
            stream.flush()
            os.fsync(stream.fileno())
        Path(temporary).chmod(mode)
        Path(temporary).replace(path)
    except OSError:
        Path(temporary).unlink(missing_ok=True)
        raise

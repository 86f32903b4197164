"""The built app, unpacked once for all tests instead of once for each.

Its ``lib``, which is most of it, is a link to one folder that every install shares, so that it is
copied and compiled once. Nothing writes into it but Python, which keeps compiled files there.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import sys
import tarfile
import tempfile
import time
from contextlib import suppress
from functools import lru_cache
from pathlib import Path

__all__ = ["APP", "APP_PYTHON", "package", "share_compiled", "unpacked"]

ROOT = Path(__file__).parents[1]
APP = "incident_management"
APP_PYTHON = os.environ.get("APP_PYTHON", sys.executable)
"""The interpreter of the app's own processes, as Splunk brings its own."""
OLD_SECONDS = 3600
_KEPT = ROOT / ".build" / "unpacked"


def package() -> Path:
    """Return the package to test: ``INCIDENT_MANAGEMENT_PACKAGE``, else the newest in ``dist``."""
    named = os.environ.get("INCIDENT_MANAGEMENT_PACKAGE")
    found = [Path(named)] if named else sorted((ROOT / "dist").glob(f"{APP}-*.tar.gz"))
    assert found, "There is no package in dist/: run ./build.sh package first."
    return found[-1]


@lru_cache(maxsize=1)
def unpacked() -> Path:
    """Return the app's folder as it ships. Copy it; never change it."""
    packed = package().read_bytes()
    place = _KEPT / hashlib.sha256(packed).hexdigest()[:16]
    if not place.exists():
        _KEPT.mkdir(parents=True, exist_ok=True)
        for old in _KEPT.iterdir():  # left by earlier builds, no test run uses these any more
            with suppress(FileNotFoundError):  # another process has put its own copy in place
                if old.stat().st_mtime < time.time() - OLD_SECONDS:
                    shutil.rmtree(old, ignore_errors=True)
        making = Path(tempfile.mkdtemp(dir=_KEPT))
        with tarfile.open(package()) as tar:
            tar.extractall(making, filter="data")
        (making / APP / "lib").rename(making / "lib")
        (making / APP / "lib").symlink_to(place / "lib")
        try:
            making.rename(place)
        except OSError:  # another process was first
            assert place.exists()
    return place / APP


def share_compiled(app: Path) -> None:
    """Let the programs of equal installs compile each module of ``bin`` once.

    Python takes a compiled file only for a source of the same time and size, so these name the
    folder; it writes them whole, so any number of processes may share it.
    """
    sources = sorted((app / "bin").rglob("*.py"))
    seen = [(str(one.relative_to(app)), one.stat().st_size, one.stat().st_mtime) for one in sources]
    shared = _KEPT / f"{app.name}-{hashlib.sha256(repr(seen).encode()).hexdigest()[:16]}"
    for folder in {source.parent for source in sources}:
        compiled = shared / folder.relative_to(app)
        compiled.mkdir(parents=True, exist_ok=True)
        (folder / "__pycache__").symlink_to(compiled)

"""Builds the Dashboard Studio bundle: Splunk's own dashboard packages from npm, by esbuild.

The bundle is made once into ``.build/web/studio`` and again only when its sources change. Without
Node the dashboards say what to install, and everything else works.
"""

from __future__ import annotations

import fcntl
import hashlib
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tools.splunkd_lite.web.node import Node, NodeMissingError, find_node

SOURCES = Path(__file__).resolve().parent / "studio"
BUILD = Path(__file__).resolve().parents[3] / ".build" / "web"
OUTPUT = BUILD / "studio"
STEP_SECONDS = 900
"""Longest time for `npm ci` or the bundler; beyond it the build fails."""
_INPUTS = ("package.json", "package-lock.json", ".npmrc", "build.mjs")


class StudioUnavailableError(Exception):
    """The bundle is not there and can't be made; the text is one sentence that says why."""


def build_studio() -> Path:
    """Return the folder with ``studio.js`` and ``studio.css``, building it if its sources changed.

    Raises StudioUnavailableError when Node is missing or too old, or a build step fails.
    """
    digest = _digest()
    if _is_current(digest):
        return OUTPUT
    try:
        node = find_node()
    except NodeMissingError as error:
        raise StudioUnavailableError(str(error)) from error
    BUILD.mkdir(parents=True, exist_ok=True)
    with _lock():
        if not _is_current(digest):
            _build(node, digest)
    return OUTPUT


def _is_current(digest: str) -> bool:
    stamp = OUTPUT / "sources.sha256"
    return stamp.is_file() and stamp.read_text(encoding="ascii") == digest


def _files() -> list[Path]:
    return [SOURCES / name for name in _INPUTS] + sorted((SOURCES / "src").rglob("*.js*"))


def _digest() -> str:
    total = hashlib.sha256()
    for path in _files():
        total.update(str(path.relative_to(SOURCES)).encode() + b"\0" + path.read_bytes() + b"\0")
    return total.hexdigest()


@contextmanager
def _lock() -> Iterator[None]:
    """Let one process build while others wait for its result."""
    with (BUILD / "lock").open("w") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield


def _build(node: Node, digest: str) -> None:
    work = BUILD / "work"
    work.mkdir(parents=True, exist_ok=True)
    shutil.rmtree(work / "src", ignore_errors=True)
    for path in _files():
        target = work / path.relative_to(SOURCES)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, target)
    lock = (SOURCES / "package-lock.json").read_bytes()
    installed = work / "node_modules" / ".installed.sha256"
    wanted = hashlib.sha256(lock).hexdigest()
    if not installed.is_file() or installed.read_text(encoding="ascii") != wanted:
        _say("Fetching the dashboards' packages from npm: a minute or two, the first time …")
        _step([*node.npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund"], work)
        installed.write_text(wanted, encoding="ascii")
    shutil.rmtree(work / "dist", ignore_errors=True)
    _say("Bundling the dashboards …")
    _step([node.node, "build.mjs", "dist"], work)
    shutil.rmtree(OUTPUT, ignore_errors=True)
    shutil.copytree(work / "dist", OUTPUT)
    (OUTPUT / "sources.sha256").write_text(digest, encoding="ascii")


def _step(command: list[str], folder: Path) -> None:
    done = subprocess.run(
        command, cwd=folder, capture_output=True, text=True, timeout=STEP_SECONDS, check=False
    )
    if done.returncode != 0:
        name = " ".join(Path(part).name for part in command[:3])
        raise StudioUnavailableError(
            f"Building the dashboards failed at `{name}`: {_reason(done.stderr or done.stdout)}"
        )


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def _reason(output: str) -> str:
    """Return the line of a tool's output that says what went wrong; npm says it first."""
    lines = [line.removeprefix("npm error").strip() for line in output.splitlines()]
    telling = [line for line in lines if line and not line.startswith(("code ", "npm warn"))]
    return telling[0] if telling else "it said nothing."


class Bundle:
    """The bundle as a page sees it: ready, being built, or unavailable with a reason."""

    def __init__(self) -> None:
        self._thread: threading.Thread | None = None
        self._problem = ""
        self._ready = False
        self._start = threading.Lock()

    def state(self) -> tuple[str, str]:
        """Return ("ready" | "building" | "unavailable", reason); the first call starts a build."""
        with self._start:
            if self._ready or _is_current(_digest()):
                self._ready = True
                return "ready", ""
            if self._problem:
                return "unavailable", self._problem
            if self._thread is None or not self._thread.is_alive():
                self._thread = threading.Thread(target=self._run, name="studio-build", daemon=True)
                self._thread.start()
            return "building", ""

    def _run(self) -> None:
        try:
            build_studio()
        except (StudioUnavailableError, OSError, subprocess.SubprocessError) as error:
            self._problem = str(error)


def main() -> int:
    """Build it; what is wrong is one line."""
    try:
        build_studio()
    except (StudioUnavailableError, OSError, subprocess.SubprocessError) as error:
        _say(str(error))
        return 1
    except KeyboardInterrupt:
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())

"""Builds the app's tarball with the UCC framework, the same bytes from the same sources.

UCC rewrites its own inputs, so it works on a copy. The tarball's entries are sorted, owned by
nobody in particular and dated with the last commit, and gzip's header carries no time of its own.
"""

from __future__ import annotations

import argparse
import fcntl
import gzip
import hashlib
import io
import json
import os
import shutil
import subprocess
import sys
import tarfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from tools import guides

ROOT = Path(__file__).resolve().parent.parent
APP = "incident_management"
SOURCES = (
    *("package", "package_extra", "globalConfig.json", "additional_packaging.py", "LICENSE"),
    *("README.md", "docs"),
)
PIP_VERSION = "26.0.1"  # newer ones refuse `pip show --version`, which UCC calls
EXECUTABLE, PLAIN, FOLDER = 0o755, 0o644, 0o755
EPOCH_WITHOUT_GIT = 1_700_000_000


class BuildError(Exception):
    """The package could not be built; the text says why."""


def source_files() -> Iterator[Path]:
    """Yield every file that the package is made of, sorted by path."""
    for name in SOURCES:
        path = ROOT / name
        files = [path] if path.is_file() else path.rglob("*")
        yield from sorted(f for f in files if f.is_file() and "__pycache__" not in f.parts)


def fingerprint() -> str:
    """Return a hash of every source file's path and bytes, and of this builder."""
    digest = hashlib.sha256(Path(__file__).read_bytes())
    digest.update(Path(guides.__file__).read_bytes())
    digest.update(str(commit_time()).encode())
    for path in source_files():
        digest.update(str(path.relative_to(ROOT)).encode() + b"\0" + path.read_bytes() + b"\0")
    return digest.hexdigest()


def commit_time() -> int:
    """Return the time that the tarball's entries carry, as epoch seconds: the last commit's."""
    if "SOURCE_DATE_EPOCH" in os.environ:
        return int(os.environ["SOURCE_DATE_EPOCH"])
    command = ["git", "-C", str(ROOT), "log", "-1", "--format=%ct"]
    try:
        result = subprocess.run(command, capture_output=True, text=True, check=False)
    except FileNotFoundError:  # a machine without git, with an archive of the sources
        return EPOCH_WITHOUT_GIT
    return int(result.stdout) if result.returncode == 0 and result.stdout else EPOCH_WITHOUT_GIT


def stage(folder: Path) -> None:
    """Copy the sources to where UCC may rewrite them."""
    shutil.rmtree(folder, ignore_errors=True)
    for path in source_files():
        target = folder / path.relative_to(ROOT)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, target)
    shutil.copyfile(ROOT / "LICENSE", folder / "package" / "LICENSE")


def run_ucc(ucc: Path, folder: Path, output: Path, version: str) -> None:
    """Run ``ucc-gen build`` on the staged sources.

    Raises:
        BuildError: UCC failed; its last lines are in the text.
    """
    command = [
        # By the environment's own Python: the first line of ucc-gen still names the folder in which
        # the environment was made, after a checkout was moved.
        str(ucc / "python"), str(ucc / "ucc-gen"), "build", "--source", str(folder / "package"),
        "--ta-version", version, "-o", str(output), "--overwrite",
        "--python-binary-name", str(ucc / "python"), "--pip-version", PIP_VERSION,
        "--pip-custom-flag=--no-compile --ignore-installed --no-deps --no-build-isolation "
        "--only-binary=:all: --no-binary=splunk-sdk",
    ]  # fmt: skip
    environment = {**os.environ, "SOURCE_DATE_EPOCH": str(commit_time())}
    result = subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, check=False
    )
    said = result.stdout + result.stderr
    # UCC ends with 0 after an exception of its own, and leaves half an app behind.
    complete = (output / APP / "bin" / APP / "__init__.py").is_file()
    if result.returncode != 0 or "Uncaught exception" in said or not complete:
        raise BuildError(complaint(said))


def complaint(said: str) -> str:
    """Return what of UCC's output tells why it failed."""
    noise = ("INFO: ", "WARNING: The field ")
    told = "\n".join(line for line in said.splitlines() if not line.startswith(noise))[-4000:]
    if "Command (pip install) returned" not in said:
        return f"UCC failed:\n{told}"
    return (
        f"{told.strip()}\nWhat package/lib/requirements.txt lists can't be installed, see above. A "
        "machine that reaches no package index takes it from a folder that holds it: set "
        "PIP_NO_INDEX=1 and PIP_FIND_LINKS=<folder>."
    )


def write_guides(folder: Path) -> None:
    """Write the guides as pages that the app's menu leads to."""
    folder.mkdir()
    for name, page in guides.pages().items():
        (folder / name).write_text(page, encoding="utf-8")


def archive(app: Path, target: Path, mtime: int) -> None:
    """Write the app's folder as a gzipped tarball that depends on nothing but its content."""
    target.parent.mkdir(parents=True, exist_ok=True)
    with (
        target.open("wb") as raw,
        gzip.GzipFile(filename="", fileobj=raw, mode="wb", compresslevel=9, mtime=mtime) as zipped,
        tarfile.open(fileobj=zipped, mode="w", format=tarfile.PAX_FORMAT) as tar,
    ):
        for path in [app, *sorted(app.rglob("*"))]:
            add_entry(tar, path, str(path.relative_to(app.parent)), mtime)


def add_entry(tar: tarfile.TarFile, path: Path, name: str, mtime: int) -> None:
    """Add one file or folder under ``name``."""
    entry = tarfile.TarInfo(name)
    entry.mtime = mtime
    if path.is_dir():
        entry.type, entry.mode = tarfile.DIRTYPE, FOLDER
        tar.addfile(entry)
        return
    content = path.read_bytes()
    entry.size = len(content)
    entry.mode = EXECUTABLE if content.startswith(b"#!") and path.suffix == ".sh" else PLAIN
    tar.addfile(entry, io.BytesIO(content))


def build(ucc: Path, work: Path, dist: Path, if_changed: bool) -> Path:
    """Build the tarball, and leave the unpacked app in ``work``.

    Args:
        ucc: the ``bin`` folder of the environment that holds ``ucc-gen``.
        work: a folder to work in.
        dist: where the tarball goes.
        if_changed: keep the tarball that is there when its sources are the same.
    """
    target = dist / f"{APP}-{app_version()}.tar.gz"
    with only_builder(work):
        stamp, mark = work / "fingerprint", fingerprint()
        fresh = stamp.exists() and stamp.read_text(encoding="utf-8") == mark and target.exists()
        if if_changed and fresh:
            return target
        print("Building the package: about a minute …", file=sys.stderr, flush=True)
        stamp.unlink(missing_ok=True)
        stage(work / "stage")
        run_ucc(ucc, work / "stage", work / "output", app_version())
        app = work / APP
        shutil.rmtree(app, ignore_errors=True)
        (work / "output" / APP).rename(app)
        write_guides(app / "appserver" / "static" / "guides")
        archive(app, target, commit_time())
        stamp.write_text(mark, encoding="utf-8")
    return target


def app_version() -> str:
    """Return the app's version, as globalConfig.json has it."""
    config = json.loads((ROOT / "globalConfig.json").read_text(encoding="utf-8"))
    return str(config["meta"]["version"])


@contextmanager
def only_builder(work: Path) -> Iterator[None]:
    """Let one build work in the folder at a time: a second one waits for the first."""
    work.mkdir(parents=True, exist_ok=True)
    with (work / "lock").open("w") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield


def main(arguments: Sequence[str] | None = None) -> int:
    """Command line: see ``--help``."""
    parser = argparse.ArgumentParser(prog="tools.packaging", description=__doc__)
    parser.add_argument("--ucc", type=Path, required=True)
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--dist", type=Path, required=True)
    parser.add_argument("--if-changed", action="store_true")
    options = parser.parse_args(arguments)
    try:
        target = build(
            options.ucc.absolute(),
            options.work.absolute(),
            options.dist.absolute(),
            options.if_changed,
        )
    except (BuildError, OSError) as error:
        print(f"package: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    digest = hashlib.sha256(target.read_bytes()).hexdigest()
    size = target.stat().st_size / 1e6
    print(f"{os.path.relpath(target)}  {size:.2f} MB  sha256 {digest[:16]}", file=sys.stderr)
    return 0


if __name__ == "__main__":
    sys.exit(main())

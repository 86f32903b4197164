"""Lays out a ``SPLUNK_HOME`` and installs apps into it.

Source: "Directory structure of a Splunk app" and "Splunk Enterprise directory structure" in
Splunk's manuals. Installing an app is unpacking it under ``etc/apps``; its ``local`` folder and
``metadata/local.meta`` survive an upgrade.
"""

from __future__ import annotations

import shutil
import tarfile
import tempfile
import uuid
from pathlib import Path

from tools.splunkd_lite import conffile
from tools.splunkd_lite.errors import SplunkdError

__all__ = ["install_app", "prepare_home"]

_DEFAULTS = Path(__file__).parent / "defaults"
_FOLDERS = (
    "etc/apps etc/system/default etc/system/local etc/system/metadata etc/users etc/auth "
    "var/log/splunk var/run/splunk/dispatch var/lib/splunk/modinputs var/spool/splunk"
)


def prepare_home(home: Path) -> None:
    """Create what is missing and refresh what ships with Splunk itself."""
    for folder in _FOLDERS.split():
        (home / folder).mkdir(parents=True, exist_ok=True)
    for source in _DEFAULTS.glob("*.conf"):
        shutil.copyfile(source, home / "etc/system/default" / source.name)
    shutil.copyfile(_DEFAULTS / "default.meta", home / "etc/system/metadata/default.meta")
    for app in (_DEFAULTS / "apps").iterdir():
        shutil.copytree(app, home / "etc/apps" / app.name, dirs_exist_ok=True)
    instance = home / "etc/instance.cfg"
    if not instance.exists():
        conffile.write(instance, {"general": {"guid": str(uuid.uuid4()).upper()}})


def install_app(home: Path, source: Path) -> str:
    """Install or upgrade an app from a folder or a ``.tar.gz``/``.spl`` and return its id.

    Raises:
        SplunkdError: 400, not an app (no single top folder with ``default/app.conf``), or the
            archive holds a path outside of it.
    """
    source = source.resolve()
    if source.is_dir():
        return _place(home, source, source.name)
    if not source.is_file():
        raise SplunkdError(400, f"There is no app at {source}.")
    with tempfile.TemporaryDirectory(prefix="app-", dir=home / "var/run/splunk") as temporary:
        try:
            with tarfile.open(source) as archive:
                archive.extractall(temporary, filter="data")
        except tarfile.TarError as error:
            raise SplunkdError(
                400, f"{source.name} is not a usable app package: {error}"
            ) from error
        folders = [path for path in Path(temporary).iterdir() if not path.name.startswith(".")]
        if len(folders) != 1 or not folders[0].is_dir():
            raise SplunkdError(400, f"{source.name} must hold exactly one folder, the app.")
        return _place(home, folders[0], folders[0].name)


def _place(home: Path, folder: Path, name: str) -> str:
    settings = conffile.read(folder / "default" / "app.conf")
    if not (folder / "default").is_dir():
        raise SplunkdError(400, f"{name} is not an app: it has no default folder.")
    app = settings.get("package", {}).get("id") or settings.get("id", {}).get("name") or name
    target = home / "etc" / "apps" / app
    if folder == target.resolve():
        return app
    if target.exists():
        for path in target.iterdir():
            if path.name not in ("local", "metadata", "lookups"):
                shutil.rmtree(path) if path.is_dir() and not path.is_symlink() else path.unlink()
    shutil.copytree(folder, target, symlinks=True, dirs_exist_ok=True, ignore=_ignore)
    return app


def _ignore(_folder: str, names: list[str]) -> set[str]:
    return {name for name in names if name == "__pycache__" or name.endswith(".pyc")}

"""What ``serve`` prints when everything runs, and the first password until then."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tools.splunkd_lite.core import Splunk

__all__ = ["greet", "keep_password"]


def keep_password(splunk: Splunk, made: bool) -> None:
    """Keep the password of a new home until it is shown: its first start may fail.

    ``made``: no password was given.
    """
    kept = _kept(splunk)
    if not made:
        kept.unlink(missing_ok=True)
    elif splunk.admin_password:
        with os.fdopen(os.open(kept, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
            file.write(splunk.admin_password)
    elif kept.exists():
        splunk.admin_password = kept.read_text()


def _kept(splunk: Splunk) -> Path:
    return splunk.home / "var" / "run" / "splunk" / "admin-password"


def greet(splunk: Splunk, shown: bool) -> None:
    """Say where everything is. ``shown``: print the password that was made for a new home."""
    lines: list[tuple[str, str]] = []
    if splunk.web_port:
        web = f"http://127.0.0.1:{splunk.web_port}/en-US/app"
        lines.append(("Search", f"{web}/search/search"))
        lines += [(label, f"{web}/{app}/") for app, label in _apps(splunk)]
    lines.append(("User", f"admin, {_password(splunk, shown)}"))
    lines.append(("REST", splunk.mgmt_uri))
    if splunk.hec_port:
        lines.append(("HEC", f"{splunk.scheme}://127.0.0.1:{splunk.hec_port}"))
    lines.append(("Logs", f"{splunk.home}/var/log/splunk/"))
    lines += [("Note", note) for note in splunk.servers.notes]
    width = max(len(name) for name, _ in lines)
    print("\n".join(["", *(f"  {name:<{width}}  {text}" for name, text in lines)]))
    print("\nCtrl-C stops it. What was stored is there again at the next start.\n")
    sys.stdout.flush()
    _kept(splunk).unlink(missing_ok=True)


def _password(splunk: Splunk, shown: bool) -> str:
    if not shown:
        return "password from SPLUNK_PASSWORD"
    if not splunk.admin_password:
        return "with the password of the first start (to change it, set SPLUNK_PASSWORD)"
    return f"password {splunk.admin_password} (shown only this once)"


def _apps(splunk: Splunk) -> list[tuple[str, str]]:
    """Visible apps that were installed, with their labels."""
    found = []
    for app in splunk.conf.apps():
        ui = splunk.conf.stanzas("app", app).get("ui", {})
        if app not in ("search", "splunk_httpinput") and ui.get("is_visible", "0") in ("1", "true"):
            found.append((app, ui.get("label", app)))
    return found

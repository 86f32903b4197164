"""What ``serve`` prints when everything runs."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tools.splunkd_lite.core import Splunk

__all__ = ["greet"]


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

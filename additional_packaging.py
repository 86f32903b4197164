"""What the UCC framework calls at the end of its build, to finish the package.

What UCC does not do: append our REST endpoints to the files that it generates (a file of ours in
``package/default/`` would replace them), say in the spec files what a setting of the configuration
page means, keep only the parts of the libraries that the app uses, and make the one change to
botocore that Splunk's vetting asks for.
"""

from __future__ import annotations

import json
import os
import re
import shutil
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parent

# The AWS services that the app calls. Each costs its model file, about 0.1 MB for these.
AWS_SERVICES = frozenset({"bedrock-runtime", "ecs", "lambda", "sts"})

# botocore's client-side monitoring opens a UDP socket, which AppInspect's cloud checks refuse. It
# is off unless AWS_CSM_ENABLED is set, and the app never sets it.
UDP_SOCKET = "socket=socket.socket(socket.AF_INET, socket.SOCK_DGRAM),"

# Of no use to the app at run time: command-line entry points, tests, type stubs, what pip leaves,
# slack_sdk under its old name.
USELESS = ("bin", "slack", "*/tests",
           "*.dist-info/RECORD", "*.dist-info/INSTALLER", "*.dist-info/REQUESTED",
           "*.dist-info/direct_url.json", "requirements.txt", "exclude.txt",
           "boto3/data/*/", "boto3/examples", "**/examples-1.json", "**/__pycache__")  # fmt: skip


def cleanup_output_files(output_path: str, ta_name: str) -> None:
    """Finish the app that UCC has just put together.

    Args:
        output_path: UCC's output folder.
        ta_name: the app's id, the name of its folder in there.

    Raises:
        RuntimeError: the libraries are not what this step was written for.
    """
    app = Path(output_path) / ta_name
    append_custom_confs(app)
    document_settings(app)
    drop_triggers(app / "default" / "app.conf")
    date_the_build(app)
    trim_libraries(app / "lib")
    drop_udp_socket(app / "lib" / "botocore" / "session.py")
    refuse_compiled_modules(app)


def append_custom_confs(app: Path) -> None:
    """Add each ``package_extra/<name>.custom.conf`` to the app's ``default/<name>.conf``.

    And ``<name>.custom.conf.spec`` to ``README/<name>.conf.spec``.
    """
    for extra in sorted((ROOT / "package_extra").glob("*.custom.conf*")):
        folder = app / ("README" if extra.suffix == ".spec" else "default")
        target = folder / extra.name.replace(".custom.conf", ".conf")
        generated = target.read_text(encoding="utf-8") if target.exists() else ""
        added = extra.read_text(encoding="utf-8")
        target.write_text(with_addition(generated, added), encoding="utf-8")


def with_addition(generated: str, added: str) -> str:
    """Return a file with more: each part, between empty lines, in the stanza that it begins with.

    A part that begins with no stanza of the file comes to its end.
    """
    text = generated.rstrip()
    for part in added.strip().split("\n\n"):
        head, _, lines = part.partition("\n")
        if head.startswith("[") and head in text.splitlines():
            before, after = re.split(rf"(?m)^{re.escape(head)}\n", text, maxsplit=1)
            text = f"{before}{head}\n{lines}\n{after}"
        else:
            text = f"{text}\n\n{part}" if text else part
    return f"{text}\n"


def document_settings(app: Path) -> None:
    """Say in the spec files of what the configuration page saves what its help says."""
    specs: dict[str, str] = {}
    for tab in configuration_tabs():
        # A tab of another file than UCC's own is documented in that file's spec.
        if "entity" in tab and "conf" not in tab:
            kind, stanza = (tab["name"], "<name>") if "table" in tab else ("settings", tab["name"])
            fields = "\n".join(field_documented(e) for e in tab["entity"] if e["field"] != "name")
            specs.setdefault(kind, "")
            specs[kind] += f"[{stanza}]\n* Configuration > {tab['title']}.\n\n{fields}\n"
    specs["settings"] += (
        "[logging]\n* Configuration > Logging.\n\nloglevel = DEBUG|INFO|WARNING|ERROR|CRITICAL\n"
        "* From which level on the app's own logs are written.\n* Default: INFO\n"
    )
    for kind, text in specs.items():
        path = app / "README" / f"incident_management_{kind}.conf.spec"
        # Of its tables, UCC writes that of accounts alone.
        if kind in ("account", "settings") and not path.exists():
            raise RuntimeError(f"UCC writes no {path.name} any more: look again.")
        path.write_text(text, encoding="utf-8")


def field_documented(entity: dict[str, Any]) -> str:
    """Return the lines of a spec file about one field of a page."""
    options = entity.get("options", {}).get("autoCompleteFields", [])
    kind = "|".join(option["value"] for option in options)
    if entity["type"] == "checkbox":
        kind = "<boolean>"
    elif any(validator["type"] == "number" for validator in entity.get("validators", [])):
        kind = "<integer>"
    lines = [f"{entity['field']} = {kind or '<string>'}", f"* {entity['label']}."]
    if "help" in entity:
        lines.append(f"* {entity['help']}")
    if entity.get("encrypted"):
        lines.append("* Kept in Splunk's password store. Set it on the page or by REST, not here.")
    return "\n".join([*lines, f"* Default: {entity.get('defaultValue', 'empty')}", ""])


def drop_triggers(app_conf: Path) -> None:
    """Take out UCC's triggers for files that are not there: those of tabs that name their file."""
    text = app_conf.read_text(encoding="utf-8")
    for tab in configuration_tabs():
        if "conf" in tab:
            text = text.replace(f"reload.incident_management_{tab['name']} = simple\n", "")
    app_conf.write_text(text, encoding="utf-8")


def configuration_tabs() -> list[dict[str, Any]]:
    """Return the tabs of the configuration page."""
    page = json.loads((ROOT / "globalConfig.json").read_text(encoding="utf-8"))
    tabs: list[dict[str, Any]] = page["pages"]["configuration"]["tabs"]
    return tabs


def date_the_build(app: Path) -> None:
    """Date the build with SOURCE_DATE_EPOCH, so that the same sources give the same package.

    UCC writes the time of the build into app.conf and the addresses of its page's scripts. The
    workbench's page, and its script for a dashboard, have the mark ``@build`` there.
    """
    pages = app / "appserver" / "templates"
    app_conf, page = app / "default" / "app.conf", pages / "base.html"
    found = re.findall(r"(?m)^build = (\d+)$", app_conf.read_text(encoding="utf-8"))
    if len(found) != 1:
        raise RuntimeError("app.conf has no single `build` setting to date.")
    for path in (app_conf, page):
        text = path.read_text(encoding="utf-8")
        if found[0] not in text:
            raise RuntimeError(f"{path.name} no longer holds the time of the build: look again.")
        path.write_text(text.replace(found[0], os.environ["SOURCE_DATE_EPOCH"]), encoding="utf-8")
    static = app / "appserver" / "static"
    for path in (pages / "workbench.html", static / "workbench_dashboard.js"):
        text = path.read_text(encoding="utf-8")
        if "/@build/" not in text:
            raise RuntimeError(f"{path.name} no longer says where the build's number goes.")
        text = text.replace("/@build/", f"/@{os.environ['SOURCE_DATE_EPOCH']}/")
        path.write_text(text, encoding="utf-8")


def trim_libraries(lib: Path) -> None:
    """Delete what the app never loads: unused AWS service models, and the ``USELESS`` patterns."""
    services = [entry for entry in (lib / "botocore" / "data").iterdir() if entry.is_dir()]
    missing = AWS_SERVICES - {entry.name for entry in services}
    if missing:
        raise RuntimeError(f"botocore has no model of {', '.join(sorted(missing))}.")
    for entry in services:
        if entry.name not in AWS_SERVICES:
            shutil.rmtree(entry)
    for pattern in USELESS:
        for found in sorted(lib.glob(pattern)):
            if found.is_dir():
                shutil.rmtree(found)
            else:
                found.unlink()


def drop_udp_socket(session: Path) -> None:
    """Take the UDP socket out of botocore's session module."""
    text = session.read_text(encoding="utf-8")
    if text.count(UDP_SOCKET) != 1:
        raise RuntimeError(
            f"{session.name} no longer opens its UDP socket where it did: look again."
        )
    session.write_text(text.replace(UDP_SOCKET, "socket=None,"), encoding="utf-8")


def refuse_compiled_modules(app: Path) -> None:
    """Fail when a compiled module got in: one package serves every platform and Python."""
    compiled = [found for kind in ("*.so", "*.pyd", "*.dylib") for found in app.rglob(kind)]
    if compiled:
        names = ", ".join(str(found.relative_to(app)) for found in compiled)
        raise RuntimeError(f"The package would ship compiled modules: {names}.")

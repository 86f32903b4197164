"""What must hold for the repository itself."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
BINARY = {".png", ".gz", ".ico", ".woff2"}
LIMIT = 512 * 1024
# Written in pieces, so that this file does not find itself.
FORBIDDEN = {
    "a path of one machine": re.compile(r"(?<![\w.$}{/-])/(?:wor" + r"k|roo" + r"t|farm)/\w"),
    "a package registry's host": re.compile(
        "pyp" + r"i\.org|registry\.np" + r"mjs|files\.python" + r"hosted|deb\.deb" + r"ian\.org"
    ),
    "an AWS access key": re.compile(r"\bAKI" + r"A[0-9A-Z]{16}\b"),
    "a Slack token": re.compile(r"\bxox" + r"[bp]-\d{8,}-"),
    "a private key": re.compile("-----BEGIN (?:RSA |EC )?PRIV" + "ATE KEY-----"),
}


def tracked() -> list[Path]:
    git = subprocess.run(["git", "-C", ROOT, "ls-files", "-z"], capture_output=True, check=False)
    if git.returncode != 0:
        pytest.skip("not a git checkout")
    return [ROOT / name for name in git.stdout.decode().split("\0") if name]


@pytest.mark.parametrize("what", FORBIDDEN)
def test_no_tracked_file_holds(what):
    found = []
    for path in tracked():
        if path.suffix in BINARY or not path.is_file():
            continue
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
            if FORBIDDEN[what].search(line):
                found.append(f"{path.relative_to(ROOT)}:{number}: {line.strip()[:120]}")
    assert not found, f"{what}:\n" + "\n".join(found)


def test_no_tracked_file_is_large():
    large = [p for p in tracked() if p.is_file() and p.stat().st_size > LIMIT]
    assert not large


def test_the_licence_is_apache_2():
    text = (ROOT / "LICENSE").read_text(encoding="utf-8")
    assert "Apache License" in text and "Version 2.0, January 2004" in text


def test_the_map_of_the_library_names_each_of_its_folders():
    library = ROOT / "package" / "bin" / "incident_management"
    text = (ROOT / "docs" / "ARCHITECTURE.md").read_text(encoding="utf-8")
    folders = {path.parent for path in tracked() if path.is_relative_to(library)} - {library}
    missing = {f.name for f in folders if not re.search(rf"^ +{f.name}/ ", text, re.M)}
    assert missing == set()


def test_nothing_of_the_library_leans_on_what_runs_it():
    """The worker's folders were imported by the API; what both need lies further in."""
    library = ROOT / "package" / "bin" / "incident_management"
    found = set()
    for path in library.rglob("*.py"):
        text = path.read_text(encoding="utf-8")
        for name in re.findall(r"(?m)^ *from \.+(api|slack_socket|worker)[. ]", text):
            found.add((path.relative_to(library).parts[0], name))
    # A button pressed in Slack is a request to the API, which tells how that connection is.
    assert found == {("slack_socket", "api"), ("api", "slack_socket")}


def anchors(document: Path) -> set[str]:
    """The anchors of a document's headings, as GitHub makes them."""
    text = re.sub(r"```.*?```", "", document.read_text(encoding="utf-8"), flags=re.S)
    headings = (re.sub(r"[^\w\- ]", "", one.lower()) for one in re.findall(r"(?m)^#+ (.*)$", text))
    return {heading.replace(" ", "-") for heading in headings}


def test_the_links_of_the_documents_lead_somewhere():
    dead = []
    for document in (path for path in tracked() if path.suffix == ".md"):
        for link in re.findall(r"\]\(([^)\s]+)\)", document.read_text(encoding="utf-8")):
            name, _, anchor = link.partition("#")
            target = (document.parent / name).resolve() if name else document
            if re.match(r"https?:|mailto:", link):
                continue
            if not target.exists() or (anchor and anchor not in anchors(target)):
                dead.append(f"{document.relative_to(ROOT)}: {link}")
    assert dead == []


@pytest.mark.parametrize(
    "name",
    ["ARCHITECTURE.md", "CHANGING.md", "DATA.md", "LEARNING.md", "TESTING.md", "BENCHMARKS.md"],
)
def test_the_modules_that_a_guide_names_are_there(name):
    files = ["/" + str(path.relative_to(ROOT)) for path in tracked()]
    text = (ROOT / "docs" / name).read_text(encoding="utf-8")
    named = set(re.findall(r"`([\w/]+\.(?:py|js|html))`", text)) - {"pages/splunk_ui_app.html"}
    assert {one for one in named if not any(f.endswith("/" + one) for f in files)} == set()

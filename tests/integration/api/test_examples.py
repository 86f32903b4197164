"""The examples of docs/API.md and each `curl` of the other guides, run as they stand there."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import time
from pathlib import Path
from typing import Any

import pytest

from tests.standin import ADMIN_PASSWORD, StandIn

from .conftest import BASE, Client

DOCS = Path(__file__).resolve().parents[3] / "docs"
DOC = DOCS / "API.md"
NAMED = "https://splunk.example.com:8089" + BASE
SIGNED_IN = "curl -k -u admin "

pytestmark = pytest.mark.skipif(
    not shutil.which("curl"), reason="There is no curl: apt-get install curl."
)


def run(script: str, folder: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["bash", "-c", "set -eu -o pipefail\n" + script],
        env={**os.environ, **environment},
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def test_the_examples_run_and_do_what_they_say(
    standin: StandIn, client: Client, tmp_path: Path
) -> None:
    (examples,) = re.findall(r"```sh\n(.*?)```", DOC.read_text(encoding="utf-8"), re.S)
    assert examples.count(NAMED) == 1
    reply = standin.service().post(
        "authorization/tokens", name="admin", audience="examples", output_mode="json"
    )
    token = re.search(r'"token": ?"([^"]+)"', reply["body"].read().decode())
    assert token
    ran = run(examples.replace(NAMED, standin.splunk.mgmt_uri + BASE), tmp_path, TOKEN=token[1])
    assert ran.returncode == 0, ran.stdout + ran.stderr

    (report,) = tmp_path.glob("INC-*.md")
    assert "Two customers called." in report.read_text(encoding="utf-8")
    incident = client("GET", f"/incidents/{report.stem}").json()
    assert (incident["status"], incident["feedback"]) == ("resolved", "true_positive")
    disk = client("GET", "/incidents", params={"text": "disk almost"}).json()["incidents"]
    assert [one["status"] for one in disk] == ["in_progress"]


def curls_of(guide: Path, standin: StandIn) -> list[str]:
    """The scripts of one guide that sign in as admin, for this stand-in and these days."""
    text = guide.read_text(encoding="utf-8")
    blocks = re.findall(r"(?m)^ *```\n([^`]*)", text)
    lines = re.findall(r"(?<!`)`(curl [^`\n]+)`(?!`)", text)
    found = [part for part in (*blocks, *lines) if SIGNED_IN in part]
    assert text.count("curl ") == sum(part.count(SIGNED_IN) for part in found), guide.name
    signed_in = f"curl -sS --fail-with-body -u admin:{ADMIN_PASSWORD} "
    ahead: list[float] = []

    def moved(time_told: re.Match[str]) -> str:
        ahead.append(int(time_told[2]))
        return f"{time_told[1]}{time.time() + 86400 + ahead[-1] - ahead[0]:.0f}"

    return [
        re.sub(r'("(?:starts|ends)_at": )(\d+)', moved, part)
        .replace(SIGNED_IN, signed_in)
        .replace("https://localhost:8089", standin.splunk.mgmt_uri)
        for part in found
    ]


def test_each_curl_of_the_other_guides_does_what_it_says(
    standin: StandIn, client: Client, tmp_path: Path
) -> None:
    ran: dict[str, int] = {}
    for guide in sorted(DOCS.glob("*.md")):
        for script in curls_of(guide, standin) if guide != DOC else ():
            done = run(script, tmp_path)
            assert done.returncode == 0, f"{guide.name}: {script}\n{done.stdout}{done.stderr}"
            ran[guide.name] = ran.get(guide.name, 0) + 1
    assert set(ran) >= {"ADMIN.md", "LIFECYCLE.md", "REMEDIATION.md"}

    patch_night = {"entity": "web-*", "days": ["fri"], "from_time": "22:00", "to_time": "06:00"}
    weekend = {"tag": "prod", "days": ["sat", "sun"]}
    assert patch_night.items() <= made(client, "suppressions", "patch night").items()
    assert made(client, "freezes", "Christmas trade")["service"] == "shop-*"
    assert weekend.items() <= made(client, "freezes", "Nobody is in at the weekend").items()


def made(client: Client, what: str, reason: str) -> dict[str, Any]:
    """The one that was made for a reason."""
    (found,) = [one for one in client("GET", f"/{what}").json()[what] if one["reason"] == reason]
    return dict(found)

"""The examples of docs/API.md, run as they stand there."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.standin import StandIn

from .conftest import BASE, Client

DOC = Path(__file__).resolve().parents[3] / "docs" / "API.md"
NAMED = "https://splunk.example.com:8089" + BASE


@pytest.mark.skipif(not shutil.which("curl"), reason="There is no curl: apt-get install curl.")
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
    script = "set -eu -o pipefail\n" + examples.replace(NAMED, standin.splunk.mgmt_uri + BASE)
    ran = subprocess.run(
        ["bash", "-c", script],
        env={**os.environ, "TOKEN": token[1]},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr

    (report,) = tmp_path.glob("INC-*.md")
    assert "Two customers called." in report.read_text(encoding="utf-8")
    incident = client("GET", f"/incidents/{report.stem}").json()
    assert (incident["status"], incident["feedback"]) == ("resolved", "true_positive")
    disk = client("GET", "/incidents", params={"text": "disk almost"}).json()["incidents"]
    assert [one["status"] for one in disk] == ["in_progress"]

"""The demo itself, from a package: the loop with everything killed once, and a quiet shop.

These are the longest tests there are, some minutes each. They need ``./build.sh package`` first.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tools.demo.children import REPOSITORY

SECONDS = 420


@pytest.mark.timeout(SECONDS + 30)
@pytest.mark.parametrize(
    "arguments",
    [
        pytest.param(["--fault", "payments", "--kill"], id="nothing-is-lost-or-doubled-by-kill-9"),
        pytest.param(["--fault", "none"], id="a-run-without-a-fault-opens-no-incident"),
    ],
)
def test_every_check_of_the_demo_holds(arguments: list[str], tmp_path: Path) -> None:
    home = tmp_path / "demo"
    command = [sys.executable, "-m", "tools.demo", "--exit", "--home", str(home), *arguments]
    ended = subprocess.run(
        command, cwd=REPOSITORY, capture_output=True, text=True, timeout=SECONDS, check=False
    )
    assert ended.returncode == 0, ended.stdout[-6000:] + ended.stderr[-2000:]
    assert "PASSED" in ended.stdout

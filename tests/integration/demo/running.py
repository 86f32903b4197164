"""Runs the demo as a person does, from a package: ``./build.sh package`` makes it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from tools.demo.children import REPOSITORY

__all__ = ["SECONDS", "every_check_holds"]

SECONDS = 420
PACE = "4"
"""Most of a run's time it waits for the next look of the search: at 4, for a quarter of it."""


def every_check_holds(home: Path, *arguments: str) -> None:
    """Run it to its end; what it printed is told where a check did not hold."""
    command = [sys.executable, "-m", "tools.demo", "--exit", "--home", str(home), "--pace", PACE]
    demo = subprocess.Popen(
        [*command, *arguments],
        cwd=REPOSITORY,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        said, trouble = demo.communicate(timeout=SECONDS)
    except subprocess.TimeoutExpired:
        demo.terminate()  # it stops all that it has started, which a kill would leave behind
        said, trouble = demo.communicate()
    assert demo.returncode == 0, said[-6000:] + trouble[-2000:]
    assert "PASSED" in said

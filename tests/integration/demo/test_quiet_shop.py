"""The demo of a shop to which nothing happens; a file of its own, to run beside the whole loop."""

from __future__ import annotations

from pathlib import Path

import pytest

from .running import SECONDS, every_check_holds


@pytest.mark.timeout(SECONDS + 90)
def test_a_run_without_a_fault_opens_no_incident(tmp_path: Path) -> None:
    every_check_holds(tmp_path / "demo", "--fault", "none")

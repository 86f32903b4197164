"""The demo's whole loop with everything killed once: the longest test there is."""

from __future__ import annotations

from pathlib import Path

import pytest

from .running import SECONDS, every_check_holds


@pytest.mark.timeout(SECONDS + 90)
def test_nothing_is_lost_or_doubled_by_kill_9(tmp_path: Path) -> None:
    every_check_holds(tmp_path / "demo", "--fault", "payments", "--kill")

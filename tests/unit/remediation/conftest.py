from __future__ import annotations

import pytest

from incident_management.remediation import awx, ecs
from incident_management.remediation.kubernetes import change


@pytest.fixture(autouse=True)
def short_waits(monkeypatch):
    """An executor's pauses take no time here: one that waits to the end spins until then."""
    for module in (awx, ecs, change):
        monkeypatch.setattr(module, "WAIT_SECONDS", 0.5)

from __future__ import annotations

from itertools import count
from types import SimpleNamespace

import pytest

from incident_management.remediation.executors import awx, launchdarkly
from incident_management.remediation.executors.aws import aws_lambda, calls, ecs
from incident_management.remediation.executors.kubernetes import change

TICK_SECONDS = 0.5


@pytest.fixture(autouse=True)
def short_waits(monkeypatch):
    """The executors' pauses take no time here, so that a clock of their own measures their waits.

    It goes on by a tick whenever it is looked at. By the machine's, one that waits to the end would
    spin until then, and a busy machine would end a wait early.
    """
    for module in (calls, aws_lambda, awx, ecs, launchdarkly, change):
        ticks = count(0.0, TICK_SECONDS)
        monkeypatch.setattr(module, "time", SimpleNamespace(monotonic=ticks.__next__))

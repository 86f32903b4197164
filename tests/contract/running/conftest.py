"""What the tests of running things share."""

import pytest

from tests.contract.running.fakes import FakeContext, FakeSplunk
from tools.splunkd_lite.runners import alert_action


@pytest.fixture
def splunk(tmp_path):
    return FakeSplunk(tmp_path / "splunk")


@pytest.fixture
def context(tmp_path):
    return FakeContext(tmp_path)


@pytest.fixture
def acted(monkeypatch):
    """Records alert actions in place of running them."""
    calls = []

    def run(splunk, action, search, job, row, user, trigger_time, stopping):
        calls.append((action, job.sid, row))

    monkeypatch.setattr(alert_action, "run", run)
    return calls

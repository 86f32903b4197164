"""What the tests of running things share."""

import pytest

from tests.contract.running.fakes import FakeContext, FakeSplunk


@pytest.fixture
def splunk(tmp_path):
    return FakeSplunk(tmp_path / "splunk")


@pytest.fixture
def context(tmp_path):
    return FakeContext(tmp_path)

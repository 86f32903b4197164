"""What all integration tests stand on: the app as it ships."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.package import unpacked


@pytest.fixture(scope="session")
def app_folder() -> Path:
    """The app as it ships, unpacked; nothing is written into it."""
    return unpacked()

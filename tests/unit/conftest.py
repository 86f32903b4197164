"""Fixtures for every unit test."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from incident_management.incidents.entry_validation import is_readable
from incident_management.incidents.model import Entry


@pytest.fixture(scope="session", autouse=True)
def _written_entries_can_be_read() -> Iterator[None]:
    """Check that written timeline entries can be read again: others would count as gone."""
    made = Entry.create

    def create(*given: Any, **named: Any) -> Entry:
        entry = made(*given, **named)
        document = json.loads(json.dumps(entry.to_document()))
        assert is_readable(document), f"This {entry.kind} counts as gone: {entry.data}"
        return entry

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Entry, "create", create)
        yield

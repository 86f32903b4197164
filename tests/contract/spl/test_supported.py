"""SUPPORTED.md says what the engine supports."""

from __future__ import annotations

from tools.splunkd_lite.spl.registry import AGGREGATES, COMMANDS, FUNCTIONS
from tools.splunkd_lite.spl.supported import TARGET, document


def test_the_file_is_up_to_date() -> None:
    assert TARGET.read_text(encoding="utf-8") == document()


def test_every_part_is_listed() -> None:
    text = document()
    for name in (*COMMANDS, *FUNCTIONS, *AGGREGATES):
        assert f"`{name}`" in text

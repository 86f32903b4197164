"""The workbench's colours against WCAG 2.1's contrast for text (1.4.3), in both themes."""

from __future__ import annotations

import re

import pytest

from tests.browser.conftest import PACKAGE

CSS = PACKAGE / "appserver/static/workbench/workbench.css"
LEAST = 4.5
SEVERITIES = ("critical", "high", "medium", "low", "info")
GROUNDS = ("surface", "ground", "raised", "hover", "chosen")


def colours(theme: str) -> dict[str, str]:
    text = CSS.read_text(encoding="utf-8")
    found: dict[str, str] = {}
    for selector in (r"\n\.workbench", r'\n\[data-theme="dark"\] \.workbench')[
        : 1 + (theme == "dark")
    ]:
        block = re.search(selector + r" \{(.*?)\}", text, re.DOTALL)
        assert block
        found.update(re.findall(r"--([\w-]+): (#[0-9a-f]+);", block[1]))
    return found


def luminance(colour: str) -> float:
    digits = colour[1:] if len(colour) == 7 else "".join(2 * digit for digit in colour[1:])
    parts = [int(digits[at : at + 2], 16) / 255 for at in (0, 2, 4)]
    red, green, blue = (
        part / 12.92 if part <= 0.03928 else ((part + 0.055) / 1.055) ** 2.4 for part in parts
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_every_text_has_enough_contrast(theme: str) -> None:
    of = colours(theme)
    pairs = {(name, "white"): contrast(of[name], "#ffffff") for name in SEVERITIES}
    for ink in ("ink", "dim", "accent", "good", "bad", "warn"):
        pairs.update({(ink, ground): contrast(of[ink], of[ground]) for ground in GROUNDS})
    for ink, ground in (("accent-ink", "accent"), ("bad", "bad-ground"), ("warn", "warn-ground")):
        pairs[ink, ground] = contrast(of[ink], of[ground])
    assert {pair: round(ratio, 2) for pair, ratio in pairs.items() if ratio < LEAST} == {}

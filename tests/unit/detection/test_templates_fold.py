"""The form of a line that the miner's cache knows it by, against the same said as an expression."""

from __future__ import annotations

import re

from hypothesis import given
from hypothesis import strategies as st

from incident_management.detection.templates_fold import TOGETHER, folded, without_numbers

RUN = re.compile(r"[0-9][\w/\\+~@#%$*&^\u0080-\U0010ffff-]*")
LINES = st.text(st.characters(exclude_characters="\n", exclude_categories=["Cs"]), max_size=60)
NUMBERS = st.text("0129afz .,=:/-é€\x00\x7f", max_size=40)


@given(st.lists(LINES | NUMBERS, max_size=20))
def test_what_begins_with_a_digit_is_a_0(lines):
    assert folded(lines) == [RUN.sub("0", line).encode() for line in lines]


def test_more_lines_than_are_folded_at_once_keep_their_order():
    lines = [f"{'abcdefg'[n % 7]} {n}" for n in range(3 * TOGETHER + 1)]
    assert folded(lines) == [line.split()[0].encode() + b" 0" for line in lines]


def test_a_character_that_is_none_does_no_harm():
    assert folded(["a\udc80b 17"]) == [b"a?b 0"]


@given(st.text("019a. é", max_size=30))
def test_short_numbers_are_one_0(text):
    short = re.sub(r"\d{6,}", "12345", text)
    assert without_numbers(short) == re.sub(r"\d+", "0", short)

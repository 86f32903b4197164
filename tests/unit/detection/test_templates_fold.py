"""The form of a line that the miner's cache knows it by, against the same said as an expression."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from incident_management.detection.templates.fold import (
    TOGETHER,
    folded,
    keep_names,
    names_in,
    without_digits,
)

BEHIND = re.compile(r"[0-9](?:[\w/\\+~@#%$*&^\u0080-\U0010ffff-]|[.,:](?=[0-9]))*")
BEFORE = re.compile(r"(?:[A-Za-z0_-]|(?<=0)[.,:])*0")
LINES = st.text(st.characters(exclude_characters="\n", exclude_categories=["Cs"]), max_size=60)
NUMBERS = st.text("0129afz .,=:/-é€\x00\x7f", max_size=40)


@given(st.lists(LINES | NUMBERS, max_size=20))
def test_what_has_a_digit_is_a_0(lines):
    for line, form in zip(lines, folded(lines)):
        assert form == BEFORE.sub("0", BEHIND.sub("0", line))


@pytest.mark.parametrize(
    "value", ["eth0", "fe80:ab3f:c1d2", "ab3f-c1d2", "db1,db2", "x_7a", "-5", "web-1.eu2"]
)
def test_a_value_with_a_digit_is_one_0_whatever_it_begins_with(value):
    assert folded([f"up: {value}, (of {value})"]) == ["up: 0, (of 0)"]


def test_numbers_with_dots_commas_and_colons_are_one():
    assert folded(["at 10.0.0.7:8080, 1,204,331 of 3.5"]) == ["at 0, 0 of 0"]


@given(st.lists(LINES | NUMBERS, max_size=20))
def test_lines_that_differ_in_digits_only_have_one_key(lines):
    assert without_digits(lines or [""]) == [
        re.sub("[0-9]", "", line).encode() for line in lines or [""]
    ]


def test_more_lines_than_are_folded_at_once_keep_their_order():
    lines = [f"{'abcdefg'[n % 7]} {n}" for n in range(3 * TOGETHER + 1)]
    assert folded(lines) == [line.split()[0] + " 0" for line in lines]


def test_a_character_that_is_none_does_no_harm():
    assert folded(["a\udc80b 17"]) == ["a?b 0"]


@pytest.mark.parametrize("name", ["ssh2", "ipv4", "IPv6", "utf-8", "UTF-8"])
def test_a_key_keeps_the_number_of_a_name_and_loses_others(name):
    lines = [f"{name} on port 80", f"{name} on port 22", "page 2 of 3"]
    keys = without_digits(lines)
    plain = list(keys)
    assert keep_names(keys, lines, names_in(keys, lines))
    assert keys[0] == keys[1] != plain[0]
    assert keys[2] == plain[2]


def test_keys_are_left_as_they_are_where_no_name_has_a_number():
    lines = ["sshd[17]: ready", "page 2 of 3"]
    keys = without_digits(lines)
    plain = list(keys)
    assert not keep_names(keys, lines, names_in(keys, lines))
    assert keys == plain

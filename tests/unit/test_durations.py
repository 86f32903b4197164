"""Spans of time as people write them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from incident_management.durations import LONGEST, seconds_of


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("90s", 90),
        ("15m", 900),
        (" 15 M ", 900),
        ("1.5h", 5400),
        ("2d", 172800),
        ("1w", 604800),
        ("45", 45),
        ("0", 0),
    ],
)
def test_the_spellings(text, seconds):
    assert seconds_of(text) == seconds


@pytest.mark.parametrize(
    "text", ["", "m", "soon", "-5m", "5 minutes", "1h30m", "1e3s", "٣m", ".5h"]
)
def test_what_is_no_span_is_reported_in_one_sentence(text):
    with pytest.raises(ValueError, match="write a number and s, m, h, d or w, such as 15m"):
        seconds_of(text)


@pytest.mark.parametrize("text", ["299s", "3650.1d", "9" * 12 + "w"])
def test_the_bounds_are_named(text):
    with pytest.raises(ValueError, match=f"^is '{text}'; write .*, from 5m to 3650d, or never$"):
        seconds_of(text, 300.0, never=True)


def test_the_bounds_themselves_are_allowed():
    assert seconds_of("5m", 300.0) == 300.0
    assert seconds_of("3650d") == LONGEST


def test_never_is_a_span_only_where_it_is_asked_for():
    assert seconds_of("Never", 300.0, never=True) == 0.0
    with pytest.raises(ValueError, match="is 'Never'"):
        seconds_of("Never")


def test_a_unit_may_be_required():
    assert seconds_of("24h", unit=True) == 86400.0
    with pytest.raises(ValueError, match="is '24'"):
        seconds_of("24", unit=True)


@given(st.text(max_size=20))
def test_any_text_is_a_span_within_bounds_or_an_error(text):
    try:
        assert 1.0 <= seconds_of(text, 1.0) <= LONGEST
    except ValueError as error:
        assert str(error).startswith("is '")

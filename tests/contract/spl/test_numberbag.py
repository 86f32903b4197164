"""Numbers held in little memory give the ranks that sorting them gives."""

from __future__ import annotations

import random
import tracemalloc

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tools.splunkd_lite.spl import numberbag
from tools.splunkd_lite.spl.numberbag import NumberBag

NUMBERS = st.lists(
    st.one_of(
        st.integers(-5, 5),
        st.integers(-(10**20), 10**20),
        st.floats(allow_nan=False, allow_infinity=False),
    ),
    min_size=1,
    max_size=60,
)


@given(NUMBERS, NUMBERS)
@settings(max_examples=400, deadline=None)
def test_each_rank_is_that_of_the_sorted_numbers(left: list[float], right: list[float]) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(numberbag, "MAX_DISTINCT", 5)
        patch.setattr(numberbag, "_SMALL", 3)
        bag, other = NumberBag(), NumberBag()
        for number in left:
            bag.add(number)
        for number in right:
            other.add(number)
        bag.merge(other)
        assert len(bag) == len(left) + len(right)
        assert [bag.ranked(rank) for rank in range(len(bag))] == sorted([*left, *right])


def test_a_hundred_thousand_different_numbers_take_about_a_megabyte() -> None:
    chance = random.Random(1)
    tracemalloc.start()
    try:
        bag = NumberBag()
        for _ in range(100_000):
            bag.add(chance.random())
        middle = bag.ranked(50_000)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert 0.49 < middle < 0.51
    assert peak < 5_000_000  # sorted in a list they would be 4 MB more


def test_ten_numbers_that_are_whole_stay_whole() -> None:
    bag = NumberBag()
    for number in range(30_000):
        bag.add(number)
    assert repr(bag.ranked(20_000)) == "20000"

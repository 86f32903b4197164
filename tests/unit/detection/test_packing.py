"""What was learned as text: what comes back is what went in, and nothing else is read."""

from __future__ import annotations

import base64
import math
import zlib

import pytest

from incident_management.detection.packing import pack, unpack


def packed(text: str) -> str:
    return base64.b64encode(zlib.compress(text.encode())).decode()


def test_what_was_packed_comes_back():
    state = {"series": [[["a.b", "$c"], {"mean": 1.5e-9, "seen": 3, "last": None}]]}
    assert unpack(pack(state), 1000) == state


@pytest.mark.parametrize("number", [math.nan, math.inf, -math.inf])
def test_a_number_that_is_not_finite_is_not_packed(number):
    with pytest.raises(ValueError, match="not JSON compliant"):
        pack({"mean": number})


@pytest.mark.parametrize(
    "text",
    [
        "",
        "nonsense",
        "eJw=",
        pack({"a": 1})[:-8],
        packed("[1]"),
        packed("{"),
        packed('{"a": NaN}'),
        packed('{"a": -Infinity}'),
        packed('{"a": 1e999}'),
        packed("\ud83d".encode("utf-8", "surrogatepass").decode("latin-1")),
    ],
)
def test_any_other_text_is_refused(text):
    with pytest.raises(ValueError, match="The saved state can't be read"):
        unpack(text, 1000)


def test_a_text_that_unfolds_to_more_than_is_asked_for_is_refused():
    text = pack({"a": "x" * 10**6})
    with pytest.raises(ValueError, match="too large"):
        unpack(text, 100_000)
    assert len(unpack(text, 2 * 10**6)["a"]) == 10**6

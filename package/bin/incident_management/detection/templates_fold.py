"""Two cheap forms of a line in which lines that differ only in numbers are mostly the same.

They are keys of a cache. Every step is one call into the interpreter's own byte code, so a line
costs about a microsecond, whatever it holds. What a form loses makes no difference to a template: a
word with a digit is a value, but for few names, which the cache compares as they are.
"""

from __future__ import annotations

__all__ = ["without_hex", "without_numbers"]

_DIGITS = bytes.maketrans(b"123456789", b"000000000")
_HEX_FIRST = (b"a0", b"b0", b"c0", b"d0", b"e0", b"f0", b"0a", b"0b", b"0c", b"0d", b"0e", b"0f")
_HEX_AGAIN = (b"f0", b"e0", b"d0", b"c0", b"b0", b"a0", b"000", b"00", b"00")


def without_numbers(text: str) -> bytes:
    """Return a text with every run of digits as one 0 (of very long runs: as few)."""
    folded = text.encode("utf-8", "replace").translate(_DIGITS)
    return folded.replace(b"000", b"0").replace(b"00", b"0").replace(b"00", b"0")


def without_hex(folded: bytes) -> bytes:
    """Return such a text without the letters a to f beside a 0, as hexadecimal numbers have."""
    for near in _HEX_FIRST + _HEX_AGAIN:
        folded = folded.replace(near, b"0")
    return folded

"""Cheap forms of lines in which lines that differ only in values are mostly the same.

:func:`folded` gives the keys of a cache. All lines of a batch are folded at once: the text is read
as one very large integer with a byte for each character, and runs of characters are found by a few
additions and shifts of that integer, which the interpreter does in C. So a line costs some tenths
of a microsecond, whatever it holds. What a form loses makes no difference to a template: what has a
digit is a value, but for few names, which the cache compares as they are.
"""

from __future__ import annotations

from typing import List, Sequence

__all__ = ["folded", "without_numbers"]

_DIGITS = b"0123456789"
_LETTERS = b"abcdefghijklmnopqrstuvwxyz"
# What may stand beside a digit in one value. No dot: a row of dots before a number is no value.
_RUN = _DIGITS + _LETTERS + _LETTERS.upper() + b"_/\\+-~@#%$*&^" + bytes(range(128, 256))
# FE and FF are in no UTF-8 text: they mark the first and the other characters of a run.
_FIRST, _OTHER = 0xFE, b"\xff"


def _table(marked: bytes, mark: int) -> bytes:
    return bytes([mark if code in marked else 0 for code in range(256)])


_ONE_AT_DIGIT = _table(_DIGITS, 1)
_FULL_AT_RUN = _table(_RUN, 0xFF)
_WRITTEN = bytes([0x30 if code == _FIRST else code for code in range(256)])
_ZEROS = bytes.maketrans(b"123456789", b"000000000")
TOGETHER = 256
"""Lines that are folded at once: as many as fit the processor's nearest cache."""


def folded(lines: Sequence[str]) -> List[bytes]:
    """Return each line with 0 for what begins with a digit, up to a blank or a mark.

    No line may hold a line feed.
    """
    found: List[bytes] = []
    for start in range(0, len(lines), TOGETHER):
        text = "\n".join(lines[start : start + TOGETHER]).encode("utf-8", "replace")
        found += _folded(text).split(b"\n")
    return found


def _folded(text: bytes) -> bytes:
    size = len(text)
    run = int.from_bytes(text.translate(_FULL_AT_RUN), "little")
    digits = int.from_bytes(text.translate(_ONE_AT_DIGIT), "little")
    # Adding 1 at a digit carries through the bytes FF up to the end of its run. What the sum has
    # lost of the runs is what is to go.
    high = int.from_bytes(b"\x80" * size, "little")
    gone = (run ^ (run & (run + digits))) & high
    whole = (gone << 1) - (gone >> 7)
    first = gone ^ (gone & (gone << 8))
    marked = (int.from_bytes(text, "little") | whole) ^ (first >> 7)
    return marked.to_bytes(size, "little").translate(_WRITTEN, _OTHER)


def without_numbers(text: str) -> str:
    """Return a text with every run of digits as one 0 (of very long runs: as few)."""
    zeros = text.encode("utf-8", "replace").translate(_ZEROS)
    zeros = zeros.replace(b"000", b"0").replace(b"00", b"0").replace(b"00", b"0")
    return zeros.decode("utf-8", "replace")

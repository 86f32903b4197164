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
_ONE_AT_ANY = bytes([min(code, 1) for code in range(256)])
_WRITTEN = bytes([0x30 if code == _FIRST else code for code in range(256)])
_ZEROS = bytes.maketrans(b"123456789", b"000000000")


def folded(lines: Sequence[str]) -> List[bytes]:
    """Return each line with every run of letters that has a digit as one 0.

    Digits and some signs count as letters. No line may hold a line feed.
    """
    if not lines:
        return []
    text = "\n".join(lines).encode("utf-8", "replace")
    size = len(text)
    full, ones = text.translate(_FULL_AT_RUN), text.translate(_ONE_AT_DIGIT)
    # Adding 1 at a digit carries through the bytes FF of its run: to the left when the first
    # character is the highest byte, to the right when it is the lowest. What the sum lost is it.
    run, seeds = int.from_bytes(full, "big"), int.from_bytes(ones, "big")
    left = (run ^ (run & (run + seeds))).to_bytes(size, "big").translate(_ONE_AT_ANY)
    run, seeds = int.from_bytes(full, "little"), int.from_bytes(left, "little")
    runs = (run ^ (run & (run + seeds))) & int.from_bytes(b"\x80" * size, "little")
    whole = (runs << 1) - (runs >> 7)
    first = runs ^ (runs & (runs << 8))
    marked = (int.from_bytes(text, "little") | whole) ^ (first >> 7)
    return marked.to_bytes(size, "little").translate(_WRITTEN, _OTHER).split(b"\n")


def without_numbers(text: str) -> str:
    """Return a text with every run of digits as one 0 (of very long runs: as few)."""
    zeros = text.encode("utf-8", "replace").translate(_ZEROS)
    zeros = zeros.replace(b"000", b"0").replace(b"00", b"0").replace(b"00", b"0")
    return zeros.decode("utf-8", "replace")

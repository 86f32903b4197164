"""Two cheap forms of lines in which lines that differ only in numbers are mostly the same.

They are keys of a cache. All lines of a batch are folded at once: the text is read as one very
large integer with a byte for each character, and runs of characters are found by a few additions
and shifts of that integer. So a line costs some tenths of a microsecond, whatever it holds. What a
form loses makes no difference to a template: a word with a digit is a value, but for few names,
which the cache compares as they are.
"""

from __future__ import annotations

from typing import List, Sequence

__all__ = ["folded", "without_hex"]

_HEX = b"0123456789abcdefABCDEF"
_DIGITS = b"0123456789"
# FE and FF are in no UTF-8 text: they mark the first and the other characters of a run.
_FIRST, _OTHER = 0xFE, b"\xff"


def _table(marked: bytes, mark: int) -> bytes:
    return bytes([mark if code in marked else 0 for code in range(256)])


_HIGH_AT_DIGIT = _table(_DIGITS, 0x80)
_DIGITS_HIGH = bytes([0x80 if code in _DIGITS else code for code in range(256)])
_HIGH_WRITTEN = bytes([0x30 if code == 0x80 else code for code in range(256)])
_ONE_AT_DIGIT = _table(_DIGITS, 1)
_FULL_AT_HEX = _table(_HEX, 0xFF)
_WRITTEN = bytes([0x30 if code == _FIRST else code for code in range(256)])


def folded(lines: Sequence[str]) -> List[bytes]:
    """Return each line with every run of digits as one 0. No line may hold a line feed."""
    if not lines:
        return []
    text = "\n".join(lines).encode("utf-8", "replace")
    size = len(text)
    if text.isascii():
        # The usual case takes half the time: the byte 80 is free to be a digit.
        number = int.from_bytes(text.translate(_DIGITS_HIGH), "little")
        digits = number & int.from_bytes(b"\x80" * size, "little")
        number |= (digits & (digits << 8)) >> 7
        return number.to_bytes(size, "little").translate(_HIGH_WRITTEN, b"\x81").split(b"\n")
    runs = int.from_bytes(text.translate(_HIGH_AT_DIGIT), "little")
    return _with_zeros(text, runs).split(b"\n")


def without_hex(lines: Sequence[bytes]) -> List[bytes]:
    """Return each folded line with every hexadecimal number that has a digit as one 0."""
    if not lines:
        return []
    text = b"\n".join(lines)
    size = len(text)
    hexes, digits = text.translate(_FULL_AT_HEX), text.translate(_ONE_AT_DIGIT)
    high = int.from_bytes(b"\x80" * size, "little")
    # Adding 1 at a digit carries through the bytes FF of its run: to the left when the first
    # character is the highest byte, to the right when it is the lowest.
    run, seeds = int.from_bytes(hexes, "big"), int.from_bytes(digits, "big")
    left = ((run ^ (run & (run + seeds))) & high).to_bytes(size, "big")
    run, seeds = int.from_bytes(hexes, "little"), int.from_bytes(left, "little") >> 7
    return _with_zeros(text, (run ^ (run & (run + seeds))) & high).split(b"\n")


def _with_zeros(text: bytes, runs: int) -> bytes:
    """Write one 0 for each run; ``runs`` has the byte 80 at the characters of runs."""
    first = runs ^ (runs & (runs << 8))
    whole = (runs << 1) - (runs >> 7)
    marked = (int.from_bytes(text, "little") | whole) ^ (first >> 7)
    return marked.to_bytes(len(text), "little").translate(_WRITTEN, _OTHER)

"""Cheap forms of lines that are mostly equal for lines that differ only in numbers.

Both forms are computed for all lines of a batch at once, by operations on one long text that the
interpreter runs in C. So a line costs some tenths of a microsecond, whatever it holds.

:func:`without_digits` gives the keys of a cache: a line without its digits. :func:`folded` is the
form that is processed when a key is new: a 0 for everything with a digit.
"""

from __future__ import annotations

import re
from typing import Iterable, List, Literal, Sequence

__all__ = [
    "ESCAPED_QUOTE",
    "folded",
    "keep_names",
    "names_in",
    "names_kept",
    "numbers_shown",
    "without_digits",
]

_DIGITS = b"0123456789"
_LETTERS = b"abcdefghijklmnopqrstuvwxyz"
# Characters that may precede a digit in one value, and that may follow it. No dot: a row of dots
# before a number is no value.
_BEFORE = _DIGITS + _LETTERS + _LETTERS.upper() + b"_-"
_BEHIND = _BEFORE + b"/\\+~@#%$*&^" + bytes(range(128, 256))
_JOINS = b".,:"
# FE and FF occur in no UTF-8 text: they mark the first and the other characters of a run.
_FIRST, _OTHER = 0xFE, b"\xff"
# The bits of a character's classes.
_DIGIT, _JOIN, _RUN = 1, 2, 0x80


def _classes(run: bytes) -> bytes:
    """Return the table of characters' classes, if runs consist of these characters."""
    return bytes(
        [
            _RUN * (code in run) | _JOIN * (code in _JOINS) | _DIGIT * (code in _DIGITS)
            for code in range(256)
        ]
    )


_CLASSES_BEFORE, _CLASSES_BEHIND = _classes(_BEFORE), _classes(_BEHIND)
_WRITTEN = bytes([0x30 if code == _FIRST else code for code in range(256)])
_Order = Literal["little", "big"]
TOGETHER = 256
"""Lines that are folded at once: as many as fit the processor's nearest cache."""


# Names that end in a number which is no value, and how they are written meanwhile: with characters
# of Unicode's private use area, which no text has, for the digits.
_SHOWN = {0xE000 + digit: ord("0") + digit for digit in range(10)}
_HIDDEN = {digit: hidden for hidden, digit in _SHOWN.items()}
_NAMES = {
    name: name.translate(_HIDDEN)
    for name in ("ssh2", "ipv4", "ipv6", "IPv4", "IPv6", "utf-8", "UTF-8")
}
# A backslash before a quote is no part of the value before it; other backslashes may be.
ESCAPED_QUOTE = '\x11"'
_QUOTE = '\\"'
_NAMES[_QUOTE] = ESCAPED_QUOTE
# Numbers that name a kind of message: %LINK-3-UPDOWN of a network device, with the digit of its
# severity, and a Windows event, as :mod:`.event` writes it and in XML. Each by a part of it.
_KINDS = {
    "%": re.compile(r"%[A-Z][A-Z0-9_]*(?:-[A-Z0-9_]+){0,3}-[0-7]-[A-Z0-9_]+"),
    "EventCode:": re.compile(r"(?<!\S)EventCode:\d{1,5}(?!\S)"),
    "</EventID>": re.compile(r"<EventID(?: Qualifiers='\d{1,5}')?>\d{1,5}</EventID>"),
}
# The text in a key whose line may have one of these.
_PARTS = {name: name.encode().translate(None, _DIGITS) for name in (*_NAMES, *_KINDS)}
_PARTS[_QUOTE] = b"\\"  # one byte is found much faster than two


def without_digits(lines: Sequence[str]) -> List[bytes]:
    """Return each line without its digits. No line may hold a line feed."""
    if not lines:
        return []
    return "\n".join(lines).encode("utf-8", "replace").translate(None, _DIGITS).split(b"\n")


def names_in(keys: Sequence[bytes], lines: Sequence[str]) -> List[str]:
    """Return which of the names that end in a number are in lines, and what else is to be kept.

    ``keys`` are lines without digits; names that none of them can hold are not searched for.
    """
    text = b"\n".join(keys)
    parts = {part for part in set(_PARTS.values()) if part in text}
    names = [name for name, part in _PARTS.items() if part in parts]
    if names:
        said = "\n".join(lines)
        names = [name for name in names if name in said]
        names = [name for name in names if name not in _KINDS or _KINDS[name].search(said)]
    return names


def keep_names(keys: List[bytes], lines: Sequence[str], names: Sequence[str]) -> bool:
    """Put the digits of names that end in a number back into the keys of lines.

    ``names`` are the result of :func:`names_in` for the lines. Return whether a line has one.
    """
    numbered = [name for name in names if name != _QUOTE]
    places = sorted({p for name in numbered for p, line in enumerate(lines) if name in line})
    kept = without_digits(names_kept([lines[place] for place in places], numbered))
    for place, key in zip(places, kept):
        keys[place] = key
    return bool(places)


def names_kept(lines: Sequence[str], names: Iterable[str] = tuple(_PARTS)) -> Sequence[str]:
    """Return lines in which names that end in a number have no digits; see numbers_shown.

    ``names`` are those that may be in the lines, among those that :func:`names_in` searches for.
    """
    text = given = "\n".join(lines)
    for name in names:
        if name in _NAMES:
            text = text.replace(name, _NAMES[name])
        elif name in text:
            text = _KINDS[name].sub(_hidden, text)
    return lines if text == given else text.split("\n")


def _hidden(found: re.Match[str]) -> str:
    return found.group().translate(_HIDDEN)


def numbers_shown(text: str) -> str:
    """Return a text with the digits that :func:`names_kept` replaced."""
    text = text.replace(ESCAPED_QUOTE, '\\"')
    return text if text.isascii() else text.translate(_SHOWN)


def folded(lines: Sequence[str]) -> List[str]:
    """Return each line with 0 for each part with a digit, from a blank or a mark to the next.

    Numbers with dots, commas or colons between them are one 0. No line may hold a line feed.
    """
    found: List[str] = []
    for start in range(0, len(lines), TOGETHER):
        text = "\n".join(lines[start : start + TOGETHER]).encode("utf-8", "replace")
        text = _folded(_folded(text, "little", _CLASSES_BEHIND), "big", _CLASSES_BEFORE)
        found += text.decode("utf-8", "replace").split("\n")
    return found


def _folded(text: bytes, order: _Order, classes_of: bytes) -> bytes:
    """Put a 0 for each digit and its neighbours in its run: those behind it, or before it in "big"
    order.

    The text is read as one very large integer with a byte for each character. A few additions and
    shifts of that integer then find the runs of characters.
    """
    size = len(text)
    classes = int.from_bytes(text.translate(classes_of), order)
    high = int.from_bytes(b"\x80" * size, order)
    digits = classes & (high >> 7)
    # A mark between numbers, with a digit beyond it, belongs to their run.
    joins = (classes >> 1) & (digits >> 8)
    run = (classes & high) | (joins << 7)
    # Adding 1 at a digit carries through the bytes FF up to the end of its run. The part of the
    # runs that the sum has lost is removed.
    gone = run ^ (run & (_filled(run) + digits))
    first = gone ^ (gone & (gone << 8))
    marked = (int.from_bytes(text, order) | _filled(gone)) ^ (first >> 7)
    return marked.to_bytes(size, order).translate(_WRITTEN, _OTHER)


def _filled(high: int) -> int:
    """Return a number with FF for each byte that is 80."""
    return (high << 1) - (high >> 7)

"""KV_MODE = auto: fields from key=value pairs in the raw text.

Source: props.conf.spec (KV_MODE, CLEAN_KEYS) and
https://help.splunk.com/en/splunk-enterprise/knowledge-manager/9.4/fields-and-field-extractions/when-splunk-software-extracts-fields
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import lru_cache
from typing import Any

from tools.splunkd_lite.spl.values import Row

__all__ = ["key_values", "only_keys"]

_VALUE = r'(?:"([^"\\]*(?:\\.[^"\\]*)*)"|([^\s,;|&"\')\]}]+))'
_PASSED = r'"[^"\\]*(?:\\.[^"\\]*)*"|[^\s,;|&"\')\]}]+'
_PAIR = re.compile(r"(?<![\w.\-:])([A-Za-z0-9_][\w.\-:]*)=" + _VALUE, re.A)
_UNCLEAN = re.compile(r"[^A-Za-z0-9_]")


def _clean(key: str) -> str:
    """A field's name: odd characters become _, and it starts with a letter."""
    return _UNCLEAN.sub("_", key).lstrip("_0123456789")


def key_values(raw: str, row: Row) -> None:
    """Adds every pair; the first value of a key wins, and stored fields stay."""
    for key, quoted, plain in _PAIR.findall(raw):
        name = _clean(key) if _UNCLEAN.search(key) or key[0] in "_0123456789" else key
        if name and name not in row:
            row[name] = plain or _unescape(quoted)


def _unescape(text: str) -> str:
    return re.sub(r'\\(["\\])', r"\1", text) if "\\" in text else text


_UNCLEAR: Any = object()
_AFTER_VALUE = frozenset(" \t\n\r\f\v,;|&')]}")
_LETTERS = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ")
_SEPARATORS = str.maketrans(".-:", "___")
_value_at = re.compile(_VALUE, re.A).match


def _parted(name: str) -> tuple[str, str]:
    """A name as the part up to its last _, which other keys may write with . - or :, and the rest
    with its equals sign."""
    head, mark, last = name.rpartition("_")
    return head + mark, f"{last}="


def _plain_pair(raw: str, head: str, tail: str) -> Any:
    """The value of the first pair with that key, None if there is none, or _UNCLEAR where only
    reading all pairs can tell: behind a quote, with another spelling of the key, where the pair may
    be part of another's value, or has none itself."""
    place = raw.find(tail)
    while place >= 0:
        start = place - len(head)
        exact = start >= 0 and raw.startswith(head, start)
        before = raw[start - 1] if start > 0 else " "
        if before in _LETTERS or not (exact or raw[start:place].translate(_SEPARATORS) == head):
            place = raw.find(tail, place + 1)  # the end of a longer or another key
            continue
        if not exact or before not in _AFTER_VALUE:
            return _UNCLEAR
        if raw.find('"', 0, start) >= 0:
            return _UNCLEAR
        found = _value_at(raw, place + len(tail))
        if found is None:
            return _UNCLEAR
        quoted, plain = found.groups()
        return plain or _unescape(quoted)
    return None


@lru_cache(maxsize=64)
def only_keys(names: frozenset[str]) -> Callable[[str, Row], None]:
    """As `key_values`, for these keys alone. Other pairs are passed over, not skipped: what looks
    like a pair inside another's quotes is none."""
    wanted = sorted(name for name in names if re.fullmatch(r"[A-Za-z]\w*", name))
    if not wanted:
        return lambda raw, row: None
    keys = "|".join(name.replace("_", r"[_.\-:]") for name in wanted)
    find = re.compile(
        rf"(?<![\w.\-:])(?:((?:[_0-9][_0-9.\-:]*)?(?:{keys}))={_VALUE}"
        rf"|[A-Za-z0-9_][\w.\-:]*=(?:{_PASSED}))",
        re.A,
    ).findall
    near = [(name, *_parted(name)) for name in wanted]

    def run(raw: str, row: Row) -> None:
        for name, head, tail in near:
            if name in row:
                continue
            value = _plain_pair(raw, head, tail)
            if value is _UNCLEAR:
                every(raw, row)
                return
            if value is not None:
                row[name] = value

    def every(raw: str, row: Row) -> None:
        for key, quoted, plain in find(raw):
            if key:
                name = key if key in names else _clean(key)
                if name not in row:
                    row[name] = plain or _unescape(quoted)

    return run

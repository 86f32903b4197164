"""KV_MODE = auto: fields from key=value pairs in the raw text.

Source: props.conf.spec (KV_MODE, CLEAN_KEYS) and
https://help.splunk.com/en/splunk-enterprise/knowledge-manager/9.4/fields-and-field-extractions/when-splunk-software-extracts-fields
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import lru_cache

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

    def run(raw: str, row: Row) -> None:
        for key, quoted, plain in find(raw):
            if key:
                name = key if key in names else _clean(key)
                if name not in row:
                    row[name] = plain or _unescape(quoted)

    return run

"""Paths into JSON and XML text, as spath and the JSON functions write them.

Source: https://help.splunk.com/en/splunk-enterprise/spl-search-reference/9.4/search-commands/spath
and limits.conf.spec, ``[spath] extraction_cutoff``: all fields of a text are those of its
beginning. XML is not cut here.
"""

from __future__ import annotations

import json
import re
import xml.etree.ElementTree as ElementTree  # the text is a test's own; entities are refused
from collections.abc import Iterator
from functools import lru_cache
from typing import Any

__all__ = ["extract_all", "extract_path", "find_path", "flatten", "leaf", "load_json", "split_path"]

# What a cut looks at: a whole string, a mark, or the quote of a string that does not end.
_MARK = re.compile(r'"(?:[^"\\]|\\.)*"|[{}\[\],"]', re.S)
_CLOSING = {"{": "}", "[": "]"}
_STEP = re.compile(r"\{[^}]*\}|[^.{}]+")


def split_path(path: str) -> list[str]:
    """a.b{}.c{2} as ['a', 'b', '{}', 'c', '{2}']."""
    return _STEP.findall(path)


def find_path(value: Any, steps: list[str]) -> list[Any]:
    """Every value that the steps lead to."""
    found = [value]
    for step in steps:
        found = [item for node in found for item in _step(node, step)]
    return found


def _step(node: Any, step: str) -> list[Any]:
    if step.startswith("{"):
        if not isinstance(node, list):
            return []
        if step == "{}":
            return node
        try:
            return [node[int(step[1:-1])]]
        except (ValueError, IndexError):
            return []
    if isinstance(node, dict) and step in node:
        return [node[step]]
    return []


def leaf(value: Any) -> Any:
    """A value of JSON as a field has it."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if value is None:
        return "null"
    if isinstance(value, (dict, list)):
        return json.dumps(value, separators=(",", ":"), ensure_ascii=False)
    return value


_DECODER = json.JSONDecoder()


def flatten(value: Any, prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Each leaf of JSON with its path: a.b, and a{} for the elements of an array."""
    if isinstance(value, dict):
        for key, item in value.items():
            yield from flatten(item, f"{prefix}.{key}" if prefix else key)
    elif isinstance(value, list):
        for item in value:
            yield from flatten(item, prefix + "{}")
    else:
        yield prefix, leaf(value)


def load_json(text: str, cutoff: int = 0) -> Any:
    """JSON that is an object or an array, from text that starts with it; otherwise None.

    ``cutoff``: of longer text, what stands whole in so many characters; 0 for all of it.
    """
    stripped = text.lstrip()
    if stripped[:1] not in ("{", "["):
        return None
    if 0 < cutoff < len(text):
        stripped = _beginning(stripped[:cutoff])
    try:
        return _DECODER.raw_decode(stripped)[0]
    except (ValueError, RecursionError):
        return None


def _beginning(text: str) -> str:
    """The start of JSON as JSON: up to its last comma or end of a list or object, then closed."""
    open_: list[str] = []
    end, closing = 0, ""
    for mark in _MARK.finditer(text):
        sign = mark.group()
        if sign == '"':
            break
        if sign in _CLOSING:
            open_.append(_CLOSING[sign])
        elif sign in _CLOSING.values() and open_:
            open_.pop()
        elif sign != ",":
            continue
        end = mark.start() if sign == "," else mark.end()
        closing = "".join(reversed(open_))
        if not open_:
            break
    return text[:end] + closing


def _load_xml(text: str) -> ElementTree.Element | None:
    if not text.lstrip().startswith("<") or "<!ENTITY" in text:
        return None
    try:
        return ElementTree.fromstring(text.strip())
    except ElementTree.ParseError:
        return None


def _flatten_xml(node: ElementTree.Element, prefix: str) -> Iterator[tuple[str, Any]]:
    path = f"{prefix}.{node.tag}" if prefix else node.tag
    for name, value in node.attrib.items():
        yield f"{path}{{@{name}}}", value
    if node.text and node.text.strip():
        yield path, node.text.strip()
    for child in node:
        yield from _flatten_xml(child, path)


def extract_all(
    text: str, names: frozenset[str] | None = None, loaded: Any = None, cutoff: int = 0
) -> dict[str, list[Any]]:
    """The leaves of JSON or XML text, by path. With `names`, parts of a JSON object that lead to
    none of these may be left out. `loaded` is the JSON when it has been read already; `cutoff` is
    as for `load_json`."""
    loaded = load_json(text, cutoff) if loaded is None else loaded
    if names is not None and isinstance(loaded, dict):
        loaded = {key: item for key, item in loaded.items() if _leads_to(key, names)}
    if loaded is None:
        root = _load_xml(text)
        pairs = _flatten_xml(root, "") if root is not None else iter(())
    else:
        pairs = flatten(loaded)
    found: dict[str, list[Any]] = {}
    for path, value in pairs:
        found.setdefault(path, []).append(value)
    return found


@lru_cache(maxsize=4096)
def _leads_to(key: str, names: frozenset[str]) -> bool:
    return any(name == key or name.startswith((f"{key}.", f"{key}{{")) for name in names)


def extract_path(text: str, path: str) -> list[Any]:
    """The values that `path` finds in JSON or XML text; containers come as text."""
    loaded = load_json(text)
    if loaded is not None:
        return [leaf(item) for item in find_path(loaded, split_path(path))]
    root = _load_xml(text)
    return [] if root is None else _xml_path(root, path)


def _xml_path(root: ElementTree.Element, path: str) -> list[Any]:
    steps = split_path(path)
    if not steps or steps[0] != root.tag:
        return []
    nodes = [root]
    for step in steps[1:]:
        if step.startswith("{@"):
            return [node.get(step[2:-1]) for node in nodes if step[2:-1] in node.attrib]
        if step == "{}":
            continue
        if step.startswith("{"):
            place = int(step[1:-1]) if step[1:-1].isdigit() else 0
            nodes = nodes[place - 1 : place] if place else []
        else:
            nodes = [child for node in nodes for child in node.findall(step)]
    return [node.text.strip() if node.text else "" for node in nodes if len(node) == 0] or [
        ElementTree.tostring(node, encoding="unicode").strip() for node in nodes
    ]

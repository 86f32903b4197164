"""JSON functions: over text that holds JSON.

Paths are dotted, with {} for all elements of an array and {n} for one.
"""

from __future__ import annotations

import json
from typing import Any

from tools.splunkd_lite.spl.errors import SplError
from tools.splunkd_lite.spl.registry import function
from tools.splunkd_lite.spl.structured import find_path, split_path
from tools.splunkd_lite.spl.values import Fixed, as_list, from_list, to_text

PAGE = "evaluation-functions/json-functions"
_NOTHING = object()


def _load(value: Any) -> Any:
    if value is None or isinstance(value, list):
        return _NOTHING
    try:
        return json.loads(to_text(value))
    except (ValueError, RecursionError):
        return _NOTHING


def _value(value: Any) -> Any:
    """A field's value as JSON: text that is an object or an array nests."""
    if isinstance(value, list):
        return [_value(item) for item in value]
    if isinstance(value, Fixed):
        return float(value)
    if isinstance(value, str) and value[:1] in ("{", "["):
        loaded = _load(value)
        return value if loaded is _NOTHING else loaded
    return value


def _dump(value: Any) -> str:
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False)


def from_json(value: Any) -> Any:
    """JSON as a field's value: containers as text, null as null."""
    if isinstance(value, (dict, list)):
        return _dump(value)
    if isinstance(value, bool):
        return "true" if value else "false"
    return value


@function("json", 1, doc=PAGE)
def json_(value: Any) -> Any:
    return None if _load(value) is _NOTHING else to_text(value)


@function("json_valid", 1, doc=PAGE)
def json_valid(value: Any) -> Any:
    return None if value is None else _load(value) is not _NOTHING


@function("json_object", 0, None, doc=PAGE)
def json_object(*members: Any) -> str:
    if len(members) % 2:
        raise SplError("json_object() takes pairs of a key and a value")
    return _dump({to_text(k): _value(v) for k, v in zip(members[::2], members[1::2], strict=True)})


@function("json_array", 0, None, doc=PAGE)
def json_array(*values: Any) -> str:
    return _dump([_value(value) for value in values])


@function("mv_to_json_array", 1, 2, doc=PAGE)
def mv_to_json_array(value: Any, infer_types: Any = False) -> Any:
    items = as_list(value)
    if not infer_types or to_text(infer_types).lower() in ("false", "0"):
        return _dump([to_text(item) for item in items])
    return _dump([_inferred(item) for item in items])


def _inferred(item: Any) -> Any:
    loaded = _load(item)
    return item if loaded is _NOTHING else loaded


@function("json_array_to_mv", 1, 2, doc=PAGE)
def json_array_to_mv(value: Any, quotes: Any = False) -> Any:
    loaded = _load(value)
    if not isinstance(loaded, list):
        return None
    keep = quotes is True or to_text(quotes).lower() == "true"
    return from_list(_dump(x) if keep and isinstance(x, str) else from_json(x) for x in loaded)


@function("json_extract", 1, None, doc=PAGE)
def json_extract(value: Any, *paths: Any) -> Any:
    loaded = _load(value)
    if loaded is _NOTHING:
        return None
    if not paths:
        return from_json(loaded)
    found = []
    for path in paths:
        steps = split_path(to_text(path))
        items = find_path(loaded, steps)
        many = any(step == "{}" for step in steps)
        found.append((items if many else items[0]) if items else None)
    if len(found) == 1:
        return from_json(found[0])
    return _dump(found)


@function("json_extract_exact", 1, None, doc=PAGE)
def json_extract_exact(value: Any, *keys: Any) -> Any:
    loaded = _load(value)
    if loaded is _NOTHING:
        return None
    if not keys:
        return from_json(loaded)
    if not isinstance(loaded, dict):
        return None
    found = [loaded.get(to_text(key)) for key in keys]
    return from_json(found[0]) if len(found) == 1 else _dump(found)


@function("json_has_key_exact", 2, doc=PAGE)
def json_has_key_exact(value: Any, key: Any) -> Any:
    loaded = _load(value)
    return None if not isinstance(loaded, dict) or key is None else to_text(key) in loaded


@function("json_keys", 1, doc=PAGE)
def json_keys(value: Any) -> Any:
    loaded = _load(value)
    return _dump(list(loaded)) if isinstance(loaded, dict) else None


@function("json_entries", 1, doc=PAGE)
def json_entries(value: Any) -> Any:
    loaded = _load(value)
    if not isinstance(loaded, dict):
        return None
    return _dump([{"key": key, "value": item} for key, item in loaded.items()])


@function("json_delete", 2, None, doc=PAGE)
def json_delete(value: Any, *keys: Any) -> Any:
    loaded = _load(value)
    if not isinstance(loaded, dict):
        return None
    for key in keys:
        *parents, last = split_path(to_text(key))
        for parent in find_path(loaded, parents):
            _remove(parent, last)
    return _dump(loaded)


def _remove(parent: Any, step: str) -> None:
    if isinstance(parent, dict):
        parent.pop(step, None)
    elif isinstance(parent, list) and step.startswith("{") and step[1:-1].isdigit():
        index = int(step[1:-1])
        if index < len(parent):
            del parent[index]


def _assign(root: Any, steps: list[str], value: Any) -> None:
    """Sets what a path names, making objects on the way."""
    node = root
    for index, step in enumerate(steps):
        last = index == len(steps) - 1
        if isinstance(node, dict) and not step.startswith("{"):
            if last:
                node[step] = value
                return
            node = node.setdefault(step, {})
        elif isinstance(node, list) and step[1:-1].isdigit() and int(step[1:-1]) < len(node):
            place = int(step[1:-1])
            if last:
                node[place] = value
                return
            node = node[place]
        else:
            return


def _setting(name: str, exact: bool) -> None:
    @function(name, 3, None, doc=PAGE)
    def set_(value: Any, *pairs: Any) -> Any:
        if len(pairs) % 2:
            raise SplError(f"{name}() takes pairs of a path and a value")
        loaded = _load(value)
        if loaded is _NOTHING:
            return None
        for path, new in zip(pairs[::2], pairs[1::2], strict=True):
            text = to_text(path)
            _assign(loaded, [text] if exact else split_path(text), _value(new))
        return _dump(loaded)


_setting("json_set", exact=False)
_setting("json_set_exact", exact=True)


def _growing(name: str, spread: bool) -> None:
    @function(name, 3, None, doc=PAGE)
    def grow(value: Any, *pairs: Any) -> Any:
        """Appends to arrays; another value that a path names becomes an array first."""
        if len(pairs) % 2:
            raise SplError(f"{name}() takes pairs of a path and a value")
        loaded = _load(value)
        if loaded is _NOTHING:
            return None
        for path, new in zip(pairs[::2], pairs[1::2], strict=True):
            item, steps = _value(new), split_path(to_text(path))
            more = item if spread and isinstance(item, list) else [item]
            for target in find_path(loaded, steps):
                if isinstance(target, list):
                    target.extend(more)
                elif "{}" not in steps:
                    _assign(loaded, steps, [target, *more])
        return _dump(loaded)


_growing("json_append", spread=False)
_growing("json_extend", spread=True)

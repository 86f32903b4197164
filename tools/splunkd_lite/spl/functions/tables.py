"""lookup(): rows of a lookup table as a JSON object."""

from __future__ import annotations

import json
from typing import Any

from tools.splunkd_lite.spl.errors import SplError
from tools.splunkd_lite.spl.evaluate import Compiled
from tools.splunkd_lite.spl.functions.comparison import PAGE
from tools.splunkd_lite.spl.registry import function
from tools.splunkd_lite.spl.tree import Call, Literal
from tools.splunkd_lite.spl.values import Row, as_list, to_text


@function("lookup", 3, doc=PAGE, lazy=True)
def lookup(node: Call, arguments: list[Compiled], env: Any) -> Compiled:
    """The output fields of the rows that match, one value or an array; null when none does.

    lookup("table", json_object("input", match, ...), json_array("output", ...)): the table's name
    is quoted. Raises SplError for a table that does not exist.
    """
    from tools.splunkd_lite.spl.commands.lookups import Definition

    name = node.arguments[0]
    if not isinstance(name, Literal) or not isinstance(name.value, str):
        raise SplError("lookup() takes the name of its table in quotes", node.position)
    definition = Definition.load(name.value, env, name.position)

    def run(row: Row) -> Any:
        wanted, outputs = _json(arguments[1](row), dict), _json(arguments[2](row), list)
        if not wanted or not outputs:
            return None
        find = definition.matcher([(field, field) for field in wanted])
        found: dict[str, list[Any]] = {}
        for entry in find(wanted):
            for field in outputs:
                found.setdefault(str(field), []).extend(as_list(entry.get(str(field))))
        shown = {field: _shown(values) for field, values in found.items() if values}
        return json.dumps(shown, separators=(",", ":"), ensure_ascii=False) if shown else None

    return run


def _json(value: Any, kind: type) -> Any:
    try:
        loaded = json.loads(to_text(value))
    except (ValueError, RecursionError):
        return None
    return loaded if isinstance(loaded, kind) else None


def _shown(values: list[Any]) -> Any:
    texts = list(dict.fromkeys(to_text(value) for value in values))
    return texts[0] if len(texts) == 1 else texts

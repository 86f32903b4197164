"""sigfig(): a calculation's result with the digits that its least precise operand has.

The rules are the page's: a product or a quotient keeps the fewest significant figures of its
operands, a sum or a difference the fewest decimals. A number that was calculated before, or that a
function gives, is as precise as can be.
https://help.splunk.com/en/splunk-enterprise/spl-search-reference/9.4/evaluation-functions/mathematical-functions
"""

from __future__ import annotations

import math
import re
from typing import Any

from tools.splunkd_lite.spl.evaluate import Compiled
from tools.splunkd_lite.spl.functions.mathematics import PAGE, round_
from tools.splunkd_lite.spl.registry import function
from tools.splunkd_lite.spl.tree import Binary, Call, Expression, FieldRef, Literal, Unary
from tools.splunkd_lite.spl.values import Row, to_number

_DIGITS = re.compile(r"[+-]?0*(\d*)(?:\.(\d*))?")
_ENDLESS = (math.inf, math.inf)


@function("sigfig", 1, doc=PAGE, lazy=True)
def sigfig(node: Call, arguments: list[Compiled], env: Any) -> Compiled:
    tree, value = node.arguments[0], arguments[0]

    def run(row: Row) -> Any:
        number = to_number(value(row))
        if number is None:
            return None
        figures, decimals = _precision(tree, row)
        if number and math.isfinite(figures):
            decimals = min(decimals, figures - 1 - math.floor(math.log10(abs(number))))
        return number if math.isinf(decimals) else round_(number, int(decimals))

    return run


def _precision(node: Expression, row: Row) -> tuple[float, float]:
    """How many significant figures and how many decimals an operand or a result has."""
    if isinstance(node, Literal):
        return _written(node.written)
    if isinstance(node, FieldRef):
        text = row.get(node.name)
        return _written(text) if isinstance(text, str) else _ENDLESS
    if isinstance(node, Unary):
        return _precision(node.operand, row)
    if not isinstance(node, Binary) or node.operator not in "+-*/":
        return _ENDLESS
    left, right = _precision(node.left, row), _precision(node.right, row)
    if node.operator in "+-":
        return math.inf, min(left[1], right[1])
    return min(left[0], right[0]), math.inf


def _written(text: str) -> tuple[float, float]:
    found = _DIGITS.fullmatch(text.strip())
    if found is None:
        return _ENDLESS
    whole, fraction = found.group(1), found.group(2) or ""
    figures = len(whole) + len(fraction) if whole else len(fraction.lstrip("0"))
    return max(figures, 1), len(fraction)

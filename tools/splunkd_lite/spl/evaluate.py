"""Turns an eval expression into a closure over a row.

Null spreads: an operator with a null side is null, and a condition that is null is not true.
Source: https://help.splunk.com/en/splunk-enterprise/spl-search-reference/9.4/evaluation-functions
"""

from __future__ import annotations

import math
import operator as op
from collections.abc import Callable
from typing import Any

from tools.splunkd_lite.spl.errors import SplError
from tools.splunkd_lite.spl.registry import FUNCTIONS
from tools.splunkd_lite.spl.tree import Binary, Call, Expression, FieldRef, Literal, Unary
from tools.splunkd_lite.spl.values import Row, to_number, to_text

__all__ = ["Compiled", "compile_expression", "is_boolean", "references", "truth"]

Compiled = Callable[[Row], Any]

_EXACT = 2**53
_TESTS: dict[str, Callable[[Any, Any], bool]] = {
    "=": op.eq,
    "!=": op.ne,
    "<": op.lt,
    "<=": op.le,
    ">": op.gt,
    ">=": op.ge,
}


def truth(value: Any) -> bool:
    """Whether a condition holds: true, not null, not the number 0."""
    if value is True:
        return True
    if value is None or value is False:
        return False
    return bool(to_number(value))


_BOOLEAN_CALLS = frozenset(
    ("true", "false", "like", "match", "in", "cidrmatch", "searchmatch", "json_valid", "tobool",
     "json_has_key_exact", "isnull", "isnotnull", "isnum", "isint", "isdouble", "isstr", "isbool",
     "ismv", "isarray", "isobject")
)  # fmt: skip


def is_boolean(node: Expression) -> bool:
    """Whether an expression is true or false, which a field can't hold."""
    if isinstance(node, Binary):
        return node.operator in _TESTS or node.operator in ("AND", "OR", "XOR")
    if isinstance(node, Unary):
        return node.operator == "NOT"
    return isinstance(node, Call) and node.name in _BOOLEAN_CALLS


def references(node: Expression) -> frozenset[str]:
    """The names of the fields that an expression reads."""
    found: set[str] = set()
    waiting: list[Expression] = [node]
    while waiting:
        part = waiting.pop()
        if isinstance(part, FieldRef):
            found.add(part.name)
        elif isinstance(part, Unary):
            waiting.append(part.operand)
        elif isinstance(part, Binary):
            waiting += (part.left, part.right)
        elif isinstance(part, Call):
            waiting += part.arguments
            if part.name == "searchmatch":
                found |= {"_raw", "*"}
    return frozenset(found)


def compile_expression(node: Expression, env: Any = None) -> Compiled:
    """A closure that gives the expression's value for a row. Raises SplError."""
    if isinstance(node, Literal):
        value = node.value
        return lambda row: value
    if isinstance(node, FieldRef):
        name = node.name
        return lambda row: row.get(name)
    if isinstance(node, Unary):
        return _unary(node, env)
    if isinstance(node, Binary):
        return _binary(node, env)
    return _call(node, env)


def _unary(node: Unary, env: Any) -> Compiled:
    operand = compile_expression(node.operand, env)
    if node.operator == "NOT":
        return lambda row: None if (value := operand(row)) is None else not truth(value)

    def negate(row: Row) -> Any:
        number = to_number(operand(row))
        return None if number is None else -number

    return negate


def _call(node: Call, env: Any) -> Compiled:
    function = FUNCTIONS.get(node.name)
    if function is None:
        raise SplError(f"the eval function '{node.name}' is unknown", node.position)
    function.check(len(node.arguments), node.position)
    arguments = [compile_expression(argument, env) for argument in node.arguments]
    if function.lazy:
        return function.build(node, arguments, env)
    build = function.build
    if len(arguments) == 1:
        only = arguments[0]
        return lambda row: build(only(row))
    if len(arguments) == 2:
        first, second = arguments
        return lambda row: build(first(row), second(row))
    return lambda row: build(*[argument(row) for argument in arguments])


def _binary(node: Binary, env: Any) -> Compiled:
    name = node.operator
    if name in ("AND", "OR"):
        return _chain(name, [compile_expression(part, env) for part in _operands(node, name)])
    left, right = compile_expression(node.left, env), compile_expression(node.right, env)
    if name == "XOR":
        return lambda row: truth(left(row)) != truth(right(row))
    if name in _TESTS:
        return _comparison(_TESTS[name], left, right)
    if name == ".":
        return lambda row: _concatenate(left(row), right(row))
    if name == "+":
        both_text = _is_text(node.left) or _is_text(node.right)
        return lambda row: _add(left(row), right(row), both_text)
    return _arithmetic(name, left, right)


def _operands(node: Binary, name: str) -> list[Expression]:
    """The operands of a chain such as a OR b OR c, which the parser nests to the left."""
    found: list[Expression] = []
    part: Expression = node
    while isinstance(part, Binary) and part.operator == name:
        found.append(part.right)
        part = part.left
    return [part, *reversed(found)]


def _chain(name: str, parts: list[Compiled]) -> Compiled:
    if len(parts) == 2:
        left, right = parts
        if name == "AND":
            return lambda row: truth(left(row)) and truth(right(row))
        return lambda row: truth(left(row)) or truth(right(row))
    if name == "AND":
        return lambda row: all(truth(part(row)) for part in parts)
    return lambda row: any(truth(part(row)) for part in parts)


def _is_text(node: Expression) -> bool:
    return isinstance(node, Literal) and isinstance(node.value, str)


def _concatenate(left: Any, right: Any) -> Any:
    if left is None or right is None or type(left) is list or type(right) is list:
        return None
    return to_text(left) + to_text(right)


def _add(left: Any, right: Any, as_text: bool) -> Any:
    """Numbers add, two strings join; anything else is null."""
    if left is None or right is None:
        return None
    if as_text:
        return (
            _concatenate(left, right) if isinstance(left, str) and isinstance(right, str) else None
        )
    a, b = to_number(left), to_number(right)
    if a is not None and b is not None:
        try:
            return _double(to_number(a + b))
        except OverflowError:
            return None
    if isinstance(left, str) and isinstance(right, str):
        return left + right
    return None


def _arithmetic(name: str, left: Compiled, right: Compiled) -> Compiled:
    calculate = {"-": op.sub, "*": op.mul, "/": _divide, "%": _modulo}[name]

    def run(row: Row) -> Any:
        a, b = to_number(left(row)), to_number(right(row))
        if a is None or b is None:
            return None
        try:
            result = calculate(a, b)
        except (OverflowError, ValueError):
            return None
        return None if type(result) is float and not math.isfinite(result) else _double(result)

    return run


def _double(number: Any) -> Any:
    """A whole number beyond 2^53 as the double that Splunk holds it in."""
    if type(number) is int and not -_EXACT <= number <= _EXACT:
        return int(float(number))
    return number


def _divide(a: float, b: float) -> float | int | None:
    if b == 0:
        return None
    quotient = a / b
    if quotient == int(quotient) and abs(quotient) < 2**53:
        return int(quotient)
    return quotient


def _modulo(a: float, b: float) -> float | None:
    """The sign follows the dividend, as in C."""
    if b == 0:
        return None
    result = math.fmod(a, b)
    return int(result) if isinstance(a, int) and isinstance(b, int) else result


def _comparison(test: Callable[[Any, Any], bool], left: Compiled, right: Compiled) -> Compiled:
    """Numbers compare as numbers, anything else as text; a multivalue if any value does."""

    def one(a: Any, b: Any) -> bool:
        x, y = to_number(a), to_number(b)
        if x is not None and y is not None:
            return test(x, y)
        return test(to_text(a), to_text(b))

    def run(row: Row) -> Any:
        a, b = left(row), right(row)
        if a is None or b is None:
            return None
        if type(a) is list or type(b) is list:
            lefts = a if type(a) is list else [a]
            rights = b if type(b) is list else [b]
            return any(one(x, y) for x in lefts for y in rights)
        return one(a, b)

    return run

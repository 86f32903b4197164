"""Mathematical, trigonometric, bitwise and statistical functions."""

from __future__ import annotations

import math
import random as chance
from collections.abc import Callable
from decimal import ROUND_HALF_UP, Context, Decimal, localcontext
from typing import Any

from tools.splunkd_lite.spl.registry import function
from tools.splunkd_lite.spl.values import Fixed, as_list, sort_key, to_number

PAGE = "evaluation-functions/mathematical-functions"
TRIG = "evaluation-functions/trig-and-hyperbolic-functions"
STATISTICS = "evaluation-functions/statistical-eval-functions"
BITS = "evaluation-functions/bitwise-functions"
MAX_PLACES = 15  # what a double holds


def _whole(value: float) -> int | float:
    return int(value) if math.isfinite(value) and value == int(value) else value


def _numeric(calculate: Callable[..., Any]) -> Callable[..., Any]:
    """Null for arguments that aren't numbers, and where the mathematics has no answer."""

    def run(*arguments: Any) -> Any:
        numbers = [to_number(argument) for argument in arguments]
        if any(number is None for number in numbers):
            return None
        try:
            return calculate(*numbers)
        except (ValueError, OverflowError, ZeroDivisionError):
            return None

    return run


_PLAIN: dict[str, Callable[[Any], Any]] = {
    "abs": abs,
    "ceiling": math.ceil,
    "ceil": math.ceil,
    "floor": math.floor,
    "exact": lambda x: x,
    "exp": lambda x: _whole(math.exp(x)),
    "ln": lambda x: _whole(math.log(x)),
    "sqrt": lambda x: _whole(math.sqrt(x)),
}
for _name, _calculate in _PLAIN.items():
    function(_name, 1, doc=PAGE)(_numeric(_calculate))

for _name in ("acos", "acosh", "asin", "asinh", "atan", "atanh", "cos", "cosh", "sin", "sinh",
              "tan", "tanh"):  # fmt: skip
    function(_name, 1, doc=TRIG)(_numeric(getattr(math, _name)))
for _name in ("atan2", "hypot"):
    function(_name, 2, doc=TRIG)(_numeric(getattr(math, _name)))


@function("pi", 0, doc=PAGE)
def pi() -> float:
    """The constant to eleven decimals, cut off, as the page has it."""
    return 3.14159265358


@function("log", 1, 2, doc=PAGE)
def log(value: Any, base: Any = 10) -> Any:
    return _numeric(lambda x, b: _whole(math.log10(x) if b == 10 else round(math.log(x, b), 14)))(
        value, base
    )


@function("pow", 2, doc=PAGE)
def pow_(value: Any, power: Any) -> Any:
    return _numeric(lambda x, y: _whole(math.pow(x, y)))(value, power)


@function("round", 1, 2, doc=PAGE)
def round_(value: Any, places: Any = 0) -> Any:
    """Half away from zero; `places` decimals are kept in print."""
    number, digits = to_number(value), to_number(places)
    if number is None or digits is None or not math.isfinite(number):
        return None
    decimals = int(min(max(digits, -MAX_PLACES), MAX_PLACES))
    with localcontext(Context(prec=4 * MAX_PLACES + 350)):
        exact = Decimal(number) if isinstance(number, int) else Decimal(repr(float(number)))
        rounded = exact.quantize(Decimal(1).scaleb(-decimals), rounding=ROUND_HALF_UP)
    return int(rounded) if decimals <= 0 else Fixed(float(rounded), decimals)


@function("sum", 1, None, doc=PAGE)
def sum_(*values: Any) -> Any:
    numbers = _numbers(values)
    return sum(numbers) if numbers else None


@function("avg", 1, None, doc=STATISTICS)
def avg(*values: Any) -> Any:
    numbers = _numbers(values)
    return _whole(sum(numbers) / len(numbers)) if numbers else None


def _numbers(values: tuple[Any, ...]) -> list[Any]:
    found = (to_number(item) for value in values for item in as_list(value))
    return [number for number in found if number is not None]


@function("max", 1, None, doc=STATISTICS)
def max_(*values: Any) -> Any:
    """The largest; any text is larger than any number."""
    present = [item for value in values for item in as_list(value)]
    return max(present, key=sort_key) if present else None


@function("min", 1, None, doc=STATISTICS)
def min_(*values: Any) -> Any:
    present = [item for value in values for item in as_list(value)]
    return min(present, key=sort_key) if present else None


@function("random", 0, doc=STATISTICS)
def random() -> int:
    """A whole number from 0 to 2^31-1."""
    return chance.randrange(2**31)


def _bits(calculate: Callable[..., Any]) -> Callable[..., Any]:
    def run(*arguments: Any) -> Any:
        numbers = [to_number(argument) for argument in arguments]
        if any(not isinstance(n, int) or not 0 <= n < 2**53 for n in numbers):
            return None
        return calculate(*numbers)

    return run


def _fold(operation: Callable[[int, int], int]) -> Callable[..., int]:
    def run(first: int, *others: int) -> int:
        for other in others:
            first = operation(first, other)
        return first

    return run


function("bit_and", 2, None, doc=BITS)(_bits(_fold(lambda a, b: a & b)))
function("bit_or", 2, None, doc=BITS)(_bits(_fold(lambda a, b: a | b)))
function("bit_xor", 2, None, doc=BITS)(_bits(_fold(lambda a, b: a ^ b)))
function("bit_not", 1, 2, doc=BITS)(_bits(lambda a, mask=2**53 - 1: ~a & mask))
function("bit_shift_left", 2, doc=BITS)(_bits(lambda a, n: (a << min(n, 53)) & (2**53 - 1)))
function("bit_shift_right", 2, doc=BITS)(_bits(lambda a, n: a >> n))

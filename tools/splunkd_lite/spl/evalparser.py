"""The grammar of eval and where, by recursive descent.

Binding, tightest first: parentheses, unary minus and plus, `* / %`, `+ -`, `.`, comparisons (with
LIKE and IN), NOT, AND, OR, XOR:
https://help.splunk.com/en/splunk-enterprise/search/search-manual/9.3/expressions-and-predicates
"""

from __future__ import annotations

import math
import re

from tools.splunkd_lite.spl.errors import SplError
from tools.splunkd_lite.spl.pcre import compile_pattern
from tools.splunkd_lite.spl.registry import FUNCTIONS
from tools.splunkd_lite.spl.scanner import Scanner
from tools.splunkd_lite.spl.tree import Binary, Call, Expression, FieldRef, Literal, Unary
from tools.splunkd_lite.spl.values import to_number, to_text

__all__ = ["parse_expression"]

_NUMBER = re.compile(r"(?:\d+(?:\.\d+)?|\.\d+)(?:[eE][+-]?\d+)?(?![\w])")
_NAME = re.compile(r"[A-Za-z_$@][\w$@:{}]*")
_COMPARISON = re.compile(r"==|!=|<=|>=|<>|=|<|>")
_WORD_LIKE = re.compile(r"like\b", re.I)
_WORD_IN = re.compile(r"in\s*\(", re.I)
_WORD_NOT_IN = re.compile(r"not\s+in\s*\(", re.I)
_AND, _OR, _XOR, _NOT = (re.compile(rf"{w}(?![\w])", re.I) for w in ("and", "or", "xor", "not"))
_MAX_DEPTH = 40  # each level is some 16 calls deep in this parser
_REGEX_FUNCTIONS = {"match", "replace", "mvfind"}
_NUMBERS_ONLY = {"sum", "avg"}
_CONSTANTS = {"true", "false", "null"}


def parse_expression(scanner: Scanner) -> Expression:
    """The longest expression that starts at the cursor. Raises SplError."""
    return _Parser(scanner).xor()


class _Parser:
    def __init__(self, scanner: Scanner) -> None:
        self.scanner = scanner
        self.depth = 0

    def xor(self) -> Expression:
        return self._logical("XOR", _XOR, lambda: self._logical("OR", _OR, self._and))

    def _and(self) -> Expression:
        return self._logical("AND", _AND, self._not)

    def _logical(self, name, word, operand) -> Expression:  # type: ignore[no-untyped-def]
        left = operand()
        while True:
            at = self.scanner.position()
            if not self.scanner.match(word):
                return left
            left = Binary(name, left, operand(), at)

    def _not(self) -> Expression:
        at = self.scanner.position()
        if self.scanner.match(_NOT):
            self._enter()
            operand = self._not()
            self.depth -= 1
            return Unary("NOT", operand, at)
        return self._comparison()

    def _comparison(self) -> Expression:
        left = self._concatenation()
        while True:
            at = self.scanner.position()
            if operator := self.scanner.match(_COMPARISON):
                operator = {"==": "=", "<>": "!="}.get(operator, operator)
                left = Binary(operator, left, self._concatenation(), at)
            elif self.scanner.match(_WORD_LIKE):
                left = Call("like", (left, self._concatenation()), at)
            elif self.scanner.match(_WORD_NOT_IN):
                left = Unary("NOT", Call("in", (left, *self._arguments()), at), at)
            elif self.scanner.match(_WORD_IN):
                left = Call("in", (left, *self._arguments()), at)
            else:
                return left

    def _concatenation(self) -> Expression:
        return self._binary((".",), lambda: self._binary(("+", "-"), self._product))

    def _product(self) -> Expression:
        return self._binary(("*", "/", "%"), self._unary)

    def _binary(self, operators, operand) -> Expression:  # type: ignore[no-untyped-def]
        left = operand()
        while True:
            at = self.scanner.position()
            operator = self.scanner.peek()
            if operator not in operators or operator == "":
                return left
            self.scanner.pos += 1
            left = Binary(operator, left, operand(), at)

    def _unary(self) -> Expression:
        at = self.scanner.position()
        if self.scanner.accept("-"):
            self._enter()
            operand = self._unary()
            self.depth -= 1
            if isinstance(operand, Literal) and not isinstance(operand.value, str):
                return Literal(-operand.value, at, operand.written)
            return Unary("-", operand, at)
        if self.scanner.accept("+"):
            return self._primary()
        return self._primary()

    def _enter(self) -> None:
        self.depth += 1
        if self.depth > _MAX_DEPTH:
            self.scanner.fail(f"the expression is nested more than {_MAX_DEPTH} deep")

    def _primary(self) -> Expression:
        scanner = self.scanner
        at = scanner.position()
        if scanner.accept("("):
            self._enter()
            inner = self.xor()
            self.depth -= 1
            scanner.expect(")", "to close the parenthesis")
            return inner
        text = scanner.quoted()
        if text is not None:
            return Literal(text, at)
        if scanner.peek() == "'":
            return FieldRef(self._single_quoted(), at)
        number = scanner.match(_NUMBER)
        if number:
            value = _number(number)
            if value in (math.inf, -math.inf):
                scanner.fail(f"the number '{number}' is too large")
            return Literal(value, at, number)
        return self._name(at)

    def _single_quoted(self) -> str:
        scanner = self.scanner
        end = scanner.text.find("'", scanner.pos + 1)
        if end < 0:
            scanner.fail("this single quote is never closed")
        name = scanner.text[scanner.pos + 1 : end]
        scanner.pos = end + 1
        return name

    def _name(self, at: int) -> Expression:
        scanner = self.scanner
        name = scanner.match(_NAME)
        if name is None:
            scanner.fail(f"expected a value, a field or a function, found {scanner.found()}")
        if scanner.text.startswith("(", scanner.pos):
            return self._call(name, at)
        if name.lower() in _CONSTANTS:
            return Call(name.lower(), (), at)
        return FieldRef(name, at)

    def _call(self, name: str, at: int) -> Expression:
        scanner = self.scanner
        function = FUNCTIONS.get(name.lower())
        if function is None:
            scanner.fail(f"the eval function '{name}' is unknown", scanner.pos - len(name))
        scanner.pos += 1
        self._enter()
        arguments = self._arguments()
        self.depth -= 1
        function.check(len(arguments), at)
        if name.lower() in _REGEX_FUNCTIONS and isinstance(arguments[1], Literal):
            compile_pattern(to_text(arguments[1].value), arguments[1].position)
        _check_numbers(name.lower(), arguments)
        return Call(name.lower(), arguments, at)

    def _arguments(self) -> tuple[Expression, ...]:
        """What stands between parentheses, the opening one already read."""
        scanner = self.scanner
        if scanner.accept(")"):
            return ()
        arguments = [self.xor()]
        while scanner.accept(","):
            arguments.append(self.xor())
        scanner.expect(")", "or ',' after an argument")
        return tuple(arguments)


def _check_numbers(name: str, arguments: tuple[Expression, ...]) -> None:
    """Refuses quoted text where the manual has an error: sum() and avg() take it through
    tonumber(), and tonumber() takes text that reads as a number. Raises SplError."""
    texts = [one for one in arguments if isinstance(one, Literal) and isinstance(one.value, str)]
    if name in _NUMBERS_ONLY and texts:
        raise SplError(
            f'{name}() does not take text; write tonumber("{texts[0].value}")',
            texts[0].position,
        )
    if name == "tonumber" and len(arguments) == 1 and texts and to_number(texts[0].value) is None:
        raise SplError(f"'{texts[0].value}' is not a number", texts[0].position)


def _number(text: str) -> int | float:
    try:
        return int(text)
    except ValueError:
        return float(text)

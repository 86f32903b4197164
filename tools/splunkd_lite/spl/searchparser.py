"""The grammar of the search command.

OR binds tighter than AND, which is implied between terms; NOT takes the term after it:
https://help.splunk.com/en/splunk-enterprise/search/search-manual/9.3/expressions-and-predicates
"""

from __future__ import annotations

import re

from tools.splunkd_lite.spl.reader import Reader
from tools.splunkd_lite.spl.tree import (
    And,
    Comparison,
    Not,
    Or,
    Pipeline,
    SearchExpression,
    Subsearch,
    Term,
    TimeBound,
)

__all__ = ["parse_search", "parse_search_text", "parse_search_until"]

_WORD = re.compile(r"(?:[^\s|\[\]()\"=<>!]|!(?!=))+")
_VALUE = re.compile(r"[^\s|\[\]()\"]+")
_LIST_VALUE = re.compile(r"[^\s|\[\]()\",]+")
_OPERATOR = re.compile(r"!=|<=|>=|==|=|<|>")
_INDEXED = re.compile(r"(?!tag::)(\w+)::(.+)\Z")
_FUNCTION = re.compile(r"(TERM|CASE)\(([^()\s]*)\)")
TIME_BOUNDS = {"earliest", "latest", "_index_earliest", "_index_latest"}
_UNSUPPORTED = {
    # search-commands/search and "Other time modifiers" of its page
    "starttime", "starttimeu", "startdaysago", "starthoursago", "startminutesago",
    "startmonthsago", "endtime", "endtimeu", "enddaysago", "endhoursago", "endminutesago",
    "endmonthsago", "daysago", "hoursago", "minutesago", "monthsago", "searchtimespandays",
    "searchtimespanhours", "searchtimespanminutes", "searchtimespanmonths", "timeformat",
    "savedsearch", "savedsplunk", "hosttag", "eventtypetag", "sample_ratio",
}  # fmt: skip
_MAX_DEPTH = 100


def parse_search(reader: Reader) -> SearchExpression:
    """The whole search expression up to the end of the command. Raises SplError."""
    return _Parser(reader).conjunction()


def parse_search_until(reader: Reader, stop: str) -> SearchExpression:
    """As `parse_search`, up to the word `stop`."""
    return _Parser(reader, stop).conjunction()


def parse_search_text(text: str, position: int = 0) -> SearchExpression:
    """A search expression that stands alone, as in an event type."""
    reader = Reader(text)
    reader.command = "search"
    reader.parse_pipeline = _no_subsearch
    tree = _Parser(reader).conjunction()
    if reader.peek():
        reader.fail(f"the search expression '{text}' can't hold {reader.found()}")
    return tree


def _no_subsearch(reader: Reader) -> Pipeline:
    reader.fail("a subsearch can't stand here")


class _Parser:
    def __init__(self, reader: Reader, stop: str = "") -> None:
        self.reader = reader
        self.stop = stop
        self.depth = 0

    def conjunction(self) -> SearchExpression:
        operands: list[SearchExpression] = []
        while not self.reader.at_end() and self.reader.peek() != ")":
            if self.stop and self.reader.peek_word().lower() == self.stop:
                break
            if operands and self._keyword("AND") and self.reader.at_end():
                self.reader.fail("AND needs a term after it")
            operands.append(self._disjunction())
        return operands[0] if len(operands) == 1 else And(tuple(operands))

    def _keyword(self, word: str) -> bool:
        reader = self.reader
        found = _WORD.match(reader.text, reader.skip())
        if found and found.group() == word and not reader.text[found.end() :].startswith("="):
            reader.pos = found.end()
            return True
        return False

    def _disjunction(self) -> SearchExpression:
        operands = [self._negation()]
        while self._keyword("OR"):
            operands.append(self._negation())
        return operands[0] if len(operands) == 1 else Or(tuple(operands))

    def _negation(self) -> SearchExpression:
        if self._keyword("NOT"):
            self._enter()
            operand = self._negation()
            self.depth -= 1
            return Not(operand)
        return self._primary()

    def _enter(self) -> None:
        self.depth += 1
        if self.depth > _MAX_DEPTH:
            self.reader.fail(f"the search is nested more than {_MAX_DEPTH} deep")

    def _primary(self) -> SearchExpression:
        reader = self.reader
        at = reader.position()
        if reader.accept("("):
            self._enter()
            inner = self.conjunction()
            self.depth -= 1
            reader.expect(")", "to close the parenthesis")
            return inner
        if reader.peek() == "[":
            return Subsearch(reader.subsearch(), at)
        special = _FUNCTION.match(reader.text, reader.pos)
        if special:
            reader.pos = special.end()
            exact = special.group(1) == "TERM"
            return Term(special.group(2), at, exact=exact, case=not exact)
        quoted = reader.quoted()
        word = quoted if quoted is not None else reader.match(_WORD)
        if word is None:
            reader.fail(f"expected a search term, found {reader.found()}")
        return self._after_word(word, quoted is not None, at)

    def _after_word(self, word: str, quoted: bool, at: int) -> SearchExpression:
        reader = self.reader
        operator = reader.match(_OPERATOR)
        if operator:
            return self._comparison(word, operator, at)
        if not quoted and word in ("AND", "OR", "NOT"):
            reader.fail(f"{word} needs a term on both sides", reader.pos - len(word))
        if reader.peek_word().upper() == "IN" and reader.text[reader.pos + 2 :].lstrip()[:1] == "(":
            reader.match(_WORD)
            return Comparison(word, "=", self._list(), at)
        indexed = None if quoted else _INDEXED.match(word)
        if indexed:
            return Comparison(indexed.group(1), "=", (indexed.group(2),), at)
        return Term(word, at)

    def _comparison(self, name: str, operator: str, at: int) -> SearchExpression:
        reader = self.reader
        if name.lower() in _UNSUPPORTED:
            reader.fail(f"the search modifier '{name}' is not supported", reader.pos)
        value = reader.quoted()
        if value is None:
            value = reader.match(_VALUE)
        if value is None:
            reader.fail(f"expected a value after '{name}{operator}', found {reader.found()}")
        if name in TIME_BOUNDS:
            return TimeBound(name, value, at)
        return Comparison(name, "=" if operator == "==" else operator, (value,), at)

    def _list(self) -> tuple[str, ...]:
        reader = self.reader
        reader.expect("(", "after IN")
        values = []
        while not reader.accept(")"):
            quoted = reader.quoted()
            value = quoted if quoted is not None else reader.match(_LIST_VALUE)
            if value is None:
                reader.fail(f"expected a value in the IN list, found {reader.found()}")
            values.append(value)
            reader.accept(",")
        if not values:
            reader.fail("the IN list is empty")
        return tuple(values)

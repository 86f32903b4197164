"""The tree of a search: pipelines, commands, and the two expression languages.

Positions are offsets into the search as it was written.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, ClassVar, Optional, Union

from tools.splunkd_lite.spl.values import Row

if TYPE_CHECKING:
    from tools.splunkd_lite.spl.context import Environment
    from tools.splunkd_lite.spl.reader import Reader

__all__ = ["ALL", "Command", "Expression", "FieldSet", "Pipeline", "SearchExpression"]

FieldSet = Optional[frozenset[str]]
ALL: FieldSet = None
"""What a command needs of the rows before it: these fields, or (None) every field."""


# The eval language
@dataclass(frozen=True)
class Literal:
    value: Union[str, int, float]
    position: int
    written: str = ""
    """A number's digits as they stand in the search, whose count sigfig() needs."""


@dataclass(frozen=True)
class FieldRef:
    name: str
    position: int


@dataclass(frozen=True)
class Unary:
    operator: str
    operand: Expression
    position: int


@dataclass(frozen=True)
class Binary:
    operator: str
    left: Expression
    right: Expression
    position: int


@dataclass(frozen=True)
class Call:
    name: str
    arguments: tuple[Expression, ...]
    position: int


Expression = Union[Literal, FieldRef, Unary, Binary, Call]


# The search command's language
@dataclass(frozen=True)
class Term:
    """A word or phrase in the raw text; `exact` is TERM(), `literal` was quoted."""

    text: str
    position: int
    exact: bool = False
    case: bool = False


@dataclass(frozen=True)
class Comparison:
    field: str
    operator: str
    values: tuple[str, ...]
    position: int


@dataclass(frozen=True)
class TimeBound:
    """earliest=, latest=, _index_earliest= or _index_latest=, resolved when the search runs."""

    name: str
    modifier: str
    position: int


@dataclass(frozen=True)
class Not:
    operand: SearchExpression


@dataclass(frozen=True)
class And:
    operands: tuple[SearchExpression, ...]


@dataclass(frozen=True)
class Or:
    operands: tuple[SearchExpression, ...]


@dataclass(frozen=True)
class Subsearch:
    """A bracketed search whose result becomes an expression."""

    pipeline: Pipeline
    position: int


SearchExpression = Union[Term, Comparison, TimeBound, Not, And, Or, Subsearch]


@dataclass
class Command:
    """One command with its arguments; each subclass says how it is written and what it does."""

    name: ClassVar[str] = ""
    generating: ClassVar[bool] = False
    acts: ClassVar[bool] = False  # it does more than give rows: it writes
    holds: ClassVar[bool] = False  # it keeps every row until the last has come
    transforms: ClassVar[bool] = False  # it gives a table, and says what that would be meanwhile
    position: int = field(default=0, init=False)

    @classmethod
    def parse(cls, reader: Reader) -> Command:
        """Reads the command's arguments. Raises SplError."""
        raise NotImplementedError

    def run(self, rows: Iterable[Row], env: Environment) -> Iterator[Row]:
        """The rows that come out for the rows that come in; may change rows in place."""
        raise NotImplementedError

    def needs(self, down: FieldSet) -> FieldSet:
        """The fields that this command's input must have, given what its output must have."""
        return ALL


@dataclass
class Pipeline:
    commands: list[Command]
    position: int = 0
    text: str = ""

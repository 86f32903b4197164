"""How each golden case is known: what a second reading of its page found.

The cases were first written from memory of Splunk's manual. Each was then looked up again on the
page that it cites, and says what the page has:

* EXAMPLE: the page shows this input and this output. Field values may stand in for the fields that
  the page names, and times of another zone are moved to UTC.
* RULE: the page states the rule that the case applies; the numbers are ours.
* MEMORY: nothing on the page decides it, or the page was not found. Only memory vouches for it.

The citations name edition 9.4. Most pages were read in their edition 10.0, a few in 9.2 to 10.2;
the functions that were new in 10.0 say so there.

Where pages contradict each other, DISPUTED says so and what the stand-in does.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

EXAMPLE, RULE, MEMORY = "example", "rule", "memory"
KINDS = (EXAMPLE, RULE, MEMORY)

Row = dict[str, Any]
EvalCase = tuple[str, str, Any, str]
"""(page, expression, its value, kind). None is null, a list is a multivalue."""
CommandCase = tuple[str, list[Row], str, list[Row], str]
"""(page, rows, search after them, rows that it gives, kind). A null cell is absent."""
Table = tuple[list[Row], str, list[Row]]


def values(page: str, kind: str, cases: Mapping[str, Any]) -> list[EvalCase]:
    """Cases of one page and kind: expression by expression, with the value of each."""
    return [(page, expression, value, kind) for expression, value in cases.items()]


def tables(page: str, kind: str, *cases: Table) -> list[CommandCase]:
    """Cases of one page and kind: rows, a search, and the rows that come out."""
    return [(page, rows, search, expected, kind) for rows, search, expected in cases]


def column(name: str, *cells: Any) -> list[Row]:
    """Rows of one field; None leaves the field out."""
    return [{name: cell} if cell is not None else {} for cell in cells]


def rows(names: str, *lines: Iterable[Any]) -> list[Row]:
    """Rows of several fields, named in one text; None leaves a field out."""
    fields = names.split()
    return [
        {name: cell for name, cell in zip(fields, line, strict=True) if cell is not None}
        for line in lines
    ]


DISPUTED: dict[str, str] = {
    "perc, median": "The page's prose says nearest rank, and the higher of two in the middle; its"
    " two worked examples interpolate. The stand-in interpolates.",
    "strftime %V": "The date page calls it the ISO week; an example gives 33 for 2022-08-14, which"
    " is in ISO week 32. The stand-in gives 32.",
    "rounding in eval": "The eval page rounds 8.250 * 0.2 to 2 by its least precise operand; the"
    " page of sigfig() says that 1.00*1111 is 1111 without it. The stand-in does not round.",
    "stdev": "The page's example has 12.615183595289349, the stand-in 12.615183595289333: it does"
    " not subtract squares of large numbers.",
    "fieldformat": "The page changes how a field shows and not its value; the stand-in changes the"
    " value, and refuses commands after it that would see it.",
}
"""What the pages leave open or the stand-in does otherwise, by subject."""

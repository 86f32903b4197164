"""Search macros (macros.conf.spec)."""

from __future__ import annotations

import pytest

from tests.contract.spl.memory import MemoryContext, event
from tools.splunkd_lite.spl import SplError, run

MACROS = {
    "base": {"definition": "index=main"},
    "level(1)": {"args": "name", "definition": "level=$name$"},
    "both(2)": {"args": "a, b", "definition": "`level($a$)` code=$b$"},
    "stage": {"definition": "stats count AS n"},
    "built(1)": {"args": "x", "definition": '"level=" . upper("$x$")', "iseval": "1"},
    "checked(1)": {
        "args": "n",
        "definition": "head $n$",
        "validation": "isnum(n)",
        "errormsg": "n must be a number",
    },
    "loop": {"definition": "`loop`"},
}
EVENTS = [event("level=ERROR code=500"), event("level=INFO code=200 note=`tick`")]


def rows(search: str) -> list[dict[str, str]]:
    return list(run(search, MemoryContext(list(EVENTS), confs={"macros": MACROS})).rows)


@pytest.mark.parametrize(
    ("search", "count"),
    [
        ("`base` | `stage`", "2"),
        ("`base` `level(ERROR)` | `stage`", "1"),
        ('`base` `level("ERROR")` | `stage`', "1"),
        ("`base` `level(name=ERROR)` | `stage`", "1"),
        ("`both(ERROR, 500)` | `stage`", "1"),
        ("`both(ERROR, 200)` | `stage`", "0"),
        ("`built(error)` | `stage`", "1"),
        ('index=main "`tick`" | stats count AS n', "1"),
        ("index=main ```not `this` one``` | `stage`", "2"),
    ],
)
def test_a_macro_stands_for_its_definition(search: str, count: str) -> None:
    assert rows(search) == [{"n": count}]


def test_arguments_are_validated() -> None:
    assert len(rows("`base` | `checked(1)`")) == 1
    with pytest.raises(SplError, match="n must be a number"):
        rows("`base` | `checked(x)`")


@pytest.mark.parametrize(
    ("search", "message"),
    [
        ("`level`", r"macro 'level' that cannot be found"),
        ("`level(a, b)`", r"macro 'level\(2\)' that cannot be found"),
        ("`loop`", "without an end"),
        ("`base", "never closed"),
    ],
)
def test_a_wrong_call_is_refused(search: str, message: str) -> None:
    with pytest.raises(SplError, match=message):
        rows(search)

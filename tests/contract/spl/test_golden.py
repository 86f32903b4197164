"""What the manual says or shows, through the whole engine."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest

from tests.contract.spl.command_cases import COMMAND_CASES
from tests.contract.spl.eval_cases import EVAL_CASES, REFUSED
from tests.contract.spl.event_cases import EVENT_CASES, context
from tests.contract.spl.memory import MemoryContext, MemoryTable
from tests.contract.spl.oracles import KINDS, MEMORY
from tools.splunkd_lite.spl import SplError, run

_KINDS = [case[-1] for case in (*EVAL_CASES, *COMMAND_CASES, *EVENT_CASES)]


def _names(cases: list[Any]) -> list[str]:
    return [f"{case[0].rsplit('/', 1)[-1]}-{case[-1]}-{n}" for n, case in enumerate(cases)]


@pytest.mark.parametrize(
    ("page", "expression", "expected", "kind"), EVAL_CASES, ids=_names(EVAL_CASES)
)
def test_an_expression_has_the_value_that_the_manual_says(
    page: str, expression: str, expected: Any, kind: str
) -> None:
    results = run(f"| makeresults | eval result={expression}", MemoryContext())
    assert results.rows[0].get("result") == expected


@pytest.mark.parametrize(("page", "expression", "message"), REFUSED)
def test_an_expression_is_refused_as_the_manual_says(
    page: str, expression: str, message: str
) -> None:
    with pytest.raises(SplError, match=message):
        run(f"| makeresults | eval result={expression}", MemoryContext())


@pytest.mark.parametrize(
    ("page", "rows", "search", "expected", "kind"), COMMAND_CASES, ids=_names(COMMAND_CASES)
)
def test_a_command_gives_the_rows_that_the_manual_shows(
    page: str, rows: list[dict[str, Any]], search: str, expected: list[dict[str, Any]], kind: str
) -> None:
    tables = {"input": MemoryTable(rows)}
    assert run(f"| inputlookup input | {search}", MemoryContext(tables=tables)).rows == expected


@pytest.mark.parametrize(
    ("page", "search", "expected", "kind"), EVENT_CASES, ids=_names(EVENT_CASES)
)
def test_a_search_gives_the_rows_that_the_manual_shows(
    page: str, search: str, expected: list[dict[str, Any]], kind: str
) -> None:
    assert run(search, context()).rows == expected


def test_every_case_says_how_it_is_known() -> None:
    assert set(_KINDS) <= set(KINDS)


def test_no_case_stands_there_twice() -> None:
    counted = Counter(
        [(case[0], case[1]) for case in (*EVAL_CASES, *EVENT_CASES)]
        + [(case[0], f"{case[1]} | {case[2]}") for case in COMMAND_CASES]
    )
    assert [case for case, count in counted.items() if count > 1] == []


def test_nearly_all_cases_were_found_again_on_their_page() -> None:
    """https://help.splunk.com/en/splunk-enterprise/spl-search-reference/9.4/"""
    counted = Counter(_KINDS)
    assert counted["example"] >= 150
    assert counted[MEMORY] <= 25

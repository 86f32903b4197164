"""What the manual says or shows, through the whole engine."""

from __future__ import annotations

from typing import Any

import pytest

from tests.contract.spl.command_cases import COMMAND_CASES
from tests.contract.spl.eval_cases import EVAL_CASES
from tests.contract.spl.memory import MemoryContext, MemoryTable
from tests.contract.spl.oracles import REREAD
from tools.splunkd_lite.spl import run


@pytest.mark.parametrize(("page", "expression", "expected"), EVAL_CASES)
def test_an_expression_has_the_value_that_the_manual_says(
    page: str, expression: str, expected: Any
) -> None:
    results = run(f"| makeresults | eval result={expression}", MemoryContext())
    assert results.rows[0].get("result") == expected


@pytest.mark.parametrize(
    ("page", "rows", "search", "expected"),
    COMMAND_CASES,
    ids=[f"{case[0].rsplit('/', 1)[-1]}-{index}" for index, case in enumerate(COMMAND_CASES)],
)
def test_a_command_gives_the_rows_that_the_manual_shows(
    page: str, rows: list[dict[str, Any]], search: str, expected: list[dict[str, Any]]
) -> None:
    context = MemoryContext(tables={"input": MemoryTable(rows)})
    assert run(f"| inputlookup input | {search}", context).rows == expected


def test_there_are_at_least_150_cases() -> None:
    assert len(EVAL_CASES) + len(COMMAND_CASES) >= 150


@pytest.mark.parametrize(("page", "begins"), REREAD)
def test_a_case_that_was_read_again_is_still_there(page: str, begins: str) -> None:
    assert [one for one in COMMAND_CASES if one[0] == page and one[2].startswith(begins)]

"""Reports of the stand-in against DuckDB's, over the same rows."""

from __future__ import annotations

from typing import Any

import pytest

from tests.contract.differential.duckdb_cases import CASES
from tests.contract.differential.rows import EARLIEST, LATEST, generated, stored, teams
from tests.contract.spl.memory import MemoryContext, MemoryTable
from tools.splunkd_lite.spl import run

duckdb = pytest.importorskip("duckdb", reason="duckdb is not installed")

ROWS = generated(4_000)
_SCHEMA = (
    "_time DOUBLE, n INTEGER, host TEXT, team TEXT, status INTEGER, size INTEGER, value DOUBLE"
)
_COLUMNS = ("_time", "n", "host", "team", "status", "size", "value")


@pytest.fixture(scope="module")
def database() -> Any:
    db = duckdb.connect()
    db.execute("SET threads = 1")
    db.execute(f"CREATE TABLE e ({_SCHEMA})")
    marks = ", ".join("?" for _ in _COLUMNS)
    db.executemany(f"INSERT INTO e VALUES ({marks})", [[r.get(c) for c in _COLUMNS] for r in ROWS])
    db.execute("CREATE TABLE t (team TEXT, lead TEXT)")
    db.executemany("INSERT INTO t VALUES (?, ?)", [[r["team"], r["lead"]] for r in teams()])
    yield db
    db.close()


@pytest.fixture(scope="module")
def context() -> MemoryContext:
    tables = {"teams": MemoryTable(teams())}
    return MemoryContext(stored(ROWS), earliest=EARLIEST, latest=LATEST, tables=tables)


def by_sql(db: Any, sql: str) -> tuple[list[str], list[list[Any]]]:
    limits = {"low": EARLIEST // 600 * 600, "high": LATEST // 600 * 600}
    cursor = db.execute(sql, {name: limits[name] for name in limits if f"${name}" in sql})
    names = [column[0] for column in cursor.description]
    return names, [list(row) for row in cursor.fetchall()]


def by_spl(context: MemoryContext, search: str, names: list[str]) -> list[list[Any]]:
    rows = run(f"index=main | {search}", context).rows
    unknown = {name for row in rows for name in row if name[:1] != "_"} - set(names)
    assert not unknown, f"columns that the SQL does not have: {unknown}"
    return [[row.get(name) for name in names] for row in rows]


def comparable(value: Any) -> Any:
    """Numbers to ten digits, so that the order of additions does not matter; None is None."""
    if value is None:
        return None
    try:
        return f"{float(value):.9e}".replace("-0.000000000e", "0.000000000e")
    except (TypeError, ValueError):
        return str(value)


@pytest.mark.parametrize(("what", "search", "sql", "ordered"), CASES, ids=[c[0] for c in CASES])
def test_both_give_the_same_rows(
    what: str, search: str, sql: str, ordered: bool, database: Any, context: MemoryContext
) -> None:
    names, theirs = by_sql(database, sql)
    expected = [[comparable(value) for value in row] for row in theirs]
    found = [[comparable(v) for v in row] for row in by_spl(context, search, names)]
    if not ordered:
        expected, found = (sorted(rows, key=repr) for rows in (expected, found))
    assert expected
    assert found == expected

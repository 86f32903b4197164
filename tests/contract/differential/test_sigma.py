"""One rule, two independent converters, two engines: the same events must be found.

Each rule in rules/ is converted by pySigma's Splunk backend for the stand-in's interpreter, and by
its SQLite backend for SQLite. Left out, because a backend does not convert it or says something
else by it: case-sensitive strings, keywords without a field, `?` (a `*` in Splunk), a literal `*`
(no escape in Splunk's search), correlations (fixed against sliding windows).
"""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.contract.differential.events import COLUMNS, documents, stored
from tests.contract.spl.memory import MemoryContext
from tools.splunkd_lite.spl import run

pytest.importorskip("sigma.backends.splunk", reason="pysigma-backend-splunk is not installed")
pytest.importorskip("sigma.backends.sqlite", reason="pySigma-backend-sqlite is not installed")

from sigma.backends.splunk import SplunkBackend
from sigma.backends.sqlite import sqliteBackend
from sigma.collection import SigmaCollection

RULES = sorted((Path(__file__).parent / "rules").glob("*.yml"))
EVENTS = 3_000
FOUND = documents(EVENTS)


def rule(path: Path) -> SigmaCollection:
    return SigmaCollection.from_yaml(path.read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def database() -> Iterator[sqlite3.Connection]:
    db = sqlite3.connect(":memory:")
    db.create_function(
        "REGEXP", 2, lambda pattern, text: text is not None and bool(re.search(pattern, str(text)))
    )
    columns = ", ".join(f'"{name}" {kind}' for name, kind in COLUMNS.items())
    db.execute(f"CREATE TABLE logs ({columns})")
    marks = ", ".join("?" for _ in COLUMNS)
    db.executemany(
        f"INSERT INTO logs VALUES ({marks})",
        [[one.get(name) for name in COLUMNS] for one in FOUND],
    )
    yield db
    db.close()


@pytest.fixture(scope="module")
def context() -> MemoryContext:
    return MemoryContext(stored(FOUND))


def by_sql(path: Path, db: sqlite3.Connection) -> list[str]:
    (query,) = sqliteBackend().convert(rule(path))
    return sorted(row[0] for row in db.execute(query.replace("SELECT *", "SELECT id", 1)))


def by_spl(path: Path, context: Any) -> list[str]:
    (query,) = SplunkBackend().convert(rule(path))
    condition, pipe, commands = query.partition("\n|")
    search = f"index=main ({condition}) {pipe}{commands} | table id"
    return sorted(row["id"] for row in run(search, context).rows)


@pytest.mark.parametrize("path", RULES, ids=lambda path: path.stem)
def test_both_engines_find_the_same_events(
    path: Path, database: sqlite3.Connection, context: MemoryContext
) -> None:
    expected = by_sql(path, database)
    assert 0 < len(expected) < EVENTS, "a rule that finds nothing, or all, proves nothing"
    found = by_spl(path, context)
    wrong = sorted(set(expected) ^ set(found), key=int)
    assert found == expected, FOUND[int(wrong[0])] if wrong else "an event was found twice"


def test_there_are_at_least_25_rules() -> None:
    assert len(RULES) >= 25

"""The log by which members learn what others have written: nobody's write is skipped."""

from __future__ import annotations

import sqlite3
from pathlib import Path

from tools.splunkd_lite.kvlog import Change, ChangeLog


def member(folder: Path) -> tuple[sqlite3.Connection, ChangeLog]:
    db = sqlite3.connect(folder / "shared.sqlite", isolation_level=None)
    return db, ChangeLog(db)


def write(db: sqlite3.Connection, log: ChangeLog, key: str) -> None:
    """A write up to its commit; the member has not come to note it yet."""
    change: Change = ("app", "nobody", "sales", key, "{}")
    db.execute("BEGIN IMMEDIATE")
    log.add([change])
    db.execute("COMMIT")


def test_what_another_commits_right_after_a_commit_is_news(tmp_path: Path) -> None:
    (mine, my_log), (yours, your_log) = member(tmp_path), member(tmp_path)
    my_log.news()
    write(mine, my_log, "mine")
    write(yours, your_log, "yours")
    your_log.committed()
    my_log.committed()

    assert [key for *_where, key in my_log.news() or []] == ["yours"]
    assert my_log.news() == []


def test_ones_own_writes_are_no_news(tmp_path: Path) -> None:
    db, log = member(tmp_path)
    log.news()
    write(db, log, "mine")
    log.committed()
    assert log.news() == []

"""What people are told while a replay's searches run."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import Any, Dict, List, Tuple

from incident_management.detection.backtest.progress import Progress
from incident_management.ports import SearchResult
from tests.unit.detection.launching import BIN

COMMAND = """
import sys
from splunklib.searchcommands import Configuration, dispatch
from incident_management.splunk.scripts.progress import ProgressCommand

@Configuration(type="reporting")
class SlowCommand(ProgressCommand):
    def generate(self):
        self.report_progress("Half of it.")
        yield {"count": 1}
        self.report_progress("Most of it.")
        yield {"count": 2}

dispatch(SlowCommand, sys.argv, sys.stdin, sys.stdout, __name__)
"""
INFO = {
    "action": "getinfo",
    "preview": False,
    "searchinfo": {
        "args": [], "raw_args": [], "dispatch_dir": "/nowhere", "sid": "1.1", "app": "a",
        "owner": "admin", "username": "admin", "session_key": "k", "search": "",
        "splunkd_uri": "https://127.0.0.1:9", "splunk_version": "9.4.0", "command": "slow",
        "maxresultrows": 50000, "earliest_time": "0", "latest_time": "0",
    },
}  # fmt: skip


class Slow:
    """A searcher whose searches take so long, by a clock of its own."""

    def __init__(self, seconds: float) -> None:
        self.now = 0.0
        self.seconds = seconds

    def run(
        self, spl: str, earliest: str, latest: str, limit: int = 1000, timeout: float = 60.0
    ) -> SearchResult:
        self.now += self.seconds
        return SearchResult([{"spl": spl}], "1", False)


def searched(seconds: float, runs: int, rounds: int = 1) -> List[str]:
    """Return what is told by so many runs, each of 5 minutes."""
    told: List[str] = []
    slow = Slow(seconds)
    progress = Progress(slow, 300.0 * runs, told.append, lambda: slow.now)
    for _ in range(rounds):
        for run in range(runs):
            found = progress.run("index=a", f"{300 * run}", f"{300 * (run + 1)}")
            assert found.rows == [{"spl": "index=a"}]
    return told


def test_how_far_it_is_is_reported_seldom_and_ever_more_so():
    told = searched(0.5, 240)
    assert told == [
        "Searched up to 1970-01-01 01:40 UTC in 10 seconds, 8 percent of the time range. About "
        "2 minutes are left; the rows come at the end.",
        "Searched up to 1970-01-01 05:00 UTC in 30 seconds, 25 percent of the time range. About "
        "2 minutes are left; the rows come at the end.",
        "Searched up to 1970-01-01 15:00 UTC in 2 minutes, 75 percent of the time range. About "
        "30 seconds are left; the rows come at the end.",
    ]


def test_what_is_quick_tells_nothing_of_itself():
    assert searched(0.5, 15) == []


def test_searches_that_are_run_once_more_begin_anew():
    percents = [one.split(" percent")[0].split()[-1] for one in searched(0.5, 100, rounds=2)]
    assert percents == ["20", "60", "80"]


def exchange(requests: int) -> List[Tuple[Dict[str, Any], str]]:
    """Run a slow command with so many requests for rows; return its answers, the first left out."""
    sent = b"".join(
        b"chunked 1.0,%d,0\n%s" % (len(text), text)
        for text in (
            json.dumps(one).encode()
            for one in [INFO, *[{"action": "execute", "finished": False}] * requests]
        )
    )
    done = subprocess.run(
        [sys.executable, "-c", COMMAND],
        input=sent,
        capture_output=True,
        timeout=60,
        check=True,
        env={"PYTHONPATH": os.pathsep.join([str(BIN), *sys.path])},
    )
    left, answers = done.stdout, []
    while left:
        head, _, left = left.partition(b"\n")
        meta, body = map(int, head.split(b",")[1:])
        answers.append((json.loads(left[:meta]), left[meta : meta + body].decode()))
        left = left[meta + body :]
    return answers[1:]


def test_each_sentence_is_an_answer_without_rows_and_the_rows_come_with_the_last():
    first, second, last = exchange(3)
    assert first == ({"inspector": {"messages": [["INFO", "Half of it."]]}, "finished": False}, "")
    assert second[0]["inspector"]["messages"] == [["INFO", "Most of it."]]
    assert second[0]["finished"] is False
    assert last[0]["finished"] is True
    assert [line.split(",")[0] for line in last[1].split()] == ["count", "1", "2"]


def test_a_search_that_was_cancelled_is_not_gone_on_with():
    (answer,) = exchange(1)
    assert answer[0]["finished"] is False

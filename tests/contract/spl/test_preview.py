"""While a transforming search runs, its preview is the table of the events read so far."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.contract.spl.memory import NOW, MemoryContext, MemoryTable, event
from tools.splunkd_lite.spl import Results, preview, run

EVENTS = [
    event(f"n={place} user=u{place % 13} status={(200, 404, 500)[place % 3]}", NOW - 1 - place,
          host=f"h{place % 2}")
    for place in range(60)
]  # fmt: skip
TABLES = [
    "stats count",
    "stats count values(user) BY status",
    "stats first(n) last(n) avg(n) perc50(n) dc(user) list(n) stdev(n) BY host",
    "stats sparkline(count, 1m) BY host",
    "chart count OVER status BY user",
    "chart count OVER status BY user limit=2",
    "chart avg(n) BY host",
    "timechart span=10s count BY user limit=3",
    "timechart span=10s count avg(n)",
    "top limit=2 user BY host",
    "rare user",
    "stats count BY user | sort -count | head 3 | eval twice=count*2 | rename user AS who",
    "eval m=n%4 | where m>0 | stats sum(m) AS all BY user | eventstats max(all) AS most",
]


class Pausing(MemoryContext):
    """Hands out its events, with a pause after each tenth."""

    between: Callable[[], None] | None = None
    seen: Callable[[int], None] | None = None

    def on_pause(self, callback: Callable[[], None]) -> None:
        self.between = callback

    def scan(self, *arguments: Any) -> Iterator[dict[str, Any]]:
        for count, found in enumerate(super().scan(*arguments), 1):
            yield found
            if count % 10 == 0 and self.between and self.seen:
                self.between()
                self.seen(count)


@pytest.mark.parametrize("table", TABLES)
def test_it_is_what_the_search_gives_over_these_events(
    table: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(preview, "DUTY_CYCLE", 1e9)
    results, seen = Results(), []
    context = Pausing(EVENTS, earliest=NOW - 100, latest=NOW)

    def look(count: int) -> None:
        assert results.partial is not None
        seen.append((count, results.partial.rows, results.partial.fields))

    context.seen = look
    whole = run(f"index=main | {table}", context, into=results, previews=True)
    assert [count for count, _, _ in seen] == [10, 20, 30, 40, 50, 60]
    for count, rows, fields in seen:
        plain = MemoryContext(EVENTS[:count], earliest=NOW - 100, latest=NOW)
        expected = run(f"index=main | {table}", plain)
        assert (rows, fields) == (expected.rows, expected.fields)
    again = run(f"index=main | {table}", MemoryContext(EVENTS, earliest=NOW - 100, latest=NOW))
    assert whole.rows == again.rows


def test_a_preview_takes_a_quarter_of_the_time_at_most(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = iter(float(second) for second in range(1000))
    monkeypatch.setattr(preview.time, "monotonic", lambda: next(clock))
    results, made = Results(), []
    context = Pausing(EVENTS)
    context.seen = lambda _: made.append(id(results.partial))
    run("index=main | stats count", context, into=results, previews=True)
    assert len(set(made)) == 3  # it looks at the clock once or twice in each of six pauses


@pytest.mark.parametrize(
    "search",
    [
        "stats count BY host | outputlookup t",
        "stats count BY host | append [| makeresults]",
        "sort n | head 3",
        "stats count(*) AS *",
        "table n",
    ],
)
def test_a_search_whose_later_commands_act_or_that_makes_no_table_has_none(search: str) -> None:
    results, table = Results(), MemoryTable()
    context = Pausing(EVENTS, tables={"t": table})
    looks: list[Any] = []
    context.seen = lambda _: looks.append((results.partial, table.rows()))
    run(f"index=main | {search}", context, into=results, previews=True)
    assert looks == [(None, [])] * 6


def test_a_preview_that_fails_is_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(preview, "DUTY_CYCLE", 1e9)
    results, looks = Results(), []
    context = Pausing(EVENTS)
    context.seen = lambda _: looks.append(results.partial is not None)
    table = "eval m=if(n<15, -1, n) | stats max(m) AS top | bin span=1log2 top"  # no log of -1
    found = run(f"index=main | {table}", context, into=results, previews=True)
    assert looks == [False, True, True, True, True, True]
    assert found.rows == [{"top": "32-64"}]

"""Generated rows for the cross-checks with DuckDB: repeated keys, gaps, ties, negatives."""

from __future__ import annotations

import json
import random
from typing import Any

from tests.contract.spl.memory import NOW, event

__all__ = ["EARLIEST", "LATEST", "generated", "stored", "teams"]

EARLIEST, LATEST = NOW - 6 * 3600, NOW


def generated(count: int, seed: int = 11) -> list[dict[str, Any]]:
    """Rows newest first, as a search gives them. `n` counts them from 1 in that order. `value` is
    a number with gaps, `size` a whole number with many ties; `team` may be absent."""
    chance = random.Random(seed)
    times = sorted(round(chance.uniform(EARLIEST, LATEST - 1), 3) for _ in range(count))
    rows = []
    for number, time in enumerate(reversed(times), 1):
        row: dict[str, Any] = {
            "_time": time,
            "n": number,
            "host": f"web{chance.randrange(5)}",
            "team": chance.choice(["red", "green", "blue", None]),
            "status": chance.choice([200] * 6 + [404, 500]),
            "size": chance.randrange(-20, 60),
        }
        if chance.random() > 0.15:
            row["value"] = round(chance.gauss(100, 40), 3)
        rows.append({name: value for name, value in row.items() if value is not None})
    return rows


def stored(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The rows as events of JSON text; the host is stored with the event, as inputs do."""
    return [
        event(
            json.dumps({k: v for k, v in row.items() if k not in ("_time", "host")}),
            row["_time"],
            host=row["host"],
        )
        for row in rows
    ]


def teams() -> list[dict[str, str]]:
    """A table to join with: one team is missing, one is there twice, one is known to no row."""
    return [
        {"team": "red", "lead": "ann"},
        {"team": "blue", "lead": "bob"},
        {"team": "blue", "lead": "cid"},
        {"team": "grey", "lead": "dee"},
    ]

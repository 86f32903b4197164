"""When a weekly window comes next: as the app itself judges it, whose code is another."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

from incident_management.incidents.clocks.windows import DAYS, Window

DAY = 86_400
YEAR_BEGINS = 1_798_761_600  # 2027
ZONES = ("UTC", "Europe/Berlin", "America/New_York", "Asia/Kolkata", "Australia/Lord_Howe")
MODULE = Path(__file__).parents[3] / "package/appserver/static/workbench/zones.js"
NEXT = """async ([source, asked]) => {
    const { nextOf } = await import('data:text/javascript,' + encodeURIComponent(source));
    return asked.map(([one, now]) => nextOf(one, now)); }"""


def window(chance: random.Random, now: int) -> Window:
    """Random days, times of day and bounds, around ``now``."""
    begins = chance.choice((0, now - 3 * DAY, now + chance.randint(1, 10 * DAY)))
    ends = max(now, begins) + chance.randint(60, 20 * DAY)
    times = [f"{chance.randrange(24):02}:{chance.choice((0, 30, 59)):02}" for _ in range(2)]
    return Window(
        "FRZ-1",
        "random",
        starts_at=begins,
        ends_at=chance.choice((0, ends)),
        days=tuple(chance.sample(list(DAYS), chance.randint(1, 7))),
        from_time=times[0],
        to_time=chance.choice(times),
        time_zone=chance.choice(ZONES),
    )


def test_a_weekly_window_comes_next_when_the_app_says_so(browser: Any) -> None:
    chance = random.Random(11)
    moments = [YEAR_BEGINS + chance.randrange(365 * DAY) for _ in range(400)]
    asked = [(window(chance, now), now) for now in moments]
    page = browser.new_page()
    source = MODULE.read_text(encoding="utf-8")
    answers = page.evaluate(NEXT, [source, [(one.to_document(), now) for one, now in asked]])
    page.close()
    assert None in answers
    for (one, now), answer in zip(asked, answers):
        begin, end = answer or (now + 9 * DAY, None)
        if end:
            assert one.in_force(max(begin, now)) and one.in_force(end - 1), (one, now, answer)
        before = range(now, int(min(begin, now + 9 * DAY)), 60)
        assert not any(one.in_force(moment) for moment in before), (one, now, answer)

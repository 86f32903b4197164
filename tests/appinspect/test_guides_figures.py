"""The figures in two guides match the constants of the code."""

from __future__ import annotations

from pathlib import Path

import pytest

from incident_management.detection.baselines import (
    counter,
    previous_normal,
    records,
    series,
    weeks,
    window,
)
from incident_management.incidents.grouping import gatherings, habits, mix, tempo
from incident_management.notify import first_messages
from incident_management.notify.incident_channels import maintenance, turn
from incident_management.slack_socket import health, listener, saved_presses, socket_client
from incident_management.slack_socket.commands import answers

DOCS = Path(__file__).resolve().parents[2] / "docs"
WORDS = {2: "two", 3: "three", 4: "four", 10: "ten", 12: "twelve", 15: "15"}
MINUTE, HOUR, DAY = 60, 3600, 86_400
# The worker looks every five seconds, and rooms are looked after every ten.
TOLD = {
    "LEARNING.md": [
        f"only {records.LAG} to {2 * records.LAG} points later (at once during the first "
        f"{records.LEARNING})",
        f"at most {records.GROWTH} times its height",
        f"After {records.LASTING} points",
        f"For {WORDS[int(previous_normal.BACK_SECONDS / DAY)]} days after",
        f"once {previous_normal.BACK_POINTS} points have shown it",
        f"kept for {WORDS[weeks.WEEKS]} weeks",
        f"against the {window.CHANGE_POINTS} before; the spread of {window.SPREAD_POINTS}",
        f"from its {counter.ENOUGH + 1}st point on a counter",
        f"looked at again after {counter.AGAIN:,} points",
        f"numbers beyond {series.MAX_NUMBER:.0e} either way".replace("+", ""),
        f"in at least {WORDS[int(habits.USUAL_SLOTS)]} earlier hours",
        f"for {WORDS[int(tempo.PATIENCE)]} times its longest pause so far (which fades by "
        f"{tempo.FADING:.0%} with each shorter one, and counts as {tempo.FIRST_PAUSE:.0f} seconds "
        f"at first): {tempo.SHORTEST_PAUSE:.0f} seconds at least and "
        f"{tempo.LONGEST_PAUSE / MINUTE:.0f} minutes at most",
        f"of the first {mix.SAMPLE} alerts",
    ],
    "SLACK.md": [
        f"At most {first_messages.UPDATES * 12} messages a minute",
        f"at most {WORDS[turn.REQUESTS]} requests in a turn, {turn.REQUESTS * 6} a minute",
        f"retries it every {WORDS[int(maintenance.REFUSED_SECONDS / MINUTE)]} minutes",
        f"Attempts are {socket_client.FIRST_PAUSE_SECONDS:.0f} to "
        f"{socket_client.LONGEST_PAUSE_SECONDS:.0f} s apart",
        f"within {listener.LOOK_SECONDS:.0f} s when a token is changed",
        f"not reported for {WORDS[int(health.SILENT_AFTER_SECONDS / MINUTE)]} minutes",
        f"the next process executes it, within {saved_presses.LATEST_SECONDS / MINUTE:.0f} minutes",
        "for at most "
        f"{WORDS[int((listener.LONGEST_RUN_SECONDS - listener.RUN_SECONDS) / HOUR)]} hours",
        f"with links: {WORDS[answers.LISTED]}, and how many more",
    ],
}


@pytest.mark.parametrize(("guide", "told"), [(g, one) for g, all_ in TOLD.items() for one in all_])
def test_a_figure_of_a_guide_matches_the_code(guide: str, told: str) -> None:
    assert told in (DOCS / guide).read_text(encoding="utf-8")


def test_half_an_hour_is_the_longest_gathering() -> None:
    assert gatherings.LONGEST_GATHERING == HOUR / 2
    assert "half an hour at most, until `group_window`" in (DOCS / "LEARNING.md").read_text()

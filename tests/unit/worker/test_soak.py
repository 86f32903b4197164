"""Random whole lives; SOAK_STORIES=200 plays that many, SOAK_FROM=1 from that seed on."""

from __future__ import annotations

import os

import pytest

from tests.unit.worker.soak_aging import grow_old
from tests.unit.worker.soak_checks import check
from tests.unit.worker.soak_story import Story

FIRST = int(os.environ.get("SOAK_FROM", "1"))
STORIES = int(os.environ.get("SOAK_STORIES", "0"))


@pytest.mark.parametrize("seed", range(FIRST, FIRST + STORIES) or [1])
def test_nothing_is_lost_or_notified_twice(seed):
    story = Story(seed)
    story.play(70 if STORIES else 12)
    story.rest()
    assert check(story) == [], "\n".join(story.told)
    assert grow_old(story) == [], "\n".join(story.told)

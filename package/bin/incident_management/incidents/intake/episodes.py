"""Which episode of each problem is the newest: what was remembered, or what the claims say."""

from __future__ import annotations

from typing import List, Mapping, Sequence, Tuple

from ...ports import Stores
from ..story import Place, Story, StoryCache
from .batch import Batch, Problem
from .ledger import Page, claims_of

__all__ = ["Episodes"]


class Episodes:
    """Finds and remembers the newest episodes of problems.

    The next episode is claimed only by who has seen that the one before is over, which an entry
    says: without such an entry what was remembered holds.
    """

    def __init__(self, stores: Stores, remembered: StoryCache) -> None:
        self._stores = stores
        self._remembered = remembered

    def recall(self, problem: Problem) -> bool:
        """Take the newest episode from memory; :meth:`forget_doubtful` checks it."""
        place = self._remembered.place(problem.dedup_key)
        if place is None:
            return False
        problem.episode, problem.incident_id = place.episode, place.incident_id
        problem.previous, problem.incidents = place.previous, list(place.incidents)
        problem.claimed_at = place.claimed_at
        problem.redirects = place.redirects
        return True

    @staticmethod
    def split_ongoing(
        problems: Sequence[Problem], batch: Batch
    ) -> Tuple[List[Problem], List[Problem]]:
        """Separate the problems about which there is nothing to decide from the rest.

        Their first episode is remembered and cannot have ended since, and no condition holds them
        back. In a storm that is nearly all.
        """
        redirects = {
            incident_id: story.redirects
            for incident_id, story in batch.stories.items()
            if story.incident and story.incident.is_open
        }
        going: List[Problem] = []
        rest: List[Problem] = []
        for problem in problems:
            now = redirects.get(problem.incident_id)
            known = now is not None and now == problem.redirects
            goes_on = known and problem.episode == 1 and problem.gate is None
            (going if goes_on else rest).append(problem)
        return going, rest

    def forget_doubtful(self, problems: Sequence[Problem], batch: Batch) -> List[Problem]:
        """Return, and forget, the remembered ones whose episode may have ended since."""
        doubtful = [p for p in problems if p.redirects is not None and not _is_still(p, batch)]
        for problem in doubtful:
            problem.episode, problem.incident_id, problem.previous = 0, "", ""
            problem.incidents, problem.redirects = [], None
            self._remembered.forget(problem.dedup_key)
        return doubtful

    def remember(self, problems: Sequence[Problem], stories: Mapping[str, Story]) -> None:
        """Remember the episodes that were looked up and go on."""
        places = {}
        for problem in problems:
            story = stories.get(problem.incident_id)
            if story is None or problem.dedup_key in story.split_off:
                continue
            incident = story.incident
            if problem.redirects != story.redirects and incident and incident.is_open:
                places[problem.dedup_key] = Place(
                    episode=problem.episode,
                    incident_id=problem.incident_id,
                    previous=problem.previous,
                    claimed_at=problem.claimed_at,
                    incidents=tuple(problem.incidents),
                    redirects=story.redirects,
                )
        self._remembered.remember(places)

    def find(self, problems: Sequence[Problem], newest: Mapping[str, Page]) -> bool:
        """Look up the newest claim of each problem; tells whether one is newer than was known."""
        by_key = {problem.dedup_key: problem for problem in problems}
        moved = False
        for value in claims_of(self._stores, by_key, newest):
            problem = by_key[value["dedup_key"]]
            if value["incident_id"] not in problem.incidents:
                problem.incidents.append(str(value["incident_id"]))
            if int(value["episode"]) > problem.episode:
                problem.episode = int(value["episode"])
                problem.incident_id = str(value["incident_id"])
                problem.previous = str(value.get("previous") or "")
                problem.claimed_at = float(value["claimed_at"])
                moved = True
        return moved


def _is_still(problem: Problem, batch: Batch) -> bool:
    incident = batch.incident(problem.incident_id)
    story = batch.stories[problem.incident_id]
    return incident is not None and incident.is_open and story.redirects == problem.redirects

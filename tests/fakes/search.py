"""A searcher that answers what the test prepared."""

from __future__ import annotations

from typing import Any, Callable, Dict, List, Tuple, Union

from incident_management.ports import SearchFailed, SearchResult

__all__ = ["FakeSearcher"]

Answer = Union[SearchResult, List[Dict[str, Any]], Exception, Callable[..., Any]]


class FakeSearcher:
    """Answers searches (ports.Searcher) by the first prepared text found in their SPL.

    >>> searcher = FakeSearcher({"sourcetype=\\"shop:change\\"": [{"change_id": "c1"}]})

    An answer is a list of rows, a SearchResult, an exception to raise, or a function of
    ``(spl, earliest, latest)`` that gives one of these. A search without a prepared answer
    fails the test. ``asked`` records ``(spl, earliest, latest)`` in order.
    """

    def __init__(self, answers: Union[Dict[str, Answer], None] = None) -> None:
        self.answers: Dict[str, Answer] = dict(answers or {})
        self.asked: List[Tuple[str, str, str]] = []

    def run(
        self,
        spl: str,
        earliest: str,
        latest: str,
        limit: int = 1000,
        timeout: float = 60.0,
    ) -> SearchResult:
        self.asked.append((spl, earliest, latest))
        for part, answer in self.answers.items():
            if part in spl:
                return self._result(answer, spl, earliest, latest, limit)
        raise AssertionError(f"No answer was prepared for the search: {spl}")

    def fail(self, part: str, reason: str = "The search failed: switched to fail.") -> None:
        """Make every later search whose SPL contains ``part`` fail."""
        self.answers = {part: SearchFailed(reason), **self.answers}

    def _result(
        self, answer: Answer, spl: str, earliest: str, latest: str, limit: int
    ) -> SearchResult:
        if callable(answer):
            answer = answer(spl, earliest, latest)
        if isinstance(answer, Exception):
            raise answer
        if isinstance(answer, SearchResult):
            return answer
        rows = list(answer)  # type: ignore[arg-type]
        return SearchResult(rows[:limit], sid="fake", truncated=len(rows) > limit)

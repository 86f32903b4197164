"""What the ticket systems of these tests have in common: how they refuse, and their own clock."""

from __future__ import annotations

from typing import Any, Callable

import jsonschema  # type: ignore[import-untyped]

from .receiver import Answer, Request


class Problem(Exception):
    """Answered with this status and body."""

    def __init__(self, status: int, body: Any) -> None:
        super().__init__(str(body))
        self.answer: Answer = (status, {}, body)


def answered(handle: Callable[[Request], Answer]) -> Callable[[Request], Answer]:
    def respond(request: Request) -> Answer:
        try:
            return handle(request)
        except Problem as problem:
            return problem.answer
        except (AssertionError, jsonschema.ValidationError) as error:
            # Either service's form of a refusal, so that the test shows what was wrong.
            return 400, {}, {"errorMessages": [str(error)], "error": {"message": str(error)}}

    return respond


class OwnClock:
    """A service's clock: years ahead of everybody's, and a second later each time it is read."""

    def __init__(self, now: int = 1_900_000_000) -> None:
        self.now = now

    def tick(self) -> int:
        self.now += 1
        return self.now

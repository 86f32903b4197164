"""What is wrong with a search, and where."""

from __future__ import annotations

__all__ = ["SplError"]


class SplError(Exception):
    """A search that can't be run.

    `message` is one sentence that names what was wrong; `position` is the offset of the character,
    in the text given to `parse`, where it was found (None when the fault shows only at run time).
    """

    def __init__(self, message: str, position: int | None = None) -> None:
        where = "" if position is None else f" (at position {position})"
        super().__init__(message + where)
        self.message = message
        self.position = position

"""The result of one safety check."""

from __future__ import annotations

from dataclasses import dataclass

from .context import Refused

__all__ = ["Check"]


@dataclass(frozen=True)
class Check:
    """One check's result. ``code`` and ``ends`` become those of the refusal if it is not ok."""

    name: str
    ok: bool
    detail: str
    code: str = ""
    ends: str = ""

    def refusal(self) -> Refused:
        """Return the exception to raise when the check is not ok."""
        return Refused(self.detail, self.code or self.name, self.ends)

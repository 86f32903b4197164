"""One safety rule's answer."""

from __future__ import annotations

from dataclasses import dataclass

from .context import Refused

__all__ = ["Check"]


@dataclass(frozen=True)
class Check:
    """One rule's answer. ``code`` and ``ends`` are those of the refusal it would be."""

    name: str
    ok: bool
    detail: str
    code: str = ""
    ends: str = ""

    def refusal(self) -> Refused:
        """What to raise when it is not ok."""
        return Refused(self.detail, self.code or self.name, self.ends)

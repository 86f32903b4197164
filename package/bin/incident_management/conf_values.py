"""Parse lists and switches from conf files, options and requests."""

from __future__ import annotations

from typing import Any, Tuple

__all__ = ["is_true", "listed"]


def listed(text: Any) -> Tuple[str, ...]:
    """Return the items of a comma-separated list; none for None."""
    parts = () if text is None else map(str.strip, str(text).split(","))
    return tuple(part for part in parts if part)


def is_true(value: Any) -> bool:
    """Tell whether a switch is on: ``1`` or ``true``."""
    return str(value).strip().lower() in ("1", "true")

"""Maps the severity words of other tools and users to ours."""

from __future__ import annotations

from typing import Any, Tuple

from .model import SEVERITIES

__all__ = ["DEFAULT_SEVERITY", "configured_severity", "severity_of"]

DEFAULT_SEVERITY = "medium"

_SEVERITIES = {
    "critical": "critical", "crit": "critical", "fatal": "critical", "emergency": "critical",
    "page": "critical", "disaster": "critical", "p1": "critical", "sev1": "critical",
    "high": "high", "error": "high", "err": "high", "major": "high", "p2": "high", "sev2": "high",
    "medium": "medium", "warning": "medium", "warn": "medium", "average": "medium",
    "moderate": "medium", "p3": "medium", "sev3": "medium",
    "low": "low", "minor": "low", "notice": "low", "p4": "low", "sev4": "low",
    "info": "info", "informational": "info", "information": "info", "none": "info",
    "success": "info", "ok": "info", "p5": "info", "sev5": "info",
}  # fmt: skip


def severity_of(word: Any, default: str = DEFAULT_SEVERITY) -> str:
    """Return our severity for another tool's word; ``default`` for an unknown word."""
    text = str(word or "").strip().lower()
    return text if text in SEVERITIES else _SEVERITIES.get(text, default)


def configured_severity(word: Any, default: str, setting: str) -> Tuple[str, str]:
    """Read a severity setting; return the severity, and a sentence if the word is unknown.

    A malformed setting must not cost the incident or the message: ``default`` is used then, and if
    the setting is empty. ``setting`` is its name in the sentence.
    """
    text = str(word or "").strip()
    severity = severity_of(text, "")
    if severity or not text:
        return severity or default, ""
    known = ", ".join(SEVERITIES)
    return default, f"{setting} is '{text[:40]}', which is none of {known}; '{default}' is used."

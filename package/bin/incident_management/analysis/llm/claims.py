"""The results of checking a model's claims, and their words."""

from __future__ import annotations

__all__ = ["QUOTED", "REJECTED", "UNCHECKED"]

QUOTED, UNCHECKED, REJECTED = "quoted", "unchecked", "rejected"
"""Status of a claim: its quote was found, and nothing in its text goes beyond the event that it
cites; its quote was found, and its text says what no code can check; or it has a fault."""

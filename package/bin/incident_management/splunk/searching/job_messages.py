"""The ``messages`` of a search job ("Search endpoints", REST API Reference)."""

from __future__ import annotations

from typing import Any, List, Mapping

__all__ = ["texts_of"]


def texts_of(job: Mapping[str, Any], *levels: str) -> List[str]:
    """Return the texts of a job's messages of some levels, such as ``ERROR``.

    They come as a list of objects with a type and a text, or as the texts of each type by its name.
    """
    said = job.get("messages") or []
    if isinstance(said, Mapping):
        said = [{"type": kind, "text": text} for kind, texts in said.items() for text in texts]
    return [
        str(one.get("text") or "").strip() for one in said if str(one.get("type")).upper() in levels
    ]

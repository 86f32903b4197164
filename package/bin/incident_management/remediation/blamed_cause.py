"""Read from an analysis the cause it blames, and the citations that code has verified."""

from __future__ import annotations

from typing import Any, Dict, List, Mapping, Optional

__all__ = ["blamed_hypothesis", "verified_citations"]


def blamed_hypothesis(analysis: Optional[Mapping[str, Any]]) -> Dict[str, Any]:
    """Return the hypothesis that an analysis blames; empty if it blames none.

    An analysis also lists weak candidates, the best of them at rank 1, even when its verdict is
    that the evidence shows no cause. No fix may be based on those.
    """
    hypotheses = (analysis or {}).get("hypotheses") or []
    return dict(next((h for h in hypotheses if h.get("blamed") is True), {}))


def verified_citations(
    analysis: Mapping[str, Any], hypothesis: Mapping[str, Any]
) -> List[Dict[str, Any]]:
    """Return the citations of a hypothesis that were fetched again and found to be true.

    A hypothesis names the analysis's citations by id; a citation written out in place counts too.
    """
    by_id = {citation.get("id"): citation for citation in analysis.get("citations") or []}
    cited = [
        by_id.get(citation, {}) if isinstance(citation, str) else citation
        for citation in hypothesis.get("citations") or []
    ]
    return [
        dict(citation)
        for citation in cited
        if citation.get("status") == "verified" or citation.get("verified") is True
    ]

"""What an analysis has proved: the cause it blames, and the citations that code has checked."""

from __future__ import annotations

from typing import Any, Dict, List, Mapping, Optional

__all__ = ["blamed_hypothesis", "verified_citations"]


def blamed_hypothesis(analysis: Optional[Mapping[str, Any]]) -> Dict[str, Any]:
    """Return the hypothesis that an analysis document blames; empty when it blames none.

    An analysis also lists weak candidates, the best of them at rank 1, under the verdict that there
    is no cause in the evidence. Nothing may be undone on the strength of those.
    """
    hypotheses = (analysis or {}).get("hypotheses") or []
    return dict(next((h for h in hypotheses if h.get("blamed") is True), {}))


def verified_citations(
    analysis: Mapping[str, Any], hypothesis: Mapping[str, Any]
) -> List[Dict[str, Any]]:
    """Return the citations of a hypothesis that were fetched again and found to hold.

    A hypothesis names citations of the analysis by id; one written out in place counts as well.
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

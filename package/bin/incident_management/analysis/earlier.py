"""Keep an earlier analysis's cause if the current caller may not read its proof.

Two people may be allowed to read different indexes. A caller who sees less finds less, and that
does not refute the earlier cause. So if the earlier cause rests on an event that still exists but
that this caller can't read, it is kept beside the new result, unless that is better founded.
"""

from __future__ import annotations

from typing import Any, Dict, List, Mapping, Optional

from ..incidents.stored_shapes import readable_analysis
from ..ports import Collection, Searcher
from ..utc import to_the_minute
from .citations import check
from .evidence import Citation

__all__ = ["Earlier", "earlier_cause"]

MOST_CITATIONS = 3
"""Of an earlier cause's proofs, as many are looked for again."""
KEPT_ID = "E1"
HIDDEN = "Who analysed now could not read its evidence."
_FIELDS = ("kind", "quote", "time", "index", "entity", "sourcetype", "cd", "bkt", "sha256", "id")


class Earlier:
    """The cause that the incident's newest analysis named, and its hypothesis."""

    def __init__(self, analysis: Mapping[str, Any], blamed: Mapping[str, Any]) -> None:
        self.analysis = analysis
        self.blamed = blamed

    def differs(self, culprit: Mapping[str, Any]) -> bool:
        """Return whether the new analysis blames another cause."""
        names = ("kind", "change_id") if self.blamed["kind"] == "change" else ("kind", "cause")
        return any(self.blamed.get(name) != culprit.get(name) for name in names)

    def outweighs(self, culprit: Mapping[str, Any]) -> bool:
        """Return whether it is at least as well founded as the new culprit ({} for none)."""
        return float(self.blamed["score"]) >= float(culprit.get("score", 0.0))

    def is_hidden_from(self, searcher: Searcher, everything: Searcher) -> bool:
        """Return whether its proof still exists and ``searcher`` may not read it.

        ``everything`` reads with the app's rights. It discloses only that an event exists, and
        everyone who sees the incident has already read the event's quote.
        """
        own = self._found_by(searcher)
        return not own and self._found_by(everything)

    def _found_by(self, searcher: Searcher) -> bool:
        proofs = [_citation(one) for one in self._proofs()]
        return any(one.status == "verified" for one in check(proofs, searcher).citations)

    def _proofs(self) -> List[Mapping[str, Any]]:
        """Return the citations that prove it; for a change, the change event's citations."""
        kind = "change" if self.blamed["kind"] == "change" else "event"
        cited = [c for c in self.blamed["citations"] if c.get("kind") == kind]
        return [c for c in cited if c.get("status") == "verified"][:MOST_CITATIONS]

    def kept(self) -> Dict[str, Any]:
        """Return the earlier hypothesis as the new analysis stores it."""
        said = f"Found by {self._who()}. {HIDDEN}"
        against = [reason for reason in self.blamed["against"] if reason != said]
        return {**self.blamed, "id": KEPT_ID, "claims": [], "against": [*against, said]}

    def found_by(self) -> str:
        """Return the end of a verdict that names who found the kept cause."""
        return f" That was found by {self._who()}. {HIDDEN}"

    def remark(self) -> str:
        """Return the end of a verdict that names the differing earlier cause."""
        cause = str(self.blamed["cause"]).rstrip(".")
        return f" Found earlier, by {self._who()}: {cause}. {HIDDEN}"

    def _who(self) -> str:
        origin = self.analysis.get("kept_from") or {
            "actor": self.analysis.get("actor") or "somebody",
            "time": self.analysis["time"],
        }
        return f"{origin['actor']} at {to_the_minute(float(origin['time']))}"

    def origin(self) -> Dict[str, Any]:
        """Return who found it and when, to store in the analysis that keeps it."""
        known: Optional[Dict[str, Any]] = self.analysis.get("kept_from")
        return known or {
            "analysis_id": self.analysis["_key"],
            "actor": self.analysis.get("actor", ""),
            "time": self.analysis["time"],
        }


def earlier_cause(analyses: Collection, incident_id: str) -> Optional[Earlier]:
    """Return the cause that an incident's newest analysis named; None if it named none."""

    found = analyses.find({"incident_id": incident_id}, sort="time:-1", limit=1)
    for analysis in map(readable_analysis, found):
        for hypothesis in analysis["hypotheses"]:
            if hypothesis.get("blamed") is True:
                return Earlier(analysis, hypothesis)
    return None


def _citation(document: Mapping[str, Any]) -> Citation:
    return Citation(**{name: document[name] for name in _FIELDS if name in document})

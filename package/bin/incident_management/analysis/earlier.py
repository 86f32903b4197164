"""An earlier analysis whose proof the one who asks now may not read is not taken back by theirs.

Two people may read different indexes. Who sees less finds less, and what they do not find is no
word against it. So where an earlier cause stands on an event that is still there, and that this
searcher can't read, it is kept beside what was found now, unless that is better founded.
"""

from __future__ import annotations

from typing import Any, Dict, List, Mapping, Optional

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
    """The cause of the incident's newest analysis, with the hypothesis that it blames."""

    def __init__(self, analysis: Mapping[str, Any], blamed: Mapping[str, Any]) -> None:
        self.analysis = analysis
        self.blamed = blamed

    def differs(self, culprit: Mapping[str, Any]) -> bool:
        """Whether something else is blamed now."""
        names = ("kind", "change_id") if self.blamed["kind"] == "change" else ("kind", "cause")
        return any(self.blamed.get(name) != culprit.get(name) for name in names)

    def outweighs(self, culprit: Mapping[str, Any]) -> bool:
        """Whether it is at least as well founded as what was found now ({} for nothing)."""
        return float(self.blamed["score"]) >= float(culprit.get("score", 0.0))

    def is_hidden_from(self, searcher: Searcher, everything: Searcher) -> bool:
        """Whether its proof is there still, and ``searcher`` may not read it.

        ``everything`` reads with the app's rights, and tells no more than that an event, whose
        quote all who see the incident have read already, is there.
        """
        own = self._found_by(searcher)
        return not own and self._found_by(everything)

    def _found_by(self, searcher: Searcher) -> bool:
        proofs = [_citation(one) for one in self._proofs()]
        return any(one.status == "verified" for one in check(proofs, searcher).citations)

    def _proofs(self) -> List[Mapping[str, Any]]:
        """Return the citations that prove it: of a change the event that tells of it."""
        kind = "change" if self.blamed["kind"] == "change" else "event"
        cited = [c for c in self.blamed["citations"] if c.get("kind") == kind]
        return [c for c in cited if c.get("status") == "verified"][:MOST_CITATIONS]

    def kept(self) -> Dict[str, Any]:
        """Return the blamed hypothesis as it stands in the new analysis."""
        said = f"Found by {self._who()}. {HIDDEN}"
        against = [reason for reason in self.blamed["against"] if reason != said]
        return {**self.blamed, "id": KEPT_ID, "claims": [], "against": [*against, said]}

    def found_by(self) -> str:
        """Say whose cause was kept, as the end of a verdict."""
        return f" That was found by {self._who()}. {HIDDEN}"

    def remark(self) -> str:
        """Say what was found earlier, as the end of a verdict that stands against it."""
        cause = str(self.blamed["cause"]).rstrip(".")
        return f" Found earlier, by {self._who()}: {cause}. {HIDDEN}"

    def _who(self) -> str:
        origin = self.analysis.get("kept_from") or {
            "actor": self.analysis.get("actor") or "somebody",
            "time": self.analysis["time"],
        }
        return f"{origin['actor']} at {to_the_minute(float(origin['time']))}"

    def origin(self) -> Dict[str, Any]:
        """Return who found it and when, for the analysis that keeps it."""
        known: Optional[Dict[str, Any]] = self.analysis.get("kept_from")
        return known or {
            "analysis_id": self.analysis["_key"],
            "actor": self.analysis.get("actor", ""),
            "time": self.analysis["time"],
        }


def earlier_cause(analyses: Collection, incident_id: str) -> Optional[Earlier]:
    """Return the cause of an incident's newest analysis; None where it blames nothing."""
    for analysis in analyses.find({"incident_id": incident_id}, sort="time:-1", limit=1):
        for hypothesis in analysis.get("hypotheses") or []:
            if hypothesis.get("blamed") is True:
                return Earlier(analysis, hypothesis)
    return None


def _citation(document: Mapping[str, Any]) -> Citation:
    return Citation(**{name: document[name] for name in _FIELDS if name in document})

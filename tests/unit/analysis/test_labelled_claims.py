"""How many true and false claims are told as what; figures stand in docs/SECURITY.md."""

from __future__ import annotations

from collections import Counter
from typing import Tuple

import pytest

from incident_management.analysis.budget import Budget
from incident_management.analysis.citations import Checked
from incident_management.analysis.evidence import Citation, Event
from incident_management.analysis.llm import answer
from tests.unit.analysis.labelled_claims import INCIDENTS

ONSET = 1_764_410_000.0


def _checked(events):
    checked = Checked()
    for place, (entity, second, raw) in enumerate(events, 1):
        event = Event(ONSET + second, raw, "main", entity)
        kind = "change" if '"change_id"' in raw else "event"
        citation = Citation.of_event(event, kind=kind)
        citation.id, citation.status = f"C{place}", "verified"
        checked.citations.append(citation)
        checked.events[citation.id] = event
    return checked


def _told(half):
    """Count claims by whether they are true and what they are told as."""
    found: Counter[Tuple[bool, str]] = Counter()
    for name, (events, claims) in INCIDENTS.items():
        if not name.startswith(half):
            continue
        made = [
            {"text": one.text, "citation_id": f"C{one.event + 1}", "quote": one.quote}
            for one in claims
        ]
        said = answer.apply({"claims": made}, [], _checked(events), Budget())
        assert len(said) == len(claims)
        found.update((one.is_true, got["status"]) for one, got in zip(claims, said))
    return found


@pytest.mark.parametrize("half", ["A", "B"])
def test_hardly_a_false_claim_is_reported_as_found_and_hardly_a_true_one_as_rejected(half):
    found = _told(half)
    assert sum(found.values()) > 80
    assert found[False, answer.QUOTED] <= 2
    assert found[True, answer.REJECTED] <= 1
    assert found[True, answer.UNCHECKED] <= 9

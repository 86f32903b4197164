"""What the tests of the finders share: a scope over a few events."""

from __future__ import annotations

from incident_management.analysis.scope import Limits, Scope
from tests.unit.analysis.event_searcher import EventSearcher

T = 1_700_000_000.0
"""When the incident's first event happened."""


def log(second, service, text):
    return {"time": T + second, "service": service, "raw": text}


def scope_of(logs=(), changes=(), topology=(), entities=("orders",), events=5000, changes_read=500):
    incident = {
        "id": "INC-20231114-ABCDEF", "entities": list(entities), "first_time": T,
        "last_time": T + 300,
    }  # fmt: skip
    searcher = EventSearcher(list(logs), list(changes), list(topology))
    return Scope(incident, searcher, T + 400, Limits(events=events, changes=changes_read))


def burst(service, text, count=20, begin=0.0, step=5.0):
    return [log(begin + i * step, service, text) for i in range(count)]

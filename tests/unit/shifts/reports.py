"""Reports of one team's shift, and their incidents."""

from __future__ import annotations

from incident_management.incidents.model import Incident
from incident_management.incidents.routing import Routing
from incident_management.shifts.report import report_of
from incident_management.shifts.shift import Shift

NOW = 1_796_000_000.0
HOUR = 3600.0
SINCE = NOW - 8 * HOUR
WEB = "https://splunk.example.com"
SHIFT = Shift("payments", SINCE, NOW, reason="The team payments has no on-call rota.")
ROUTING = Routing.from_stanzas({"team:payments": {"members": "dana, lee"}})


def put(stores, number=1, **values):
    """Store an incident's document; return its id."""
    key = f"INC-20261130-{number:06d}"
    fields = {
        "id": key,
        "title": f"Checkout is slow {number}",
        "status": "in_progress",
        "severity": "high",
        "owner": "dana",
        "team": "payments",
        "rules": ["High Error Rate"],
        "opened_at": NOW - 20 * HOUR,
        "acknowledged_at": NOW - 19 * HOUR,
        "updated_at": NOW - HOUR,
        **values,
    }
    stores.incidents.insert(Incident(**fields).to_document())
    return key


def ended(stores, number=1, **values):
    over = {"status": "resolved", "resolved_at": NOW - HOUR, "updated_at": NOW - HOUR, **values}
    return put(stores, number, **over)


def made(stores, routing=ROUTING, shift=SHIFT):
    return report_of(stores, routing, shift)


def section(report, name):
    return next(one for one in report.sections if one.name == name)


def told(report, name):
    """Return the sentences of a section's lines, each with its time."""
    return [[tuple(said) for said in line.says] for line in section(report, name).lines]


def texts(report, name="open"):
    return [said.text for line in section(report, name).lines for said in line.says]

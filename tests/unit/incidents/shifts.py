"""Teams with shifts for tests, their incidents, and the results."""

from datetime import datetime
from zoneinfo import ZoneInfo

from incident_management.incidents import timeline
from incident_management.incidents.routing import Routing
from tests.unit.incidents.builders import ingest, signal

# Monday 30 November 2026, 10:00 in Berlin.
MONDAY = datetime(2026, 11, 30, 10, tzinfo=ZoneInfo("Europe/Berlin")).timestamp()
SATURDAY = MONDAY - 2 * 86400

STANZAS = {
    "calendar:office": {
        "time_zone": "Europe/Berlin",
        "hours": "mon-fri 09:00-17:00",
        "holidays": "12-25",
    },
    "calendar:night": {"time_zone": "Europe/Berlin", "hours": "mon-fri 22:00-06:00"},
    "team:payments": {"members": "dana, lee, kim", "capacity": "5", "calendar": "office"},
    "team:night": {"members": "nik", "calendar": "night"},
    "member:dana": {"skills": "java, db"},
    "member:kim": {"skills": "java", "capacity": "2"},
    "rule:db": {"order": "1", "tag": "database", "team": "payments", "skills": "db"},
    "rule:payments-high": {"order": "2", "entity": "pay*", "team": "payments"},
    "rule:default": {"team": "night"},
}


def routing(**more):
    stanzas = {name: dict(values) for name, values in STANZAS.items()}
    for name, values in more.items():
        stanzas.setdefault(name.replace("__", ":"), {}).update(values)
    made = Routing.from_stanzas(stanzas)
    assert made.problems == ()
    return made


def opened(stores, clock, conf, entity="payments", run=0, **more):
    finding = signal(entity, run, first_time=clock.now() - 60, last_time=clock.now(), **more)
    (outcome,) = ingest(stores, clock, conf).ingest([finding])
    return outcome.incident_id


def owners(stores):
    return [one["owner"] for one in sorted(stores.incidents.all(), key=lambda d: d["opened_at"])]


def kinds(stores, incident_id):
    return [entry.kind for entry in timeline.read(stores, incident_id)]


def last(stores, incident_id):
    return timeline.read(stores, incident_id)[-1]

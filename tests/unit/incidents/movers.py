"""Helpers for merging and splitting in tests, and the invariants that must hold afterwards."""

from incident_management.incidents import timeline
from incident_management.incidents.act import Act
from incident_management.incidents.joining import merging
from incident_management.incidents.story import Story
from tests.unit.incidents.builders import ROUTING, ingest


def opened(stores, clock, *found):
    """Open one incident from these signals; each is of its own problem, joined by hand."""
    outcomes = ingest(stores, clock).ingest(list(found))
    return outcomes[0].incident_id


def merge(stores, clock, source, into, **more):
    return merging.merge(Act(stores, clock, "ann"), source, into, **more)


def split(stores, clock, incident_id, *found, **more):
    keys = [one.key for one in found]
    return merging.split(Act(stores, clock, "ann"), ROUTING, incident_id, keys, **more)


def holders(stores):
    """Return which incident holds each signal, by the timelines; fail if two hold one."""
    held: dict[str, str] = {}
    for incident_id in {entry["incident_id"] for entry in stores.timeline.all()}:
        story = Story(timeline.read(stores, incident_id))
        for key in story.owned():
            if story.counts(key):
                assert key not in held, f"{held[key]} and {incident_id} both count {key}"
                held[key] = incident_id
    return held


def check(stores):
    """Check that each signal counts once, on the incident it names, and all documents are right."""
    named = {d["_key"]: d["incident_id"] for d in stores.signals.all()}
    held = holders(stores)
    assert held == named
    for document in stores.incidents.all():
        entries = timeline.read(stores, document["id"])
        assert timeline.verify(entries, document["head"]).ok
        assert timeline.fold(entries).to_document() == document
        incident = Story(entries).incident
        assert incident is not None and incident.to_document() == document
        assert document["signals"] == list(held.values()).count(document["id"])


def agreed(stores, incident_id):
    """Return the entries; check that document, fold and remembered story are equal."""
    entries = timeline.read(stores, incident_id)
    document = stores.incidents.get(incident_id)
    assert timeline.fold(entries).to_document() == document
    remembered = Story(entries).incident
    assert remembered is not None and remembered.to_document() == document
    assert timeline.verify(entries, document["head"]).ok
    return entries

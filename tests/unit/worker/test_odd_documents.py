"""One malformed document, changed by hand, affects only its own incident.

In one document of each collection and kind, each field in turn gets a value of another type, or is
removed together with the next field. Then each duty runs, and the other incidents are handled.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from incident_management.incidents import timeline
from tests.unit.worker.test_one_broken import SEVERITIES, House

pytestmark = pytest.mark.one_python

GONE = object()
HOSTILE = {"a number": 5, "a list": ["x"], "nothing": None, "an object": {"a": 1}, "gone": GONE}
# What tells documents of one collection apart.
KINDS = {"timeline": "kind", "outbox": "channel"}


class Site:
    """The stores of a site in a fixed state, from which each test starts again."""

    def __init__(self) -> None:
        house = House()
        for service in house.world.services.values():
            service.calm = True
        house.work()
        house.merge(house.ids[4], house.broken)
        house.call("POST", f"/incidents/{house.broken}/notes", {"text": "a note"})
        house.call("POST", f"/incidents/{house.broken}/pin", {"pinned": True, "reason": "a pin"})
        self.house = house
        self.now = house.world.now
        self.kept = {one.name: dict(one.documents) for one in house.stores.collections}

    def documents(self, collection: str) -> Iterator[dict[str, Any]]:
        """Return one document of each kind, of the incident to be broken."""
        kinds = set()
        for text in self.kept[collection].values():
            document = json.loads(text)
            kind = document.get(KINDS.get(collection, ""))
            if self.house.broken in text and kind not in kinds:
                kinds.add(kind)
                yield document

    def again(self) -> House:
        house = self.house
        for one in house.stores.collections:
            one.documents.clear()
            one.documents.update(self.kept[one.name])
        house.world.now = self.now
        house.member.boot()
        return house


@pytest.fixture(scope="module")
def site() -> Site:
    return Site()


def fields_of(document: dict[str, Any]) -> Iterator[tuple[str, ...]]:
    yield from ((name,) for name in document if name != "_key")
    if "kind" in document:
        yield from (("data", name) for name in document["data"])


def changed(document: dict[str, Any], path: tuple[str, ...], value: Any) -> str:
    copy: dict[str, Any] = json.loads(json.dumps(document))
    inner = copy["data"] if path[1:] else copy
    if value is GONE:
        del inner[path[-1]]
    else:
        inner[path[-1]] = value
    return json.dumps(copy)


@pytest.mark.parametrize("collection", ["signals", "timeline", "incidents", "outbox"])
def test_every_duty_goes_on_beside_it(site, collection):
    tried = 0
    for document in site.documents(collection):
        for path in fields_of(document):
            value = list(HOSTILE)[tried % len(HOSTILE)]
            house = site.again()
            stored = getattr(house.stores, collection).documents
            stored[document["_key"]] = changed(document, path, HOSTILE[value])
            other = house.find("another", SEVERITIES[0])
            for seconds in (15, 61):
                house.world.now += seconds
                try:
                    house.work()
                except Exception as error:
                    where = f"{collection} {document.get('kind', '')} {path} {value}"
                    raise AssertionError(f"{where} stops a duty: {error!r}") from error
            served = house.stores.incidents.get(other)
            assert served is not None and served["owner"], path
            told = house.stores.outbox.find({"incident_id": other, "event": "opened"})
            assert told and all(one["state"] == "sent" for one in told), path
            tried += 1
    assert tried > 10


@pytest.mark.parametrize("value", ["a number", "nothing", "gone"])
def test_an_entry_that_can_not_be_read_is_brought_back(site, value):
    entries = timeline.read(site.again().stores, site.house.broken)
    for entry in entries:
        house = site.again()
        house.world.index(entries)
        stored = house.stores.timeline.documents
        stored[entry.key] = changed(entry.to_document(), ("data",), HOSTILE[value])
        assert timeline.read(house.stores, house.broken) != entries
        timeline.refresh_many(house.stores, [house.broken])
        house.world.now += 7 * 3600.0
        house.work()
        there = {one.key: one for one in timeline.read(house.stores, house.broken)}
        assert [there.get(one.key) for one in entries] == entries, entry.kind

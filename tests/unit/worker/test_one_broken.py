"""An incident with a broken document or timeline affects only itself."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from incident_management.api.router import all_routes
from incident_management.incidents import timeline
from tests.unit.worker.soak import World

# They ask splunkd, which answers nothing here.
ELSEWHERE = ("/actions", "/system/first-steps")
LISTS = [
    one.path
    for one in all_routes()
    if one.method == "GET" and "{" not in one.path and one.path not in ELSEWHERE
]
SEVERITIES = ("critical", "high", "medium", "low", "info")


class House:
    """Healthy incidents in several states, and a broken one."""

    def __init__(self) -> None:
        self.world = World(3, lag=0.0)
        self.member = self.world.members[0]
        self.stores = self.world.captain
        self.ids = [self.find(str(number), one) for number, one in enumerate(SEVERITIES)]
        self.call("POST", f"/incidents/{self.ids[1]}/tasks", {"title": "look", "owner": "ann"})
        self.call("POST", f"/incidents/{self.ids[2]}/resolve", {"resolution": "fixed"})
        self.broken = self.ids[0]

    def call(self, method: str, path: str, body: Any = None) -> Any:
        status, answer = self.member.api.call(method, path, body)
        assert status < 300, (path, status, answer)
        return answer

    def find(self, entity: str, severity: str) -> str:
        now = self.world.now
        finding = {"rule": "Slow", "entity": entity, "severity": severity, "run": entity}
        times = {"first_time": now - 60, "last_time": now, "group": False}
        (outcome,) = self.call("POST", "/signals", {"signals": [{**finding, **times}]})["outcomes"]
        return str(outcome["incident_id"])

    def merge(self, source: str, target: str) -> None:
        self.call("POST", f"/incidents/{source}/merge", {"into": target})

    def lose(self, *places: int) -> None:
        """Delete entries of the broken incident, by default all."""
        entries = timeline.read(self.stores, self.broken)
        for entry in [entries[place] for place in places] or entries:
            self.stores.timeline.delete(entry.key)
        timeline.refresh_many(self.stores, [self.broken])

    def save(self, **fields: Any) -> None:
        """Save the broken incident's document by hand; None removes a field."""
        document = {**(self.stores.incidents.get(self.broken) or {}), **fields}
        kept = {name: value for name, value in document.items() if value is not None}
        self.stores.incidents.save([kept])

    def work(self) -> None:
        """Run each duty once: an error of one fails the test."""
        for duty in self.member.duties():
            duty()


BREAKING: dict[str, Callable[[House], None]] = {
    "it lost the entry that opened it": lambda house: house.lose(0),
    "it lost what gave it to a team": lambda house: house.lose(1),
    "its timeline is gone": lambda house: house.lose(),
    "its document is gone": lambda house: house.stores.incidents.delete(house.broken) or None,
    "its document has no id": lambda house: house.save(id=None),
    "its document has no times": lambda house: house.save(opened_at=None, updated_at=None),
    "its severity is unknown": lambda house: house.save(severity="SEV1", severity_rank="1"),
    "its search is a text": lambda house: house.save(search="Slow"),
    "its head is a number": lambda house: house.save(head=5),
    "it counts no entries": lambda house: house.save(entries="many"),
}


@pytest.mark.parametrize("name", BREAKING)
@pytest.mark.parametrize("merged", [False, True])
def test_every_duty_and_every_list_goes_on_beside_it(name, merged):
    house = House()
    if merged:
        house.merge(house.broken, house.ids[3])
    BREAKING[name](house)

    for path in LISTS:
        assert house.member.api.call("GET", path)[0] < 500, path
    house.work()
    house.world.now += 61
    house.work()
    healthy = house.stores.incidents.get(house.ids[1])
    assert healthy is not None and healthy["owner"], "Those that wait beside it are given out."


@pytest.mark.parametrize("end", ["source", "target"])
def test_a_merge_of_one_whose_timeline_is_gone_does_not_hold_up_the_next(end):
    house = House()
    house.broken = house.ids[0 if end == "source" else 3]
    house.merge(house.ids[0], house.ids[3])
    house.lose()

    house.merge(house.ids[1], house.ids[4])
    merged = house.stores.incidents.get(house.ids[1])
    assert merged is not None and merged["merged_into"] == house.ids[4]
    house.work()

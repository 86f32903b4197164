"""A KV store that fails for a moment costs no message, and no certainty of what was sent."""

from __future__ import annotations

from typing import Any

import pytest

from tests.fakes import Unavailable
from tests.unit.notify.services import Crash, FakeService, Office


class Hiccup:
    """Makes the KV store fail one request, or lose its answer.

    Of the requests with that verb (of an insert, for a key that begins so), ``number`` says which.
    """

    def __init__(
        self, office: Office, verb: str, key: str = "", number: int = 1, lost: bool = False
    ) -> None:
        collection = office.stores.claims if key else office.stores.outbox
        self.key, self.left, self.lost = key, number, lost
        self.real = getattr(collection, verb)
        setattr(collection, verb, self.call)

    def call(self, *given: Any, **named: Any) -> Any:
        self.left -= not self.key or given[0]["_key"].startswith(self.key)
        if self.left != 0:
            return self.real(*given, **named)
        self.left = -1
        if self.lost:
            self.real(*given, **named)
        raise Unavailable


@pytest.mark.parametrize("asking", ["impossible", "harmless", "history"])
@pytest.mark.parametrize(
    "hiccup",
    [
        {"verb": "find", "number": 1},
        {"verb": "find", "number": 2},
        {"verb": "find", "number": 3},
        {"verb": "insert", "key": "deliver:"},
        {"verb": "insert", "key": "deliver:", "lost": True},
        {"verb": "insert", "key": "outcome:"},
        {"verb": "insert", "key": "outcome:", "lost": True},
        {"verb": "save"},
        {"verb": "save", "lost": True},
    ],
    ids=str,
)
@pytest.mark.parametrize("earlier", [0, 1])
def test_a_hiccup_of_the_kv_store_leaves_nothing_unconfirmed(hiccup, asking, earlier):
    """``earlier``: messages of the incident that were sent before; then there is a thread."""
    service = FakeService(asking=asking)
    office = Office(teams=service)
    for number in range(earlier):
        office.enqueue(f"{number}-entry", "teams")
        office.run()
    office.enqueue("9-entry", "teams")
    failing = Hiccup(office, **hiccup)
    with pytest.raises(Unavailable):
        office.run()
    assert failing.left < 0
    office.run(seconds=600)
    assert office.states() == ["sent"] * (earlier + 1)
    assert len(service.arrived) == len(set(service.arrived)) == earlier + 1


def test_a_holders_name_that_comes_again_makes_nothing_its_own():
    """A process that has the number of one that died at the send does not know what that did."""
    teams = FakeService(asking="impossible")
    teams.script = ["die after"]
    office = Office(teams=teams)
    office.enqueue("entry-1", "teams")
    with pytest.raises(Crash):
        office.run()
    office.run(seconds=300, worker=office.worker("sh1"))
    assert len(teams.arrived) == 1 and office.states() == ["unconfirmed"]

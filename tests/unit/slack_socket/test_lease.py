"""One member holds the connection; another goes on when it is given back or its holder is dead."""

from __future__ import annotations

import random
from typing import List, Set

import pytest

from incident_management.slack_socket.health import state_of
from incident_management.slack_socket.lease import FREE_AFTER_SECONDS, Lease, newest
from tests.fakes import FakeStores, ManualClock

SAID = {"state": "connected", "detail": ""}


class Cluster:
    def __init__(self):
        self.stores, self.clock = FakeStores(), ManualClock()
        self.dead = set()

    def member(self, name):
        return Lease(
            self.stores, self.clock, name, lambda holder: holder in self.dead, self.clock.now
        )

    def holder(self):
        return (newest(self.stores) or {})["holder"]


@pytest.fixture
def cluster():
    return Cluster()


def test_the_first_has_it_and_keeps_it(cluster):
    one, two = cluster.member("sh1#1"), cluster.member("sh2#1")
    assert one.take(SAID) and not two.take(SAID)
    for _ in range(10):
        cluster.clock.advance(15)
        assert one.take(SAID) and not two.take(SAID)
    assert len(cluster.stores.claims.all()) == 1


def test_what_is_given_back_is_taken_at_once(cluster):
    one, two = cluster.member("sh1#1"), cluster.member("sh2#1")
    one.take(SAID)
    one.give_back(SAID)
    assert two.take(SAID) and not one.take(SAID)
    two.give_back(SAID)
    two.give_back(SAID)
    assert one.take(SAID)


def test_a_member_that_is_silent_for_a_minute_is_followed_by_one_other(cluster):
    one, two, three = (cluster.member(f"sh{n}#1") for n in (1, 2, 3))
    one.take(SAID)
    assert not two.take(SAID) and not three.take(SAID)
    cluster.clock.advance(FREE_AFTER_SECONDS - 1)
    assert not two.take(SAID)
    cluster.clock.advance(2)
    assert two.take(SAID) and not three.take(SAID)
    assert not one.take(SAID), "it was only slow, and sees that another has it"
    assert two.take(SAID) and cluster.holder() == "sh2#1"
    assert len(cluster.stores.claims.all()) == 1


def test_a_process_of_this_machine_that_has_ended_is_followed_at_once(cluster):
    cluster.member("sh1#1").take(SAID)
    cluster.dead.add("sh1#1")
    assert cluster.member("sh1#2").take(SAID)


def test_a_clock_that_is_wrong_frees_nothing(cluster):
    cluster.member("sh1#1").take(SAID)
    ahead = ManualClock(cluster.clock.now() + 86400)
    other = Lease(cluster.stores, ahead, "sh2#1", lambda holder: False, cluster.clock.now)
    assert not other.take(SAID) and not other.take(SAID)


@pytest.mark.parametrize("seed", range(20))
def test_of_members_that_come_and_go_at_most_one_believes_to_have_it(seed):
    rng, cluster = random.Random(seed), Cluster()
    members = {f"sh{n}#1": cluster.member(f"sh{n}#1") for n in range(4)}
    holding: Set[str] = set()
    seen = dict.fromkeys(members, cluster.clock.now())
    for _ in range(300):
        name, now = rng.choice(sorted(members)), cluster.clock.now()
        # Who was silent for a minute may be followed before knowing it.
        holding = {one for one in holding if now - seen[one] < FREE_AFTER_SECONDS}
        seen[name] = now
        holding.discard(name)
        if rng.random() < 0.1:
            members[name].give_back(SAID)
        elif members[name].take(SAID):
            holding.add(name)
        cluster.clock.advance(rng.choice((0, 1, 5)))
        assert len(holding) <= 1, holding
    assert len(cluster.stores.claims.all()) <= 2


def test_a_racer_that_saw_an_old_turn_does_not_bring_it_back(cluster):
    """It inserts the number after the one it saw, which others took and cleared up meanwhile."""
    one, two, slow = (cluster.member(f"sh{n}#1") for n in (1, 2, 3))
    one.take(SAID)
    one.give_back(SAID)
    moved: List[bool] = []

    def others(verb, _name):
        if verb == "insert" and not moved:
            moved.append(True)
            assert two.take(SAID)
            two.give_back(SAID)
            assert one.take(SAID)

    cluster.stores.claims.before = others
    assert not slow.take(SAID)
    assert cluster.holder() == "sh1#1" and one.take(SAID)


def test_how_it_is_can_be_asked(cluster):
    now = cluster.clock.now
    assert state_of(cluster.stores, False, now())["state"] == "off"
    assert state_of(cluster.stores, True, now())["state"] == "not_running"
    one = cluster.member("sh1#1")
    one.take({"state": "refused", "detail": "Slack refuses the token."})
    assert state_of(cluster.stores, True, now()) == {
        "state": "refused",
        "detail": "Slack refuses the token.",
        "member": "sh1",
        "seen": now(),
    }
    cluster.clock.advance(121)
    known = state_of(cluster.stores, True, now())
    assert (
        known["state"] == "not_running" and "no search head has the connection" in known["detail"]
    )

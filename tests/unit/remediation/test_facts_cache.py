"""Many looks at a plan ask its service once; what decides asks anew."""

from __future__ import annotations

import pytest

from incident_management.remediation.executors.executor import ExecutorError, Outcome
from incident_management.remediation.facts_cache import FRESH_SECONDS, MOST, FactsCache

CHECKOUT = {"service": "checkout"}


class Service:
    """An executor that counts how often it is asked."""

    def __init__(self) -> None:
        self.asked = 0
        self.version = "r8"
        self.down = False

    def facts(self, arguments):
        self.asked += 1
        if self.down:
            raise ExecutorError("It is down.")
        return {"version": self.version, **arguments}

    def execute(self, arguments, request_id):
        self.version = "r7"
        return Outcome("done")

    settle = dry_run = execute

    def preview(self, arguments, request_id):
        return {}


@pytest.fixture
def service():
    return Service()


@pytest.fixture
def clock():
    return [100.0]


@pytest.fixture
def using(service, clock):
    cache = FactsCache(lambda: clock[0])
    return lambda allow_cached: cache.wrap({"deploy_api": lambda: service}, allow_cached)[
        "deploy_api"
    ]()


def test_many_looks_within_a_moment_ask_once(using, service, clock):
    for _look in range(100):
        assert using(allow_cached=True).facts(CHECKOUT)["version"] == "r8"
    assert service.asked == 1
    clock[0] += FRESH_SECONDS + 0.1
    using(allow_cached=True).facts(CHECKOUT)
    assert service.asked == 2


def test_what_decides_asks_anew_and_is_seen_by_who_looks_next(using, service):
    using(allow_cached=True).facts(CHECKOUT)
    using(allow_cached=False).execute(CHECKOUT, "PLAN-1")
    assert using(allow_cached=False).facts(CHECKOUT)["version"] == "r7"
    assert using(allow_cached=True).facts(CHECKOUT)["version"] == "r7"
    assert service.asked == 2


def test_a_service_that_is_down_is_not_asked_by_each_look(using, service):
    service.down = True
    for _look in range(10):
        with pytest.raises(ExecutorError, match="It is down"):
            using(allow_cached=True).facts(CHECKOUT)
    assert service.asked == 1


def test_other_arguments_are_another_question(using, service):
    using(allow_cached=True).facts(CHECKOUT)
    assert using(allow_cached=True).facts({"service": "till"})["service"] == "till"
    assert service.asked == 2


def test_what_was_reported_is_nobodys_to_change_and_is_bounded(using, service):
    using(allow_cached=True).facts(CHECKOUT)["version"] = "r1"
    assert using(allow_cached=True).facts(CHECKOUT)["version"] == "r8"
    for number in range(MOST + 5):
        using(allow_cached=True).facts({"service": f"s{number}"})
    using(allow_cached=True).facts(CHECKOUT)
    assert service.asked == MOST + 7

"""Helpers for tests of plans on a bench."""

from __future__ import annotations

from contextlib import suppress

import pytest

from incident_management.remediation import approval, entity_lock, execution, interrupted_runs
from incident_management.remediation.context import Refused
from tests.unit.remediation.bench import INCIDENT


def propose(bench, action="", actor="mia", incident=INCIDENT):
    return approval.propose(bench.context, incident, action, actor)["_key"]


def approved(bench, **more):
    plan = propose(bench, **more)
    approval.approve(bench.context, plan, "omar")
    return plan


def execute(bench, plan, actor="mia"):
    return execution.execute(bench.context, plan, actor)


def rounds(bench, count):
    """What the worker does, again and again, whatever it must not do yet."""
    for _round in range(count):
        bench.clock.advance(100)
        interrupted_runs.settle_all(bench.context)
        with suppress(Refused):
            bench.verifier().run()


def occupied(bench, entity="checkout"):
    """Return which plan blocks the execution of one with an unknown place on an entity."""
    other = {"_key": "PLAN-0000000000", "entity": entity, "inverse": "", "state": {}}
    return entity_lock.blocking_plan(bench.context, other)


def refusal(act):
    with pytest.raises(Refused) as caught:
        act()
    return str(caught.value)

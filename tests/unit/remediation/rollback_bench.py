"""An executed fix, and the steps of the worker and of people that roll it back."""

from __future__ import annotations

from incident_management.remediation import approval, execution, interrupted_runs, rollback
from tests.unit.remediation.bench import INCIDENT, Bench

DOWN = "The deploy API can't be reached: it is down."


def carried_out():
    made = Bench()
    made.plan = approval.propose(made.context, INCIDENT, "", "mia")["_key"]
    approval.approve(made.context, made.plan, "omar")
    execution.execute(made.context, made.plan, "mia")
    made.raising.fixed_at = made.clock.now() + 1
    return made


def not_helping(bench):
    bench.raising.after = ["checkout"]
    bench.clock.advance(85)
    return bench


def state_of(bench):
    return bench.context.load(bench.plan)[2]


def roll_back(bench):
    return rollback.roll_back(bench.context, bench.plan, "zoe", "wrong guess")


def rounds(bench, count, seconds=100):
    """Run the worker's rounds repeatedly."""
    troubles = []
    for _ in range(count):
        bench.clock.advance(seconds)
        interrupted_runs.settle_all(bench.context)
        bench.verifier().run(failed=lambda plan, why: troubles.append(why))
        approval.expire_plans(bench.context)
    return troubles

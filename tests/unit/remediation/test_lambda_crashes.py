"""A process is killed, or cut off, at each request to AWS Lambda: done once, and told."""

from __future__ import annotations

from contextlib import suppress

import pytest

from incident_management.remediation import interrupted_runs
from incident_management.remediation.context import Refused
from tests.unit.remediation.bench import Crash
from tests.unit.remediation.lambda_fake import FakeLambda, Serverless
from tests.unit.remediation.plans import approved, execute, rounds

pytestmark = pytest.mark.one_python

exceptions = pytest.importorskip("botocore.exceptions")

# More than any of them takes, see the last test.
REQUESTS = 16
CUTS = [
    (moment, error, late)
    for moment in range(REQUESTS)
    for error in ("kill", "lost")
    for late in (False, True)
]


@pytest.fixture(params=["at once", "slowly"])
def bench(request):
    made = Serverless(FakeLambda())
    made.amazon.concurrency = {"prod": 5} if request.param == "slowly" else {}
    return made


def cut(bench, moment, error, late):
    """Have a request to come end badly, before it arrives or after it was carried out."""
    fault = Crash() if error == "kill" else exceptions.ReadTimeoutError(endpoint_url="x", error="x")

    def after():
        raise fault

    bench.amazon.faults = [*[None] * moment, after if late else fault]


@pytest.mark.parametrize(("moment", "error", "late"), CUTS)
def test_a_fix_is_done_once_wherever_it_is_cut_off(bench, moment, error, late):
    plan = approved(bench)
    cut(bench, moment, error, late)
    for _try in range(2):
        with suppress(Crash, Refused):
            execute(bench, plan)
    for _round in range(4):
        bench.clock.advance(100)
        with suppress(Crash):
            interrupted_runs.settle_all(bench.context)
    state = bench.state(plan)
    assert (state.status, bench.amazon.updates) == ("done", 1)
    assert state.result == {"revision": bench.amazon.revision, "routing": "41"}


@pytest.mark.parametrize(("moment", "error", "late"), CUTS)
def test_a_fix_is_undone_once_wherever_that_is_cut_off(bench, moment, error, late):
    plan = approved(bench)
    execute(bench, plan)
    bench.raising.fixed_at, bench.raising.after = bench.clock.now(), ["checkout"]
    bench.clock.advance(100)
    cut(bench, moment, error, late)
    with suppress(Crash, Refused):
        interrupted_runs.settle_all(bench.context)
        bench.verifier().run()
    with suppress(Crash):
        rounds(bench, 4)
    rounds(bench, 4)
    assert (bench.state(plan).status, bench.amazon.updates) == ("rolled_back", 2)
    assert bench.amazon.routing == ("42", {})


def test_more_than_these_requests_are_not_made(bench):
    plan = approved(bench)
    before = len(bench.amazon.asked)
    execute(bench, plan)
    assert len(bench.amazon.asked) - before < REQUESTS

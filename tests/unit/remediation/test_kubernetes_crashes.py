"""A process is killed, or cut off, at each request to Kubernetes: done once, and told."""

from __future__ import annotations

from contextlib import suppress

import pytest

from incident_management.outside.transport import NoAnswer
from incident_management.remediation import execution, interrupted_runs, rollback
from incident_management.remediation.context import Refused
from tests.unit.remediation.bench import Crash
from tests.unit.remediation.kubernetes_bench import KINDS, Sailing
from tests.unit.remediation.kubernetes_fake import Cluster
from tests.unit.remediation.plans import approved, occupied

pytestmark = pytest.mark.one_python

# More than any of them takes, see the last test.
REQUESTS = 14
CASES = [
    (action, kind)
    for action in ("back", "restart", "more")
    for kind in KINDS
    if (action, kind) != ("more", "DaemonSet")
]


class Cutting(Cluster):
    """Raises at the n-th request from ``cut`` on, before it arrives or after it was done."""

    def cut(self, moment, error, after):
        self.left, self.error, self.late, self.again = moment, error, after, False

    def heal(self):
        self.left = None

    left = None
    seen = 0

    def __call__(self, *request):
        self.seen += 1
        if self.left is None:
            return super().__call__(*request)
        self.left -= 1
        if self.left == 0 and not self.late:
            raise self.error
        reply = super().__call__(*request)
        if self.left == 0:
            raise self.error
        return reply


def cut_off(bench, act, moment, error, after):
    bench.cluster.cut(moment, error, after)
    with suppress(Crash):
        act()
    bench.cluster.heal()
    for _round in range(4):
        bench.clock.advance(100)
        interrupted_runs.settle_all(bench.context)


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("error", [Crash(), NoAnswer("broken")], ids=["killed", "cut off"])
@pytest.mark.parametrize(("action", "kind"), CASES)
def test_an_action_is_done_once_and_told(action, kind, error, after):
    for moment in range(1, REQUESTS):
        bench = Sailing(Cutting(kind=kind))
        plan = approved(bench, action=action)
        cut_off(bench, lambda b=bench, p=plan: try_to(b, p), moment, error, after)
        # Refused, with a sentence, where it could not be asked what is so; then it goes on.
        status = bench.context.load(plan)[2].status
        if status == "approved":
            assert bench.cluster.patched == 0
            status = execution.execute(bench.context, plan, "mia").status
        if status == "failed":
            assert bench.cluster.patched == 0 and bench.kinds()[-1] == "action failed"
            assert not occupied(bench)
        else:
            assert (status, bench.cluster.patched, moment) == ("done", 1, moment)


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("error", [Crash(), NoAnswer("broken")], ids=["killed", "cut off"])
@pytest.mark.parametrize(("action", "kind"), [one for one in CASES if one[0] != "restart"])
def test_its_undoing_is_done_once_and_told(action, kind, error, after):
    for moment in range(1, REQUESTS):
        bench = Sailing(Cutting(kind=kind))
        plan = approved(bench, action=action)
        execution.execute(bench.context, plan, "mia")
        cut_off(bench, lambda b=bench, p=plan: undo(b, p), moment, error, after)
        status = bench.context.load(plan)[2].status
        if status == "done":
            assert bench.cluster.patched == 1
            status = rollback.roll_back(bench.context, plan, "mia", "wrong").status
        assert (status, bench.cluster.patched, moment) == ("rolled_back", 2, moment)


def try_to(bench, plan):
    try:
        execution.execute(bench.context, plan, "mia")
    except Refused:
        assert bench.kinds()[-1].startswith("refused")


def undo(bench, plan):
    try:
        rollback.roll_back(bench.context, plan, "mia", "wrong")
    except Refused:
        assert bench.kinds()[-1].startswith("refused")


@pytest.mark.parametrize(("action", "kind"), CASES)
def test_that_covers_every_request(action, kind):
    bench = Sailing(Cutting(kind=kind))
    plan = approved(bench, action=action)
    before = bench.cluster.seen
    execution.execute(bench.context, plan, "mia")
    assert 4 < bench.cluster.seen - before < REQUESTS

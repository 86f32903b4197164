"""A process is killed, or cut off, at each request to Amazon ECS: done once, and told."""

from __future__ import annotations

from contextlib import contextmanager, suppress

import pytest

from incident_management.remediation import interrupted_runs
from incident_management.remediation.context import Refused
from incident_management.remediation.executors.aws.ecs import Ecs
from tests.unit.remediation.bench import Bench, Crash
from tests.unit.remediation.ecs_stub import BACK, CLUSTER, FORTH, deployment, in_region, service
from tests.unit.remediation.plans import approved, execute, rounds

pytestmark = pytest.mark.one_python

exceptions = pytest.importorskip("botocore.exceptions")

# More than any of them takes, see the last test.
REQUESTS = 12


class Region:
    """One service, whose deployments take some looks; ``cut`` is raised at a request, once."""

    def __init__(self, looks=3):
        self.looks = looks
        self.numbers = iter(range(1, 1000))
        self.deployments = []
        self.cut(0, Crash(), late=False)
        self.updates = 0
        self.deploy("web:42")
        self.work(looks)

    @property
    def newest(self):
        return self.deployments[0]

    def deploy(self, revision):
        """Make a deployment; the one before goes on until this one is through."""
        for one in self.deployments:
            one["status"] = "ACTIVE"
        made = {
            **deployment(revision, "IN_PROGRESS", tasks=0),
            "id": f"ecs-svc/{next(self.numbers)}",
        }
        self.deployments.insert(0, made)
        self.waits = self.looks

    def work(self, looks=1):
        self.waits -= looks
        if self.waits <= 0:
            del self.deployments[1:]
            self.newest.update(rolloutState="COMPLETED", runningCount=2)

    def cut(self, left, error, late):
        self.left, self.error, self.late = left, error, late

    @contextmanager
    def connect(self, _arguments):
        yield self

    @contextmanager
    def asked(self):
        self.left -= 1
        if self.left == 0 and not self.late:
            raise self.error
        yield
        if self.left == 0:
            raise self.error

    def describe_services(self, **_asked):
        with self.asked():
            self.work()
            return {"services": [service(*(dict(one) for one in self.deployments))]}

    def describe_task_definition(self, **_asked):
        with self.asked():
            return {"taskDefinition": {"status": "ACTIVE"}}

    def update_service(self, cluster, service, taskDefinition):
        with self.asked():
            if self.newest["taskDefinition"].rpartition("/")[2] != taskDefinition:
                self.deploy(taskDefinition)
                self.updates += 1
            return {
                "service": {
                    "clusterArn": CLUSTER,
                    "deployments": [dict(one) for one in self.deployments],
                }
            }


class Regional(Bench):
    def __init__(self, region):
        super().__init__()
        self.region = region
        self.stanzas = {"back": BACK, "forth": FORTH}
        self.analyse(key="ANA-2", version="web:42", previous_version="web:41")

    def executors(self):
        return {"ecs": lambda: Ecs(self.region.connect, in_region, in_region, sleep=lambda _: None)}

    def state(self, plan):
        return self.context.load(plan)[2]


def ended(error):
    """An error of botocore, or a kill."""
    return Crash() if error == "kill" else exceptions.ReadTimeoutError(endpoint_url="x", error="x")


@pytest.fixture
def bench():
    return Regional(Region())


CUTS = [
    (moment, error, late)
    for moment in range(1, REQUESTS)
    for error in ("kill", "lost")
    for late in (False, True)
]


@pytest.mark.parametrize(("moment", "error", "late"), CUTS)
def test_a_fix_is_done_once_wherever_it_is_cut_off(bench, moment, error, late):
    plan = approved(bench)
    bench.region.cut(moment, ended(error), late)
    for _try in range(2):
        with suppress(Crash, Refused):
            execute(bench, plan)
    bench.raising.fixed_at, bench.raising.after = bench.clock.now(), []
    for _round in range(4):
        bench.clock.advance(100)
        with suppress(Crash):
            interrupted_runs.settle_all(bench.context)
    assert bench.state(plan).status == "done" and bench.region.updates == 1
    assert bench.state(plan).result == {"deployment": bench.region.newest["id"]}


@pytest.mark.parametrize(("moment", "error", "late"), CUTS)
def test_a_fix_is_undone_once_wherever_that_is_cut_off(bench, moment, error, late):
    plan = approved(bench)
    execute(bench, plan)
    bench.raising.fixed_at, bench.raising.after = bench.clock.now(), ["checkout"]
    bench.clock.advance(100)
    bench.region.cut(moment, ended(error), late)
    with suppress(Crash, Refused):
        interrupted_runs.settle_all(bench.context)
        bench.verifier().run()
    with suppress(Crash):
        rounds(bench, 4)
    rounds(bench, 4)
    assert bench.state(plan).status == "rolled_back" and bench.region.updates == 2


def taking_long(after):
    """A fix whose deployment is not through when it has been waited for."""
    bench = Regional(Region(looks=10**9))
    plan = approved(bench)
    assert execute(bench, plan).status == "running"
    bench.raising.fixed_at, bench.raising.after = bench.clock.now(), after
    return bench, plan


def test_what_takes_its_time_is_found_out_later():
    bench, plan = taking_long([])
    bench.region.work(10**9)
    rounds(bench, 2)
    assert (bench.state(plan).status, bench.region.updates) == ("recovered", 1)


@pytest.mark.parametrize("after", [[], ["checkout"]])
def test_what_somebody_deploys_while_the_fix_takes_its_time_is_not_taken_for_it(after):
    """Also not another deployment of the same task definition, as to read a new secret."""
    bench, plan = taking_long(after)
    bench.region.deploy("web:41")
    theirs = bench.region.newest["id"]
    bench.region.work(10**9)
    rounds(bench, 8)
    state = bench.state(plan)
    assert state.status == ("rollback_failed" if after else "insufficient_data")
    assert (
        f"by deployment {theirs}" in state.detail
        or f"redeployed in the meantime, by {theirs}" in (state.detail)
    )
    assert (bench.region.newest["id"], bench.region.updates) == (theirs, 1)


def test_what_the_circuit_breaker_took_back_unseen_is_not_deployed_again():
    """Once its tasks are gone, ECS does not list the deployment that has failed any more."""
    bench, plan = taking_long([])
    bench.region.deployments.pop(0)
    bench.region.newest["status"] = "PRIMARY"
    rounds(bench, 8)
    state = bench.state(plan)
    assert (state.status, state.action_in_doubt, bench.region.updates) == ("failed", True, 1)
    assert (
        state.detail == "checkout still runs web:42. Someone or something has reverted the change."
    )


def test_more_than_these_requests_are_not_made(bench):
    plan = approved(bench)
    bench.region.left = 0
    execute(bench, plan)
    assert -bench.region.left < REQUESTS

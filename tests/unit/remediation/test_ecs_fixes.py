"""A service of Amazon ECS is put back, judged, and put forth again only as the fix left it."""

from __future__ import annotations

import pytest

from incident_management.remediation import approval
from incident_management.remediation.catalogue import Catalogue
from tests.unit.remediation.bench import Bench
from tests.unit.remediation.ecs_stub import BACK, FORTH, UPDATED, Amazon, deployment, service
from tests.unit.remediation.plans import execute, propose, refusal


@pytest.fixture
def amazon():
    made = Amazon()
    yield made
    made.stubber.assert_no_pending_responses()


class Amazing(Bench):
    """Its only action puts a service of ECS back."""

    def __init__(self, amazon):
        super().__init__()
        self.amazon = amazon
        self.stanzas = {"back": BACK, "forth": FORTH}
        self.analyse(key="ANA-2", version="web:42", previous_version="web:41")

    def executors(self):
        return {"ecs": lambda: self.amazon.executor}


def test_a_service_is_put_back_and_forth_again(amazon):
    bench = Amazing(amazon)
    for _look in range(3):
        amazon.described(service()).defined()
    amazon.updated().described(service(deployment("web:41")))
    plan = propose(bench)
    approval.approve(bench.context, plan, "omar")
    assert execute(bench, plan).status == "done"
    assert bench.stores.plans.get(plan)["summary"].startswith("Put the service back: checkout (")

    bench.raising.fixed_at, bench.raising.after = bench.clock.now(), ["checkout"]
    bench.clock.advance(90)
    amazon.described(service(deployment("web:41")))
    there = {"taskDefinition": "web:42"}
    amazon.stubber.add_response(
        "describe_task_definition", {"taskDefinition": {"status": "ACTIVE"}}, there
    )
    amazon.described(service(deployment("web:41")))
    amazon.stubber.add_response("update_service", {"service": service()}, {**UPDATED, **there})
    amazon.described(service(deployment("web:42")))
    bench.verifier().run()
    assert bench.context.load(plan)[2].status == "rolled_back"


def test_another_deployment_voids_the_approval(amazon):
    bench = Amazing(amazon)
    for _look in range(2):
        amazon.described(service()).defined()
    plan = propose(bench)
    approval.approve(bench.context, plan, "omar")
    amazon.described(service({**deployment("web:42"), "id": "ecs-svc/99"})).defined()
    assert "deployment is ecs-svc/99, no longer ecs-svc/42" in refusal(lambda: execute(bench, plan))


def done(amazon):
    """Carry a fix out; returns its bench and the plan."""
    bench = Amazing(amazon)
    for _look in range(3):
        amazon.described(service()).defined()
    amazon.updated().described(service(deployment("web:41")))
    plan = propose(bench)
    approval.approve(bench.context, plan, "omar")
    assert execute(bench, plan).result == {"deployment": "ecs-svc/41"}
    bench.raising.fixed_at = bench.clock.now()
    bench.clock.advance(90)
    return bench, plan


def test_what_somebody_deployed_after_the_fix_is_not_undone(amazon):
    """Also not another deployment of the same task definition."""
    bench, plan = done(amazon)
    bench.raising.after = ["checkout"]
    amazon.described(service({**deployment("web:41"), "id": "ecs-svc/99"}))
    bench.verifier().run()
    state = bench.context.load(plan)[2]
    assert state.status == "rollback_failed"
    assert "redeployed in the meantime, by ecs-svc/99, no longer ecs-svc/41" in state.detail


def test_a_recovery_under_somebody_elses_deployment_does_not_prove_the_fix(amazon):
    bench, plan = done(amazon)
    amazon.described(service({**deployment("web:41"), "id": "ecs-svc/99"}))
    bench.verifier().run()
    state = bench.context.load(plan)[2]
    assert (state.status, bench.status()) == ("insufficient_data", "new")
    assert "by deployment ecs-svc/99, which someone made since, not by ecs-svc/41" in state.detail


@pytest.mark.parametrize(
    ("changes", "differs"),
    [
        ({"argument.cluster": "test"}, "cluster"),
        ({"argument.cluster": "$plan.service$"}, "cluster"),
        ({"argument.service": "cart"}, "service"),
        ({"argument.service": "$result.service$"}, "service"),
        ({"argument.cluster": "$plan.cluster$"}, ""),
        ({"argument.service": "$before.service$"}, ""),
    ],
)
def test_what_undoes_an_action_is_about_the_same_cluster_and_service(changes, differs):
    problems = Catalogue.from_stanzas({"back": BACK, "forth": {**FORTH, **changes}}).problems
    said = (
        f"[back] and [forth], which rolls it back, differ in argument.{differs}: set the same "
        "value in both."
    )
    assert (said in problems.get("back", "")) == bool(differs) and bool(problems) == bool(differs)

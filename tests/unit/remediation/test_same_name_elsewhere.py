"""One service in two clusters is two things; what may be the same one waits, in every order."""

from __future__ import annotations

import contextlib

import pytest

from incident_management.incidents import lifecycle
from incident_management.incidents.act import Act
from incident_management.remediation import execution, interrupted_runs
from incident_management.remediation.catalogue import Catalogue
from incident_management.remediation.context import Refused
from incident_management.remediation.entity_lock import blocking_plan
from incident_management.remediation.executors.executor import Outcome
from incident_management.remediation.executors.kubernetes import OBJECTS
from incident_management.remediation.executors.traits import TRAITS
from incident_management.remediation.location import are_distinct, location_of
from tests.fakes.turns import orders
from tests.unit.remediation.bench import STANZAS, Bench
from tests.unit.remediation.kubernetes_bench import BACK, FORTH
from tests.unit.remediation.plans import approved, execute, occupied, refusal
from tests.unit.remediation.test_addresses import SCENES

pytestmark = pytest.mark.one_python

OTHER = "INC-20260101-BBBBBB"
CLUSTERS = {
    "east": ("https://east.example", "uid-1"),
    "west": ("https://west.example", "uid-2"),
    # The API server of east by another name.
    "again": ("https://10.0.0.1:6443", "uid-1"),
}


class Clusters:
    """A Deployment of the same name in each; ``executed`` lists the request ids."""

    before = None

    def __init__(self):
        self.executed = []

    def address(self, arguments):
        return CLUSTERS[arguments["cluster"]][0]

    def facts(self, arguments):
        self._wait("facts")
        return {
            "service": "checkout", "namespace": arguments["namespace"], "version": "r8",
            "cluster": arguments["cluster"], "deployment": CLUSTERS[arguments["cluster"]][1],
            "revision": "2",
        }  # fmt: skip

    def execute(self, arguments, request_id):
        self._wait("execute")
        self.executed.append(request_id)
        self._wait("answered")
        return Outcome("done", "checkout runs r7.", {"revision": "3"})

    def settle(self, arguments, request_id):
        status = "done" if request_id in self.executed else "unchanged"
        return Outcome(status, "So it is.", {"revision": "3"} if status == "done" else {})

    def _wait(self, verb):
        if self.before:
            self.before(verb, "service")


def stanzas():
    """Return an action for each cluster, one for another namespace, and one of no known place."""
    made = {name: dict(values) for name, values in STANZAS.items()}
    places = [(name, name, "shop") for name in CLUSTERS] + [("spare", "east", "spare")]
    for name, cluster, namespace in places:
        place = {"argument.cluster": cluster, "argument.namespace": namespace}
        made[name] = {**BACK, **place, "inverse": f"{name}_undone"}
        made[f"{name}_undone"] = {**FORTH, **place}
    return made


class Scene(Bench):
    """Two incidents, with a plan for each by the actions that are named."""

    def __init__(self, *actions):
        super().__init__()
        self.clusters = Clusters()
        self.stores.services.append(self.clusters)
        self.stanzas = stanzas()
        self.open(OTHER)
        self.analyse(OTHER, "ANA-2")
        incidents = [{}, {"incident": OTHER}]
        self.plans = [approved(self, action=name, **of) for name, of in zip(actions, incidents)]

    def executors(self):
        return {**super().executors(), "kubernetes": lambda: self.clusters}

    @property
    def executed(self):
        return self.clusters.executed + self.api.executed

    def carry_out(self, plan):
        def go():
            with contextlib.suppress(Refused):
                execution.execute(self.context, plan, "mia")

        return go

    def place(self, plan):
        return location_of(self.stores.plans.get(plan), Catalogue.from_stanzas(self.stanzas))


def after(actions, interruptions, kills=0, at=("claims", "timeline", "service")):
    made = []

    def begun():
        scene = Scene(*actions)
        made.append(scene)
        return scene.stores, [scene.carry_out(plan) for plan in scene.plans]

    # The deployment API is not one of the services that tell of their calls.
    elsewhere = "rollback_change" in actions
    for _stores, order in orders(begun, interruptions, at, kills, elsewhere):
        yield made.pop(), order


LOCATION_FACTS = [("east", "west"), ("east", "spare")]
ONE = [
    ("east", "east"),
    ("east", "again"),
    ("east", "rollback_change"),
    ("rollback_change", "west"),
    ("rollback_change", "rollback_change"),
]


@pytest.mark.parametrize("actions", LOCATION_FACTS)
def test_of_two_places_neither_waits_for_the_other(actions):
    for scene, order in after(actions, 1):
        assert sorted(scene.executed) == sorted(scene.plans), order


@pytest.mark.parametrize("actions", ONE)
def test_of_what_may_be_one_place_only_one_is_carried_out(actions):
    for scene, order in after(actions, 1):
        assert len(scene.executed) == 1, order


@pytest.mark.parametrize("actions", [LOCATION_FACTS[0], ONE[0], ONE[2]])
def test_whoever_is_killed_anywhere_leaves_no_two_of_one_place(actions):
    for scene, order in after(actions, 0, kills=1):
        for _round in range(3):
            scene.clock.advance(100)
            interrupted_runs.settle_all(scene.context)
        most = 2 if actions in LOCATION_FACTS else 1
        assert len(set(scene.executed)) <= most, order
        assert len(scene.executed) == len(set(scene.executed)), order


def test_one_of_an_unknown_place_waits_for_all(monkeypatch):
    """Also for what was begun before another one, elsewhere, that is over by now."""
    scene = Scene("west", "east")
    for plan in scene.plans:
        execute(scene, plan)
    lifecycle.resolve(Act(scene.stores, scene.clock, "zoe"), OTHER)
    scene.clock.advance(3600)
    east = scene.context.load(scene.plans[1])
    monkeypatch.setattr(scene.raising, "unable", "It can't be asked.")
    scene.verifier().verify_plan(scene.plans[1])
    assert scene.context.load(scene.plans[1])[2].finished and east[2].status == "done"
    unknown = {**scene.stores.plans.get(scene.plans[0]), "_key": "PLAN-0000000000", "state": {}}
    assert blocking_plan(scene.context, unknown) == scene.plans[0]


def test_a_run_from_before_an_upgrade_keeps_all_places():
    scene = Scene("west", "east")
    execute(scene, scene.plans[0])
    run = scene.stores.claims.get("run:checkout:1")
    del run["value"]["place"]
    scene.stores.claims.save([run])
    told = refusal(lambda: execute(scene, scene.plans[1]))
    assert told.startswith(f"{scene.plans[0]} is being executed on checkout")


def test_the_cool_down_is_of_one_place():
    """One action for all clusters, which takes the cluster from the change event."""
    scene = Scene()
    scene.stanzas["east"]["argument.cluster"] = "$analysis.cluster$"
    scene.stanzas["east_undone"]["argument.cluster"] = "$plan.cluster$"

    def fix(incident, cluster):
        scene.open(incident)
        scene.analyse(incident, f"ANA-{incident}", cluster=cluster)
        plan = approved(scene, action="east", incident=incident)
        return lambda: execute(scene, plan)

    for incident, cluster in (("INC-20260101-CCCCCC", "east"), ("INC-20260101-DDDDDD", "west")):
        assert fix(incident, cluster)().status == "done"
    told = refusal(fix("INC-20260101-EEEEEE", "east"))
    assert told.startswith("'east' was already executed on checkout by PLAN-")
    assert len(scene.executed) == 2


@pytest.mark.parametrize("name", SCENES)
def test_what_each_executor_tells_says_where_a_plan_acts(name):
    scene = SCENES[name]()
    plan = scene.stores.plans.get(scene.plan)
    assert bool(location_of(plan, scene.context.catalogue)) == bool(TRAITS[name].location_facts)


@pytest.mark.parametrize("name", [name for name in TRAITS if TRAITS[name].location_facts])
def test_what_a_fix_changes_is_not_its_place(name):
    """ECS numbers its deployments: each fix of a service seemed to be somewhere else."""
    scene = SCENES[name]()
    plan, catalogue = scene.stores.plans.get(scene.plan), scene.context.catalogue
    kept = {*TRAITS[name].location_facts, *(OBJECTS if name.startswith("kubernetes") else ())}
    changed = {fact: value if fact in kept else "another" for fact, value in plan["state"].items()}
    later = location_of({**plan, "state": changed}, catalogue)
    assert not are_distinct(location_of(plan, catalogue), later)


def test_a_service_of_ecs_that_was_deployed_anew_is_the_same():
    scene = SCENES["ecs"]()
    execute(scene, scene.plan)
    scene.settled(3)
    scene.region.deploy("web:42")
    scene.region.work()
    scene.open(OTHER)
    scene.analyse(OTHER, "ANA-3", version="web:42", previous_version="web:41")
    second = approved(scene, action="back", incident=OTHER)
    told = refusal(lambda: execute(scene, second))
    assert told.startswith("'back' was already executed on checkout by PLAN-")
    assert (
        occupied(scene)
        == scene.plan
        == blocking_plan(scene.context, scene.stores.plans.get(second))
    )


def test_which_places_are_apart():
    scene = Scene("east", "west")
    east, west = map(scene.place, scene.plans)
    assert are_distinct(east, west)
    assert not are_distinct(east, {**west, "deployment": east["deployment"]})
    assert not are_distinct(east, {**west, "address": east["address"]}), "it was made anew"
    kind = {name: value for name, value in west.items() if name != "deployment"}
    assert not are_distinct(east, {**kind, "statefulset": "uid-9"})
    assert are_distinct(east, {**kind, "statefulset": "uid-9", "namespace": "other"})
    assert not are_distinct(east, {}) and not are_distinct({}, {})
    assert not are_distinct(east, {"service": "ecs", "cluster_arn": "arn:aws:ecs:…"})
    scene.stanzas["east_undone"] = scene.stanzas["reapply_change"]
    assert scene.place(scene.plans[0]) == {}, "what undoes it may act anywhere"

"""People and workers at one plan, in every order of their KV calls and of the executor's answers.

Left out: more interruptions than each test says; a worker that is killed right after it saved an
older status of a plan's document, which then tells that in lists. A rollback that a person began
just before the worker resolves the incident goes on, as one after that would.
"""

from __future__ import annotations

import contextlib

import pytest

from incident_management.incidents import lifecycle
from incident_management.incidents.act import Act
from incident_management.incidents.errors import IllegalMove
from incident_management.remediation import approval, execution, interrupted_runs, rollback
from incident_management.remediation.context import Refused
from incident_management.remediation.plan import FINISHED
from tests.fakes.turns import orders
from tests.unit.remediation.bench import INCIDENT, Bench, FakeDeployApi
from tests.unit.remediation.plans import approved

pytestmark = pytest.mark.one_python

OTHER = "INC-20260101-BBBBBB"
AT = ("claims", "timeline", "plans", "service")


class SlowApi(FakeDeployApi):
    """One at whose requests others may go on, or the process that asks be killed."""

    before = None

    def execute(self, arguments, request_id):
        self._wait("execute")
        outcome = super().execute(arguments, request_id)
        self._wait("answered")
        return outcome

    def facts(self, arguments):
        self._wait("facts")
        return super().facts(arguments)

    def _wait(self, verb):
        if self.before:
            self.before(verb, "service")


class Scene(Bench):
    """A bench with an approved plan, and what somebody may do to it."""

    def __init__(self):
        super().__init__()
        self.api = SlowApi()
        self.executor = self.api
        self.stores.services.append(self.api)
        self.plan = approved(self)
        self.allowed = []

    def carry_out(self, plan=""):
        return self._trying(lambda: execution.execute(self.context, plan or self.plan, "mia"))

    def reject(self):
        return self._trying(
            lambda: approval.reject(self.context, self.plan, "omar", "Stop."), "reject"
        )

    def roll_back(self):
        return self._trying(lambda: rollback.roll_back(self.context, self.plan, "zoe", "Undo."))

    def resolve(self):
        return self._trying(
            lambda: lifecycle.resolve(Act(self.stores, self.clock, "zoe"), INCIDENT)
        )

    def work(self):
        interrupted_runs.settle_all(self.context)
        self.verifier().run()
        approval.expire_plans(self.context)

    def work_later(self):
        """Work until nothing is waited for any more."""
        for _ in range(3):
            self.clock.advance(450)
            self.work()

    def done(self, helped):
        """Let the plan be carried out, and the time come to judge it."""
        self.carry_out()()
        if helped:
            self.raising.fixed_at = self.clock.now()
        else:
            self.raising.after = ["checkout"]
        self.clock.advance(90)

    def _trying(self, act, name=""):
        def go():
            with contextlib.suppress(Refused, IllegalMove):
                act()
                self.allowed.append(name)

        return go

    def status_now(self):
        return self.context.load(self.plan)[2].status

    def check(self, order, *wanted):
        """Whether the plan's document says what its entries do, and the plan is at no loose end."""
        status = self.status_now()
        assert self.stores.plans.get(self.plan)["status"] == status, order
        assert status in (wanted or (*FINISHED, "approved", "done")), (order, status)
        assert len(self.api.executed) == len(set(self.api.executed)), order


def after(scene_of, interruptions, kills=0, at=AT):
    made = []

    def begun():
        scene, writers = scene_of()
        made.append(scene)
        return scene.stores, writers

    for _stores, order in orders(begun, interruptions, at, kills):
        yield made.pop(), order


def test_what_two_people_carry_out_at_once_is_done_once():
    def two():
        scene = Scene()
        return scene, [scene.carry_out(), scene.carry_out()]

    for scene, order in after(two, 1):
        assert scene.api.executed == [scene.plan], order
        scene.check(order, "done")


@pytest.mark.parametrize(("interruptions", "kills"), [(2, 0), (0, 1)])
def test_a_fix_that_is_rejected_in_that_moment_is_not_executed_or_the_rejection_refused(
    interruptions, kills
):
    def rejected():
        scene = Scene()
        return scene, [scene.carry_out(), scene.reject()]

    for scene, order in after(rejected, interruptions, kills, ("claims", "timeline", "service")):
        if "reject" in scene.allowed:
            scene.work_later()
            assert scene.api.executed == [], order


def test_of_two_plans_for_one_service_one_is_executed():
    def two():
        scene = Scene()
        scene.open(OTHER)
        scene.analyse(OTHER, "ANA-2")
        second = approved(scene, incident=OTHER)
        return scene, [scene.carry_out(), scene.carry_out(second)]

    for scene, order in after(two, 1, at=("claims", "timeline", "service")):
        assert len(scene.api.executed) == 1, order
        scene.work_later()
        scene.check(order)


@pytest.mark.parametrize(("interruptions", "kills"), [(1, 0), (0, 1)])
def test_what_a_person_and_the_worker_undo_at_once_is_undone_once(interruptions, kills):
    def undone():
        scene = Scene()
        scene.done(helped=False)
        return scene, [scene.work, scene.roll_back()]

    for scene, order in after(undone, interruptions, kills):
        scene.work_later()
        scene.check(order, "rolled_back")
        assert scene.api.executed == [scene.plan, f"{scene.plan}-undo"], order


@pytest.mark.parametrize(("interruptions", "kills"), [(1, 0), (1, 1)])
def test_what_a_person_undoes_while_it_is_found_to_have_helped_is_finished_and_shown(
    interruptions, kills
):
    """Its document said ``recovered``, so that nobody finished an undoing that was cut off."""

    def judged():
        scene = Scene()
        scene.done(helped=True)
        return scene, [scene.work, scene.roll_back()]

    for scene, order in after(judged, interruptions, kills, ("plans",)):
        scene.work_later()
        assert scene.status_now() in ("rolled_back", "recovered", "rollback_failed"), order
        if not kills:
            scene.check(order, "rolled_back", "recovered")
        undone = scene.api.executed[1:]
        assert undone in ([], [f"{scene.plan}-undo"]), order
        assert bool(undone) == (scene.status_now() == "rolled_back"), order


def test_a_plan_of_an_incident_that_is_resolved_meanwhile_is_shown_as_it_is():
    def resolved():
        scene = Scene()
        return scene, [scene.carry_out(), scene.resolve()]

    for scene, order in after(resolved, 2, at=("claims", "plans")):
        scene.work_later()
        scene.check(order)

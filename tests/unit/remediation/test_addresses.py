"""What another address says proves nothing: a fix is settled, proved and undone where it was begun.

Of each executor a fix is cut off, another address is set, at which everything would be as wanted,
and then the former one again.
"""

from __future__ import annotations

from contextlib import contextmanager, suppress
from functools import partial
from typing import Any

import pytest

from incident_management.remediation import dry_run, interrupted_runs, rollback
from incident_management.remediation.context import Refused
from incident_management.remediation.executors.executor import Outcome
from incident_management.remediation.executors.traits import TRAITS
from tests.unit.remediation.bench import STANZAS, Bench, Crash
from tests.unit.remediation.kubernetes_bench import Sailing
from tests.unit.remediation.kubernetes_fake import Cluster
from tests.unit.remediation.lambda_fake import FakeLambda, Serverless
from tests.unit.remediation.launchdarkly_fake import Flags
from tests.unit.remediation.plans import approved, execute, refusal
from tests.unit.remediation.test_awx import RESTART, FakeAwx, awx
from tests.unit.remediation.test_change_locations import DeployApis
from tests.unit.remediation.test_ecs_crashes import Region, Regional
from tests.unit.remediation.test_launchdarkly import Switching

OTHER = "https://other.example"


class Playing(Bench):
    """Its action runs a job template, and so does what undoes it."""

    def __init__(self):
        super().__init__()
        self.awx = FakeAwx()
        undone = {**RESTART, "inverse_only": "1", "argument.service": "$plan.service$"}
        self.stanzas = {"restart": {**RESTART, "inverse": "again"}, "again": undone}

    def executors(self):
        return {"awx": lambda: awx(self.awx)}


class Mixed(Playing):
    """Its action speaks to the deploy API, and a job template undoes it."""

    def __init__(self):
        super().__init__()
        back = {**STANZAS["rollback_change"], "inverse": "again"}
        self.stanzas = {"rollback_change": back, "again": self.stanzas["again"]}

    def executors(self):
        return {**super().executors(), "deploy_api": lambda: self.api}


class Watched:
    """An executor that may be cut off after it has acted, or be set up for another address."""

    def __init__(self, scene, real):
        self._scene = scene
        self._real = real

    def address(self, arguments):
        return OTHER if self._scene.moved else self._real.address(arguments)

    def facts(self, arguments):
        self._asked()
        return self._real.facts(arguments)

    def execute(self, arguments, request_id):
        self._asked()
        outcome = self._real.execute(arguments, request_id)
        if self._scene.cut:
            self._scene.cut = False
            raise Crash
        return outcome

    def settle(self, arguments, request_id):
        self._asked()
        return self._real.settle(arguments, request_id)

    def dry_run(self, arguments, request_id):
        self._asked()
        return Outcome("unknown", "It goes on.")

    def _asked(self):
        self._scene.elsewhere += self._scene.moved


def watched(kind: Any, action: str, *made: Any) -> Any:
    """Return a bench whose executors may be moved, with an approved plan that is cut off."""

    class Scene(kind):
        moved = cut = False
        elsewhere = 0

        def executors(self):
            return {
                name: partial(lambda one: Watched(self, one()), one)
                for name, one in super().executors().items()
            }

        @contextmanager
        def at_another_address(self):
            """Have everything done that is due while another address is set."""
            self.moved = True
            yield
            self.moved = False
            assert self.elsewhere == 0, "the other address was asked"

        def settled(self, rounds=1):
            for _round in range(rounds):
                self.clock.advance(100)
                interrupted_runs.settle_all(self.context)
            return self.context.load(self.plan)[2]

        def judged(self, after=()):
            self.raising.fixed_at, self.raising.after = self.clock.now(), list(after)
            return self.looked_after(90)

        def looked_after(self, seconds):
            self.clock.advance(seconds)
            with suppress(Refused):
                self.verifier().verify_plan(self.plan)
            return self.context.load(self.plan)[2]

    scene = Scene(*made)
    scene.plan = approved(scene, action=action)
    return scene


SCENES = {
    "deploy_api": lambda: watched(DeployApis, "rollback_change"),
    "awx": lambda: watched(Playing, "restart"),
    "ecs": lambda: watched(Regional, "back", Region(looks=1)),
    "kubernetes": lambda: watched(Sailing, "back", Cluster()),
    "kubernetes_restart": lambda: watched(Sailing, "restart", Cluster()),
    "kubernetes_scale": lambda: watched(Sailing, "more", Cluster()),
    "lambda": lambda: watched(Serverless, "back", FakeLambda()),
    "launchdarkly": lambda: watched(Switching, "switch_off", Flags()),
}
UNDONE = sorted(set(SCENES) - {"kubernetes_restart"})


@pytest.fixture(params=SCENES)
def scene(request):
    return SCENES[request.param]()


@pytest.fixture(params=UNDONE)
def undoable(request):
    return SCENES[request.param]()


def cut_off(scene):
    scene.cut = True
    with pytest.raises(Crash):
        execute(scene, scene.plan)


def test_a_run_that_was_cut_off_is_asked_about_where_it_was_begun(scene):
    cut_off(scene)
    with scene.at_another_address():
        assert scene.settled(3).status == "running"
    assert scene.settled(3).status == "done"


def test_a_run_whose_address_is_not_set_again_is_given_to_people(scene):
    cut_off(scene)
    with scene.at_another_address():
        state = scene.settled(10)
    assert state.status == "failed" and state.action_in_doubt
    assert state.detail.startswith("It is unknown whether it was done: check by hand. ")
    assert state.detail.endswith(f", but {OTHER} is configured now.")


def test_a_fix_is_proved_where_it_was_made(scene):
    cut_off(scene)
    assert scene.settled(3).status == "done"
    with scene.at_another_address():
        assert scene.judged().status == "done"
    assert scene.looked_after(120).status == "recovered"


def test_a_fix_whose_address_is_not_set_again_is_not_proved(scene):
    execute(scene, scene.plan)
    assert scene.settled(3).status == "done"
    with scene.at_another_address():
        scene.judged()
        state = scene.looked_after(600)
    assert (state.status, scene.status()) == ("insufficient_data", "new")
    assert f"but {OTHER}" in state.detail


def test_nothing_is_done_at_an_address_that_is_set_after_the_last_check(scene):
    """The rules have been asked at the right one; then somebody saves another."""
    real = scene.stores.claims.insert

    def insert(claim):
        scene.moved = scene.moved or claim["_key"].startswith("execute:")
        return real(claim)

    scene.stores.claims.insert = insert
    state = execute(scene, scene.plan)
    assert (state.status, state.action_in_doubt, scene.elsewhere) == ("failed", False, 0)
    assert state.detail.endswith(f", but {OTHER} is configured now.")


def test_an_undoing_that_was_cut_off_is_asked_about_where_it_was_begun(undoable):
    execute(undoable, undoable.plan)
    assert undoable.settled(3).status == "done"
    undoable.cut = True
    with pytest.raises(Crash):
        rollback.roll_back(undoable.context, undoable.plan, "zoe", "Wrong guess.")
    with undoable.at_another_address():
        assert undoable.settled(3).status == "rolling_back"
    assert undoable.settled(3).status == "rolled_back"


def test_what_another_executor_undoes_is_asked_about_where_that_was_begun():
    """The plan holds the address of its own executor alone."""
    scene = watched(Mixed, "rollback_change")
    execute(scene, scene.plan)
    scene.cut = True
    with pytest.raises(Crash):
        rollback.roll_back(scene.context, scene.plan, "zoe", "Wrong guess.")
    with scene.at_another_address():
        assert scene.settled(3).status == "rolling_back"
    assert scene.settled(3).status == "rolled_back"


def test_an_undoing_in_doubt_is_asked_about_where_it_was_begun(undoable):
    execute(undoable, undoable.plan)
    assert undoable.settled(3).status == "done"
    undoable.cut = True
    with pytest.raises(Crash):
        rollback.roll_back(undoable.context, undoable.plan, "zoe", "Wrong guess.")
    with undoable.at_another_address():
        assert undoable.settled(10).status == "rollback_failed"
        told = refusal(lambda: rollback.roll_back(undoable.context, undoable.plan, "zoe", "Again."))
        assert f"but {OTHER}" in told


def test_a_try_goes_on_where_it_was_begun(scene, monkeypatch):
    """The rules were asked at the right address; then somebody saves another."""
    dry_run.dry_run(scene.context, scene.plan, "mia")
    found = dry_run.action_step

    def action_step(*asked):
        scene.moved = True
        return found(*asked)

    monkeypatch.setattr(dry_run, "action_step", action_step)
    told = refusal(lambda: dry_run.dry_run(scene.context, scene.plan, "mia"))
    assert f"but {OTHER}" in told and scene.elsewhere == 0


def test_what_an_inverse_may_take_has_a_value(scene):
    """And so has what the catalogue names to people as such."""
    execute(scene, scene.plan)
    result = scene.settled(3).result
    plan = scene.stores.plans.get(scene.plan)
    traits = TRAITS[plan["executor"]]
    states = set(traits.state_facts) - ({"cluster"} - set(plan["arguments"]))
    assert {name for name in states if not plan["state"].get(name)} == set()
    assert {name for name in traits.result_fields if not result.get(name)} == set()

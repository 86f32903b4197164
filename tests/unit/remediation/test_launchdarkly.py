"""Feature flags are switched by compare-and-set, and back only as the fix left them."""

from __future__ import annotations

import json
import re
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest

from incident_management.outside.transport import NoAnswer, NotSent, Reply
from incident_management.remediation import approval, interrupted_runs
from incident_management.remediation.catalogue import Catalogue
from incident_management.remediation.executors.executor import ExecutorError, NotApplicable
from incident_management.remediation.executors.factory import executors
from incident_management.remediation.executors.launchdarkly import LaunchDarkly
from incident_management.splunk.configuration.settings import parse
from tests.unit.remediation.bench import Bench, Crash
from tests.unit.remediation.hostile_answers import is_withstood, spoiled
from tests.unit.remediation.http_stub import Handler, served
from tests.unit.remediation.launchdarkly_fake import PATH, TOKEN, URL, Flags
from tests.unit.remediation.plans import approved, execute, propose, refusal

ROOT = Path(__file__).parents[3]
OFF = {
    "project": "shop", "environment": "production", "flag": "new-checkout", "switch": "off"
}  # fmt: skip
ON = {**OFF, "switch": "on"}
BOUND = {**OFF, "flag_version": "7"}
SWITCH_OFF = {
    "label": "Switch it off", "executor": "launchdarkly", "argument.project": "shop",
    "argument.environment": "production", "argument.flag": "new-checkout",
    "argument.switch": "off", "argument.service": "$analysis.service$",
    "blast_radius": "$flag$ is switched $switch$ in $environment$.", "inverse": "switch_on",
}  # fmt: skip
SWITCH_ON = {
    **SWITCH_OFF, "label": "Switch it on", "inverse": "", "inverse_only": "1",
    "argument.flag": "$plan.flag$", "argument.switch": "on", "argument.service": "$plan.service$",
}  # fmt: skip


@pytest.fixture
def flags():
    return Flags()


def launchdarkly(flags):
    # As LaunchDarkly's manual writes its base URL, which other tests give without the path.
    return LaunchDarkly(f"{URL}/api/v2/", TOKEN, flags, sleep=lambda seconds: None)


class Switching(Bench):
    """Its action switches a flag off."""

    def __init__(self, flags, stores=None):
        super().__init__(stores)
        self.flags = flags
        self.stanzas = {"switch_off": SWITCH_OFF, "switch_on": SWITCH_ON}

    def executors(self):
        return {"launchdarkly": lambda: launchdarkly(self.flags)}

    def judged(self, after):
        self.raising.fixed_at, self.raising.after = self.clock.now(), after
        self.clock.advance(90)
        self.verifier().run()


# --- what is so -------------------------------------------------------------------------------


def test_it_tells_how_the_flag_is_switched_and_by_which_version(flags):
    assert launchdarkly(flags).facts(OFF) == {
        "project": "shop", "environment": "production", "flag": "new-checkout",
        "switched": "on", "flag_version": "7",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("spoil", "asked", "why"),
    [
        (lambda flags: flags.production.update(on=False), OFF, "is already off"),
        (lambda flags: None, ON, "is already on"),
        (lambda flags: flags.flag.update(tags=["web"]), OFF, "lacks the tag incident-management"),
        (lambda flags: flags.flag.update(archived=True), OFF, "is archived"),
        (lambda flags: None, {**OFF, "flag": "other"}, "has no flag other of shop/production"),
        (lambda flags: None, {**OFF, "switch": "of"}, "switch is 'of': set it to off or on"),
        (lambda flags: flags.change(rules=[1]), BOUND, "version is 8, no longer 7, and it is on"),
    ],
)
def test_what_is_not_to_be_switched_is_not(flags, spoil, asked, why):
    spoil(flags)
    with pytest.raises(NotApplicable, match=why):
        launchdarkly(flags).facts(asked)


def test_an_environment_that_is_not_there_and_a_wrong_token_are_one_sentence(flags):
    with pytest.raises(
        ExecutorError, match="did not return the state of the flag new-checkout of shop/stage"
    ):
        launchdarkly(flags).facts({**OFF, "environment": "stage"})
    with pytest.raises(ExecutorError, match="Invalid account ID header"):
        LaunchDarkly(URL, "wrong", flags).facts(OFF)


# --- doing it ---------------------------------------------------------------------------------


def test_it_is_switched_in_that_environment_alone_and_says_who_did_it(flags):
    outcome = launchdarkly(flags).execute(BOUND, "PLAN-1")
    assert (outcome.status, outcome.result) == ("done", {"flag_version": "8"})
    assert outcome.detail == "The flag new-checkout of shop/production is off."
    assert flags.production["on"] is False and flags.flag["environments"]["test"]["on"] is True
    assert flags.comments == ["PLAN-1 of Incident Management for Splunk"]


@pytest.mark.parametrize("status", [400, 409])
@pytest.mark.parametrize("others", [{"rules": ["x"]}, {"on": False}])
def test_what_somebody_changes_in_that_very_moment_is_not_overwritten(
    flags, status, others, monkeypatch
):
    monkeypatch.setattr("incident_management.remediation.executors.launchdarkly.WAIT_SECONDS", 0.0)
    flags.fails_with, flags.others = status, partial(flags.change, **others)
    outcome = launchdarkly(flags).execute(BOUND, "PLAN-1")
    assert (outcome.status, outcome.certain, flags.patches) == ("failed", True, 0)
    assert outcome.detail.startswith(f"LaunchDarkly rejected the request with {status}: ")


@pytest.mark.parametrize("status", [409, 429])
def test_a_busy_launchdarkly_is_asked_again(flags, status):
    flags.script = [status, status]
    assert launchdarkly(flags).execute(BOUND, "PLAN-1").status == "done" and flags.patches == 1


@pytest.mark.parametrize(
    ("step", "ends", "became"),
    [
        (("before", NotSent("No route.")), "failed", "unchanged"),
        (("before", NoAnswer("It broke.")), "unknown", "unchanged"),
        (("after", NoAnswer("It broke.")), "unknown", "done"),
        (500, "unknown", "unchanged"),
        (403, "failed", "unchanged"),
    ],
)
def test_what_became_of_it_is_asked(flags, step, ends, became):
    flags.script = [step]
    executor = launchdarkly(flags)
    assert executor.execute(BOUND, "PLAN-1").status == ends
    assert executor.settle(BOUND, "PLAN-1").status == became
    again = executor.execute(BOUND, "PLAN-1")
    assert flags.patches == 1 and flags.production["on"] is False
    assert again.status == ("failed" if became == "done" else "done")


def test_what_was_changed_since_is_neither_done_nor_unchanged(flags):
    flags.change(rules=["x"])
    outcome = launchdarkly(flags).settle(BOUND, "PLAN-1")
    assert (outcome.status, outcome.certain) == ("failed", False)


def test_a_try_and_a_preview_change_nothing(flags):
    executor = launchdarkly(flags)
    tried = executor.dry_run(BOUND, "PLAN-1")
    assert (tried.status, flags.patches) == ("done", 0) and "Nothing was changed" in tried.detail
    shown = executor.preview(BOUND, "PLAN-1")
    assert shown["url"] == f"{URL}{PATH}" and TOKEN not in json.dumps(shown)
    assert shown["body"]["patch"] == [
        {"op": "test", "path": "/environments/production/version", "value": 7},
        {"op": "test", "path": "/environments/production/on", "value": True},
        {"op": "replace", "path": "/environments/production/on", "value": False},
    ]


@pytest.mark.parametrize("method", ["GET", "PATCH"])
def test_whatever_launchdarkly_answers_nothing_is_mistaken_for_done(flags, method, monkeypatch):
    monkeypatch.setattr("incident_management.remediation.executors.launchdarkly.WAIT_SECONDS", 0.0)
    true = flags.shown(flags.flag, ["production"])
    true["environments"]["production"] = {"on": False, "version": 8}
    nested = '{"a":' * 100_000
    for text in [*map(json.dumps, spoiled(true)), json.dumps(true)[:-3], "", "[", nested]:

        def send(url, body, headers, asked, text=text):
            if asked == method:
                return Reply(200, {}, text)
            return Flags()(url, body, headers, asked)

        executor = LaunchDarkly(URL, TOKEN, send)
        assert is_withstood(partial(executor.facts, ON))
        for act in (executor.execute, executor.settle):
            assert is_withstood(partial(act, BOUND, "PLAN-1"))
        outcome = executor.execute(BOUND, "PLAN-1")
        if method == "PATCH" and outcome.status == "done":
            told = json.loads(text)
            settings = told["environments"]["production"]
            assert (told["key"], settings["on"]) == ("new-checkout", False)


# --- a whole fix ------------------------------------------------------------------------------


def test_a_flag_is_switched_off_and_the_incident_resolved(flags):
    bench = Switching(flags)
    plan = propose(bench)
    shown = bench.stores.plans.get(plan)
    assert shown["blast_radius"] == "new-checkout is switched off in production."
    assert refusal(lambda: execute(bench, plan)).startswith(f"{plan} is not approved")
    approval.approve(bench.context, plan, "omar")
    assert execute(bench, plan).status == "done"
    bench.judged([])
    assert (bench.status(), flags.production["on"]) == ("resolved", False)


def test_one_that_did_not_help_is_switched_on_again(flags):
    bench = Switching(flags)
    plan = approved(bench)
    execute(bench, plan)
    bench.judged(["checkout"])
    assert bench.context.load(plan)[2].status == "rolled_back"
    assert (flags.production["on"], flags.production["version"], flags.patches) == (True, 9, 2)
    assert flags.comments[1].startswith(f"{plan}-undo ")


def test_what_somebody_did_to_the_flag_after_the_fix_is_left_alone(flags):
    bench = Switching(flags)
    plan = approved(bench)
    execute(bench, plan)
    flags.change(rules=["only for staff"])
    bench.judged(["checkout"])
    state = bench.context.load(plan)[2]
    assert (state.status, flags.patches) == ("rollback_failed", 1)
    assert "version is 9, no longer 8, and it is off" in state.detail


def test_a_recovery_proves_nothing_once_somebody_changed_the_flags_settings(flags):
    bench = Switching(flags)
    plan = approved(bench)
    execute(bench, plan)
    flags.change(rules=["only for staff"])
    bench.judged([])
    state = bench.context.load(plan)[2]
    assert (state.status, bench.status()) == ("insufficient_data", "new")
    assert "by flag version 9, which someone made since, not by 8" in state.detail


def test_an_approval_is_void_once_the_flags_settings_were_changed(flags):
    bench = Switching(flags)
    plan = approved(bench)
    flags.change(rules=["x"])
    said = refusal(lambda: execute(bench, plan))
    assert "flag version is 8, no longer 7" in said and flags.patches == 0


def test_of_two_who_carry_it_out_one_does(flags):
    bench = Switching(flags)
    plan = approved(bench)
    first, second = execute(bench, plan), execute(bench, plan, "omar")
    assert (first.status, second.status, flags.patches) == ("done", "done", 1)


@pytest.mark.parametrize("lost", ["", "before", "after"])
@pytest.mark.parametrize("moment", range(24))
def test_one_that_is_cut_off_anywhere_is_finished_once(flags, moment, lost):
    bench = Switching(flags)
    plan = approved(bench)
    flags.script = [(lost, NoAnswer("It broke."))] if lost else []
    bench.stores.fail_after(moment, Crash)
    with suppress(Crash):
        execute(bench, plan)
    bench.stores.heal()
    if bench.context.load(plan)[2].status == "approved":
        bench.clock.advance(120)
        interrupted_runs.settle_all(bench.context)
        with suppress(Crash):
            execute(bench, plan)
    for _turn in range(3):
        bench.clock.advance(100)
        interrupted_runs.settle_all(bench.context)
    assert bench.context.load(plan)[2].status == "done"
    assert (flags.patches, flags.production["on"]) == (1, False)


@pytest.mark.parametrize("when", ["before", "after"])
def test_a_kill_while_launchdarkly_is_asked_switches_it_once(flags, when):
    bench = Switching(flags)
    plan = approved(bench)
    flags.script = [(when, Crash())]
    with pytest.raises(Crash):
        execute(bench, plan)
    bench.clock.advance(120)
    interrupted_runs.settle_all(bench.context)
    assert bench.context.load(plan)[2].status == "done"
    assert (flags.patches, flags.production["on"]) == (1, False)


def test_a_worker_whose_clock_was_set_back_sends_nothing_again(flags):
    bench = Switching(flags)
    plan = approved(bench)
    flags.script = [("before", Crash())]
    with suppress(Crash):
        execute(bench, plan)
    bench.clock.advance(-3600)
    interrupted_runs.settle_all(bench.context)
    state = bench.context.load(plan)[2]
    assert (state.status, flags.patches) == ("failed", 0)


# --- the catalogue and the settings -------------------------------------------------------------


@pytest.mark.parametrize(
    ("off", "on", "says"),
    [
        ({}, {}, ""),
        ({}, {"argument.environment": "test"}, "differ in argument.environment"),
        ({}, {"argument.flag": "other"}, "differ in argument.flag"),
        ({}, {"argument.project": "pay"}, "differ in argument.project"),
        ({}, {"argument.switch": "off"}, "have the same argument.switch, off: set one to off and"),
        ({"argument.switch": "of"}, {}, "argument.switch is 'of'; set it to off or on."),
        ({"argument.switch": "$analysis.version$"}, {}, "set it to off or on."),
        ({"argument.enviroment": "x"}, {}, "has argument.enviroment, which launchdarkly does not"),
    ],
)
def test_an_action_that_could_not_be_undone_is_not_usable(off, on, says):
    stanzas = {"switch_off": {**SWITCH_OFF, **off}, "switch_on": {**SWITCH_ON, **on}}
    problems = Catalogue.from_stanzas(stanzas).problems
    assert says in problems.get("switch_off", "") and bool(problems) == bool(says)


def test_a_way_back_that_would_switch_it_as_the_fix_did_is_not_usable():
    """As the manual's other arguments of an inverse are taken over from the plan."""
    on = {**SWITCH_ON, "argument.switch": "$plan.switch$"}
    problems = Catalogue.from_stanzas({"switch_off": SWITCH_OFF, "switch_on": on}).problems
    assert set(problems) == {"switch_off", "switch_on"}
    assert "argument.switch is '$plan.switch$'; set it to off or on." in problems["switch_on"]


def test_the_manuals_actions_are_usable():
    text = (ROOT / "docs" / "EXECUTORS.md").read_text(encoding="utf-8")
    written = text.partition("## Feature flags of LaunchDarkly")[2].partition("\n## ")[0]
    stanzas = {}
    for name, body in re.findall(r"^\[(\w+)\]\n((?:\w.*\n)+)", written, re.MULTILINE):
        lines = (line.partition(" = ") for line in body.splitlines())
        stanzas[name] = {key: value for key, _is, value in lines}
    found = Catalogue.from_stanzas(stanzas)
    assert (found.problems, len(found.actions)) == ({}, 2)


@contextmanager
def serving(flags):
    """The stand-in behind HTTP."""

    class Answering(Handler):
        def answered(self):
            length = int(self.headers.get("Content-Length") or 0)
            body = json.loads(self.rfile.read(length)) if length else None
            if body is not None:
                assert self.headers["Content-Type"] == "application/json"
            parts = urlsplit(self.path)
            query = parse_qs(parts.query)
            reply = flags.answer(self.command, parts.path, query, body, self.headers)
            self.answer(reply.text.encode(), reply.status)

        do_GET = do_PATCH = answered

    with served(Answering) as url:
        yield url


def test_over_the_wire_with_the_settings_of_the_page(flags):
    pytest.importorskip("requests")
    with serving(flags) as url:
        stanza = {"launchdarkly_url": url, "launchdarkly_token": TOKEN}
        known = parse({"remediation": stanza})
        assert TOKEN not in repr(known)
        executor = executors(lambda: known)["launchdarkly"]()
        assert executor.facts(OFF)["switched"] == "on"
        assert executor.dry_run(BOUND, "PLAN-1").status == "done"
        assert executor.execute(BOUND, "PLAN-1").status == "done"
    assert (flags.patches, flags.production["on"]) == (1, False)


def test_without_its_settings_it_says_where_to_set_them():
    with pytest.raises(
        ExecutorError, match="No LaunchDarkly is configured: set its URL and token under"
    ):
        executors(lambda: parse({}))["launchdarkly"]()

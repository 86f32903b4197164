"""An alias of a function is put back, judged, and put forth again only as the fix left it."""

from __future__ import annotations

import json
import re
from configparser import RawConfigParser
from pathlib import Path

import pytest

from incident_management.remediation import interrupted_runs, preview
from incident_management.remediation.catalogue import Catalogue
from tests.unit.remediation.bench import INCIDENT
from tests.unit.remediation.lambda_fake import (
    ALIAS,
    BACK,
    CONCURRENCY,
    CONFIGURATION,
    FORTH,
    FUNCTION,
    TAGS,
    FakeLambda,
    Refusal,
    Serverless,
)
from tests.unit.remediation.plans import approved, execute, propose, refusal


@pytest.fixture
def bench():
    return Serverless(FakeLambda())


@pytest.mark.parametrize(
    ("version", "weights"), [("42", {}), ("41", {"v42": 0.1}), ("42", {"v41": 0.25})]
)
def test_an_alias_is_put_back_and_forth_again_as_it_was(bench, version, weights):
    bench.amazon.point(version, **weights)
    before = bench.amazon.routing
    plan = approved(bench)
    assert execute(bench, plan).status == "done" and bench.amazon.routing == ("41", {})
    bench.does_not_help()
    assert bench.state(plan).status == "rolled_back" and bench.amazon.routing == before


def test_a_fix_that_helped_is_proved(bench):
    plan = approved(bench)
    execute(bench, plan)
    bench.raising.fixed_at = bench.clock.now()
    bench.clock.advance(90)
    bench.verifier().run()
    assert (bench.state(plan).status, bench.status()) == ("recovered", "resolved")


def test_whoever_approves_reads_what_becomes_of_provisioned_concurrency(bench):
    bench.amazon.concurrency = {"42": 5}
    plan = bench.stores.plans.get(propose(bench))
    assert plan["blast_radius"] == (
        "checkout runs 41. Version 42 has provisioned concurrency, 41 has none: it starts cold. "
        "The change event does not tell the alias: compare before you approve."
    )


def test_a_look_shows_the_request_and_what_undoes_it(bench):
    bench.amazon.point("42", v41=0.25)
    shown = preview.preview_proposal(bench.context, INCIDENT, "", "mia")
    assert shown["request"]["body"]["RevisionId"] == "rev-2"
    undone = shown["inverse_request"]["body"]
    assert (undone["FunctionVersion"], undone["RoutingConfig"]) == (
        "42", {"AdditionalVersionWeights": {"41": 0.25}}
    )  # fmt: skip
    assert bench.amazon.updates == 0


def test_an_alias_that_was_moved_voids_the_approval(bench):
    plan = approved(bench)
    bench.amazon.point("42", v41=0.5)
    assert "routing is 42,41=0.5, no longer 42" in refusal(lambda: execute(bench, plan))
    assert bench.amazon.updates == 0


@pytest.mark.parametrize("version", ["41", "42", "43"])
def test_what_somebody_moved_after_the_fix_is_not_undone(bench, version):
    """Also not where it points to the same version: somebody else has seen to it."""
    plan = approved(bench)
    execute(bench, plan)
    bench.amazon.point(version)
    bench.does_not_help()
    assert bench.state(plan).status == "rollback_failed"
    assert (bench.amazon.version, bench.amazon.updates) == (version, 1)


def test_a_recovery_after_somebody_elses_move_does_not_prove_the_fix(bench):
    plan = approved(bench)
    execute(bench, plan)
    bench.amazon.point("41")
    bench.raising.fixed_at = bench.clock.now()
    bench.clock.advance(90)
    bench.verifier().run()
    state = bench.state(plan)
    assert (state.status, bench.status()) == ("insufficient_data", "new")
    assert "by revision rev-3, which someone made since, not by rev-2" in state.detail


def test_an_undoing_that_is_throttled_is_tried_again(bench):
    plan = approved(bench)
    execute(bench, plan)
    found = len(bench.amazon.asked)
    bench.does_not_help()
    assert bench.state(plan).status == "rolled_back"
    looks = next(
        number
        for number, (method, *_rest) in enumerate(bench.amazon.asked[found:])
        if method == "PUT"
    )
    again = Serverless(FakeLambda())
    plan = approved(again)
    execute(again, plan)
    busy = Refusal(429, "TooManyRequestsException")
    # As often as it is asked within its patience, and no longer.
    again.amazon.faults = [*[None] * looks, *[busy, None, None] * 12]
    again.does_not_help()
    assert again.state(plan).status == "rolling_back"
    again.amazon.faults = []
    again.clock.advance(100)
    interrupted_runs.settle_all(again.context)
    assert again.state(plan).status == "rolled_back" and again.amazon.updates == 2


@pytest.mark.parametrize(
    ("which", "changes", "said"),
    [
        (
            "forth",
            {"argument.alias": "test"},
            "differ in argument.alias: set the same value in both.",
        ),
        (
            "forth",
            {"argument.service": "cart"},
            "differ in argument.service: set the same value in both.",
        ),
        (
            "forth",
            {"argument.to_routing": "41"},
            "must restore the previous state: the latter needs argument.to_routing = "
            "$before.routing$.",
        ),
        ("back", {"argument.aliass": "x"}, "has argument.aliass, which lambda does not accept"),
        (
            "back",
            {"argument.running": "$LATEST", "argument.running.type": "function_version"},
            "or a value of the type function_version",
        ),
    ],
)
def test_a_catalogue_that_would_do_something_else_is_refused(which, changes, said):
    stanzas = {"back": dict(BACK), "forth": dict(FORTH)}
    stanzas[which].update(changes)
    assert said in " ".join(Catalogue.from_stanzas(stanzas).problems.values())


def test_an_inverse_that_would_send_all_calls_to_the_canary_is_refused():
    lean = {name: value for name, value in FORTH.items() if "to_routing" not in name}
    problems = Catalogue.from_stanzas({"back": BACK, "forth": {**lean, "blast_radius": "x"}})
    assert "needs argument.to_routing = $before.routing$" in problems.problems["back"]


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"version": "$LATEST"}, "argument 'running' is '$LATEST', which is not of the type"),
        ({"previous_version": ""}, "argument 'to_version' has no value"),
        ({"service": "arn:aws:lambda:eu-west-1:1:function:checkout"}, "not of the type name"),
    ],
)
def test_what_names_no_version_or_function_is_not_proposed(bench, changes, why):
    known = {"version": "42", "previous_version": "41", **changes}
    bench.analyse(key="ANA-3", **known)
    assert why in refusal(lambda: propose(bench))


@pytest.mark.parametrize(
    "moved",
    ["test", f"{FUNCTION}:test", f"{FUNCTION.replace('123456789012', '999999999999')}:prod",
     f"{FUNCTION.replace('eu-west-1', 'us-east-1')}:prod"],
)  # fmt: skip
def test_what_was_done_to_another_alias_is_not_undone_on_this_one(bench, moved):
    """Their versions may have the same numbers; what ran before is another one's all the same."""
    bench.analyse(key="ANA-3", version="42", previous_version="41", alias=moved)
    assert f"was made to the alias {moved}, not to {FUNCTION}:prod" in refusal(
        lambda: propose(bench)
    )


@pytest.mark.parametrize("moved", ["", "prod", f"{FUNCTION}:prod"])
def test_what_was_done_to_this_alias_is_undone(bench, moved):
    bench.analyse(key="ANA-3", version="42", previous_version="41", alias=moved)
    assert execute(bench, approved(bench)).status == "done"


# --- the manual -------------------------------------------------------------------------------

GUIDE = Path(__file__).parents[3] / "docs" / "EXECUTORS.md"
# What each request takes by the Service Authorization Reference.
ACTIONS = {
    ("GET", ALIAS): "lambda:GetAlias", ("PUT", ALIAS): "lambda:UpdateAlias",
    ("GET", TAGS): "lambda:ListTags", ("GET", CONFIGURATION): "lambda:GetFunctionConfiguration",
    ("GET", CONCURRENCY): "lambda:GetProvisionedConcurrencyConfig",
}  # fmt: skip


def manual():
    """The code blocks of the manual's part about Lambda."""
    text = GUIDE.read_text(encoding="utf-8")
    part = text.partition("## Functions of AWS Lambda")[2].partition("\n## ")[0]
    return re.findall(r"```\n(.*?)```", part, re.DOTALL)


def test_the_manuals_actions_put_a_canary_back_and_forth_again_with_its_policy(bench):
    actions, _props, policy = manual()
    parser = RawConfigParser(delimiters=("=",))
    parser.read_string(actions)
    bench.stanzas = {name: dict(parser[name]) for name in parser.sections()}
    assert Catalogue.from_stanzas(bench.stanzas).problems == {}
    bench.amazon.point("41", v42=0.1)
    plan = approved(bench)
    told = "Calls of checkout:prod go to version 41, all of them."
    assert bench.stores.plans.get(plan)["blast_radius"].startswith(told)
    execute(bench, plan)
    bench.does_not_help()
    assert bench.state(plan).status == "rolled_back" and bench.amazon.routing == ("41", {"42": 0.1})

    read, write = json.loads(policy)["Statement"]
    asked = {ACTIONS[method, path] for method, path, _body in bench.amazon.asked}
    assert asked == {*read["Action"], write["Action"]}
    tagged = {"aws:ResourceTag/incident-management": "allowed"}
    assert write["Condition"] == {"StringEquals": tagged}

"""A malformed action is out of use, says why in one sentence, and leaves the others alone."""

from __future__ import annotations

import configparser
import re
from pathlib import Path

import pytest

from incident_management.remediation.catalogue import Catalogue, CatalogueError
from incident_management.remediation.executors.traits import TRAITS
from tests.unit.remediation.bench import STANZAS
from tests.unit.remediation.kubernetes_bench import BACK, FORTH

PACKAGE = Path(__file__).parents[3] / "package"
SHIPPED = PACKAGE / "default" / "incident_actions.conf"
SPEC = PACKAGE / "README" / "incident_actions.conf.spec"


def changed(**values):
    stanzas = {name: dict(stanza) for name, stanza in STANZAS.items()}
    for key, value in values.items():
        key = key.replace("__", ".")
        if value is None:
            stanzas["rollback_change"].pop(key, None)
        else:
            stanzas["rollback_change"][key] = value
    return Catalogue.from_stanzas(stanzas)


def test_every_executor_and_what_it_needs_stands_in_the_spec():
    spec = SPEC.read_text(encoding="utf-8")
    assert f"executor = <{'|'.join(TRAITS)}>" in spec
    words = set(re.findall(r"[a-z_]+", spec))
    assert {name for traits in TRAITS.values() for name in traits.required} <= words


def test_the_shipped_catalogue_is_whole():
    parser = configparser.RawConfigParser(delimiters=("=",), comment_prefixes=("#",))
    setattr(parser, "optionxform", str)  # noqa: B010 - keys keep their case
    parser.read(SHIPPED)
    catalogue = Catalogue.from_stanzas({name: dict(parser[name]) for name in parser.sections()})
    assert catalogue.problems == {}
    assert catalogue.proposable() == ["rollback_change"]
    action = catalogue.get("rollback_change")
    assert action.inverse == "reapply_change"
    assert set(action.preconditions) == {
        "runs_the_change",
        "returns_to_previous",
        "not_there_yet",
    }
    assert (action.cooldown, action.verify_window, action.min_samples) == (1800.0, 60.0, 10)


@pytest.mark.parametrize(
    ("values", "says"),
    [
        ({"label": None}, "incident_actions.conf [rollback_change] lacks label; set it."),
        ({"cooldown": "soon"}, "[rollback_change] cooldown is 'soon'"),
        ({"approvals": "0"}, "approvals is '0'; set a whole number from 1 to 10."),
        ({"min_samples": "many"}, "min_samples is 'many'"),
        ({"argument__service": "analysis.service"}, "set a source, such as $analysis."),
        ({"argument__service": "$env.PATH$"}, "set a source"),
        (
            {"argument__service__type": "anything"},
            "the types are name, version, task_definition, function_version, routing, integer.",
        ),
        (
            {"preconditions": "moon_is_full"},
            "preconditions contains 'moon_is_full'; the preconditions are",
        ),
        ({"inverse": "nothing"}, "inverse is 'nothing', which is not a usable action"),
        (
            {"executor": "robot"},
            f"executor is 'robot'; the executors are: {', '.join(TRAITS)}.",
        ),
        (
            {"argument__service": None, "argument__app": "$analysis.service$", "entity": "app"},
            "lacks argument.service, which deploy_api needs; set it.",
        ),
        ({"argument__to_version": None}, "lacks argument.to_version, which deploy_api needs"),
        ({"argument__service": "check out"}, "or a value of the type name."),
        ({"argument__service": "$analysis.service"}, "set a source"),
        ({"executor": "awx"}, "lacks argument.job_template, which awx needs"),
        (
            {"executor": "awx", "argument__job_template": "42"},
            "preconditions work only with deploy_api, not with awx: leave them blank.",
        ),
        ({"approve_own": "maybe"}, "approve_own is 'maybe'; set 1 or 0."),
        ({"entity": "host"}, "entity is 'host', which is not one of its arguments."),
        ({"sample_fields": 'a"b'}, "which is not a valid field name."),
    ],
)
def test_a_malformed_action_says_what_is_wrong(values, says):
    catalogue = changed(**values)
    assert says in catalogue.problems["rollback_change"]
    with pytest.raises(CatalogueError, match="can't be used"):
        catalogue.get("rollback_change")
    assert "reapply_change" in catalogue.actions


@pytest.mark.parametrize(
    "source", ["$before.account$", "$before.address$", "$result.answer$", "$plan.version$",
               "$analysis.service$", "$incident.id$"]
)  # fmt: skip
def test_what_would_have_no_value_when_a_fix_is_undone_is_refused_when_it_is_read(source):
    """It was found out in the worst moment: when the fix had not helped."""
    stanzas = {name: dict(values) for name, values in STANZAS.items()}
    stanzas["reapply_change"]["argument.to_version"] = source
    assert Catalogue.from_stanzas(stanzas).problems == {
        "rollback_change": "incident_actions.conf [rollback_change] and [reapply_change], which "
        f"rolls it back, don't fit: argument.to_version of the latter is {source}, which has no "
        "value at rollback; use one of $plan.change_id$, $plan.service$, "
        "$plan.to_version$, $before.service$, $before.version$, "
        "$before.previous_version$, $before.change_id$, $result.change_id$, "
        "$result.version$, $result.previous_version$."
    }


def test_the_cluster_of_before_has_a_value_where_the_action_names_one():
    stanzas = {"back": dict(BACK), "forth": {**FORTH, "argument.cluster": "$before.cluster$"}}
    assert "differ in argument.cluster" in Catalogue.from_stanzas(stanzas).problems["back"]
    stanzas["back"]["argument.cluster"] = "east"
    assert not Catalogue.from_stanzas(stanzas).problems


def test_an_action_whose_inverse_lacks_its_own_is_not_usable_either():
    chain = {name: {**STANZAS["rollback_change"], "inverse": after} for name, after in
             (("first", "second"), ("second", "third"), ("third", "gone"))}  # fmt: skip
    catalogue = Catalogue.from_stanzas(chain)
    assert not catalogue.actions and len(catalogue.problems) == 3


def test_the_contracts_hash_covers_all_of_it():
    plain = changed().get("rollback_change").digest()
    assert plain == changed().get("rollback_change").digest()
    for key, value in (
        ("cooldown", "1m"),
        ("blast_radius", "x"),
        ("argument__service", "$incident.id$"),
    ):
        assert changed(**{key: value}).get("rollback_change").digest() != plain

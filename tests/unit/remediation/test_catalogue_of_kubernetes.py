"""An action of Kubernetes that would be about another object than its admin meant is of no use."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from incident_management.remediation.catalogue import Catalogue
from incident_management.remediation.executors.traits import TRAITS
from tests.unit.remediation.kubernetes_bench import AS_BEFORE, BACK, FORTH, MORE, RESTART

ROOT = Path(__file__).parents[3]
STANZAS = {"back": BACK, "forth": FORTH, "restart": RESTART, "more": MORE, "as_before": AS_BEFORE}


def catalogue(**changes):
    stanzas = {name: {**STANZAS[name], **changes.get(name, {})} for name in STANZAS}
    return Catalogue.from_stanzas(stanzas)


@pytest.mark.parametrize(
    ("action", "misspelt"),
    [("back", "culster"), ("restart", "Cluster"), ("more", "namespaces"), ("forth", "revison")],
)
def test_a_misspelt_argument_is_refused(action, misspelt):
    """Without its cluster, it would be about that of Configuration > Remediation."""
    problems = catalogue(**{action: {f"argument.{misspelt}": "east"}}).problems
    assert f"[{action}] has argument.{misspelt}, which kubernetes" in problems[action]
    assert "does not accept; it accepts cluster, namespace, kind, service" in problems[action]


def test_what_people_read_may_have_arguments_of_its_own():
    """As stanzas of earlier versions may."""
    more = {"argument.change": "$analysis.change_id$", "blast_radius": "It undoes $change$."}
    assert catalogue(back=more).problems == {}


@pytest.mark.parametrize(
    ("back", "forth", "differs"),
    [
        ({"argument.cluster": "east"}, {}, "cluster"),
        ({}, {"argument.cluster": "east"}, "cluster"),
        ({}, {"argument.cluster": "$plan.cluster$"}, "cluster"),
        ({"argument.cluster": "east"}, {"argument.cluster": "west"}, "cluster"),
        ({"argument.namespace": "pay"}, {}, "namespace"),
        ({"argument.kind": "StatefulSet"}, {}, "kind"),
        ({}, {"argument.service": "cart"}, "service"),
        ({"argument.cluster": "east"}, {"argument.cluster": "east"}, ""),
        ({"argument.cluster": "east"}, {"argument.cluster": "$plan.cluster$"}, ""),
        ({}, {"argument.namespace": "$before.namespace$"}, ""),
        ({"argument.kind": "Deployment"}, {}, ""),
    ],
)
def test_what_undoes_an_action_is_about_the_same_object(back, forth, differs):
    problems = catalogue(back=back, forth=forth).problems
    said = "[back] and [forth], which rolls it back, differ in argument."
    assert (list(problems), said in problems.get("back", "")) == (
        (["back"], True) if differs else ([], False)
    )
    assert not differs or f"{said}{differs}: set the same value in both." in problems["back"]


def test_the_manuals_actions_are_usable_and_the_spec_names_all_that_they_take():
    text = (ROOT / "docs" / "EXECUTORS.md").read_text(encoding="utf-8")
    written = text.partition("## Workloads of Kubernetes")[2]
    stanzas = {}
    for name, body in re.findall(r"^\[(\w+)\]\n((?:\w.*\n)+)", written, re.MULTILINE):
        lines = (line.partition(" = ") for line in body.splitlines())
        stanzas[name] = {key: value for key, _is, value in lines}
    found = Catalogue.from_stanzas(stanzas)
    assert found.problems == {} and len(found.actions) == 5
    spec = (ROOT / "package/README/incident_actions.conf.spec").read_text(encoding="utf-8")
    words = set(re.findall(r"\w+", spec))
    assert {name for traits in TRAITS.values() for name in traits.accepted or ()} <= words

"""The conf stanzas, policies and roles in the guides are valid as they are written."""

from __future__ import annotations

import json
import re
from configparser import RawConfigParser

import pytest
import yaml

from incident_management.detection.monitors.monitor import Monitor
from incident_management.incidents.routing import Routing
from incident_management.remediation.catalogue import Catalogue
from tests.appinspect.test_guides import GUIDES, shipped

Stanzas = dict[str, dict[str, str]]
ROUTING = re.compile(r"(team|member|calendar|rule|sla|escalation|rota|field|checklist):")
# The alert of "Add one in two minutes" and the props of CloudTrail, which other tests run:
# tests/integration/incidents/test_two_minutes.py, tests/unit/analysis/test_cloudtrail.py.
ELSEWHERE = {"Invoices Rejected", "aws:cloudtrail"}


def blocks(text: str) -> list[str]:
    return re.findall(r"(?ms)^ *```(?:ini)?\n(.*?)^ *```", text)


def stanzas_of(block: str) -> Stanzas:
    """Return the stanzas of a conf file; none if the block is something else."""
    if not re.match(r"(#.*\n)*\[[\w:/ ]+\]\n", block):
        return {}
    parser = RawConfigParser(delimiters=("=",))
    parser.optionxform = str  # type: ignore[assignment, method-assign]
    parser.read_string(block)
    return {name: dict(parser[name]) for name in parser.sections()}


def problems_of(stanzas: Stanzas) -> list[str]:
    """Return the problems that the app reports for the stanzas of one block."""
    macros = shipped("macros")
    found: list[str] = []
    actions: Stanzas = {}
    routing: Stanzas = {}
    for name, values in stanzas.items():
        if name.startswith("incident_monitor://"):
            Monitor.read(name, values)  # raises what is wrong
        elif ROUTING.match(name):
            routing[name] = values
        elif "executor" in values:
            actions[name] = values
        elif name not in ELSEWHERE:
            is_macro = set(values) == {"definition"} and macros.has_section(name)
            found += [] if is_macro else [f"[{name}] is no macro that is shipped."]
    if routing:
        teams: Stanzas = {f"team:{name}": {} for name in ("operations", "payments", "checkout")}
        found += Routing.from_stanzas({**teams, **routing}).problems
    return [*found, *Catalogue.from_stanzas(actions).problems.values()]


@pytest.mark.parametrize("name", sorted(GUIDES))
def test_each_stanza_of_a_guide_is_valid(name):
    for block in blocks(GUIDES[name]):
        assert problems_of(stanzas_of(block)) == [], block


def test_stanzas_are_found_and_invalid_ones_are_reported():
    found = {name for text in GUIDES.values() for b in blocks(text) for name in stanzas_of(b)}
    assert len(found) > 30
    assert {"restart_service", "rollback_ecs", "incident_monitor://volume", "rota:first"} <= found
    for wrong in (
        {"incident_indices": {"definition": "index=web"}},
        {"restart": {"label": "x", "executor": "awx", "argument.template": "42"}},
        {"rota:first": {"members": "dana", "turn": "weekly"}},
    ):
        assert problems_of(wrong)


def test_the_policies_and_the_role_of_the_guides_are_complete():
    written = [block for block in blocks(GUIDES["EXECUTORS.md"]) if not stanzas_of(block)]
    policies = [json.loads(block) for block in written if block.startswith(("{", "["))]
    (role,) = [yaml.safe_load(block) for block in written if block.startswith("apiVersion")]
    others = [block for block in written if not block.startswith(("{", "[", "apiVersion"))]
    assert len(policies) == 5 and others == ["argument.account = shop_production\n"]
    for policy in policies:
        for statement in policy if isinstance(policy, list) else policy["Statement"]:
            given = {key.lower().rstrip("s") for key in statement}
            # A role's trust policy says who may assume it, and so what it is for.
            about = {"principal"} if "Principal" in statement else {"resource"}
            assert {"effect", "action", *about} <= given
            assert given <= {"effect", "action", "condition", *about}
    assert all({"apiGroups", "resources", "verbs"} == set(rule) for rule in role["rules"])

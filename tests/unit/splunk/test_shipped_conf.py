"""What the shipped .conf files promise each other, and the library."""

import configparser
import json
import re
from pathlib import Path
from typing import Dict, List

import pytest

from incident_management.channels import CHANNELS
from incident_management.incidents.routing import Routing
from incident_management.notify.events import HEADLINES
from incident_management.splunk.configuration.settings import channels_set_up
from incident_management.splunk.kv.store import COLLECTIONS
from incident_management.worker.document_migration import LEGACY_COLLECTION
from tools.splunkd_lite.runners.adaptive_response import check_cam

PACKAGE = Path(__file__).parents[3] / "package"
CAPABILITIES = {
    f"incident_{name}"
    for name in ("signal", "read", "write", "approve", "remediate", "override", "load", "admin")
}


def conf(path):
    parser = configparser.RawConfigParser(
        strict=True, delimiters=("=",), comment_prefixes=("#",), default_section="default"
    )
    parser.optionxform = str  # type: ignore[assignment,method-assign]
    text = path.read_text(encoding="utf-8")
    # A stanza without a name speaks for the whole app in default.meta.
    parser.read_string(text.replace("[]\n", "[app]\n"))
    return {name: dict(parser[name]) for name in parser.sections()}


def default(name):
    return conf(PACKAGE / "default" / f"{name}.conf")


def test_each_collection_has_a_lookup_of_its_name():
    lookups = {n: v for n, v in default("transforms").items() if "collection" in v}

    assert set(default("collections")) == {LEGACY_COLLECTION, *COLLECTIONS.values()}
    assert set(COLLECTIONS.values()) == {values["collection"] for values in lookups.values()}
    for name, settings in lookups.items():
        assert settings["collection"] == ("incident_incidents" if name == "incidents" else name)
        assert settings["external_type"] == "kvstore"
        assert "_key" in settings["fields_list"].split(", ")


@pytest.mark.parametrize("name", sorted(COLLECTIONS.values()))
def test_a_collection_stays_on_search_heads_and_its_accelerations_are_valid(name):
    settings = default("collections")[name]
    accelerations = [json.loads(v) for k, v in settings.items() if k.startswith("accelerated_")]

    assert settings["replicate"] == "false"
    assert len(accelerations) <= 10
    assert all(order in (1, -1) for one in accelerations for order in one.values())
    types = {value for key, value in settings.items() if key.startswith("field.")}
    assert types <= {"number", "string", "bool", "time", "array"}


def test_the_api_asks_who_is_calling():
    restmap = conf(PACKAGE.parent / "package_extra" / "restmap.custom.conf")
    (settings,) = restmap.values()

    assert settings["requireAuthentication"] == "true"
    assert settings["passSystemAuth"] == "true"
    assert set(settings["capability"].split(" or ")) == CAPABILITIES
    assert settings["python.required"] == "3.9, 3.13"


def test_the_apis_process_is_no_other_apps():
    """Handlers of one driver configuration share processes, and so their modules' names."""
    restmap = conf(PACKAGE.parent / "package_extra" / "restmap.custom.conf")
    (settings,) = restmap.values()

    assert [name for name in settings if name.startswith("driver.env.INCIDENT_MANAGEMENT")]


def test_the_api_is_exposed_below_its_match_and_nowhere_else():
    restmap = conf(PACKAGE.parent / "package_extra" / "restmap.custom.conf")
    web = conf(PACKAGE.parent / "package_extra" / "web.custom.conf")
    (match,) = [settings["match"] for settings in restmap.values()]

    assert [s["pattern"] for s in web.values()] == [match.strip("/") + "/**"]


def test_capabilities_are_declared_and_given_as_designed():
    stanzas = default("authorize")
    declared = {name[12:] for name in stanzas if name.startswith("capability::")}
    given = {
        name[5:]: {k for k, v in settings.items() if v == "enabled"}
        for name, settings in stanzas.items()
        if name.startswith("role_")
    }
    assert declared == CAPABILITIES
    assert given["user"] == {"incident_signal"}
    assert given["incident_viewer"] == {"incident_read"}
    assert given["incident_responder"] == {"incident_write"}
    assert given["incident_approver"] == {"incident_approve"}
    assert given["incident_manager"] == {
        "incident_remediate",
        "incident_override",
        "incident_load",
        "incident_admin",
    }
    assert given["admin"] == CAPABILITIES
    assert "importRoles" not in stanzas["role_admin"]
    assert "importRoles" not in stanzas["role_user"]


def test_whoever_sees_the_pages_may_run_all_searches_of_one_at_once():
    """Those beyond ``srchJobsQuota`` wait or fail, and their panels stay empty."""
    roles = {name: v for name, v in default("authorize").items() if "role_incident_" in name}
    searches = {
        path.name: len(re.findall(r'"type": "ds\.search"', path.read_text(encoding="utf-8")))
        for path in PACKAGE.glob("default/data/ui/views/*.xml")
    }
    assert max(searches.values()) > 1
    for name, role in roles.items():
        assert int(role["srchJobsQuota"]) > max(searches.values()), name


def test_nobody_but_the_system_writes_the_collections():
    meta = conf(PACKAGE / "metadata" / "default.meta")
    collections = [v["access"] for name, v in meta.items() if name.startswith("collections")]

    assert len(collections) == 3
    for access in collections:
        assert re.search(r"write : \[ *\]", access)
        assert "*" not in access


def test_the_apps_roles_change_nothing_that_runs_with_the_systems_rights():
    """Of what they may write, none is run: the topology is data."""
    meta = conf(PACKAGE / "metadata" / "default.meta")
    written = {name for name, v in meta.items() if re.search(r"write :.*incident_", str(v))}

    assert written == {"lookups"}


@pytest.mark.parametrize(
    "action",
    ["open_incident", "notify_slack", "notify_teams", "notify_pagerduty", "create_ticket"],
)
def test_an_alert_action_is_whole(action):
    settings = default("alert_actions")[action]
    form = (PACKAGE / "default/data/ui/alerts" / f"{action}.html").read_text(encoding="utf-8")
    spec = (PACKAGE / "README/alert_actions.conf.spec").read_text(encoding="utf-8")
    part = spec.partition(f"[{action}]")[2].partition("\n[")[0]
    params = {key[6:] for key in settings if key.startswith("param.")}

    assert settings["payload_format"] == "json"
    assert settings["python.version"] == "python3"
    assert settings["python.required"] == "3.9, 3.13"
    assert (PACKAGE / "bin" / f"{action}.py").exists()
    assert (PACKAGE / "appserver/static" / settings["icon_path"]).exists()
    assert set(re.findall(rf'name="action\.{action}\.param\.(\w+)"', form)) == params - {"_cam"}
    assert set(re.findall(r"(?m)^param\.(\w+) =", part)) == params
    assert check_cam(settings["param._cam"], action)["supports_adhoc"] is False


@pytest.mark.parametrize("name", sorted(default("savedsearches")))
def test_a_detection_opens_incidents_and_is_bounded(name):
    settings = default("savedsearches")[name]
    macros = default("macros")
    actions = default("alert_actions")["open_incident"]

    assert settings["action.open_incident"] == "1"
    assert settings["alert.track"] == "1"
    assert settings["dispatch.earliest_time"].startswith("-")
    assert set(re.findall(r"`(\w+)`", settings["search"])) <= set(macros)
    assert "incident_indexes" in settings["search"]
    given = {k[21:] for k in settings if k.startswith("action.open_incident.")}
    assert given <= {key for key in actions if key.startswith("param.")}


def test_the_shipped_routing_is_whole():
    routing = Routing.from_stanzas(default("incident_routing"))
    spec = (PACKAGE / "README/incident_routing.conf.spec").read_text(encoding="utf-8")

    assert routing.problems == ()
    assert routing.decide("low", ["x"], ["y"]).team == "operations"
    assert routing.channels("opened", "operations", CHANNELS) == CHANNELS
    assert set(default("incident_routing")["announce"]) <= set(HEADLINES)
    announced = spec[spec.index("\n[announce]\n") :]
    assert sorted(re.findall(r"^(\w+) = ", announced, re.MULTILINE)) == sorted(HEADLINES)


def test_whoever_pages_people_hears_that_somebody_is_at_it():
    """PagerDuty goes on to the next person of its escalation policy until it is told."""
    routing = Routing.from_stanzas(default("incident_routing"))
    assert {"slack", "pagerduty"} <= set(routing.channels("acknowledged", "operations", CHANNELS))
    assert "slack" in routing.channels("assigned", "operations", CHANNELS)


def test_whoever_hears_that_an_incident_is_over_hears_that_it_is_open_again():
    routing = Routing.from_stanzas(default("incident_routing"))

    assert routing.channels("resolved", "operations", CHANNELS) == CHANNELS
    assert routing.channels("reopened", "operations", CHANNELS) == CHANNELS


def test_the_shipped_routing_tells_no_channel_that_nobody_has_set_up():
    stanzas = default("incident_routing")
    for settings in stanzas.values():
        settings.pop("disabled", None)
    routing = Routing.from_stanzas(stanzas)

    assert all(routing.channels(event, "operations", ()) == () for event in stanzas["announce"])
    assert all(step.channels == () for path in routing.paths for step in path.steps)


def test_as_shipped_no_channel_is_set_up():
    pages = json.loads((PACKAGE.parent / "globalConfig.json").read_text(encoding="utf-8"))
    shipped = {
        tab["name"]: {one["field"]: one.get("defaultValue", "") for one in tab["entity"]}
        for tab in pages["pages"]["configuration"]["tabs"]
        if tab.get("name") in CHANNELS
    }

    assert set(shipped) == set(CHANNELS)
    assert channels_set_up(shipped) == frozenset()


def test_the_shipped_promises_are_whole_once_an_admin_enables_them():
    stanzas = default("incident_routing")
    assert not Routing.from_stanzas(stanzas).policies
    for settings in stanzas.values():
        settings.pop("disabled", None)
    routing = Routing.from_stanzas(stanzas)

    assert routing.problems == ()
    assert [policy.name for policy in routing.policies] == ["critical", "high", "medium"]
    path = routing.path("critical", "operations")
    assert path is not None and path.steps[0].after == 1200


def test_every_setting_of_the_shipped_routing_is_in_its_spec():
    spec = (PACKAGE / "README/incident_routing.conf.spec").read_text(encoding="utf-8")
    for stanza, settings in default("incident_routing").items():
        kind = stanza.partition(":")[0]
        assert f"\n[{kind}" in spec
        for key in set(settings) - {"disabled"}:
            assert f"\n{'step.<n>' if key.startswith('step.') else key} = " in spec, key


def test_own_conf_files_replicate_and_reload():
    replicated = default("server")["shclustering"]
    reloaded = default("app")["triggers"]

    for name in ("incident_actions", "incident_routing"):
        assert replicated[f"conf_replication_include.{name}"] == "true"
        assert reloaded[f"reload.{name}"] == "simple"


@pytest.mark.parametrize("name", sorted(default("savedsearches")))
def test_a_detection_names_its_runbook_and_known_actions(name):
    settings = default("savedsearches")[name]
    pages = (PACKAGE / "appserver/static/runbooks.html").read_text(encoding="utf-8")
    path, _, place = settings["action.open_incident.param.runbook"].partition("#")
    actions = settings["action.open_incident.param.actions"]

    assert path == "/static/app/incident_management/runbooks.html"
    assert f'<h2 id="{place}">{name}</h2>' in pages
    assert set(re.findall(r"\w+", actions)) <= set(default("incident_actions"))


def test_splunk_web_asks_before_a_link_runs_a_command_that_acts_or_writes():
    risky = {name for name, one in default("commands").items() if one["is_risky"] == "true"}

    assert risky == {"aianalyze", "remediate", "openincident", "incidentbacktest"}


def test_a_lookup_that_cannot_be_read_is_an_error_and_not_an_empty_list():
    """``inputlookup`` in the Search Reference: without strict=true it may only warn."""
    shipped = [*PACKAGE.glob("default/*.conf"), *PACKAGE.glob("default/data/ui/views/*.xml")]
    found = {}
    for path in shipped:
        lines = path.read_text(encoding="utf-8").splitlines()
        text = "\n".join(line for line in lines if not line.startswith("#"))
        found[path.name] = re.findall(r"\binputlookup\s+((?:\S+=\S+\s+)*)", text)
    assert sum(map(len, found.values())) > 10
    lax = {name: [one for one in read if "strict=true" not in one] for name, read in found.items()}
    assert not any(lax.values()), lax


def documented(name):
    """The settings of each stanza of a spec file."""
    found: Dict[str, List[str]] = {}
    stanza = ""
    for line in (PACKAGE / "README" / f"{name}.conf.spec").read_text(encoding="utf-8").splitlines():
        if line.startswith("["):
            stanza = line.strip("[]")
        elif "=" in line and line[0] not in "*# ":
            found.setdefault(stanza, []).append(line.partition("=")[0].strip())
    return found


def stands_for(name, pattern):
    """Tell whether a name is one of a spec's, which has <words> for what is free."""
    return re.fullmatch(re.sub(r"<[^>]*>", "[^=]+", re.sub(r"([\\[.])", r"\\\1", pattern)), name)


@pytest.mark.parametrize("name", ["incident_actions", "incident_routing", "incident_webhooks"])
def test_each_setting_that_is_shipped_is_documented_for_its_stanza(name):
    """What a spec file does not have, `splunk btool check` and splunkd's start complain of."""
    for stanza, settings in default(name).items():
        kinds = [kind for kind in documented(name) if stands_for(stanza, kind)]
        known = [key for kind in kinds for key in documented(name)[kind]]
        unknown = [key for key in settings if not any(stands_for(key, one) for one in known)]
        assert unknown == [], f"[{stanza}] of {name}.conf"

"""Which changes of incident_routing.conf the configuration page may make, and which not."""

import configparser
import json
import re
from pathlib import Path

import pytest

from incident_management.channels import CHANNELS
from incident_management.incidents.errors import Invalid
from incident_management.incidents.field_values import NAME as FIELD
from incident_management.incidents.field_values import NAME_RULE as FIELD_RULE
from incident_management.incidents.routing import spelling
from incident_management.incidents.routing.changes import (
    KINDS,
    NAME,
    NAME_RULE,
    SHIPPED,
    check_change,
    check_settings,
)
from incident_management.incidents.routing.http_channels import NAME as CHANNEL
from incident_management.incidents.routing.http_channels import NAME_RULE as CHANNEL_RULE
from incident_management.splunk.configuration.page.routing_settings import ABOUT

ROOT = Path(__file__).parents[3]
TABS = {
    tab["name"]: tab
    for tab in json.loads((ROOT / "globalConfig.json").read_text(encoding="utf-8"))["pages"][
        "configuration"
    ]["tabs"]
    if tab.get("conf") == "incident_routing"
}
NOW = {
    "team:operations": {"members": ""},
    "team:payments": {"members": "dana, lee", "fallback": "operations"},
    "team:idle": {"members": "cy"},
    "team:odd": {"channels": "fax"},
    "rule:pay": {"entity": "pay*", "team": "payments"},
    "rule:odd": {"entities": "odd*", "team": "idle"},
    "rule:default": {"team": "operations"},
    "calendar:berlin": {"hours": "mon-fri 09:00-17:00"},
    "member:dana": {"calendar": "berlin", "slack_id": "U0123ABCD"},
    "sla:critical": {"disabled": "1", "severity": "critical", "resolve": "4h"},
    "escalation:lead": {"step.1": "20m, team:idle"},
}

# Wednesday 2 December 2026, 12:00 UTC.
MOMENT = 1_796_212_800.0


def change(kind, name, values, now=NOW, found=()):
    check_change(now, kind, name, values, lambda _team: list(found), MOMENT)


def refusal(kind, name, values, now=NOW, found=()):
    with pytest.raises(Invalid) as error:
        change(kind, name, values, now, found)
    return str(error.value)


@pytest.mark.parametrize(
    ("kind", "name", "values"),
    [
        ("team", "new", {"members": "mia", "channels": "slack,email", "fallback": "payments"}),
        ("team", "payments", {"members": "", "fallback": ""}),
        ("rule", "new", {"order": "5", "severity": "critical, high", "team": "idle"}),
        ("rule", "pay", None),
        ("rule", "pay", {"disabled": "1"}),
        ("rule", "default", {"team": "idle"}),
        ("sla", "critical", {"disabled": "0"}),
        ("sla", "critical", {"disabled": "1", "acknowledge": "5m"}),
        ("escalation", "lead", None),
        ("team", "new", {"slack_channel": "pay-ments_1"}),
        ("team", "new", {"slack_channel": "C0123ABCD"}),
        ("team", "new", {"slack_channel": "U0123ABCD"}),
        ("escalation", "new", {"step.1": "5m, member:lee", "step.2": "1h, channel:pagerduty"}),
        ("calendar", "weekend", {"time_zone": "UTC", "hours": "sat sun 10:00-14:00"}),
        ("member", "dana", None),
        # What was wrong before is not this change's fault, and may be mended.
        ("team", "odd", {"members": "mia"}),
        ("team", "odd", {"channels": "slack"}),
        ("rule", "odd", {"entity": "odd*"}),
    ],
)
def test_a_sound_change_is_made(kind, name, values):
    change(kind, name, values)


@pytest.mark.parametrize(
    ("kind", "name", "values", "text"),
    [
        ("rule", "new", {"team": "payment"}, "There is no team 'payment' in incident_routing.conf"),
        ("rule", "new", {"team": ""}, "[rule:new] team is ''; choose an existing team"),
        ("rule", "new", {"team": "idle", "order": "soon"}, "order is 'soon'; set a number."),
        ("team", "new", {"channels": "pager"}, "names 'pager'; the channels are slack, "),
        ("team", "new", {"fallback": "nobody"}, "There is no team 'nobody' in incident_routing"),
        ("team", "new", {"fallback": "new"}, "fallback is 'new'; choose another existing team"),
        ("team", "new", {"calendar": "night"}, "calendar is 'night'; choose an existing calendar"),
        ("team", "new", {"email": "Ann <a@b.example>"}, "[team:new] email "),
        ("member", "lee", {"slack_id": "U0123ABCD"}, "dana and lee have the same slack_id"),
        ("member", "lee", {"away": "soon"}, "[member:lee] away"),
        ("sla", "new", {"severity": "low"}, "sets no target"),
        ("sla", "critical", {"resolve": "soon"}, "[sla:critical] resolve"),
        ("escalation", "new", {"step.1": "5m, team:gone"}, "names 'team:gone'"),
        ("escalation", "new", {}, "has 0 steps"),
        (
            "escalation",
            "new",
            {"step.2": "5m, member:mia"},
            "step.2 names 'mia', who is in no team",
        ),
        (
            "escalation",
            "new",
            {"step.1": "5m, team:idle", "team": "pay"},
            "team is 'pay', which",
        ),
        (
            "sla",
            "new",
            {"resolve": "1h", "team": "idle, x*"},
            "team is 'x*', which matches no team",
        ),
        ("team", "new", {"slack_channel": "#Pay ments"}, "slack_channel is '#Pay ments', which is"),
        ("team", "new", {"slack_channel": "@dana"}, "is not a Slack channel; set a name such as"),
        ("stakeholders", "new", {"slack_channels": "#a, a.b"}, "slack_channels is 'a.b', which is"),
        ("calendar", "berlin", None, "is still used by the person 'dana' (calendar). Change"),
        ("calendar", "berlin", {"disabled": "1"}, "is still used by the person 'dana' ("),
        ("calendar", "new", {"hours": "always"}, "[calendar:new]"),
        ("calendar", "Team", {"hours": "mon-fri 09:00-17:00"}, "'Team' is a reserved word"),
        ("calendar", "24x7", {"hours": "mon-fri 09:00-17:00"}, "'24x7' is a reserved word"),
        ("team", "payments", None, "The team 'payments' is still used by the rule 'pay' (team)"),
        ("team", "payments", {"disabled": "1"}, "is still used by the rule 'pay'"),
        ("team", "idle", None, "the escalation 'lead' (step 1). Change"),
        (
            "team",
            "operations",
            None,
            "comes with the app and can't be deleted. Switch it off instead.",
        ),
        ("sla", "critical", None, "The service level 'critical' comes with the app"),
        ("rule", "default", None, "is for incidents that no other rule matches"),
        ("rule", "default", {"disabled": "1"}, "is for incidents that no other rule matches"),
    ],
)
def test_a_breaking_change_is_refused_in_one_sentence(kind, name, values, text):
    said = refusal(kind, name, values)
    assert text in said and said.endswith(".") and "\n" not in said


def test_a_team_that_another_falls_back_to_stays():
    rules = {"rule:default": {"team": "idle"}, "rule:pay": {"team": "idle"}}
    now = {**NOW, **rules}
    assert "used by the team 'payments' (fallback)" in refusal(
        "team", "operations", {"disabled": "1"}, now
    )


def test_a_team_with_open_incidents_stays():
    now = {name: values for name, values in NOW.items() if values.get("team") != "idle"}
    now.pop("escalation:lead")
    assert "such as INC-1. Assign them" in refusal("team", "idle", None, now, ["INC-1"])
    change("team", "idle", None, now)


def test_the_last_rule_stays():
    now = {**NOW, "rule:default": {"team": "operations", "disabled": "1"}}
    assert "This is the last rule" in refusal("rule", "pay", None, now)


@pytest.mark.parametrize(
    "name",
    ["a", "payments", "Front Office", "o'brien@example.com", "Zürich", "a_b.c", "a" * 100],
)
def test_names_that_a_stanza_can_have(name):
    assert NAME.fullmatch(name)


@pytest.mark.parametrize(
    "name",
    ["", " a", "a ", "a:b", "a]", "[a", "a,b", "pay*", "a?", "a/b", "a\\b", "a\nb", "#a", "a=b",
     "a" * 101, "a\n", "a\x1bb", ".", "..", "_reload"],
)  # fmt: skip
def test_names_that_it_can_not_have(name):
    assert not NAME.fullmatch(name)


def test_the_page_and_the_code_agree():
    assert set(TABS) == {*KINDS, *ABOUT}
    for kind in KINDS:
        tab = TABS[kind]
        fields = [one["field"].replace("step_", "step.") for one in tab["entity"]]
        # What the page takes to make a channel of, and does not keep.
        fields = [one for one in fields if kind != "channel" or one not in ("start", "test")]
        assert fields[0] == "name"
        known = set(spelling._KNOWN[kind]) - {"step.<n>"}
        assert {one for one in fields[1:] if not one.startswith("step.")} == known
        names = {"channel": (CHANNEL, CHANNEL_RULE), "field": (FIELD, FIELD_RULE)}
        name, rule = names.get(kind, (NAME, NAME_RULE))
        assert tab["entity"][0]["validators"] == [
            {"type": "regex", "pattern": name.pattern, "errorMsg": rule}
        ]
    (channels,) = [one for one in TABS["team"]["entity"] if one["field"] == "channels"]
    assert [one["value"] for one in channels["options"]["items"]] == list(CHANNELS)


def test_what_is_shipped_is_known():
    parser = configparser.RawConfigParser(delimiters=("=",))
    parser.read(ROOT / "package/default/incident_routing.conf", encoding="utf-8")
    assert {name for name in parser.sections() if name.partition(":")[0] in KINDS} == SHIPPED


def test_the_tables_of_settings_hold_each_that_there_is():
    spec = (ROOT / "package/README/incident_routing.conf.spec").read_text(encoding="utf-8")
    for stanza, settings in ABOUT.items():
        part = spec[spec.index(f"\n[{stanza}]\n") + 1 :].split("\n[")[0]
        assert sorted(re.findall(r"(?m)^(\w+) = ", part)) == sorted(settings)
        assert [one["field"] for one in TABS[stanza]["entity"]] == ["name", "about", "value"]


@pytest.mark.parametrize(
    ("stanza", "values", "text"),
    [
        ("announce", {"opened": "slack, fax?"}, "[announce] opened names 'fax'; the channels are"),
        ("general", {"reopen_window": "soon"}, "[general] reopen_window"),
        ("general", {"reopen_window": ""}, "[general] reopen_window"),
        ("general", {"group_by": "hunch"}, "[general] group_by names 'hunch'"),
        ("general", {"flap_count": "-1"}, "[general] flap_count is '-1'; set a number."),
        ("capacity", {"high": "much"}, "[capacity] high is 'much'; set a number."),
    ],
)
def test_a_setting_that_means_nothing_is_refused_in_one_sentence(stanza, values, text):
    with pytest.raises(Invalid) as error:
        check_settings(NOW, stanza, values)
    assert text in str(error.value) and str(error.value).endswith(".")


def test_a_sound_setting_is_taken():
    check_settings(NOW, "announce", {"opened": "slack?, email", "note": ""})
    check_settings(NOW, "general", {"group_by": "", "reopen_window": "2h", "tell_singly": "0"})
    check_settings(NOW, "capacity", {"critical": "2.5"})


STALE = {
    **NOW,
    "sla:old": {"severity": "high", "resolve": "4h", "team": "gone"},
    "escalation:old": {"step.1": "5m, channel:fax"},
    "announce": {"opened": "slack, fax"},
    "escalation:dana": {"step.1": "5m, member:dana"},
    "calendar:off": {"disabled": "1", "hours": "mon-fri 09:00-17:00"},
    "sla:off": {"severity": "low", "resolve": "4h", "hours": "off"},
}


@pytest.mark.parametrize(
    ("kind", "name", "values"),
    [
        # Each changes what sentences on what is wrong already say could be named.
        ("team", "new", {"members": "mia"}),
        ("channel", "desk", {"url": "https://desk.example/", "body": '{"text": "{title}"}'}),
        # A team has her still.
        ("member", "dana", None),
        ("member", "dana", {"disabled": "1"}),
        # It counts for nothing already.
        ("calendar", "off", {"hours": "mon-fri 08:00-17:00"}),
        ("calendar", "off", None),
    ],
)
def test_an_error_elsewhere_does_not_block_a_valid_change(kind, name, values):
    change(kind, name, values, STALE)


def test_what_a_step_that_lost_its_aim_becomes_can_be_written_by_nobody():
    assert "step.1 names '-'; use" in refusal("escalation", "new", {"step.1": "5m, -"})


WEEKLY = {"handover": "mon 09:00", "start": "2026-11-23", "time_zone": "UTC"}
ROTAS = {
    **NOW,
    "rota:first": {"members": "dana, lee", **WEEKLY},
    "rota:second": {"members": "cy", **WEEKLY, "fallback": "first"},
    "team:idle": {"members": "cy", "rota": "second"},
}


def test_a_rota_that_something_names_stays():
    assert refusal("rota", "second", None, ROTAS) == (
        "The on-call rota 'second' is still used by the team 'idle' (rota). Change that first."
    )
    assert refusal("rota", "first", {"disabled": "1"}, ROTAS) == (
        "The on-call rota 'first' is still used by the on-call rota 'second' (fallback). Change "
        "that first."
    )
    steps = {**ROTAS, "escalation:lead": {"step.1": "20m, rota:first"}}
    assert "the escalation 'lead' (step 1)" in refusal("rota", "first", None, steps)
    assert "names 'rota:none'; use team:" in refusal(
        "escalation", "lead", {"step.1": "20m, rota:none"}, ROTAS
    )
    assert "rota is 'none'; choose an existing rota" in refusal(
        "team", "idle", {"rota": "none"}, ROTAS
    )


def test_a_list_of_another_length_does_not_move_the_present_turn_unseen():
    # It is lee's turn, the second.
    assert refusal("rota", "first", {"members": "dana, cy, lee"}, ROTAS) == (
        "The current turn is 'lee'; with this list it would be 'cy'. To keep it, list lee first "
        "and set the start to 2026-11-30, when this turn began."
    )
    change("rota", "first", {"members": "dana, lee, cy"}, ROTAS)
    change("rota", "first", {"members": "lee, dana, cy", "start": "2026-11-30"}, ROTAS)
    change("rota", "first", {"members": "cy, dana"}, ROTAS)
    every = {**ROTAS["rota:first"], "handover": "every 7d", "start": "2026-11-23 09:00"}
    said = refusal("rota", "first", {"members": "dana, cy, lee"}, {**ROTAS, "rota:first": every})
    assert "set the start to 2026-11-30 09:00, when this turn began." in said


@pytest.mark.parametrize(
    ("kind", "values", "said"),
    [
        (
            "rule",
            {"team": "idle", "severity": "high, grave"},
            "severity has the unknown value 'grave'",
        ),
        ("sla", {"acknowledge": "15m", "severity": "gr*"}, "severity has the unknown value 'gr*'"),
        ("rule", {"team": "idle", "field": "region"}, "field is 'region'"),
    ],
)
def test_a_pattern_that_no_incident_can_fit_is_refused(kind, values, said):
    assert said in refusal(kind, "new", values)


def test_a_pattern_that_an_incident_may_fit_is_taken():
    change("rule", "new", {"team": "idle", "severity": "H*, low", "field": "region=eu*"})

"""Which team gets an incident and why; which channels are notified."""

import configparser
import re
from pathlib import Path

import pytest

from incident_management.incidents.routing import Routing, duration, spelling
from incident_management.incidents.routing.teams import member_in_slack
from tests.unit.incidents.builders import ROUTING


def decide(severity="high", entity="checkout", rule="High Error Rate", routing=ROUTING):
    return routing.decide(severity, [entity], [rule])


def test_the_first_matching_rule_wins_and_says_why():
    decision = decide(entity="Payments")

    assert (decision.team, decision.owner) == ("payments", "cy")
    assert decision.reason == (
        "Rule 'pay' assigns it to team 'payments': entity 'Payments' matches 'pay*'."
    )


def test_the_default_rule_comes_last_whatever_its_order():
    decision = decide()

    assert (decision.team, decision.owner) == ("shop", "")
    assert "no other rule matches" in decision.reason


def test_all_patterns_of_a_rule_must_match():
    routing = Routing.from_stanzas(
        {
            "team:a": {},
            "team:b": {},
            "rule:1": {"order": "1", "severity": "critical", "rule": "high*", "team": "a"},
            "rule:2": {"order": "2", "rule": "high*", "team": "b"},
        }
    )
    assert decide("critical", routing=routing).team == "a"
    assert decide("high", routing=routing).team == "b"
    assert decide(rule="Other", routing=routing).team == ""


def test_a_team_is_notified_in_its_own_channels():
    assert ROUTING.channels("opened", "shop", ()) == ("slack",)
    assert ROUTING.channels("opened", "payments", ()) == ("slack", "teams")
    assert ROUTING.channels("opened", "", ()) == ("slack", "teams")
    assert ROUTING.channels("note", "shop", ()) == ()


@pytest.mark.parametrize(
    ("team", "set_up", "told"),
    [
        ({}, (), ("teams",)),
        ({}, ("slack",), ("slack", "teams")),
        ({}, ("pagerduty",), ("teams", "pagerduty")),
        ({"channels": "slack"}, (), ("slack",)),
        ({"channels": "pagerduty, teams"}, ("slack",), ("teams", "pagerduty")),
        ({"slack_channel": "#shop"}, (), ("slack", "teams")),
        ({"email": "shop@example.com"}, (), ("teams", "email")),
    ],
)
def test_a_channel_that_is_not_set_up_is_used_only_if_named(team, set_up, told):
    announce = {"opened": "slack?, teams, pagerduty ?, email?"}
    routing = Routing.from_stanzas({"announce": announce, "team:shop": team})

    assert routing.problems == ()
    assert routing.channels("opened", "shop", set_up) == told


def test_a_team_may_have_its_own_channel_in_slack_and_its_own_addresses():
    team = {"slack_channel": "#shop", "email": "a@b.example; c@d.example"}
    routing = Routing.from_stanzas({"team:shop": team, "team:other": {}})
    assert routing.target("shop", "slack") == "#shop"
    assert routing.target("shop", "email") == "a@b.example,c@d.example"
    assert routing.target("shop", "teams") == routing.target("other", "email") == ""


@pytest.mark.parametrize(
    ("stanzas", "problem"),
    [
        ({"rule:x": {"team": "none"}}, "[rule:x] team is 'none'"),
        ({"team:a": {}, "rule:x": {"team": "a", "order": "1st"}}, "[rule:x] order is '1st'"),
        ({"team:a": {"channels": "sms"}}, "[team:a] channels names 'sms'"),
        ({"team:a": {"email": "Ann <a@b>"}}, "[team:a] email holds 'Ann <a@b>'"),
        ({"member:a": {"email": "a@b, c@d"}}, "[member:a] email has 2 addresses"),
        ({"announce": {"opened": "slak"}}, "[announce] opened names 'slak'"),
        ({"announce": {"opened": "slack?, ?"}}, "[announce] opened names ''"),
        ({"announce": {"opened": "slack??"}}, "[announce] opened names 'slack?'"),
        ({"general": {"reopen_window": "4 hours"}}, "[general] reopen_window is '4 hours'"),
        ({"team:a": {"capacity": "many"}}, "[team:a] capacity is 'many'"),
        ({"team:a": {"assign": "maybe"}}, "[team:a] assign is 'maybe'; use auto or manual"),
        ({"team:a": {"fallback": "a"}}, "[team:a] fallback is 'a'"),
        ({"team:a": {"calendar": "office"}}, "[team:a] calendar is 'office'"),
        ({"member:m": {"capacity": "-1"}}, "[member:m] capacity is '-1'"),
        ({"member:m": {"away": "tomorrow"}}, "[member:m] away has 'tomorrow'"),
        ({"calendar:c": {"hours": "9 to 5"}}, "[calendar:c] hours has '9 to 5'"),
        ({"calendar:c": {"time_zone": "Berlin"}}, "[calendar:c] time_zone is 'Berlin'"),
        ({"capacity": {"high": "x"}}, "[capacity] high is 'x'"),
        ({"sla:s": {"severity": "high"}}, "[sla:s] sets no target"),
        ({"sla:s": {"resolve": "soon"}}, "[sla:s] resolve is 'soon'"),
        ({"sla:s": {"resolve": "0m"}}, "[sla:s] resolve is '0m'"),
        ({"sla:s": {"resolve": "1h", "warn_at": "0.7"}}, "[sla:s] warn_at is '0.7'"),
        ({"sla:s": {"resolve": "1h", "warn_at": "120%"}}, "[sla:s] warn_at is '120%'"),
        ({"sla:s": {"resolve": "1h", "hours": "day"}}, "[sla:s] hours is 'day'"),
        ({"sla:s": {"resolve": "1h", "on_reopen": "no"}}, "[sla:s] on_reopen is 'no'"),
        ({"sla:s": {"resolve": "1h", "order": "first"}}, "[sla:s] order is 'first'"),
        ({"escalation:e": {}}, "[escalation:e] has 0 steps"),
        ({"escalation:e": {"step.1": "15m"}}, "[escalation:e] step.1 names nobody"),
        ({"escalation:e": {"step.1": "15m, team:x"}}, "[escalation:e] step.1 names 'team:x'"),
        ({"escalation:e": {"step.1": "15m, member:"}}, "[escalation:e] step.1 names 'member:'"),
        ({"escalation:e": {"step.1": "15m, channel:sms"}}, "step.1 names 'channel:sms'"),
        ({"escalation:e": {"step.1": "soon, team:ok"}}, "[escalation:e] step.1 is 'soon'"),
        (
            {"escalation:e": {"step.1": "9m, team:ok", "step.2": "5m, team:ok"}},
            "[escalation:e] has a step that is due before a step with a lower number",
        ),
        (
            {"escalation:e": {"step.1": "9m, team:ok", "repeat": "2"}},
            "[escalation:e] repeat_every is missing",
        ),
        ({"escalation:e": {"step.1": "9m, team:ok", "until": "bored"}}, "until is 'bored'"),
    ],
)
def test_a_malformed_stanza_costs_only_itself(stanzas, problem):
    good = {"team:ok": {}, "rule:default": {"team": "ok"}}
    routing = Routing.from_stanzas({**good, **stanzas})

    assert len(routing.problems) == 1
    assert problem in routing.problems[0]
    assert decide(routing=routing).team == "ok"
    assert problem in decide(routing=routing).reason
    assert routing.reopen_window == 4 * 3600


def test_a_rule_whose_only_condition_is_misspelt_does_not_take_every_incident():
    routing = Routing.from_stanzas(
        {
            "team:ok": {},
            "team:db": {"member": "ann"},
            "rule:default": {"team": "ok"},
            "rule:x": {"team": "db", "entities": "db*", "order": "1"},
            "rule:y": {"team": "db", "entity": "mq*", "tags": "queue"},
            "sla:s": {"severities": "low", "resolve": "5m"},
        }
    )
    assert decide(routing=routing).team == "ok"
    assert routing.decide("high", ["mq-1"], ["x"]).team == "db", "its other condition holds"
    assert routing.policy("high", "ok") is None
    assert [problem.partition(";")[0] for problem in routing.problems] == [
        "incident_routing.conf [team:db] has no setting 'member'",
        "incident_routing.conf [rule:x] has no setting 'entities'",
        "incident_routing.conf [rule:y] has no setting 'tags'",
        "incident_routing.conf [sla:s] has no setting 'severities'",
    ]
    assert routing.problems[1].endswith("It would apply to every incident, so it is ignored.")


def test_the_settings_that_are_known_are_those_of_the_spec():
    spec = Path(__file__).parents[3] / "package/README/incident_routing.conf.spec"
    kind, known = "", {kind: ["disabled"] for kind in spelling._KNOWN}
    for line in spec.read_text(encoding="utf-8").splitlines():
        stanza, setting = re.match(r"\[(\w+)", line), re.match(r"([\w.<>]+) *=", line)
        kind = stanza[1] if stanza else kind
        if setting and kind in known:
            known[kind].append(setting[1])
    assert {kind: sorted(set(names)) for kind, names in known.items()} == {
        kind: sorted({"disabled", *names}) for kind, names in spelling._KNOWN.items()
    }


def in_the_manual(stanza, **besides):
    """Return the routing of the manual's example with this stanza."""
    text = (Path(__file__).parents[3] / "docs/ROUTING.md").read_text(encoding="utf-8")
    example = next(part for part in text.split("```") if f"[{stanza}]" in part)
    parser = configparser.RawConfigParser(delimiters=("=",))
    parser.read_string(example)
    return Routing.from_stanzas({name: dict(parser[name]) for name in parser.sections()} | besides)


def test_the_rotas_in_the_manual_are_whole():
    routing = in_the_manual("rota:first", **{"team:operations": {}})
    assert routing.problems == ()
    assert [step.after for step in routing.paths[0].steps] == [900, 1800]


def test_the_example_in_the_manual_is_whole():
    routing = in_the_manual("calendar:berlin")

    assert routing.problems == ()
    decision = routing.decide("high", ["payments"], ["x"], ["Database"])
    assert (decision.team, decision.skills) == ("payments", ("db",))
    assert [policy.name for policy in routing.policies] == ["critical", "payments"]
    assert [step.after for step in routing.paths[0].steps] == [1200, 2400]


def test_a_disabled_stanza_counts_for_nothing():
    routing = Routing.from_stanzas(
        {
            "team:a": {},
            "team:b": {},
            "rule:x": {"team": "a", "disabled": "1"},
            "rule:y": {"team": "b"},
        }
    )
    assert decide(routing=routing).team == "b"


def test_a_malformed_calendar_counts_as_around_the_clock():
    routing = Routing.from_stanzas(
        {"calendar:c": {"hours": "always"}, "team:a": {"members": "ann", "calendar": "c"}}
    )
    assert len(routing.problems) == 1
    assert routing.teams["a"].calendar.always


def test_a_rule_by_tag_and_by_several_patterns():
    routing = Routing.from_stanzas(
        {
            "team:a": {},
            "rule:x": {"team": "a", "tag": "pci, gdpr", "severity": "critical, high"},
        }
    )
    found = routing.decide("high", ["shop"], ["r"], ["EU", "GDPR"])
    assert found.team == "a"
    assert "tag 'GDPR' matches 'gdpr'" in found.reason
    assert routing.decide("low", ["shop"], ["r"], ["gdpr"]).team == ""
    assert routing.decide("high", ["shop"], ["r"]).team == ""


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("90", 90), ("15m", 900), ("4h", 14400), ("1.5d", 129600), ("1 w", 604800)],
)
def test_durations(text, seconds):
    assert duration(text) == seconds


def test_a_malformed_slack_id_affects_its_stanza_and_a_valid_one_finds_a_member():
    routing = Routing.from_stanzas(
        {
            "member:mia": {"slack_id": "U0MIA"},
            "member:eve": {"slack_id": "T0ELSE/U0EVE"},
            "member:bob": {"slack_id": "@bob", "skills": "db"},
        }
    )
    (problem,) = routing.problems
    assert "[member:bob] slack_id is '@bob'; set a member ID such as U0123ABCD" in problem
    assert member_in_slack(routing.members, "", "U0MIA") == "mia"
    assert member_in_slack(routing.members, "T0ELSE", "U0EVE") == "eve"
    assert member_in_slack(routing.members, "T0ELSE", "U0MIA") == ""
    assert member_in_slack(routing.members, "", "") == ""


def test_a_rule_may_name_an_entity_with_brackets():
    routing = Routing.from_stanzas(
        {
            "team:dba": {"members": "ann"},
            "team:web": {"members": "bob"},
            "rule:disk": {"team": "dba", "entity": "disk[C:]*"},
            "rule:default": {"team": "web"},
        }
    )
    assert routing.decide("high", ["disk[C:] of web-1"], ["r"]).team == "dba"
    assert routing.decide("high", ["diskC"], ["r"]).team == "web"


def test_user_names_have_no_case():
    """As in Splunk (``userNameAttribute`` in authentication.conf.spec): one person, not two."""
    routing = Routing.from_stanzas(
        {
            "team:web": {"members": "Jane.Doe@corp, jane.doe@corp, Rob", "rota": "web"},
            "rota:web": {
                "members": "ROB, Jane.Doe@Corp",
                "handover": "daily 09:00",
                "start": "2026-11-01",
            },
            "member:JANE.DOE@corp": {"email": "Jane.Doe@corp.example"},
            "member:Rob": {"capacity": "much"},
            "escalation:e": {"step.1": "15m, member:Jane.Doe@corp"},
        }
    )
    assert routing.teams["web"].members == ("jane.doe@corp", "rob")
    assert routing.rotas["web"].members == ("rob", "jane.doe@corp")
    assert {name: one.name for name, one in routing.members.items()} == {
        "jane.doe@corp": "jane.doe@corp",
        "rob": "rob",
    }
    assert routing.members["jane.doe@corp"].email == "Jane.Doe@corp.example"
    assert routing.paths[0].steps[0].member == "jane.doe@corp"
    (problem,) = routing.problems
    assert "[member:Rob] capacity" in problem


def test_two_stanzas_of_one_person_in_different_case_are_reported():
    (problem,) = Routing.from_stanzas(
        {"member:Jane": {}, "member:jane": {}, "member:rob": {}}
    ).problems
    assert "[member:Jane] and [member:jane] are one person" in problem


def test_a_name_that_nothing_has_costs_no_more_than_itself():
    """As after a stanza was deleted or renamed in the file although others name it."""
    routing = Routing.from_stanzas(
        {
            "team:web": {
                "members": "ann",
                "calendar": "gone",
                "fallback": "gone",
                "rota": "gone",
                "channels": "slack, gone",
                "slack_channel": "#web",
            },
            "member:ann": {"calendar": "gone", "slack_id": "U0123ABCD"},
            "rota:night": {
                "members": "ann",
                "handover": "daily 09:00",
                "start": "2026-11-01",
                "hours": "gone",
                "fallback": "gone",
            },
            "sla:fast": {"resolve": "1h", "hours": "gone"},
            "stakeholders:boss": {"email": "boss@example.com", "channels": "gone"},
        }
    )
    team = routing.teams["web"]
    assert (team.members, team.channels, team.slack_channel) == (("ann",), ("slack",), "#web")
    assert team.calendar.always and team.fallback == team.rota == ""
    assert routing.members["ann"].slack_id == "U0123ABCD"
    assert routing.rotas["night"].members == ("ann",)
    assert routing.policies[0].resolve == 3600.0
    assert routing.stakeholders[0].email == ("boss@example.com",)
    assert [text.split("] ")[0].split(" [")[1] for text in routing.problems] == [
        *("member:ann", "rota:night", "team:web", "stakeholders:boss", "sla:fast"),
    ]


def test_a_step_with_an_unknown_target_is_still_taken():
    routing = Routing.from_stanzas(
        {
            "team:web": {"members": "ann"},
            "escalation:e": {
                "hours": "gone",
                "step.1": "5m, team:gone, channel:email",
                "step.2": "9m, rota:gone",
                "step.3": "12m, web",
                "step.4": "20m, team:web",
            },
        }
    )
    (path,) = routing.paths
    aims = [(one.number, one.team, one.rota, one.channels) for one in path.steps]
    assert aims == [(1, "", "", ("email",)), (2, "", "", ()), (3, "", "", ()), (4, "web", "", ())]
    assert routing.hours(path.hours, "web").always
    assert "[escalation:e] hours is 'gone'" in routing.problems[0]


def test_a_rule_with_an_unknown_team_is_skipped():
    routing = Routing.from_stanzas(
        {"team:web": {}, "rule:a": {"team": "gone"}, "rule:default": {"team": "web"}}
    )
    assert decide(routing=routing).team == "web"
    assert "[rule:a] team is 'gone'" in routing.problems[0]

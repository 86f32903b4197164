"""Who gets an incident and why; which channels hear of it."""

import pytest

from incident_management.incidents.routing import Routing, duration
from tests.unit.incidents.builders import ROUTING


def decide(severity="high", entity="checkout", rule="High Error Rate", routing=ROUTING):
    return routing.decide(severity, [entity], [rule])


def test_the_first_matching_rule_wins_and_says_why():
    decision = decide(entity="Payments")

    assert (decision.team, decision.owner) == ("payments", "cy")
    assert decision.reason == (
        "Rule 'pay' gives it to team 'payments': entity 'Payments' matches 'pay*'."
    )


def test_the_default_rule_comes_last_whatever_its_order():
    decision = decide()

    assert (decision.team, decision.owner) == ("shop", "")
    assert "takes what no other rule took" in decision.reason


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


def test_a_team_is_told_where_it_wants_to_be():
    assert ROUTING.channels("opened", "shop") == ("slack",)
    assert ROUTING.channels("opened", "payments") == ("slack", "teams")
    assert ROUTING.channels("opened") == ("slack", "teams")
    assert ROUTING.channels("note", "shop") == ()


@pytest.mark.parametrize(
    ("stanzas", "problem"),
    [
        ({"rule:x": {"team": "none"}}, "[rule:x] team is 'none'"),
        ({"team:a": {}, "rule:x": {"team": "a", "order": "1st"}}, "[rule:x] order is '1st'"),
        ({"team:a": {"channels": "sms"}}, "[team:a] channels names 'sms'"),
        ({"announce": {"opened": "slak"}}, "[announce] opened names 'slak'"),
        ({"general": {"reopen_window": "4 hours"}}, "[general] reopen_window is '4 hours'"),
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


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("90", 90), ("15m", 900), ("4h", 14400), ("1.5d", 129600), ("1 w", 604800)],
)
def test_durations(text, seconds):
    assert duration(text) == seconds

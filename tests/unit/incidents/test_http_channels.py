"""HTTP channels of administrators: which templates are valid, and the errors of the others."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any, Dict

import pytest

from incident_management.channels import CHANNELS
from incident_management.incidents.errors import Invalid
from incident_management.incidents.routing import Routing
from incident_management.incidents.routing.changes import check_change, check_settings
from incident_management.notify.services.http_presets import PRESETS

GOOD = {"url": "https://tickets.example.com/api", "body": '{"text": "{title}"}'}
KEEPS = {**GOOD, "id_field": "data.id"}


def routing(values: Dict[str, str], **stanzas: Any) -> Routing:
    named = {name.replace("__", ":"): value for name, value in stanzas.items()}
    return Routing.from_stanzas({"channel:desk": values, **named})


@pytest.mark.parametrize("name", PRESETS)
def test_every_ready_made_start_is_sound_once_its_secret_is_there(name: str) -> None:
    values = {"url": "https://instance.service-now.com/api/global/em/jsonv2", **PRESETS[name]}
    assert routing({**values, "secret": "******"}).problems == ()
    assert "uses {secret}, but secret is empty; enter it." in routing(values).problems[0]


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"url": ""}, "url is empty; enter it"),
        ({"body": ""}, "body is empty; enter it"),
        ({"url": "http://tickets.example.com"}, "url must start with https://"),
        ({"url": "tickets.example.com"}, "url is not a URL of the form"),
        ({"url": "https://{team}.example.com/"}, "url has a field in its host"),
        ({"url": "https://a.example:{team}/"}, "url has a field in its host"),
        ({"url": "https://[::1"}, "url is not a URL of the form"),
        (
            {"url": "https://a{{.example/"},
            "url contains a host name or a character that a URL can't have",
        ),
        (
            {"url": "https://a.example/{title}"},
            "url uses the unknown field {title}; the available fields are",
        ),
        ({"url": "https://a:b@a.example/"}, "url has a user name or password"),
        (
            {"url": "{secret}.example", "secret": "x"},
            "url must continue with / ? & or # after {secret}",
        ),
        ({"url": "{secret2}/x", "secret2": "x"}, "url is not a URL of the form"),
        ({"method": "GET"}, "method is 'get'; use post or put or patch."),
        (
            {"body": '{"text": "{titel}"}'},
            "body.text uses the unknown field {titel}; the available fields are",
        ),
        (
            {"body": '{"a": [{"b": "{id}"}]}'},
            "body.a[0].b uses the unknown field {id}; the available fields are",
        ),
        ({"body": '{"text": "100 {"}'}, "body.text has a lone { at character 5"),
        ({"body": '{"text": "{title:0}"}'}, "body.text has a lone { at character 1"),
        (
            {"body": '{"text": {title}}'},
            'has {title} without quotes at character 10; write "{title}"',
        ),
        ({"body": '{"text": {title:9}, "n": 1}'}, "body has {title:9} without quotes at"),
        ({"body": '{"text": "x" "y"}'}, "body is not valid JSON at character 14, near"),
        ({"body": '{"n": NaN}'}, "body is not valid JSON (NaN is not a JSON number)"),
        ({"body": '{"n": 1e999}'}, "body is not valid JSON (1e999 is not a JSON number)"),
        ({"body": '"{title}"'}, "body is not a JSON object"),
        ({"body": '{"{title}": 1}'}, "body has braces in the name '{title}'"),
        ({"body": "[" * 100_000}, "body has more than 20,000 characters"),
        ({"body": "[" * 21 + "]" * 21}, "nested deeper than 20 levels"),
        ({"headers": '{"Host": "x"}'}, "headers contains 'Host', which can't be set"),
        ({"headers": '{"X-A": "ü"}'}, "headers.X-A must be a text of ASCII"),
        (
            {"headers": '{"X-A": "{text}"}'},
            "headers.X-A uses the unknown field {text}; the available fields are",
        ),
        ({"headers": '{"authorization": "Bearer x"}'}, "headers.authorization contains a key that"),
        ({"headers": "[]"}, "headers must be a JSON object"),
        ({"calls": '{"ended": {"method": "PUT"}}'}, "calls.ended names an unknown event"),
        (
            {"calls": '{"resolved": {}}'},
            "calls.resolved must be an object with only url, method and body",
        ),
        (
            {"calls": '{"resolved": {"uri": "x"}}'},
            "calls.resolved must be an object with only url, method",
        ),
        ({"calls": '{"resolved": {"method": "GET"}}'}, "calls.resolved.method must be POST or PUT"),
        ({"calls": '{"resolved": {"url": "x"}}'}, "calls.resolved.url is not a URL of the form"),
        ({"calls": '{"resolved": {"url": 1}}'}, "calls.resolved.url must be a text"),
        (
            {"calls": '{"changed": {"body": {"a": "{x}"}}}'},
            "calls.changed.body.a uses the unknown field {x}",
        ),
        ({"calls": '{"changed": {"body": {"a": "{id}"}}}'}, "uses {id}, but id_field is empty"),
        ({"id_field": "data..id"}, "id_field is 'data..id'; name a field of the response"),
        ({"words": '{"title": {}}'}, "words has the unknown field 'title'; use severity, status"),
        ({"words": '{"severity": {"critical": []}}'}, "words.severity must be an object of words"),
        ({"words": '{"severity": {"Critical": 1}}'}, "words.severity has 'Critical'; use crit"),
        ({"read_by": "me"}, "read_by is 'me'; use people or software."),
        ({"bodyy": "{}"}, "has no setting 'bodyy'; use url, method"),
    ],
)
def test_a_template_that_can_not_be_used_is_one_sentence_with_its_place(
    values: Dict[str, str], said: str
) -> None:
    (problem,) = routing({**GOOD, **values}).problems
    assert problem.startswith("incident_routing.conf [channel:desk] ") and problem.endswith(".")
    assert said in problem
    # And it is refused when it is saved.
    with pytest.raises(Invalid) as error:
        check_change({}, "channel", "desk", {**GOOD, **values}, lambda team: [], 0.0)
    assert str(error.value) == problem


def test_what_means_the_same_is_taken() -> None:
    text = json.dumps(
        {"changed": {"method": "put", "body": {"t": "ü" * 9_000}}}, ensure_ascii=False
    )
    found = routing(
        {**GOOD, "calls": text, "words": '{"severity": {"low": 1.5}, "team": {"A": 2}}'}
    )
    assert found.problems == ()
    assert found.own_channels["desk"].calls["changed"].method == "PUT"


def test_it_is_named_as_any_other_channel_is() -> None:
    found = routing(
        KEEPS,
        announce={"opened": "slack?, desk?", "resolved": "desk"},
        team__web={"channels": "desk"},
        escalation__x={"step.1": "5m, channel:desk"},
        stakeholders__all={"channels": "desk"},
    )
    assert found.problems == ()
    assert found.channel_names == (*CHANNELS, "desk") and found.own_set_up == {"desk"}
    assert found.channels("opened", "web", ["slack", "desk"]) == ("desk",)
    assert found.paths[0].steps[0].channels == ("desk",)
    assert found.stakeholders[0].places == (("desk", ""),)


def test_one_that_is_off_can_be_named_and_is_not_set_up() -> None:
    found = routing({**GOOD, "disabled": "1"}, announce={"opened": "desk?", "resolved": "desk"})
    assert found.problems == () and found.own_set_up == frozenset()
    assert found.channels("opened", "", []) == () and found.channels("resolved", "", []) == (
        "desk",
    )


def test_one_that_is_malformed_is_known_and_waits() -> None:
    found = routing({**GOOD, "body": "{"}, announce={"opened": "desk?"})
    assert len(found.problems) == 1
    assert found.own_malformed == {"desk"} and found.own_set_up == {"desk"}
    assert found.is_for_people("desk")


def test_a_malformed_channel_keeps_whether_it_is_on_and_who_reads_it() -> None:
    found = routing({**GOOD, "body": "{", "disabled": "1", "read_by": "Software"})
    assert found.own_malformed == {"desk"} and found.own_set_up == frozenset()
    assert not found.is_for_people("desk")


@pytest.mark.parametrize("name", ["slack", "webhook", "Desk", "a b", "a,b", "9a", "a" * 41, "ä"])
def test_a_name_that_means_something_else_is_refused(name: str) -> None:
    found = Routing.from_stanzas({f"channel:{name}": GOOD})
    assert found.channel_names == CHANNELS
    (problem,) = found.problems
    assert "has an invalid name. Enter a name of 1 to 40 lowercase letters" in problem


def test_one_that_is_named_stays() -> None:
    now = {"channel:desk": GOOD, "announce": {"opened": "desk?"}}
    with pytest.raises(Invalid, match=r"'desk' is still used by Announcements \(opened\)\. Change"):
        check_change(now, "channel", "desk", None, lambda team: [], 0.0)
    check_settings(now, "announce", {"opened": ""})
    with pytest.raises(Invalid, match=r"names 'dusk'; the channels are .*, desk"):
        check_settings(now, "announce", {"opened": "dusk"})


def test_one_that_is_gone_from_the_file_silences_no_other() -> None:
    found = Routing.from_stanzas({"announce": {"opened": "desk?, slack"}})
    assert found.channels("opened", "", []) == ("slack",)
    assert "opened names 'desk'" in found.problems[0]


def test_stakeholders_name_own_channels_alone() -> None:
    wrong = "incident_routing.conf [stakeholders:a] channels names 'slack'; the channels are desk."
    assert routing(GOOD, stakeholders__a={"channels": "slack"}).problems[0] == wrong
    found = routing(GOOD, stakeholders__a={"channels": "slack, desk"})
    assert found.problems == (wrong,)
    assert [group.channels for group in found.stakeholders] == [("desk",)]
    none = Routing.from_stanzas({"stakeholders:a": {"channels": "desk"}}).problems
    assert "channels is 'desk'; add one under HTTP channels first." in none[0]


def test_the_guides_example_is_sound() -> None:
    guide = (Path(__file__).parents[3] / "docs" / "CHANNELS.md").read_text(encoding="utf-8")
    rows = dict(re.findall(r"(?m)^\| ([A-Z][A-Za-z ]+) \| `(.+)` \|$", guide))
    names = {"Address": "url", "Other calls": "calls", "ID in the response": "id_field"}
    labels = ("Address", "Headers", "Body", "Other calls", "ID in the response", "Words")
    values = {names.get(one, one.lower()): rows[one] for one in labels}
    assert routing({**values, "secret": "******", "read_by": "software"}).problems == ()

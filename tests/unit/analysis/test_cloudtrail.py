"""CloudTrail's own events of Lambda and ECS are change events, by what the manual has one set."""

from __future__ import annotations

import json
from configparser import RawConfigParser
from pathlib import Path

import pytest

pytest.importorskip("pcre2")

from incident_management.analysis.changes import CHANGE_FIELDS
from incident_management.analysis.finders import recent_changes
from tests.contract.spl.memory import MemoryContext, event
from tests.unit.analysis.finders.finding import T, scope_of
from tools.splunkd_lite.spl import run

GUIDE = Path(__file__).parents[3] / "docs" / "EXECUTORS.md"
FUNCTION = "arn:aws:lambda:eu-west-1:123456789012:function:orders"


def _props():
    """Read the stanza as it stands in the manual."""
    text = GUIDE.read_text(encoding="utf-8").partition("```\n[aws:cloudtrail]\n")[2]
    parser = RawConfigParser(delimiters=("=",))
    parser.optionxform = str  # type: ignore[assignment,method-assign]
    parser.read_string("[aws:cloudtrail]\n" + text.partition("```")[0])
    return dict(parser["aws:cloudtrail"])


def _moved(version, weights=None, name="prod", function="orders", arn=FUNCTION, **more):
    """An event as CloudTrail writes it: parameters and answer of the call, in its lower camel."""
    routing = {"additionalVersionWeights": weights or {}}
    answer = {"aliasArn": f"{arn}:{name}", "name": name, "functionVersion": version,
              "description": "", "revisionId": "8f2b"}  # fmt: skip
    return {
        "eventVersion": "1.09",
        "userIdentity": {"type": "AssumedRole", "arn": "arn:aws:sts::123456789012:role/ci"},
        "eventSource": "lambda.amazonaws.com", "eventName": "UpdateAlias20150331",
        "requestParameters": {"functionName": function, "name": name, "functionVersion": version,
                              "routingConfig": routing},
        "responseElements": {**answer, "routingConfig": routing} if weights else answer,
        "eventID": f"id-{version}-{name}", **more,
    }  # fmt: skip


def _changes(*documents, times=()):
    """What an analysis makes of these events, a minute apart, the last a minute before trouble."""
    rows = []
    times = times or [T - 60 * (len(documents) - number) for number in range(len(documents))]
    for time, document in zip(times, documents):
        raw = json.dumps(document)
        searched = MemoryContext(
            [event(raw, sourcetype="aws:cloudtrail")],
            confs={"props": {"aws:cloudtrail": _props()}, "transforms": {}},
        )
        row = run("* | search change_id=*", searched).rows
        told = {name: row[0][name] for name in CHANGE_FIELDS if row and name in row[0]}
        rows += [{**told, "raw": raw, "time": time}] if row else []
    scope = scope_of(changes=rows)
    recent_changes.find(scope)
    return [
        (c.service, (c.place.get("alias") or c.place["cluster"]).rpartition(":")[2], c.version,
         c.previous_version)
        for c in scope.changes
    ]  # fmt: skip


def test_the_version_before_is_that_of_the_event_before():
    assert _changes(_moved("41"), _moved("42")) == [
        ("orders", "prod", "41", ""), ("orders", "prod", "42", "41"),
    ]  # fmt: skip


def test_another_aliass_version_is_not_the_one_before():
    """A fix would else put production on what is being tried out."""
    found = _changes(_moved("41"), _moved("43", name="test"), _moved("42"))
    assert found[2] == ("orders", "prod", "42", "41")


@pytest.mark.parametrize("other", ["eu-west-1:999999999999", "us-east-1:123456789012"])
def test_a_version_of_another_account_or_region_is_not_the_one_before(other):
    """One trail tells of all: a fix would else put production back to a number of another's."""
    arn = f"arn:aws:lambda:{other}:function:orders"
    found = _changes(_moved("41"), _moved("37", arn=arn, eventID="id-else"), _moved("42"))
    assert [before for *_rest, before in found] == ["", "", "41"]


def test_an_event_that_two_trails_deliver_is_one_change():
    """It took two places among the causes, and the second one had replaced nothing."""
    found = _changes(_moved("41"), _moved("42"), _moved("42"), times=[T - 600, T - 60, T - 60])
    assert [before for *_where, before in found] == ["", "41"]


def test_the_end_of_a_canary_has_replaced_nothing():
    """CodeDeploy takes a bad one back by itself: a fix would have sent all calls to it."""
    canary = _moved("41", {"42": 0.1}, eventID="id-canary")
    found = _changes(_moved("41", eventID="id-first"), canary, _moved("41"), _moved("43"))
    assert [(version, before) for *_where, version, before in found] == [
        ("41", ""), ("42", "41"), ("41", ""), ("43", "41"),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("version", "weights"), [("41", {"42": 0.1}), ("42", {"41": 0.9})], ids=["new", "former"]
)
def test_a_canary_tells_both_versions_whichever_has_the_share(version, weights):
    """And the whole deploy after it still goes back to what was there before the canary."""
    canary = _moved(version, weights, eventID="id-canary")
    assert _changes(canary, _moved("42")) == [
        ("orders", "prod", "42", "41"), ("orders", "prod", "42", "41"),
    ]  # fmt: skip


def test_an_alias_that_was_made_anew_has_not_kept_what_it_was():
    made = _moved("45", eventName="CreateAlias20150331")
    assert [before for *_where, before in _changes(_moved("41"), made, _moved("46"))][2] == "45"


def test_a_function_is_known_by_its_name_however_it_is_called():
    by_account = ("123456789012:function:orders", "123456789012:orders")
    for function in ("orders", FUNCTION, *by_account, f"{FUNCTION}:prod"):
        assert _changes(_moved("42", function=function)) == [("orders", "prod", "42", "")]


def test_a_refused_call_and_other_calls_are_no_changes():
    other = {"eventName": "GetAlias20150331"}
    assert _changes({**_moved("42"), **other}, _moved("42", errorCode="AccessDenied")) == []
    assert len(_changes(_moved("42", errorCode="success"))) == 1


def _deployed(version, cluster="prod", asked="", account="123456789012", **more):
    """An event of a service of ECS, as long as the service's own messages make it."""
    arn = f"arn:aws:ecs:eu-west-1:{account}"
    told = {
        "clusterArn": f"{arn}:cluster/{cluster}", "serviceName": "orders",
        "events": [{"message": "(service orders) has reached a steady state."}] * 100,
        "taskDefinition": f"{arn}:task-definition/{version}",
    }  # fmt: skip
    return {
        "eventVersion": "1.09",
        "userIdentity": {"type": "AssumedRole", "arn": "arn:aws:sts::123456789012:role/ci"},
        "eventSource": "ecs.amazonaws.com", "eventName": "UpdateService",
        "requestParameters": {"cluster": cluster, "service": "orders",
                              "taskDefinition": asked or version},
        "responseElements": {"service": told}, "eventID": f"id-{version}-{cluster}-{account}",
        **more,
    }  # fmt: skip


def test_a_service_of_ecs_is_known_with_its_cluster():
    assert _changes(_deployed("web:41"), _deployed("web:42")) == [
        ("orders", "cluster/prod", "web:41", ""), ("orders", "cluster/prod", "web:42", "web:41"),
    ]  # fmt: skip


@pytest.mark.parametrize("other", [{"cluster": "staging"}, {"account": "999999999999"}])
def test_a_task_definition_of_another_cluster_or_account_is_not_the_one_before(other):
    found = _changes(_deployed("web:41"), _deployed("web:43", **other), _deployed("web:42"))
    assert [before for *_rest, before in found] == ["", "", "web:41"]


@pytest.mark.parametrize("asked", ["web", "arn:aws:ecs:eu-west-1:1:task-definition/web:42"])
def test_a_task_definition_is_known_by_its_revision_however_it_is_asked_for(asked):
    ((_service, _where, version, _before),) = _changes(_deployed("web:42", asked=asked))
    assert version == "web:42"


def test_more_tasks_or_a_refusal_are_no_deploy_of_ecs():
    scaled = _deployed("web:42", requestParameters={"service": "orders", "desiredCount": 4})
    refused = _deployed("web:42", errorCode="AccessDenied", responseElements=None)
    assert _changes(scaled, refused) == []
    made = _deployed("web:1", eventName="CreateService")
    assert [version for _service, _where, version, _before in _changes(made)] == ["web:1"]

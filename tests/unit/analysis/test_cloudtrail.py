"""CloudTrail's own events of a Lambda alias are change events, by what the manual has one set."""

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


def _moved(version, weights=None, name="prod", function="orders", **more):
    """An event as CloudTrail writes it: parameters and answer of the call, in its lower camel."""
    routing = {"additionalVersionWeights": weights or {}}
    answer = {"aliasArn": f"{FUNCTION}:{name}", "name": name, "functionVersion": version,
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


def _changes(*documents):
    """What an analysis makes of these events, a minute apart, the last a minute before trouble."""
    rows = []
    for number, document in enumerate(documents):
        raw = json.dumps(document)
        searched = MemoryContext(
            [event(raw, sourcetype="aws:cloudtrail")],
            confs={"props": {"aws:cloudtrail": _props()}, "transforms": {}},
        )
        row = run("* | search change_id=*", searched).rows
        told = {name: row[0][name] for name in CHANGE_FIELDS if row and name in row[0]}
        rows += [{**told, "raw": raw, "time": T - 60 * (len(documents) - number)}] if row else []
    scope = scope_of(changes=rows)
    recent_changes.find(scope)
    return [(c.service, c.alias, c.version, c.previous_version) for c in scope.changes]


def test_the_version_before_is_that_of_the_event_before():
    assert _changes(_moved("41"), _moved("42")) == [
        ("orders", "prod", "41", ""), ("orders", "prod", "42", "41"),
    ]  # fmt: skip


def test_another_aliass_version_is_not_the_one_before():
    """A fix would else put production on what is being tried out."""
    found = _changes(_moved("41"), _moved("43", name="test"), _moved("42"))
    assert found[2] == ("orders", "prod", "42", "41")


@pytest.mark.parametrize(
    ("version", "weights"), [("41", {"42": 0.1}), ("42", {"41": 0.9})], ids=["new", "former"]
)
def test_a_canary_tells_both_versions_whichever_has_the_share(version, weights):
    """And the whole deploy after it still goes back to what was there before the canary."""
    canary = _moved(version, weights, eventID="id-canary")
    assert _changes(canary, _moved("42")) == [
        ("orders", "prod", "42", "41"), ("orders", "prod", "42", "41"),
    ]  # fmt: skip


def test_a_function_is_known_by_its_name_however_it_is_called():
    for function in ("orders", FUNCTION, "123456789012:function:orders", f"{FUNCTION}:prod"):
        assert _changes(_moved("42", function=function)) == [("orders", "prod", "42", "")]


def test_a_refused_call_and_other_calls_are_no_changes():
    other = {"eventName": "GetAlias20150331"}
    assert _changes({**_moved("42"), **other}, _moved("42", errorCode="AccessDenied")) == []
    assert len(_changes(_moved("42", errorCode="success"))) == 1

"""A search with something unknown is a 400 whose message names it and its position."""

from __future__ import annotations

import json
from typing import Any

import pytest
import splunklib.client
from splunklib.binding import HTTPError

from tools.splunkd_lite.spl import parse
from tools.splunkd_lite.spl.registry import COMMANDS

ARGUMENTS = {
    "append": "[| makeresults]", "appendcols": "[| makeresults]", "appendpipe": "[stats count]",
    "bin": "a", "bucket": "a", "chart": "count over a", "collect": "index=main", "dedup": "a",
    "eventstats": "count", "fillnull": "a", "inputlookup": "t", "join": "a [| makeresults]",
    "lookup": "t a", "makemv": "a", "mvexpand": "a", "outputlookup": "t", "rare": "a",
    "rename": "a as b", "rex": '"(?<g>.)"', "sort": "a", "stats": "count", "streamstats": "count",
    "timechart": "count", "top": "a", "transaction": "a", "tstats": "count",
    "union": "[| makeresults]",
}  # fmt: skip
ANY_NAME = {
    "eval",
    "fieldformat",
    "head",
    "regex",
    "rest",
    "return",
    "search",
    "sendalert",
    "where",
}
"""Commands in which a name and an equals sign are a field, a condition or a parameter."""
UNKNOWN = [
    ("search index=main | frobnicate x", "Unknown search command 'frobnicate'", "frobnicate"),
    ("search index=main [search a | frobnicate]", "Unknown search command 'frobnicate'", "frobn"),
    ("| makeresults | eval x=1+frob(2)", "eval function 'frob' is unknown", "frob("),
    ("| makeresults | where frob(x)=1 OR y=2", "eval function 'frob' is unknown", "frob("),
    ("search index=main | stats count frob(x) BY y", "stats function 'frob' is unknown", "frob("),
    ("search index=main | timechart span=1h frob(x)", "stats function 'frob' is unknown", "frob("),
    ("search index=main | stats sum(eval(frob(x)))", "eval function 'frob' is unknown", "frob("),
    ("search index=main | fields frob=1", "'fields' has no option 'frob'", "frob"),
    ("search index=main | lookup t a frob=1", "'lookup' has no option 'frob'", "frob"),
    ("search index=main | `frob`", "'frob'", "`frob`"),
]


def refused(service: splunklib.client.Service, search: str) -> str:
    with pytest.raises(HTTPError) as caught:
        service.post("search/v2/jobs", search=search, output_mode="json")
    assert caught.value.status == 400
    found: dict[str, Any] = json.loads(caught.value.body)["messages"][0]
    assert found["type"] == "FATAL"
    return str(found["text"])


@pytest.mark.parametrize(("search", "message", "place"), UNKNOWN)
def test_what_is_unknown_is_named_with_its_position(
    service: splunklib.client.Service, search: str, message: str, place: str
) -> None:
    text = refused(service, search)
    assert message in text
    assert text.endswith(f"(at position {search.index(place)})")


def test_every_command_refuses_an_option_that_it_does_not_have(
    service: splunklib.client.Service,
) -> None:
    for name in sorted(COMMANDS.keys() - ANY_NAME):
        first = COMMANDS[name].generating
        for form in ("frob=1 {}", "{} frob=1"):
            command = f"| {name} {form.format(ARGUMENTS.get(name, ''))}"
            search = command if first else f"search index=main {command}"
            text = refused(service, search)
            assert "'frob'" in text, search
            assert text.endswith(f"(at position {search.index('frob')})"), (search, text)


def test_the_commands_without_options_take_a_name_and_an_equals_sign() -> None:
    for name, search in {
        "eval": "index=main | eval frob=1",
        "head": "index=main | head frob=1",
        "regex": "index=main | regex frob=x",
        "rest": "| rest /services/x frob=1",
        "where": "index=main | where frob=1",
    }.items():
        assert parse(search).commands[-1].name == name

"""Search-time fields, in Splunk's order of operations.

https://help.splunk.com/en/splunk-enterprise/knowledge-manager/9.4/get-started-with-knowledge-objects/the-sequence-of-search-time-operations
"""

from __future__ import annotations

from typing import Any

import pytest

from tests.contract.spl.memory import MemoryContext, MemoryTable, event
from tools.splunkd_lite.spl import SplError, run


def fields(raw: str, app: dict[str, str] | None = None, search: str = "*", **more: Any) -> Any:
    transforms = more.pop("transforms", {})
    tables = more.pop("tables", {})
    confs = {"props": {"app": app or {}, **more.pop("props", {})}, "transforms": transforms}
    rows = run(search, MemoryContext([event(raw, **more)], confs=confs, tables=tables)).rows
    return rows[0] if rows else None


def test_pairs_are_found_and_the_first_of_a_key_wins() -> None:
    row = fields('a=1 b="two words" c=x,d=y e="say \\"hi\\"" a=2 f-g=3 _h=4')
    assert {k: row[k] for k in "abcde"} == {
        "a": "1", "b": "two words", "c": "x", "d": "y", "e": 'say "hi"',
    }  # fmt: skip
    assert row["f_g"] == "3"
    assert row["h"] == "4"


@pytest.mark.parametrize("field", ["a", "b", "c", "d", "e", "f_g", "h"])
def test_a_needed_field_alone_has_the_same_value_as_with_all(field: str) -> None:
    raw = 'a=1 b="two words" c=x,d=y e="say \\"hi\\"" a=2 f-g=3 _h=4'
    alone = fields(raw, search=f"* | stats values({field}) AS v")
    assert alone["v"] == fields(raw)[field]


def test_json_events_give_paths() -> None:
    raw = '{"user": {"name": "bo", "ids": [1, 2]}, "ok": true, "none": null}'
    for props in ({}, {"KV_MODE": "json"}):
        row = fields(raw, props)
        assert row["user.name"] == "bo"
        assert row["user.ids{}"] == ["1", "2"]
        assert row["ok"] == "true"


LONG = "x" * 5000


@pytest.mark.parametrize(
    ("raw", "found"),
    [
        ('{"a":1,"b":{"c":[2,3],"d":"LONG"},"e":5}', {"a": "1", "b.c{}": ["2", "3"]}),
        ('{"a":1,"b":"SHORT","e":5}', {"a": "1", "b": "x" * 4900, "e": "5"}),
        ('{"a":"say \\"hi, you\\"","b":[],"c":[{"d":1},{"d":2,"e":"LONG"}]}',
         {"a": 'say "hi, you"', "c{}.d": ["1", "2"]}),
        ('{"b":"LONG","e":5}', {}),
    ],
)  # fmt: skip
@pytest.mark.parametrize("search", ["*", "* | fields _raw | spath"])
def test_json_gives_the_fields_that_stand_whole_in_its_first_5000_characters(
    raw: str, found: dict[str, Any], search: str
) -> None:
    """limits.conf.spec, [spath] extraction_cutoff."""
    row = fields(raw.replace("LONG", LONG).replace("SHORT", "x" * 4900), search=search)
    names = ("a", "b", "e", "b.c{}", "b.d", "c{}.d", "c{}.e")
    assert {name: row[name] for name in names if row.get(name) is not None} == found


def test_a_path_is_followed_through_all_of_the_json() -> None:
    raw = '{"b":"LONG","e":5}'.replace("LONG", LONG)
    assert fields(raw, search="* | spath e")["e"] == "5"


def test_pairs_are_searched_for_in_the_first_10_240_characters() -> None:
    """limits.conf.spec, [kv] maxchars."""
    row = fields(f"a=1 {'word ' * 2100} b=2")
    assert (row.get("a"), row.get("b")) == ("1", None)


def test_json_values_are_found_through_their_path() -> None:
    assert fields('{"user": {"name": "Bo"}}', search="user.name=bo")["user.name"] == "Bo"
    assert fields('{"user": {"name": "Bo"}}', search="user.name=al") is None


def test_kv_mode_none_extracts_nothing() -> None:
    assert "a" not in fields("a=1", {"KV_MODE": "none"})


def test_extract_uses_named_groups_and_may_read_another_field() -> None:
    props = {
        "EXTRACT-a": r"^(?<verb>\w+) (?<path>\S+)",
        "EXTRACT-b": r"/(?<item>\d+)$ in path",
    }
    row = fields("GET /cart/17 fast", props)
    assert (row["verb"], row["path"], row["item"]) == ("GET", "/cart/17", "17")


def test_report_with_format_and_with_delimiters() -> None:
    transforms = {
        "pairs": {"REGEX": r"(\w+):(\w+)", "FORMAT": "$1::$2"},
        "cells": {"DELIMS": '","', "FIELDS": "x, y, z"},
        "many": {"REGEX": r"#(?<tagged>\w+)", "MV_ADD": "true"},
    }
    assert fields("a:1 b:2", {"REPORT-p": "pairs"}, transforms=transforms)["b"] == "2"
    row = fields('1,"2,5",3', {"REPORT-c": "cells", "KV_MODE": "none"}, transforms=transforms)
    assert (row["x"], row["y"], row["z"]) == ("1", "2,5", "3")
    assert fields("#p #q", {"REPORT-m": "many"}, transforms=transforms)["tagged"] == ["p", "q"]


def test_alias_then_calculated_then_lookup() -> None:
    props = {
        "FIELDALIAS-s": "status AS code",
        "EVAL-class": 'if(code>=500, "server", "other")',
        "EVAL-blind": "class",
        "LOOKUP-team": "teams class OUTPUT team",
    }
    tables = {"teams": MemoryTable([{"class": "server", "team": "core"}])}
    row = fields("status=503", props, tables=tables)
    assert (row["code"], row["class"], row["team"]) == ("503", "server", "core")
    assert "blind" not in row  # calculated fields do not see each other


@pytest.mark.parametrize("search", ["code=503", "class=server", "team=core", "code>500"])
def test_derived_fields_can_be_searched(search: str) -> None:
    props = {
        "FIELDALIAS-s": "status AS code",
        "EVAL-class": 'if(code>=500, "server", "other")',
        "LOOKUP-team": "teams class OUTPUT team",
    }
    tables = {"teams": MemoryTable([{"class": "server", "team": "core"}])}
    assert fields("status=503", props, search, tables=tables) is not None
    assert fields("status=200", props, search, tables=tables) is None


def test_source_wins_over_source_type() -> None:
    more = {"source::...app.log": {"EVAL-x": '"source"'}}
    assert fields("a=1", {"EVAL-x": '"sourcetype"'}, props=more)["x"] == "source"


def test_default_date_fields_follow_the_time() -> None:
    row = fields("a=1", search="* | stats count BY date_hour date_wday")
    assert row == {"date_hour": "22", "date_wday": "tuesday", "count": "1"}


@pytest.mark.parametrize(
    ("props", "message"),
    [
        ({"EXTRACT-a": "("}, "EXTRACT-a"),
        ({"EVAL-a": "frob(1)"}, "EVAL-a"),
        ({"REPORT-a": "missing"}, "'missing' has no stanza"),
        ({"KV_MODE": "multi"}, "KV_MODE = multi is not supported"),
    ],
)
def test_a_wrong_setting_is_named(props: dict[str, str], message: str) -> None:
    with pytest.raises(SplError, match=message):
        fields("a=1", props)

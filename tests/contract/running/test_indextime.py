"""What props.conf and transforms.conf do to events before they are stored.

Sources: props.conf.spec and transforms.conf.spec 10.0 (help.splunk.com, Admin Manual 10.0,
"props.conf", "transforms.conf"); "Anonymize data", "Route and filter data".
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from splunklib.binding import HTTPError

from tests.contract.core.conftest import write_app
from tests.contract.running.fakes import NOON
from tests.standin import StandIn, start_standin
from tools.splunkd_lite.clock import ManualClock
from tools.splunkd_lite.inputs.breaking import break_events, text_of_span
from tools.splunkd_lite.inputs.props import Props
from tools.splunkd_lite.inputs.sed import sed_script
from tools.splunkd_lite.runners.errors import RunnerError

FILES = {
    "default/app.conf": "[ui]\nlabel = Shop\n",
    "metadata/default.meta": "[]\naccess = read : [ * ], write : [ admin ]\nexport = system\n",
    "default/indexes.conf": "[shop]\n[other]\n",
    "default/props.conf": r"""
[card]
SHOULD_LINEMERGE = false
SEDCMD-b = s/card=\d{12}(\d{4})/card=xxxx\1/g
SEDCMD-a = y/abc/xyz/

[routed]
SHOULD_LINEMERGE = false
TRANSFORMS-1 = drop_debug, keep_debug_of_pay
TRANSFORMS-2 = to_other, host_of_text, type_of_text, level

[all]
SHOULD_LINEMERGE = false
TRANSFORMS-0 = everything_to_null, errors_back

[lost]
SHOULD_LINEMERGE = false
TRANSFORMS-x = to_nowhere

[source::/var/log/special.log]
TRANSFORMS-s = source_of_text

[json]
INDEXED_EXTRACTIONS = json
TIMESTAMP_FIELDS = meta.at
TIME_FORMAT = %Y-%m-%dT%H:%M:%SZ

[csvs]
INDEXED_EXTRACTIONS = csv

[odd]
TRANSFORMS-x = cloning
""",
    "default/transforms.conf": r"""
[drop_debug]
REGEX = DEBUG
DEST_KEY = queue
FORMAT = nullQueue

[keep_debug_of_pay]
REGEX = DEBUG.*pay
DEST_KEY = queue
FORMAT = indexQueue

[everything_to_null]
REGEX = .
DEST_KEY = queue
FORMAT = nullQueue

[errors_back]
REGEX = ERROR
DEST_KEY = queue
FORMAT = indexQueue

[to_other]
REGEX = team=(other)
DEST_KEY = _MetaData:Index
FORMAT = $1

[to_nowhere]
REGEX = .
DEST_KEY = _MetaData:Index
FORMAT = nowhere

[host_of_text]
REGEX = on=(\S+)
DEST_KEY = MetaData:Host
FORMAT = host::$1

[type_of_text]
SOURCE_KEY = MetaData:Host
REGEX = host::(db)\d+
DEST_KEY = MetaData:Sourcetype
FORMAT = sourcetype::$1_log

[source_of_text]
REGEX = ^(\w+)
DEST_KEY = MetaData:Source
FORMAT = source::$0/$1

[level]
REGEX = (level|code)=(\w+)
FORMAT = $1::$2
WRITE_META = true
REPEAT_MATCH = true

[cloning]
REGEX = .
CLONE_SOURCETYPE = copy
""",
}


@pytest.fixture
def standin(tmp_path: Path) -> Iterator[StandIn]:
    app = write_app(tmp_path / "source" / "shop", FILES)
    with start_standin(tmp_path, [app], clock=ManualClock(NOON), https=False) as running:
        yield running


def receive(standin: StandIn, text: str, sourcetype: str, **more: str) -> None:
    standin.service().post(
        "receivers/simple", headers=[("Content-Type", "text/plain")], body=text,
        index="shop", sourcetype=sourcetype, host="web1", **more,
    )  # fmt: skip


def stored(standin: StandIn, fields: str, where: str = "index=*") -> list[dict[str, Any]]:
    return list(reversed(standin.search(f"search {where} | table {fields}")))


def test_sed_commands_edit_the_text_in_the_order_of_their_classes(standin: StandIn) -> None:
    receive(standin, "cab card=1111222233334444\n", "card")
    # The class a comes first, and makes zxrd= of card=, which b no longer finds.
    assert stored(standin, "_raw") == [{"_raw": "zxy zxrd=1111222233334444"}]


@pytest.mark.parametrize(
    ("script", "text", "edited"),
    [
        (r"s/card=\d{12}(\d{4})/card=xxxx\1/g", "card=1111222233334444", "card=xxxx4444"),
        ("s/a/b/", "aaa", "baa"),
        ("s/a/b/g", "aaa", "bbb"),
        ("s/a/b/2", "aaa", "aba"),
        ("s#/var#/mnt#g", "/var/var", "/mnt/mnt"),
        (r"s/a\/b/c/", "a/b", "c"),
        ("s/a/b/g s/b/c/", "aa", "cb"),
        ("y/abc/xyz/", "aabbcc", "xxyyzz"),
        (r"s/(\w+) (\w+)/\2 \1/", "one two", "two one"),
        (r"s/x*$//", "abxx", "ab"),
    ],
)
def test_a_sed_script_edits_as_sed_does(script: str, text: str, edited: str) -> None:
    assert sed_script(script)(text) == edited


@pytest.mark.parametrize("script", ["s/a/b", "d/a/", "s/(/b/", "s/a/b/q", "y/ab/c/", "s"])
def test_a_malformed_sed_script_is_named(script: str) -> None:
    with pytest.raises(RunnerError, match="sed script"):
        sed_script(script)


def test_events_are_dropped_kept_and_sent_to_another_index(standin: StandIn) -> None:
    lines = ["DEBUG one", "DEBUG pay two", "INFO three", "INFO team=other four"]
    receive(standin, "\n".join(lines), "routed")
    found = {(row["_raw"], row["index"]) for row in stored(standin, "_raw index")}
    assert found == {
        ("DEBUG pay two", "shop"), ("INFO three", "shop"), ("INFO team=other four", "other"),
    }  # fmt: skip


def test_all_but_some_events_are_dropped(standin: StandIn) -> None:
    receive(standin, "INFO a\nERROR b\nINFO c\n", "all")
    assert stored(standin, "_raw") == [{"_raw": "ERROR b"}]


def test_metadata_is_made_of_the_text_and_of_other_metadata(standin: StandIn) -> None:
    receive(standin, "x on=db7\n", "routed")
    assert stored(standin, "host sourcetype") == [{"host": "db7", "sourcetype": "db_log"}]


def test_the_destination_s_own_value_is_dollar_zero(standin: StandIn) -> None:
    receive(standin, "word and more\n", "plain", source="/var/log/special.log")
    assert stored(standin, "source") == [{"source": "source::/var/log/special.log/word"}]


def test_fields_are_indexed_each_value_of_them(standin: StandIn) -> None:
    receive(standin, "level=warn code=5 code=6\n", "routed")
    rows = standin.search("| tstats count where index=shop by level")
    assert rows == [{"level": "warn", "count": "1"}]
    assert standin.search("search index=shop code::6 | stats count")[0]["count"] == "1"


def test_an_event_for_an_index_that_does_not_exist_is_dropped_with_a_message(
    standin: StandIn,
) -> None:
    receive(standin, "gone\n", "lost")
    assert stored(standin, "_raw") == []
    [message] = standin.service().messages.list()
    assert "'nowhere', which does not exist" in message.content[message.name]


@pytest.mark.parametrize(
    ("sourcetype", "says"), [("csvs", "INDEXED_EXTRACTIONS = csv"), ("odd", "CLONE_SOURCETYPE")]
)
def test_what_is_not_done_here_is_refused_by_name(
    standin: StandIn, sourcetype: str, says: str
) -> None:
    with pytest.raises(HTTPError, match=says):
        receive(standin, "x\n", sourcetype)
    assert stored(standin, "_raw") == []


def test_each_json_object_is_an_event_with_its_fields_indexed_and_its_own_time(
    standin: StandIn,
) -> None:
    first = {"meta": {"at": "2026-01-01T11:00:00Z"}, "user": {"name": "Ünal"}, "tags": ["a", "b"]}
    second = {"meta": {"at": "2026-01-01T11:30:00Z"}, "host": "other", "text": 'a "}" brace'}
    receive(standin, json.dumps(first, indent=2) + "\n" + json.dumps(second), "json")
    assert [row["_time"] for row in standin.search("search index=shop | table _time")] != []
    rows = standin.search("search index=shop | sort 0 _time | table _time _raw host")
    assert [json.loads(row["_raw"]) for row in rows] == [first, second]
    assert [float(row["_time"]) for row in rows] == [NOON - 3600, NOON - 1800]
    assert {row["host"] for row in rows} == {"web1"}
    by_name = standin.search('| tstats count where index=shop by "user.name"')
    assert by_name == [{"user.name": "Ünal", "count": "1"}]
    by_tag = standin.search('| tstats count where index=shop by "tags{}"')
    assert [row["tags{}"] for row in by_tag] == ["a", "b"]
    assert standin.search("search index=shop extracted_host::other | stats count")[0][
        "count"
    ] == "1"  # fmt: skip


def test_an_unfinished_object_waits_for_its_end() -> None:
    props = Props(json=True)
    data = b'{"a": {"b": "}"}}\n{"c": [1,\n'
    [span] = break_events(data, props, final=False)
    assert text_of_span(data, span, props) == '{"a": {"b": "}"}}'
    rest = data[span.next :] + b' 2]}\nno object\n{"d"'
    spans = break_events(rest, props, final=False)
    assert [text_of_span(rest, s, props) for s in spans] == ['{"c": [1,\n 2]}', "no object"]
    at_end = break_events(rest[spans[-1].next :], props, final=True)
    assert [text_of_span(rest[spans[-1].next :], s, props) for s in at_end] == ['{"d"']


def test_a_stream_is_received_like_a_simple_request_and_answers_nothing(standin: StandIn) -> None:
    """ "Input endpoints" in the REST API Reference, receivers/stream."""
    answer = standin.service().post(
        "receivers/stream", headers=[("Content-Type", "text/plain")], body="DEBUG a\nINFO b\n",
        index="shop", sourcetype="routed",
    )  # fmt: skip
    assert (answer.status, answer.body.read()) == (204, b"")
    assert stored(standin, "_raw") == [{"_raw": "INFO b"}]


@pytest.mark.parametrize("path", ["receivers/simple", "receivers/stream"])
def test_data_for_an_index_that_does_not_exist_or_without_the_right_is_refused(
    standin: StandIn, path: str
) -> None:
    standin.add_user("ulla", "user")
    raw = {"headers": [("Content-Type", "text/plain")], "body": "x"}
    with pytest.raises(HTTPError, match=r"HTTP 400.*nowhere"):
        standin.service().post(path, index="nowhere", **raw)
    with pytest.raises(HTTPError, match=r"HTTP 403.*edit_tcp"):
        standin.service("ulla").post(path, index="shop", **raw)

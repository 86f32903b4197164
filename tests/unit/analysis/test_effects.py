from __future__ import annotations

import json
import time

import pytest

from incident_management.analysis.causes.effects import effects_of, harmless_reason
from incident_management.analysis.changes import Change


def _change(**document):
    document = {"change_id": "c", **document}
    return Change.from_row({"_raw": json.dumps(document), "event_time": "1.0"})


@pytest.mark.parametrize(
    ("diff", "effect"),
    [
        ("-  pool_size: 10\n+  pool_size: 1", "room_lowered"),
        ("-timeout = 5 * time.Second\n+timeout = 300 * time.Millisecond", "room_lowered"),
        (
            "-WithTimeout(ctx, 5*time.Second)\n+WithTimeout(ctx, 300*time.Millisecond)",
            "room_lowered",
        ),
        ("-max_connections = 20\n+max_connections = 40", "room_raised"),
        ("-sample_rate: 0.1\n+sample_rate: 1.0", "volume_raised"),
        ("-level: info\n+level: debug", "verbose_logging"),
        ("-l.mu.Lock()\n-defer l.mu.Unlock()\n l.n++", "lock_removed"),
        ("-ORDER BY score LIMIT 50\n+ORDER BY score", "limit_removed"),
        ("-time.Sleep(backoff << i)", "retry_removed"),
        ("-defer rows.Close()", "release_removed"),
        ("-if user is None:\n-    return", "guard_removed"),
        ("+ALTER TABLE users DROP COLUMN email", "schema_changed"),
        ("-for x in xs: add(x)\n+for x in xs:\n+    y = db.get_item(x)", "call_in_loop"),
        ("-host: db-1\n+host: db-2", "endpoint_changed"),
    ],
)
def test_an_effect_is_read_off_the_diff(diff, effect):
    assert effect in [e.name for e in effects_of(_change(diff=diff))]


def test_code_that_is_only_moved_has_no_effect():
    diff = "-a.Lock()\n-b := load(c, 10)\n+func f() {\n+a.Lock()\n+b := load(c, 10)\n+}"
    assert effects_of(_change(diff=diff)) == []


def test_settings_before_and_after_are_a_difference_too():
    for document in (
        {"changes": {"pool_size": {"from": 10, "to": 1}}},
        {"changes": {"pool_size": [10, 1]}},
        {"changes": [{"key": "pool_size", "old": 10, "new": 1}]},
        {"before": {"pool_size": 10}, "after": {"pool_size": 1}},
        {"summary": "pool_size 10 -> 1"},
    ):
        found = effects_of(_change(**document))
        assert [e.name for e in found] == ["room_lowered"], document


@pytest.mark.parametrize(
    ("document", "reason"),
    [
        ({"diff": "-a\n+b", "files": ["docs/x.md", "pkg/y_test.go"]}, "documentation"),
        ({"diff": "-a\n+b", "files": ["static/a.css"]}, "look of pages"),
        ({"diff": "-# old\n+# new"}, "comments"),
        ({"diff": '-log.info("a")\n+logger.info("b")'}, "log lines"),
        ({"diff": "-lib v1.2.3\n+lib v1.2.4", "files": ["go.mod"]}, "same major versions"),
        ({"diff": "-flask==2.1\n+flask==3.0", "files": ["requirements.txt"]}, ""),
        ({"diff": "-ruff==0.4.1\n+ruff==0.5.0", "files": ["requirements/main.txt"]}, ""),
        ({"diff": "-ruff==0.4.1\n+ruff==0.4.2", "files": ["requirements.txt"]}, "same major"),
        ({"summary": "docs: say more"}, "documentation"),
        ({"diff": "-x = 1\n+x = 2"}, ""),
        ({"diff": "-lib v1.2.3\n+lib v2.0.0", "files": ["go.mod"]}, ""),
        ({"summary": "deploy 7"}, ""),
    ],
)
def test_what_can_not_alter_what_runs_is_called_harmless(document, reason):
    found = harmless_reason(_change(**document))
    assert reason in found and bool(found) is bool(reason)


def test_a_change_event_that_is_not_json_is_read_by_its_fields():
    row = {"_raw": "deploy shop 7", "event_time": "5", "change_id": "d7", "service": "shop",
           "version": "7", "kind": "Deploy"}  # fmt: skip
    change = Change.from_row(row)
    assert (change.change_id, change.service, change.kind) == ("d7", "shop", "deploy")
    assert not change.has_diff()


def test_a_change_event_nested_without_end_is_survived():
    deep = '{"change_id": "c", "changes": ' + '{"a": ' * 50_000
    assert not Change.from_row({"_raw": deep, "event_time": "1"}).has_diff()
    closed = '{"before": ' + '{"a": ' * 200 + "1" + "}" * 201
    assert not Change.from_row({"_raw": closed, "event_time": "1"}).has_diff()


@pytest.mark.parametrize("word", ["minified", "a.", "a1"])
def test_a_diff_of_long_words_is_read_at_once(word):
    """Generated code, say: a name was looked for from each letter of a word on."""
    line = (word * 1000)[:990]
    begun = time.process_time()
    effects_of(_change(diff="\n".join([f"-{line}", f"+{line}b"] * 20)))
    assert time.process_time() - begun < 1.0

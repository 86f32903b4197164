"""Which events tell of a change, and which only hold words that splunkd extracts as one."""

from __future__ import annotations

import json
import time

import pytest

from incident_management.analysis.causes.effects import effects_of, harmless_reason
from incident_management.analysis.changes import Change
from tests.unit.analysis.made_up import MadeUp, calm, deploy, fail
from tests.unit.analysis.scenario import START

PAIRS = "change_id=chg-9 kind=deploy service=payments summary=new"
TOLD = json.dumps({"change_id": "chg-9", "kind": "deploy", "service": "payments"})


def _change(raw):
    fields = {"change_id": "chg-9", "kind": "deploy", "service": "payments"}
    return Change.from_row({"_raw": raw, "event_time": "1700000000.0", **fields})


@pytest.mark.parametrize(
    "raw",
    [
        TOLD,
        f"Nov 14 22:13:20 ci-1 deployer[412]: {TOLD}",
        f"2023-11-14T22:13:20.000Z {TOLD}",
        f"2023-11-14 22:13:20 {PAIRS}",
        f'2023-11-14 22:13:20 actor="ann lee" env=prod, {PAIRS}',
        '{"sha": "chg-9", "repository": "payments"}',
        "chg-9,deploy,payments",
    ],
)
def test_an_event_of_its_own_is_a_change(raw):
    assert _change(raw).is_change_event()


@pytest.mark.parametrize(
    "raw",
    [
        f'10.0.0.9 - - [14/Nov/2023:22:13:20 +0000] "GET /?{PAIRS.replace(" ", "&")} HTTP/1.1" 404',
        f"2023-11-14T22:13:20Z ERROR login failed for user {PAIRS}",
        f"2023-11-14T22:13:20Z level=error msg=bad {PAIRS}",
        f"2023-11-14T22:13:20Z level=info {PAIRS}",
        f"2023-11-14T22:13:20Z INFO body {TOLD}",
        json.dumps({"level": "error", "msg": f"no such user {PAIRS}"}),
        json.dumps({"level": "error", "body": TOLD}),
        json.dumps({"request": {"change_id": "chg-9"}}),
        f"search for {'x' * 5000} {PAIRS}",
    ],
)
def test_words_within_another_text_are_none(raw):
    assert not _change(raw).is_change_event()


def test_a_log_line_that_imitates_a_deploy_shifts_no_blame():
    """A name typed into a login form: splunkd extracts the pairs from the line that logs it."""
    errors = fail("orders", "ERROR panic: nil pointer dereference in Cart.Total")
    raw = "2023-11-14T22:13:10Z WARN unknown user change_id=chg-9 kind=deploy service=orders"
    fields = {"change_id": "chg-9", "kind": "deploy", "service": "orders"}
    planted = {"time": START + 10, "raw": raw, **fields}
    real = deploy(-700, "orders", "chg-real")
    answer, found = MadeUp("", (), [*calm("orders"), *errors], [planted, real]).solve()
    assert answer == "chg-real" and len(found) == 1


def test_a_line_of_many_pairs_is_judged_at_once():
    """Of pairs that commas follow, each way to read each comma was tried: twice as long a pair."""
    begun = time.process_time()
    assert not _change("user=ann, " * 24 + "said change_id=chg-9").is_change_event()
    assert time.process_time() - begun < 0.5


@pytest.mark.parametrize("part", ["rotate.", "endpoint_", "a", ".", "A_", "license", "from 1 to "])
@pytest.mark.parametrize("field", ["diff", "summary", "files", "before"])
def test_a_hostile_change_is_judged_in_seconds(field, part):
    """Settings, unlike a diff in one text, were read whole: an event of a megabyte took minutes."""
    text = part * (999 // len(part))
    many = {f"setting {place}": {"from": text, "to": f"{text}1"} for place in range(1000)}
    values = {
        "diff": many,
        "summary": text * 1000,
        "files": [text * 5] * 200,
        "before": dict.fromkeys(many, text),
    }
    change = _change(json.dumps({"change_id": "chg-9", "kind": "deploy", field: values[field]}))
    begun = time.process_time()
    effects_of(change)
    harmless_reason(change)
    assert time.process_time() - begun < 8.0
    assert sum(map(len, (*change.removed, *change.files, change.summary))) < 25_000


def test_of_settings_beyond_the_bound_what_differs_is_read_and_nothing_else():
    before = {f"pool{n:04}": 10 for n in range(3000)}
    after = {**before, "pool0000": "x" * 900, "pool2999": 1}
    row = {"_raw": json.dumps({"change_id": "1", "before": before, "after": after})}
    change = Change.from_row(row)
    assert change.removed == ["pool0000: 10", "pool2999: 10"]
    assert change.added == [f"pool0000: {'x' * 900}", "pool2999: 1"]

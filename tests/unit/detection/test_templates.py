from __future__ import annotations

import json
import random
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from incident_management.detection.templates.miner import TemplateMiner, message_of, template_id

LINES = [
    "2026-01-01 10:00:00,123 INFO user=bob id:7 logged in",
    "2026-01-01 10:00:05,456 INFO user=alice id:9 logged in",
    "2026-01-01 10:00:06,001 INFO user=carol id:11 logged in",
    "2026-01-01 10:00:07,001 ERROR disk /dev/sda1 is 91% full",
]


def _learned(lines):
    miner = TemplateMiner()
    for line in lines:
        miner.learn(line)
    return [miner.learn(line) for line in lines]


def test_lines_that_differ_in_values_share_a_template():
    found = _learned(LINES)
    assert {m.template for m in found} == {
        "user=<*> id:<*> logged in",
        "disk <*> is <*> full",
    }
    assert found[0].variables == ["bob", "7"]
    assert found[3].variables == ["/dev/sda1", "91%"]


def test_an_id_is_a_hash_of_the_template_and_so_the_same_everywhere():
    for match in _learned(LINES):
        assert match.template_id == template_id(match.template)
    assert template_id("user=<*> id:<*> logged in") == "4534e6956d13"


def test_the_order_of_the_lines_does_not_change_the_templates():
    shuffled = LINES[:]
    random.Random(3).shuffle(shuffled)
    assert {m.template_id for m in _learned(shuffled)} == {m.template_id for m in _learned(LINES)}


def test_lines_of_other_kinds_are_not_merged():
    found = _learned(["connection opened", "connection closed", "cache warmed up in 3 ms"])
    assert len({m.template for m in found}) >= 2


def test_a_json_line_is_mined_by_its_message():
    line = json.dumps({"time": "x", "level": "WARN", "msg": "took 12ms", "user": {"id": 1}})
    assert TemplateMiner().learn(line).template == "took <*>"
    assert message_of('{"log": {"message": "inner"}}') == "inner"


def test_a_stack_trace_is_its_first_line_and_its_exception():
    trace = (
        'Request failed\nTraceback (most recent call last):\n  File "a.py", line 3\nKeyError: 42'
    )
    assert TemplateMiner().learn(trace).template == "Request failed KeyError: <*>"


def test_broken_json_is_text():
    assert message_of('{"msg": "cut of') == '{"msg": "cut of'


def test_json_nested_without_end_is_survived():
    deep = '{"msg": ' * 50_000
    assert message_of(deep).startswith('{"msg": ')
    closed = '{"msg": ' * 100 + '"x"' + "}" * 100
    assert TemplateMiner().learn(closed).template


def test_memory_is_bounded():
    miner = TemplateMiner(max_templates=100)
    words = ["alpha", "beta", "gamma", "delta", "eps", "zeta", "eta", "theta", "iota", "kappa"]
    for a in words:
        for b in words:
            for c in words:
                miner.learn(f"{a}{b}x {b}{c}x {c}{a}x")
    assert len(miner) <= 100


def test_a_very_long_line_is_cut():
    match = TemplateMiner().learn("word " * 10_000)
    assert len(match.template) < 500


@given(st.text(max_size=200))
def test_any_text_has_a_template_and_the_same_one_again(text):
    miner = TemplateMiner()
    assert miner.learn(text).template_id == miner.learn(text).template_id


@pytest.mark.parametrize(
    "line",
    [
        "a<*>," * 1200,
        "[" * 5000,
        "1,2 =a{" * 700,
        "/" + "a" * 3000 + "!",
        "a/" * 2000 + "!",
        "1." * 4000 + "é",
        "x" * 99_999,
    ],
)
def test_a_line_made_to_be_slow_is_not(line):
    started = time.process_time()
    TemplateMiner().learn(line)
    assert time.process_time() - started < 0.5


@pytest.mark.parametrize("words", [("alpha", "beta"), ("n=7 Name", "n=7 Other"), ("Ab", "Cd")])
def test_lines_that_share_much_of_what_they_say_cost_no_more_than_a_batch_may(words):
    """Each was compared with a hundred others, word by word: 20 ms a line, whoever wrote it."""
    chosen = random.Random(1)
    lines = [" ".join(chosen.choice(words) for _ in range(60)) for _ in range(1000)]
    honest = [f"session of {name} closed by the server" for name in ("ann", "bob", "cleo")]
    miner = TemplateMiner()
    started = time.process_time()
    found = miner.templates_of([*honest, *lines])
    assert time.process_time() - started < 4
    assert {template.text for template in found[:3]} == {"session of <*> closed by the server"}
    # what was not compared stays a template of its own, and is found again
    assert miner.templates_of(lines) == found[3:]


def test_a_line_of_many_brackets_is_learned_as_any_other():
    """An escaped quote between them made one deep word of it, which ended the whole command."""
    found = _learned(['[(a^\\"' + '(a^\\"' * 20_000, "job 7 done"])
    assert [m.template for m in found][1] == "job <*> done"

"""What somebody writes into a search or its macros keeps nobody who looks into it for long."""

from __future__ import annotations

import contextlib
import time

import pytest

from incident_management.detection.read_only import NotReadOnly, check_read_only, plain_text


@pytest.mark.parametrize("spl", ["`m0`", "`m0` `m0` | stats count"])
def test_macros_that_call_two_others_each_are_given_up(spl):
    asked = []

    def macro(name):
        asked.append(name)
        following = int(name[1:]) + 1
        return {"definition": f"`m{following}` `m{following}`" if following < 18 else "error"}

    begun = time.process_time()
    with pytest.raises(NotReadOnly, match="more than 200 times"):
        plain_text(spl, macro)
    assert time.process_time() - begun < 1.0
    assert len(asked) < 20, "each is read once"


def test_a_macro_that_multiplies_its_argument_is_given_up():
    macros = {"m(1)": {"args": "a", "definition": "$a$" * 10_000}}
    with pytest.raises(NotReadOnly, match="longer than 50000 characters"):
        plain_text(f"`m({'x' * 10_000})`", macros.get)


@pytest.mark.parametrize(
    "part",
    ["anomalyscore ", "anomalyscore{", "state ", '"', '\\"', "`", "`a ", "| ", "[", " ", "a"],
)
@pytest.mark.parametrize("begin", ["", "`a", "| anomalyscore x", "index=main"])
def test_a_hostile_text_is_looked_into_at_once(begin, part):
    text = begin + (part * 40_000)[:40_000] + "\0"
    for spl in (text, f"{text}`"):
        begun = time.process_time()
        with contextlib.suppress(NotReadOnly):
            check_read_only(spl, {"a": {"definition": "error"}}.get)
        assert time.process_time() - begun < 3.0


@pytest.mark.parametrize(
    ("spl", "learns"),
    [
        ("index=main | anomalyscore count state=orders", True),
        ("index=main | append [search x | ANOMALYSCORE count\n state = orders]", True),
        ("index=main | anomalyscore count | eval state=1", False),
        ("index=main | eval anomalyscore=1, state=2", False),
        ("`learning`", True),
    ],
)
def test_what_keeps_what_it_learns_is_no_reading(spl, learns):
    macro = {"learning": {"definition": "index=main | anomalyscore count state=orders"}}.get
    if not learns:
        check_read_only(spl, macro)
        return
    with pytest.raises(NotReadOnly, match="saves what it learns"):
        check_read_only(spl, macro)

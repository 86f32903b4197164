"""Two templates that are one statement by how likely a text stands where they differ."""

from __future__ import annotations

import pytest

from incident_management.detection.templates.group import Effort, Template
from incident_management.detection.templates.miner import TemplateMiner
from incident_management.detection.templates.similarity import MAX_COMPARED, Alike


def _template(text, fixed=False):
    words = tuple(text.split())
    return Template(words, words, fixed)


def _as_one(one, other, fixed=False):
    """Return the text of two templates as one, "" where they are two statements."""
    alike = Alike()
    alike.add(_template(one, fixed))
    pairs = alike.pairs([_template(other)], Effort(1000))
    return " ".join(pairs[0].keys) if pairs else ""


@pytest.mark.parametrize(
    ("one", "other", "both"),
    [
        # two reasons, with much told before them
        (
            "name of host <*> could not be found: Try again",
            "name of host <*> could not be found: No such host is known",
            "name of host <*> could not be found: <*>",
        ),
        # within the brackets and marks that both have
        (
            "call of page <*> gave error [no session is open] and its cause",
            "call of page <*> gave error [out of memory] and its cause",
            "call of page <*> gave error [<*>] and its cause",
        ),
        # a value and a name that is none by its form, with other punctuation
        ("nodes on rack cn[<*>] do not answer", "nodes on rack <*> do not answer", None),
        # a state in capitals
        (
            "peer of ring <*> is now UP",
            "peer of ring <*> is now DOWN",
            "peer of ring <*> is now <*>",
        ),
        (
            '"Loop ADD" by="<*>" of=<*>',
            '"Loop REMOVE" by="<*>" of=<*>',
            '"Loop <*>" by="<*>" of=<*>',
        ),
        # names of several words
        (
            "badge of tile Visual Studio Code set",
            "badge of tile Mail set",
            "badge of tile <*> set",
        ),
        # a value that only one has
        ("found a loop for request: <*>", "found a loop for request:", None),
    ],
)
def test_templates_with_much_in_common_are_one_statement(one, other, both):
    found = _as_one(one, other)
    assert found == _as_one(other, one)
    assert "<*>" in found
    assert both is None or found == both


@pytest.mark.parametrize(
    ("one", "other"),
    [
        # too little in common, or nothing before
        ("link <*> Up", "link <*> Down"),
        ("opening of the file <*>", "closing of the file <*>"),
        # what happened
        ("the session of user <*> opened now", "the session of user <*> closed now"),
        ("the link on port <*> is up", "the link on port <*> is down"),
        ("agent: Synced check: check=<*>", "agent: Deregistered check: check=<*>"),
        (
            "took <*> to make the copy on the second disk",
            "took <*> to wipe the copy on the second disk",
        ),
        (
            "state of node <*> is not as expected. Changing power state to '<*>'.",
            "state of node <*> is not as expected. Updating stored state to '<*>'.",
        ),
        # what happened to a thing, at the end
        (
            "level zero commit of table <*>: store <*> done",
            "level zero commit of table <*> started",
        ),
        # a denial
        ("password of user <*> accepted", "password of user <*> not accepted"),
        # a note in brackets, or a field, at the end
        ("peer <*> left port <*>: no answer", "peer <*> left port <*>: no route [early]"),
        ("refused login from host <*>", "refused login from host <*> user=<*>"),
        ('<*> in zone "<*>", server: <*>', '<*> in zone "<*>", server: <*>, referrer: "<*>"'),
        ('in use by zone "<*>", host: "<*>"', 'in use by zone "<*>", host: "<*>", from: "<*>"'),
        (
            "closing link of client <*> (<*> -> <*>):",
            "closing link of client <*> (<*> -> <*>, host: '<*>', user: '<*>'):",
        ),
        # other fields
        (
            "session of user <*> is over: time=<*> host=<*> port=<*>",
            "session of user <*> is over: time=<*> local=<*>",
        ),
        (
            "[BLOCK] IN=<*> SRC=<*> DST=<*> ID=<*> PROTO=TCP SPT=<*> SYN URGP=<*>",
            "[BLOCK] IN=<*> SRC=<*> DST=<*> ID=<*> DF PROTO=TCP SPT=<*> SYN URGP=<*>",
        ),
        (
            "[BLOCK] IN=<*> SRC=<*> DST=<*> ID=<*> DF PROTO=TCP SPT=<*> SYN URGP=<*>",
            "[BLOCK] IN=<*> SRC=<*> DST=<*> ID=<*> PROTO=UDP SPT=<*> LEN=<*>",
        ),
        # what is told of a value
        ("request for <*> from <*> came via <*>", "request for <*> from <*> came via <*>: <*>"),
        # words behind what the other one ends with
        (
            "call of part [<*>] in path [<*>] threw exception",
            "call of part [<*>] in path [<*>] threw exception [<*>] with root cause",
        ),
        # statements of one part of a program
        ("DISK info (device <*>): group <*> gone", "DISK info (device <*>): chunk <*> too small"),
    ],
)
def test_templates_that_say_different_things_stay_two(one, other):
    assert not _as_one(one, other)
    assert not _as_one(other, one)


def test_a_known_template_takes_in_what_it_describes_and_is_never_changed():
    text = "name of host <*> could not be found: <*>"
    line = "name of host <*> could not be found: No such host is known"
    assert _as_one(text, line, fixed=True) == text
    assert not _as_one(line, line.replace("No such", "Some"), fixed=True)


def test_lines_of_later_chunks_belong_to_the_statement_that_was_found():
    miner = TemplateMiner()
    reasons = ["Try again", "No such host is known", "Server is gone", "Not in any zone of ours"]
    lines = [f"name of host 10.0.0.{n} could not be found: {r}" for n, r in enumerate(reasons)]
    first = {t.text for t in miner.templates_of(lines[:2])}
    assert first == {"name of host <*> could not be found: <*>"}
    for line in lines:
        assert {t.text for t in miner.templates_of([line])} == first


def test_a_template_is_compared_with_a_bounded_number_of_others():
    alike = Alike()
    for n in range(3 * MAX_COMPARED):
        alike.add(_template(f"alpha beta {'x' * (n + 1)} gamma"))
    assert len(alike.add(_template("alpha beta y gamma"))) <= 2 * MAX_COMPARED


def test_a_word_that_is_like_a_verb_may_be_a_value_where_the_other_is_none():
    one = "Attempting to get exclusive lock on node <*>"
    other = "Attempting to get shared lock on node <*>"
    assert _as_one(one, other) == "Attempting to get <*> lock on node <*>"

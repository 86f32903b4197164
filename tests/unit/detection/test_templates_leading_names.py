"""Names of any length at the start of a line, told by the statements that are made of them."""

from __future__ import annotations

from incident_management.detection.templates import leading_names
from incident_management.detection.templates.group import Template
from incident_management.detection.templates.leading_names import MAX_COMPARED, SHARED, LeadingNames
from incident_management.detection.templates.miner import TemplateMiner

NAMES = ["firefox", "Web Helper (Renderer)", "svc host"]
STATEMENTS = [
    "tunnel to a.example:443 opened via proxy",
    "tunnel to a.example:443 closed after 3 sec",
    "direct connection to a.example:443 by rule",
]


def _found(lines):
    return {t.text for t in TemplateMiner().templates_of(lines)}


def test_what_the_same_statements_are_made_of_is_a_value():
    lines = [f"{name} ({n}): {s}" for n, name in enumerate(NAMES) for s in STATEMENTS]
    assert len(_found(lines)) == len(STATEMENTS)
    assert all(text.startswith("<*>: ") for text in _found(lines))


def test_what_three_things_tell_in_many_words_is_a_value_and_what_two_tell_is_none():
    parts = ["Source: orders", "Window clicks", "Sink: shop"]
    lines = [f"{part} ({n}/4) went over from a to b" for n, part in enumerate(parts)]
    assert _found(lines) == {"<*> went over from a to b"}
    assert len(_found(lines[:2])) == 2


def test_a_name_may_end_before_an_arrow():
    names = [*NAMES, "chrome.exe *64"]
    lines = [f"{name} -> a.example:443 {told}" for name in names for told in STATEMENTS]
    assert {text.partition(" tunnel")[0] for text in _found(lines)} <= {
        "<*> -> <*>",
        f"<*> -> <*> {STATEMENTS[2].replace('a.example:443', '<*>')}",
    }


def test_lines_of_later_chunks_belong_to_it():
    miner = TemplateMiner()
    for name in NAMES:
        found = miner.templates_of([f"{name} (4): {s}" for s in STATEMENTS])
    again = miner.templates_of([f"{name} (4): {STATEMENTS[0]}" for name in NAMES])
    assert {t.text for t in again} == {found[0].text}


def test_parts_of_a_program_that_share_few_statements_stay_apart():
    few = STATEMENTS[: SHARED - 1]
    lines = [f"{name} (4): {s}" for name in ("alpha daemon", "beta part watcher") for s in few]
    assert len(_found(lines)) == len(lines)


def test_what_happened_is_no_name():
    tails = ["by user of host", "for rule of zone", "with key from store"]
    lines = [f"session {verb} 17 {tail}" for verb in ("opened", "closed") for tail in tails]
    assert len(_found(lines)) == len(lines)


def test_what_happened_is_no_name_before_a_colon_either():
    reasons = ["the user gave up", "no key fits here", "it took too long"]
    names = ["Remote host disconnected", "Local disconnected"]
    lines = [f"{name}: {reason}." for name in names for reason in reasons]
    assert {text.partition(":")[0] for text in _found(lines)} == set(names)


def test_known_templates_stay():
    known = f"firefox (<*>): {STATEMENTS[2].replace('a.example:443', '<*>')}"
    miner = TemplateMiner(known=[known])
    lines = [f"{name} (4): {s}" for name in NAMES for s in STATEMENTS]
    found = dict(zip(lines, miner.templates_of(lines)))
    assert found[f"firefox (4): {STATEMENTS[2]}"].text == known


def test_names_beyond_those_that_are_compared_belong_to_it():
    names = [f"part {'x' * n} helper" for n in range(1, 2 * MAX_COMPARED)]
    lines = [f"{name} (4): {s}" for name in names for s in STATEMENTS]
    assert len(_found(lines)) == len(STATEMENTS)


def test_what_is_remembered_is_bounded_however_many_statements_one_thing_makes(monkeypatch):
    monkeypatch.setattr(leading_names, "MAX_TAKEN", 10)
    known = LeadingNames()
    for number in range(50):
        words = ("part", "helper:", f"statement{number}", "of", "this", "part")
        list(known.take([Template(words, words)]))
    assert sum(map(len, known._tails.values())) <= 11

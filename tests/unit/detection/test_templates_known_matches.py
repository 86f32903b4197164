"""Lines of a known template, in which values are of several words."""

from __future__ import annotations

import random

import pytest

from incident_management.detection.templates.miner import TemplateMiner

NEIGHBOUR = "AdjChg: Nbr <*>(default) on <*>: <*> -> <*> (<*>)"
TUNNEL = "<*>: tunnel to <*> opened via <*> in <*> ms"


def _found(known: str, line: str) -> str:
    return TemplateMiner(known=[known]).learn(line).template


@pytest.mark.parametrize(
    ("known", "line"),
    [
        (NEIGHBOUR, "AdjChg: Nbr 192.0.2.1(default) on eth0:192.0.2.2: Init -> Down (Interface)"),
        (TUNNEL, "Web Helper (7): tunnel to a.example:443 opened via home ssh in 12 ms"),
        (TUNNEL, "curl (7): tunnel to a.example:443 opened via proxy in 12 ms"),
        ("cache <*> flushed to disk", "cache of the old node flushed to disk"),
        ("peer <*> left the group: <*>", "peer of Web Helper left the group: it was never there"),
        # few constant words
        ("imap(<*>): in=<*> out=<*> bye", "imap(admin): in=7 out=9 bye"),
        # nothing after a colon
        ("Trace: <*> , Result: <*>", "Trace: , Result: NOT_FOUND"),
        ("woken by: <*>", "woken by:"),
        # within brackets what is compared is one value
        ("answer SETUP_CALL <*> on <*>", "answer SETUP_CALL {.code = 1, .rat = LTE} on 3"),
        # what a system says of an error's number
        ("setsockopt TCP_NODELAY: <*>", "setsockopt TCP_NODELAY: Connection refused"),
        # a name of several words before an arrow
        (
            "<*> -> <*> failed via <*>",
            "Web Helper (UI) -> a.example:443 failed via proxy:1080",
        ),
        # a name with a value in brackets
        ('lock <*>: "<*>" held <*>', 'lock cupsd (12): "a page" held 3 ms'),
    ],
)
def test_a_line_that_a_known_template_describes_belongs_to_it(known, line):
    assert _found(known, line) == known


def test_names_beside_a_value_are_learned_as_one_of_two_and_known_again():
    jobs, classes = ["PAY101A", "NIGHT02", "PAYROLL", "LEDGER"], ["A", "B", "S"]
    lines = [f"JES3 {job} BEGUN - INIT 5 - CLASS {name}" for job in jobs for name in classes]
    (known,) = {template.text for template in TemplateMiner().templates_of(lines)}
    assert known == "<*> <*> BEGUN - INIT <*> - CLASS <*>"
    assert {_found(known, line) for line in lines} == {known}


@pytest.mark.parametrize(
    ("known", "line"),
    [
        ("cache <*> flushed to disk", "cache of the old node was never flushed to disk"),
        (NEIGHBOUR, "AdjChg: Nbr 192.0.2.1(default) on eth0:192.0.2.2: Init to Down (Interface)"),
        (TUNNEL, "Web Helper (7): tunnel to a.example:443 opened via proxy in 12 sec"),
        ("<*>: <*>", "Web Helper (7): tunnel to a.example:443 refused by policy"),
        ("backup <*>", "backup failed (12)"),
    ],
)
def test_a_line_that_says_something_else_is_new(known, line):
    assert _found(known, line) != known


@pytest.mark.parametrize(
    ("known", "line", "values"),
    [
        ("Trace: <*> , Result: <*> , gone", "Trace: , Result: ok , gone", ["", "ok"]),
        ("took lock for <*> on node <*> now", "took lock for on node 7 now", ["", "7"]),
        ("left port <*>: <*> [preauth]", "left port 7: [preauth]", ["7", ""]),
    ],
)
def test_an_empty_value_is_empty_and_those_behind_it_are_right(known, line, values):
    found = TemplateMiner(known=[known]).learn(line)
    assert (found.template, found.variables) == (known, values)


def test_the_template_that_says_most_of_a_line_takes_it():
    wide = "tunnel of <*> to the peer opened via <*> after <*> ms"
    narrow = "tunnel of <*> to the peer opened via the proxy <*> after <*> ms"
    line = "tunnel of Web Helper to the peer opened via the proxy at home after 12 ms"
    assert TemplateMiner(known=[wide, narrow]).learn(line).template == narrow


def test_the_lines_that_a_baseline_was_learned_from_are_not_new_to_it():
    names = ["curl", "Web Helper", "svc host", "git remote (https)"]
    proxies = ["proxy:1080", "corp socks (5)", "home ssh -D"]
    lines = [
        f"{name} ({number}): tunnel to host{number}.example:443 {told}"
        for number, name in enumerate(names * 5)
        for proxy in proxies
        for told in (f"opened via {proxy} in {number} ms", f"closed after {number} sec", "refused")
    ]
    known = {template.text for template in TemplateMiner().templates_of(lines)}
    random.Random(1).shuffle(lines)
    miner = TemplateMiner(known=known)
    chunks = [lines[start : start + 20] for start in range(0, len(lines), 20)]
    assert {match.template for chunk in chunks for match in miner.match_all(chunk)} <= known

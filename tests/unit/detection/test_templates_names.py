"""Names of some words, identifiers of many parts, records: one value; kinds of message: none."""

from __future__ import annotations

import pytest

from tests.unit.detection.mining import groups


@pytest.mark.parametrize(
    "lines",
    [
        # names of some words at a line's end, with or without a full stop
        ["port 1-2: Maker: Acme", "port 1-3: Maker: Umbra", "port 1-4: Maker: Kestrel Works"],
        [
            "Arrived at stage Gates.",
            "Arrived at stage Clocks.",
            "Arrived at stage Basic Yard.",
            "Arrived at stage Upper Yard.",
        ],
        # what angle brackets hold, with commas
        [
            "box7: <Umbra Stick, kind 0/0, rev 2.0> on bus3",
            "box8: <Acme Flat Stick 3.0, kind 0/1, rev 2.1> on bus4",
        ],
        # an identifier of parts with commas between them
        ["Seal shop:meta,,17.0a1b.", "Seal orders,row17,18.0a1c.", "Seal users,,19.0a1d."],
    ],
)
def test_lines_that_differ_in_what_a_thing_is_called_are_one_template(lines):
    (found,) = groups(lines)
    assert len(found) == 1, found


def test_the_members_of_a_record_are_one_value_whatever_lists_are_in_it():
    lines = [
        "made Route[ Id: 7, stops: a7{ip: 10.0.0.1, ports: [R=1, S=2]}, state: OPEN] in 3 ms",
        "made Route[ Id: 8, stops: a7{ip: 10.0.0.1}b8{ports: [R=1]}, state: SHUT] in 4 ms",
    ]
    assert groups(lines) == [{"made Route[<*>] in <*>"}]


def test_a_thing_may_be_called_with_an_article():
    things = ["Gate keeper", "Mail sorter", "Night watch", "A fast mail sorter"]
    begun, done = groups(
        [f"Launching {thing}..." for thing in things], [f"Launched {thing}." for thing in things]
    )
    assert (begun, done) == ({"Launching <*>..."}, {"Launched <*>."})


@pytest.mark.parametrize(
    "kinds",
    [
        # kinds of message
        (
            ["Received HELLO from 10.0.0.7"],
            ["Received BYE from 10.0.0.8"],
            ["Received ACK from x7"],
        ),
        # clauses behind a comma
        (
            ["peer [a7 - b8] Not turning to leader, no room left"],
            ["peer [a8 - b9] Not turning to leader, catching up"],
            ["peer [a9 - b9] Not turning to leader, only watching"],
        ),
        # texts that begin alike, up to a value, are no texts behind the colon
        (
            ["Sweeping shelf: id: shelf=17 since it stays bare"],
            ["Sweeping shelf: id: shelf=18 as it has broken boards"],
            ["Sweeping shelf: id: shelf=19 because of dust"],
        ),
        # a line of a table has no identifier
        (["4,17,em0,match,block,in,4,tcp"], ["4,18,em0,match,pass,in,4,tcp"]),
    ],
)
def test_what_tells_what_happened_is_no_value(kinds):
    found = groups(*kinds)
    assert all(len(one) == 1 for one in found)
    assert len(set.union(*map(set, found))) == len(kinds), found


def test_a_template_is_the_same_text_whatever_the_values_are_called():
    """Once the text hung on the order of a set, and so was another one in another process."""
    errors = ["Broken pipe", "File exists", "Bad address", "Is a directory"]
    texts = set()
    for number in range(26):
        names = (chr(ord("a") + number) + "b.pl", chr(ord("z") - number) + "y.sh", "")
        (found,) = groups([f"K17: {name}: {error}" for name in names for error in errors])
        texts |= found
    assert len(texts) == 1, texts

"""Texts of any length that stand in one frame, and fields among others."""

from __future__ import annotations

import random

from incident_management.detection.templates.miner import TemplateMiner
from tests.unit.detection.mining import groups


def test_a_text_in_one_frame_is_a_value_once_many_were_seen_whatever_the_batches():
    users = ["ann", "bob", "cyd", "dan", "eve", "fay"]
    jobs = ["tidy -x /a", "sync", "cd / && run --all", "test -f /etc/b || make it so"]
    lines = [f"({user}) RUN ({job})" for job in jobs for user in users]
    miner = TemplateMiner()
    for start in range(0, len(lines), 3):
        miner.templates_of(lines[start : start + 3])
    assert {t.text for t in miner.templates_of(lines)} == {"(<*>) RUN (<*>)"}
    known = TemplateMiner(known=["(<*>) RUN (<*>)"])
    assert known.learn("(guy) RUN (a job that none has seen)").template == "(<*>) RUN (<*>)"


def test_few_texts_after_a_colon_are_no_values_and_a_name_before_it_makes_none():
    (few,) = groups(["link gap: bye bye", "link gap: timer expired", "link gap: as you asked"])
    said = ["a page was freed", "the pool is full", "slabs grew by 4", "arena lost", "all fine now"]
    (parts,) = groups([f"memory keeper: {text}" for text in said])
    assert len(few) == 3
    assert len(parts) == 5


def test_the_values_of_a_long_line_are_read_past_its_header():
    line = "2026-01-01 10:00:00,123 INFO [main] a.b.C: took 17 ms " + "word " * 400
    assert TemplateMiner().learn(line).variables[0] == "17"


def test_statements_of_one_part_of_a_program_are_not_texts_after_its_name():
    said = ["group {} gone", "at {} of {} bytes", "id {} does not match", "chunk {} too small"]
    lines = [
        f"DISKFS info (device sd{n}): {text} {word}".format(n, n)
        for n, text in enumerate(said)
        for word in ["here", "so far", "in the log", "on a mount"]
    ]
    (found,) = groups(lines)
    assert "DISKFS info (device <*>): <*>" not in found
    assert len(found) >= len(said)


def test_statements_on_a_thing_that_was_made_are_not_texts_after_it_and_reasons_are():
    said = ["Adding member on {}", "Promoting member {}", "copy {} detected that {} is down"]
    found, reasons = groups(
        [f"Mirrored list 'a{n}': {text.format(n, n)}" for text in said for n in range(3)],
        [f"cannot sync, it failed: {text.format(n, n)}" for text in said for n in range(3)],
    )
    assert len(found) == len(said)
    assert reasons == {"cannot sync, it failed: <*>"}


def test_lines_of_nothing_but_brackets_stay_apart():
    (found,) = groups(["[all is lost]", "[all is fine now]", "[who knows]", "[so be it then]"])
    assert len(found) == 4


def test_frames_that_overlap_are_merged_alike_in_any_order_of_the_lines():
    reasons = ["no disk", "no more of it", "is gone", "never was", "who knows", "as you like"]
    lines = [f"cannot open {x}: {y} for user" for x in ["alpha", "beta", "gamma"] for y in reasons]
    lines += [f"cannot open {x}: {y} (told by [{z}])" for x in "abc" for y in reasons for z in "de"]
    found = set()
    for seed in range(6):
        random.Random(seed).shuffle(lines)
        found.add(frozenset(t.text for t in TemplateMiner().templates_of(lines)))
    assert len(found) == 1


def test_what_several_things_are_done_with_is_a_value():
    things = ["Daily clean up", "Session Manager for user 7", "Disk Cache of All Users"]
    start, started = groups(
        [f"Starting {thing}..." for thing in things], [f"Started {thing}." for thing in things]
    )
    (alone,) = groups([f"Starting {thing}..." for thing in things])
    assert (start, started) == ({"Starting <*>..."}, {"Started <*>."})
    assert len(alone) == 3


def test_a_field_among_others_ends_where_the_next_one_begins():
    (found,) = groups(
        [
            "[Event:STARTED]: vertex=Map 1, attempt=a_1, time=5",
            "[Event:STARTED]: vertex=Reducer 2 (FAN OUT), attempt=a_2, time=6",
        ]
    )
    assert found == {"[Event:STARTED]: vertex=<*>, attempt=<*>, time=<*>"}
    (kept,) = groups(["got n=1 while waiting for the lock, left=2"])
    assert kept == {"got n=<*> while waiting for the lock, left=<*>"}


def test_a_state_may_end_a_sentence():
    (found,) = groups(
        [f"The Spooler service entered the {state} state." for state in ("running", "stopped")]
    )
    assert found == {"The Spooler service entered the <*> state."}


def test_what_several_things_are_done_with_is_a_value_whatever_follows_it():
    things = ["Workspace clean-up", "disk sync", "Download of pages", "Log rotation"]
    start, end = groups(
        [f"Started {thing}" for thing in things],
        [f"Finished {thing}. {n} ms" for n, thing in enumerate(things)],
    )
    assert (start, end) == ({"Started <*>"}, {"Finished <*>. <*>"})


def test_few_texts_after_a_state_are_values():
    said = ["request completed with an error", "SCSI Status Error", "Command timeout"]
    assert groups([f"(da{n}:0:0): CAM status: {text}" for n, text in enumerate(said)]) == [
        {"(<*>): CAM status: <*>"}
    ]


def test_what_a_thing_is_that_is_called_in_brackets_tells_statements_apart():
    kinds = ["web application directory", "web application archive", "deployment descriptor"]
    found = groups(*[[f"Deployment of {k} [a{n}] took [{n}] ms" for n in range(3)] for k in kinds])
    assert found == [{f"Deployment of {kind} [<*>] took [<*>] ms"} for kind in kinds]
    two = groups(*[[f"Deploying {k} [a{n}]" for n in range(3)] for k in kinds])
    assert two == [{f"Deploying {kind} [<*>]"} for kind in kinds]


def test_a_text_of_several_words_is_a_value_where_another_line_has_one():
    nets = ["vlan-120", "DMZ", "VM Network"]
    (found,) = groups(
        [f"Net: 7: connected web{n} to {net}, portID {n}" for net in nets for n in "12"]
    )
    assert found == {"Net: <*>: connected <*> to <*>, portID <*>"}
    reasons = ["java.io.EOFException", "java.io.IOException: No client protocol"]
    lines = [f"Connection {n} from 10.0.0.{n} failed: {r}" for n, r in enumerate(reasons)]
    (few,) = groups(lines)
    (known,) = groups([*lines, "Connection 7 from 10.0.0.7 failed: java.net.SocketException"])
    assert (len(few), known) == (2, {"Connection <*> from <*> failed: <*>"})

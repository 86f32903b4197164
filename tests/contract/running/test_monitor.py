"""Watched files: followed through rotation and truncation, each event once over any kill."""

import os
import random
import sqlite3
from pathlib import Path

import pytest

from tests.contract.running.fakes import NOON
from tools.splunkd_lite.errors import SplunkdError
from tools.splunkd_lite.inputs.monitor import FileMonitor

LINES = {"SHOULD_LINEMERGE": "0"}


@pytest.fixture
def watch(splunk, tmp_path):
    """A monitored folder; gives a function that looks and polls once, and its log's path."""
    logs = tmp_path / "logs"
    logs.mkdir()
    splunk.conf.confs["inputs"] = {
        f"monitor://{logs}/app.log": {
            "index": "shop",
            "sourcetype": "app",
            "time_before_close": "0",
        }
    }
    splunk.conf.confs["props"] = {"app": dict(LINES)}
    monitors = [FileMonitor(splunk)]

    class Watch:
        log = logs / "app.log"
        folder = logs

        @staticmethod
        def go():
            monitors[-1].look()
            monitors[-1].poll()
            monitors[-1].poll()

        @staticmethod
        def restart():
            monitors.append(FileMonitor(splunk))

        @staticmethod
        def raws():
            return [event["_raw"] for event in splunk.indexes.events]

    yield Watch
    for monitor in monitors:
        monitor.stop()


def append(path, text):
    with Path(path).open("a") as file:
        file.write(text)


def test_appended_lines_are_indexed_once_with_the_stanzas_settings(splunk, watch):
    append(watch.log, "2026-01-01T12:00:00Z one\n")
    watch.go()
    append(watch.log, "2026-01-01T12:00:01Z two\nno time of its own\n")
    watch.go()
    watch.go()
    assert watch.raws()[1:] == ["2026-01-01T12:00:01Z two", "no time of its own"]
    first = splunk.indexes.events[0]
    assert first == {
        "_raw": "2026-01-01T12:00:00Z one", "_time": NOON, "host": "stand-in", "index": "shop",
        "source": str(watch.log), "sourcetype": "app",
    }  # fmt: skip
    assert [event["_time"] - NOON for event in splunk.indexes.events] == [0, 1, 1]


def test_an_unfinished_event_waits_for_its_rest(splunk, watch):
    stanza = next(iter(splunk.conf.confs["inputs"].values()))
    stanza["time_before_close"] = "30"
    splunk.conf.confs["props"]["app"] |= {"LINE_BREAKER": r"([\r\n]+)\d{4}-"}
    append(watch.log, "2026-01-01T12:00:00Z boom\nTraceback:\n")
    watch.go()
    assert watch.raws() == []
    append(watch.log, "  File x\n2026-01-01T12:00:01Z next\n")
    watch.go()
    assert watch.raws() == ["2026-01-01T12:00:00Z boom\nTraceback:\n  File x"]


def test_a_restart_goes_on_where_it_was(watch):
    append(watch.log, "one\n")
    watch.go()
    watch.restart()
    append(watch.log, "two\n")
    watch.go()
    assert watch.raws() == ["one", "two"]


def test_rotation_by_rename_loses_nothing(watch):
    append(watch.log, "one\n")
    watch.go()
    append(watch.log, "two\n")
    watch.log.rename(watch.folder / "app.log.1")
    append(watch.log, "three\n")
    watch.go()
    assert sorted(watch.raws()) == ["one", "three", "two"]


def test_a_writer_that_still_holds_a_rotated_file_is_heard(watch):
    with watch.log.open("a") as writer:
        writer.write("one\n")
        writer.flush()
        watch.go()
        watch.log.rename(watch.folder / "app.log.1")
        append(watch.log, "two\n")
        watch.go()
        writer.write("late\n")
        writer.flush()
        watch.go()
    assert sorted(watch.raws()) == ["late", "one", "two"]


def test_rotation_while_nothing_ran_loses_nothing(watch):
    append(watch.log, "one\n")
    watch.go()
    watch.restart()
    append(watch.log, "two\n")
    watch.log.rename(watch.folder / "app.log.1")
    append(watch.log, "three\n")
    watch.go()
    watch.go()
    assert sorted(watch.raws()) == ["one", "three", "two"]


def test_a_renamed_file_that_is_still_watched_is_not_read_again(splunk, watch):
    splunk.conf.confs["inputs"] = {
        f"monitor://{watch.folder}/app.log*": {"sourcetype": "app", "time_before_close": "0"}
    }
    append(watch.log, "one\n")
    watch.go()
    watch.log.rename(watch.folder / "app.log.1")
    append(watch.log, "two\n")
    watch.go()
    append(watch.folder / "app.log.1", "late\n")
    watch.go()
    watch.restart()
    watch.go()
    assert sorted(watch.raws()) == ["late", "one", "two"]


def test_a_truncated_file_is_read_from_its_start(watch):
    append(watch.log, "one\ntwo\n")
    watch.go()
    os.truncate(watch.log, 0)
    append(watch.log, "three\n")
    watch.go()
    watch.go()
    assert watch.raws() == ["one", "two", "three"]


def test_a_file_that_was_rewritten_longer_is_read_from_its_start(watch):
    append(watch.log, "one\n")
    watch.go()
    os.truncate(watch.log, 0)
    append(watch.log, "four\nfive\nsix\n")
    watch.go()
    watch.go()
    assert watch.raws() == ["one", "four", "five", "six"]


def test_a_copy_made_to_rotate_is_not_read_twice(splunk, watch):
    splunk.conf.confs["inputs"] = {
        f"monitor://{watch.folder}/app.log*": {"sourcetype": "app", "time_before_close": "0"}
    }
    text = "".join(f"line {i}\n" for i in range(100))
    append(watch.log, text)
    watch.go()
    append(watch.folder / "app.log.1", text)
    watch.go()
    os.truncate(watch.log, 0)
    append(watch.log, "after\n")
    watch.go()
    watch.go()
    assert watch.raws() == [*text.splitlines(), "after"]


def test_folders_patterns_and_lists(splunk, watch):
    for name in ("a.log", "b.txt", "deep/c.log", "deep/d.log.gz"):
        path = watch.folder / name
        path.parent.mkdir(exist_ok=True)
        append(path, f"{name}\n")
    splunk.conf.confs["inputs"] = {
        f"monitor://{watch.folder}/.../*.log": {"sourcetype": "app", "time_before_close": "0"},
    }
    watch.go()
    assert watch.raws() == ["deep/c.log"]
    splunk.conf.confs["inputs"] = {
        f"monitor://{watch.folder}": {
            "sourcetype": "app", "time_before_close": "0", "blacklist": r"\.txt$",
        },
    }  # fmt: skip
    watch.go()
    assert sorted(watch.raws()) == ["a.log", "deep/c.log"]
    assert splunk.logged("is an archive")


def test_splunks_own_logs_go_to_internal(splunk, watch):
    logs = splunk.home / "var/log/splunk"
    logs.mkdir(parents=True)
    append(logs / "incident_management.log", "2026-01-01T12:00:00Z level=INFO x\n")
    append(logs / "incident_management.log", "2026-01-01T12:00:01Z level=INFO y\n")
    watch.go()
    assert [event["index"] for event in splunk.indexes.events] == ["_internal"]


def test_an_unknown_setting_is_named_and_the_other_files_are_still_read(splunk, watch):
    splunk.conf.confs["inputs"]["monitor:///tmp/x"] = {"host_regex": "x"}
    append(watch.log, "one\n")
    watch.go()
    assert splunk.logged("host_regex")
    assert watch.raws() == ["one"]


def test_events_that_the_index_refuses_are_tried_again(splunk, watch, monkeypatch):
    real = splunk.indexes.write
    append(watch.log, "one\n")

    def full(index, events):
        raise SplunkdError(507, "the disk is full")

    monkeypatch.setattr(splunk.indexes, "write", full)
    watch.go()
    assert splunk.logged("the disk is full")
    monkeypatch.setattr(splunk.indexes, "write", real)
    append(watch.log, "two\n")
    watch.go()
    assert watch.raws() == ["one", "two"]


def test_positions_that_cannot_be_kept_are_tried_again(splunk, watch, monkeypatch):
    append(watch.log, "one\n")
    watch.go()

    def full(key, value):
        raise sqlite3.OperationalError("database or disk is full")

    monkeypatch.setattr(splunk.state("filemonitor"), "set", full)
    append(watch.log, "two\n")
    watch.go()
    watch.go()
    assert len(splunk.logged("disk is full")) == 1
    monkeypatch.undo()
    watch.go()
    assert watch.raws() == ["one", "two"]


class Killed(BaseException):
    pass


@pytest.mark.parametrize("seed", range(20))
def test_kills_at_any_moment_neither_lose_nor_double_an_event(splunk, watch, monkeypatch, seed):
    """Each durable step may be the last one before a kill: before it is done, or just after."""
    chance = random.Random(seed)
    real_write, real_set = splunk.indexes.write, splunk.state("filemonitor").set

    def deadly(step):
        def run(*args):
            early, late = chance.random() < 0.15, chance.random() < 0.15
            if early:
                raise Killed
            result = step(*args)
            if late:
                raise Killed
            return result

        return run

    monkeypatch.setattr(splunk.indexes, "write", deadly(real_write))
    monkeypatch.setattr(splunk.state("filemonitor"), "set", deadly(real_set))
    splunk.conf.confs["props"]["app"] |= {"LINE_BREAKER": r"([\r\n]+)(?=N)"}
    wanted, seen = [], False
    for number in range(30):
        event = f"N{number} start" + "\n  more" * chance.randrange(3)
        wanted.append(event)
        append(watch.log, event + "\n")
        if seen and chance.random() < 0.2:  # a file that was never seen can't be followed
            watch.log.rename(watch.folder / f"app.log.{number}")
        try:
            watch.go()
            seen = watch.log.exists()
        except Killed:
            watch.restart()
            seen = False
    monkeypatch.setattr(splunk.indexes, "write", real_write)
    monkeypatch.setattr(splunk.state("filemonitor"), "set", real_set)
    watch.restart()
    watch.go()
    watch.go()
    assert sorted(watch.raws()) == sorted(wanted)

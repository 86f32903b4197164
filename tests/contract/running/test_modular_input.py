"""Modular inputs written with the real splunklib, in real processes."""

import time
from pathlib import Path

import pytest

from tests.contract.running.fakes import NOON
from tests.waiting import wait_for
from tools.splunkd_lite.errors import SplunkdError
from tools.splunkd_lite.runners.errors import ProcessFailed
from tools.splunkd_lite.runners.modinput_xml import EventReader
from tools.splunkd_lite.runners.modular_input import ModularInputs

SCRIPT = """
import os, sys, time
from splunklib import modularinput as smi

class Ticker(smi.Script):
    def get_scheme(self):
        scheme = smi.Scheme("Ticker")
        scheme.description = "ticks"
        scheme.use_external_validation = True
        scheme.use_single_instance = {single}
        scheme.add_argument(smi.Argument("word", required_on_create=True))
        return scheme

    def validate_input(self, definition):
        if definition.parameters["word"] == "bad":
            raise ValueError("the word is bad: " + definition.metadata["name"])

    def stream_events(self, inputs, writer):
        {body}

if __name__ == "__main__":
    sys.exit(Ticker().run(sys.argv))
"""
ONE_EACH = """
        for name, item in inputs.inputs.items():
            writer.write_event(smi.Event(data=item["word"], stanza=name, time=1.5))
"""


@pytest.fixture
def inputs(splunk):
    """Starts the inputs with a script and stanzas; ends them."""
    started = []

    def go(body, stanzas, single=False, start=True):
        install(splunk, body, single)
        splunk.conf.confs["inputs"] = stanzas
        running = ModularInputs(splunk)
        started.append(running)
        if start:
            running.start()
        return running

    yield go
    for running in started:
        running.stop()


def install(splunk, body, single=False, spec="word = <string>"):
    splunk.script("ticker.py", SCRIPT.format(body=body.strip("\n").strip(), single=single))
    readme = splunk.home / "etc/apps/tiny/README"
    readme.mkdir(exist_ok=True)
    (readme / "inputs.conf.spec").write_text(f"[ticker://<name>]\n{spec}\n")


def test_schemes_are_read_from_the_scripts(inputs):
    running = inputs(ONE_EACH, {}, start=False)
    scheme = running.schemes()["ticker"]
    assert (scheme["title"], scheme["description"], scheme["app"]) == ("Ticker", "ticks", "tiny")
    assert [(arg["name"], arg["required_on_create"]) for arg in scheme["args"]] == [("word", True)]
    assert scheme["single_instance"] is False


def test_a_kind_whose_spec_names_no_setting_of_its_own_is_none(splunk):
    """Notes of MaxMind's app for Splunk; the warning: PaloAltoNetworks/Splunk-Apps, issue 228."""
    install(splunk, ONE_EACH, spec="interval = <number>\npython.required = {3.9|3.13}\n* word = x")
    running = ModularInputs(splunk)
    assert running.schemes() == {}
    ((_component, level, text),) = splunk.logged("python.required")
    assert level == "WARN" and text.startswith('Found parameter "python.required" inside "')

    install(splunk, ONE_EACH)
    assert list(ModularInputs(splunk).schemes()) == ["ticker"]


def test_an_inputs_events_are_indexed_with_what_they_do_not_say_from_the_stanza(splunk, inputs):
    inputs(ONE_EACH, {"ticker://a": {"word": "hé", "index": "shop", "interval": "-1"}})
    wait_for(lambda: splunk.indexes.events)
    assert splunk.indexes.events == [
        {
            "_raw": "hé", "_time": 1.5, "host": "stand-in", "index": "shop",
            "source": "ticker://a", "sourcetype": "ticker",
        }
    ]  # fmt: skip


def test_an_events_own_fields_win(splunk, inputs):
    body = """
        writer.write_event(smi.Event(data="2026-01-01T12:00:00Z x", index="main", host="h",
                                     source="s", sourcetype="t"))
"""
    inputs(body, {"ticker://a": {"interval": "-1", "index": "shop"}})
    wait_for(lambda: splunk.indexes.events)
    [event] = splunk.indexes.events
    assert [event[k] for k in ("index", "host", "source", "sourcetype")] == ["main", "h", "s", "t"]
    assert event["_time"] == NOON


def test_the_input_is_informed_where_splunkd_is_and_where_checkpoints_go(splunk, inputs):
    body = """
        meta = inputs.metadata
        text = "|".join([meta["server_uri"], meta["session_key"], meta["checkpoint_dir"]])
        writer.write_event(smi.Event(data=text, time=1))
"""
    inputs(body, {"ticker://a": {"interval": "-1"}})
    wait_for(lambda: splunk.indexes.events)
    folder = splunk.home / "var/lib/splunk/modinputs/ticker"
    said = f"https://127.0.0.1:18089|token-of-splunk-system-user|{folder}"
    assert splunk.indexes.events[0]["_raw"] == said
    assert folder.is_dir()


def test_each_stanza_has_a_process_of_its_own_but_not_in_single_instance_mode(splunk, inputs):
    body = """
        names = ",".join(sorted(inputs.inputs))
        writer.write_event(smi.Event(data=names, stanza=min(inputs.inputs), time=1))
"""
    stanzas = {"ticker://a": {"interval": "-1"}, "ticker://b": {"interval": "-1"}}
    inputs(body, {**stanzas, "ticker://c": {"disabled": "1"}})
    wait_for(lambda: len(splunk.indexes.events) == 2)
    assert {event["_raw"] for event in splunk.indexes.events} == {"ticker://a", "ticker://b"}
    splunk.indexes.events.clear()
    inputs(body, stanzas, single=True)
    wait_for(lambda: splunk.indexes.events)
    assert [event["_raw"] for event in splunk.indexes.events] == ["ticker://a,ticker://b"]


def test_an_input_runs_again_after_its_interval(splunk, inputs):
    inputs(ONE_EACH, {"ticker://a": {"word": "x", "interval": "30"}})
    wait_for(lambda: len(splunk.indexes.events) == 1)
    time.sleep(0.5)
    assert len(splunk.indexes.events) == 1
    wait_for(lambda: not list((splunk.home / "var/run/splunk/processes").iterdir()))
    splunk.clock.advance(31)
    wait_for(lambda: len(splunk.indexes.events) == 2)


def test_an_interval_can_be_a_cron_schedule(splunk, inputs):
    inputs(ONE_EACH, {"ticker://a": {"word": "x", "interval": "*/10 * * * *"}})
    wait_for(lambda: len(splunk.indexes.events) == 1)
    time.sleep(0.5)
    splunk.clock.advance(601)
    wait_for(lambda: len(splunk.indexes.events) == 2)


def test_a_crashed_input_is_reported_and_run_again(splunk, inputs):
    body = """
        writer.write_event(smi.Event(data="x", time=1))
        os._exit(7)
"""
    inputs(body, {"ticker://a": {"interval": "0"}})
    wait_for(lambda: len(splunk.indexes.events) >= 2)
    assert splunk.logged("exited with status 7")


def test_a_changed_stanza_restarts_the_input_and_a_disabled_one_ends_it(splunk, inputs):
    body = """
        word = list(inputs.inputs.values())[0]["word"]
        writer.write_event(smi.Event(data=word, time=1))
        time.sleep(60)
"""
    inputs(body, {"ticker://a": {"word": "one"}})
    wait_for(lambda: splunk.indexes.events)
    splunk.conf.confs["inputs"] = {"ticker://a": {"word": "two"}}
    wait_for(lambda: splunk.indexes.events[-1]["_raw"] == "two")
    splunk.conf.confs["inputs"] = {"ticker://a": {"word": "two", "disabled": "1"}}
    wait_for(lambda: not list((splunk.home / "var/run/splunk/processes").iterdir()))


def test_stopping_ends_inputs_that_would_run_for_ever(splunk, inputs):
    body = """
        writer.write_event(smi.Event(data="x", time=1))
        import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN)
        while True: time.sleep(1)
"""
    running = inputs(body, {"ticker://a": {}})
    wait_for(lambda: splunk.indexes.events)
    running.stop()
    assert not list((splunk.home / "var/run/splunk/processes").iterdir())


def test_external_validation_speaks_the_inputs_own_words(inputs):
    running = inputs(ONE_EACH, {}, start=False)
    running.validate("ticker", "a", {"word": "good"})
    with pytest.raises(SplunkdError, match="the word is bad: a") as refusal:
        running.validate("ticker", "a", {"word": "bad"})
    assert refusal.value.status == 400
    with pytest.raises(SplunkdError, match="no modular input of the kind 'other'"):
        running.validate("other", "a", {})


def test_stderr_reaches_splunkds_log_with_its_level(splunk, inputs):
    inputs('writer.log("WARN", "low on ticks")', {"ticker://a": {"interval": "-1"}})
    wait_for(lambda: splunk.logged("low on ticks"))
    assert splunk.logged("low on ticks")[0][1] == "WARN"


def test_simple_streaming_breaks_lines_as_props_say(splunk, inputs):
    script = """
import sys
if "--scheme" in sys.argv:
    print("<scheme><title>t</title><streaming_mode>simple</streaming_mode></scheme>")
else:
    sys.stdin.read()
    print("2026-01-01 12:00:00+0000 one\\n  more of one\\n2026-01-01 12:00:01+0000 two")
"""
    running = inputs(ONE_EACH, {"ticker://a": {"interval": "-1"}}, start=False)
    splunk.script("ticker.py", script)
    running.start()
    wait_for(lambda: len(splunk.indexes.events) == 2)
    assert [event["_time"] - NOON for event in splunk.indexes.events] == [0, 1]
    assert splunk.indexes.events[0]["_raw"].endswith("\n  more of one")


def test_a_kind_without_a_working_script_is_named_and_stops_no_other(splunk, inputs):
    running = inputs(ONE_EACH, {}, start=False)
    splunk.script("ticker.py", "print('<nonsense/>')")
    assert running.schemes() == {}
    assert splunk.logged('Unable to initialize modular input "ticker"')


def test_events_are_read_across_any_cut_of_the_stream():
    text = "<stream><event><time>1</time><data>a&amp;b</data></event><event><data>é</data></event>"
    for cut in range(1, len(text.encode())):
        reader = EventReader()
        data = text.encode()
        events = [*reader.feed(data[:cut]), *reader.feed(data[cut:])]
        assert [(e.data, e.time) for e in events] == [("a&b", 1.0), ("é", None)]


@pytest.mark.parametrize("text", ["<other>", "<stream><event></stream>", "plain text"])
def test_a_malformed_stream_is_an_error(text):
    with pytest.raises(ProcessFailed, match="event stream"):
        list(EventReader().feed(text.encode()))


def test_no_app_without_the_script_is_run(splunk, inputs):
    running = inputs(ONE_EACH, {}, start=False)
    Path(splunk.home / "etc/apps/tiny/bin/ticker.py").unlink()
    assert running.schemes() == {}

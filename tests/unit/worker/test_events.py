"""Audit events go out through the modular input, and a splunkd that does not read stops nothing."""

from __future__ import annotations

import io
import json
import threading
import xml.etree.ElementTree as ET

import pytest
from splunklib.modularinput.event_writer import EventWriter

from incident_management.incidents.model import Entry
from incident_management.splunk.configuration.settings import SettingsError
from incident_management.splunk.session import SplunkError
from incident_management.worker.events import EventStream


def entries(count=2):
    texts = [f"ü & <{number}> \x01" for number in range(count)]
    return [Entry.create("INC-1", "note", {"text": t}, "ann", 1700000000.125) for t in texts]


def test_an_event_says_when_where_and_what_it_is():
    out = io.StringIO()
    EventStream(EventWriter(out, io.StringIO()).write_event, lambda: "audit").send(entries(1))
    event = ET.fromstring(out.getvalue() + "</stream>").find("event")

    assert event is not None
    assert event.findtext("time") == "1700000000.125"
    assert event.findtext("index") == "audit"
    assert event.findtext("sourcetype") == "incident_management:audit"
    assert event.get("unbroken") == "0"
    assert json.loads(event.findtext("data") or "")["data"]["text"] == "ü & <0> \x01"


def test_no_secret_that_the_app_knows_by_its_form_reaches_the_index():
    said = 'pwd=correcthorse "password": "battery staple" gh' + "p_" + "0aZ9" * 9
    said += " routing_key=rrrrrrrr ann@example.com"
    entry = Entry.create("INC-1", "note", {"text": said}, "ann", 1700000000.0)
    out = io.StringIO()
    EventStream(EventWriter(out, io.StringIO()).write_event, lambda: "audit").send([entry])
    for secret in ("correcthorse", "staple", "0aZ9", "rrrrrrrr"):
        assert secret not in out.getvalue()
    assert "ann@example.com" in out.getvalue()


def test_a_splunkd_that_does_not_read_is_an_error_and_not_a_standstill():
    read = threading.Event()
    written: list[str] = []

    def blocked(event):
        read.wait(30)
        written.append(event)

    stream = EventStream(blocked, lambda: "main", patience=0.05)
    with pytest.raises(SplunkError, match="indexing queues are full"):
        stream.send(entries())
    with pytest.raises(SplunkError, match="indexing queues are full"):
        stream.send(entries())  # nothing more is put behind what is stuck
    read.set()
    stream = EventStream(written.append, lambda: "main")
    stream.send(entries())
    assert len(written) >= 2


def test_a_closed_stream_is_an_error():
    def broken(_event):
        raise BrokenPipeError("closed")

    with pytest.raises(SplunkError, match="can't be written: closed"):
        EventStream(broken, lambda: "main").send(entries())


def test_without_an_index_nothing_is_written():
    def unknown():
        raise SettingsError("set index=<name>")

    written: list[str] = []
    with pytest.raises(SettingsError):
        EventStream(written.append, unknown).send(entries())
    assert written == []

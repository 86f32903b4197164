"""From what a modular input writes to events in an index."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tools.splunkd_lite.inputs.breaking import break_events, text_of_span
from tools.splunkd_lite.inputs.indextime import store
from tools.splunkd_lite.inputs.jsondata import indexed_fields
from tools.splunkd_lite.inputs.props import Props, props_for
from tools.splunkd_lite.inputs.timestamps import find_time

from .modinput_xml import EventReader, Scheme, StreamedEvent

__all__ = ["EventSink"]

Event = dict[str, Any]


class EventSink:
    """Takes an input's output and writes its events.

    What an event does not say comes from its stanza: ``index`` (``default`` is ``main``),
    ``host``, ``source`` (the stanza's name) and ``sourcetype`` (the kind of input). An event
    without a time has the one that stands in its text, or the present.
    """

    def __init__(
        self, splunk: Any, kind: str, scheme: Scheme, stanzas: Mapping[str, Mapping[str, str]]
    ) -> None:
        self._splunk = splunk
        self._kind = kind
        self._stanzas = stanzas
        self._xml = EventReader() if scheme.xml_streaming else None
        self._rest: dict[str, bytes] = {}
        self._props: dict[tuple[str, str, str], Props] = {}
        self._only = next(iter(stanzas))

    def feed(self, data: bytes) -> None:
        """Write the events that are whole by now.

        Raises:
            ProcessFailed: malformed XML. SplunkdError: the index refused them.
        """
        if self._xml is None:
            self._write(self._break(StreamedEvent("", unbroken=True), data, final=False))
            return
        events: list[Event] = []
        for event in self._xml.feed(data):
            if event.unbroken:
                events += self._break(event, event.data.encode(), final=event.done)
            elif event.data:
                events.append(self._complete(event, event.data))
        self._write(events)

    def close(self) -> None:
        """The stream has ended: what is left is an event."""
        for stanza in list(self._rest):
            event = StreamedEvent("", stanza=stanza, unbroken=True)
            self._write(self._break(event, b"", final=True))

    def _break(self, event: StreamedEvent, data: bytes, final: bool) -> list[Event]:
        """Collect text that is not broken into events yet, and break it as props.conf says."""
        stanza = event.stanza or self._only
        data = self._rest.pop(stanza, b"") + data
        props = self._props_of(self._meta(event))
        spans = break_events(data, props, final)
        rest = b"" if final else data[spans[-1].next if spans else 0 :]
        if rest:
            self._rest[stanza] = rest
        return [self._complete(event, text_of_span(data, span, props)) for span in spans]

    def _complete(self, event: StreamedEvent, text: str) -> Event:
        meta = self._meta(event)
        moment = event.time
        if moment is None:
            moment = find_time(text, self._props_of(meta))
        now = self._splunk.clock.now()
        fields = indexed_fields(text) if self._props_of(meta).json else {}
        return {**fields, **meta, "_raw": text, "_time": now if moment is None else moment}

    def _meta(self, event: StreamedEvent) -> dict[str, str]:
        stanza = event.stanza or self._only
        settings = self._stanzas.get(stanza, {})
        index = event.fields.get("index") or settings.get("index") or "default"
        return {
            "index": "main" if index == "default" else index,
            "host": event.fields.get("host") or _host(settings, self._splunk.server_name),
            "source": event.fields.get("source") or settings.get("source") or stanza,
            "sourcetype": event.fields.get("sourcetype")
            or settings.get("sourcetype")
            or self._kind,
        }

    def _props_of(self, meta: Mapping[str, str]) -> Props:
        key = (meta["source"], meta["sourcetype"], meta["host"])
        if key not in self._props:
            self._props[key] = props_for(self._splunk.conf, *key)
        return self._props[key]

    def _write(self, events: list[Event]) -> None:
        batch = [(str(event.pop("index")), event) for event in events]
        store(self._splunk, batch, lambda event: self._props_of(event).edits)


def _host(settings: Mapping[str, str], server_name: str) -> str:
    host = settings.get("host", "")
    return server_name if host in ("", "$decideOnStartup") else host

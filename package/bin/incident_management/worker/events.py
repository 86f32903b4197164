"""Writes the app's events through the modular input, so that Splunk forwards them like other data.

Protocol: "Set up streaming" in Splunk's *Developing Views and Apps*: XML mode, one ``<event>`` with
its time, index, source and source type, its data already one event. splunkd sends no receipt; if
its queues are full it stops reading, which must not stop the worker.
"""

from __future__ import annotations

import threading
from typing import Any, Callable, List, Optional, Sequence

from ..incidents.model import Entry
from ..incidents.upkeep.audit import SOURCE, SOURCETYPE, event_of
from ..splunk.session import SplunkError

__all__ = ["EventStream"]

PATIENCE_SECONDS = 20.0


class EventStream:
    """Sends audit events.

    Args:
        write: ``EventWriter.write_event`` of splunklib.
        index: returns the index's name; may raise SettingsError.
        patience: the seconds to wait until splunkd has read the events.
    """

    def __init__(
        self,
        write: Callable[[Any], None],
        index: Callable[[], str],
        patience: float = PATIENCE_SECONDS,
    ) -> None:
        self._write = write
        self._index = index
        self._patience = patience
        self._writing: Optional[threading.Thread] = None
        self._errors: List[BaseException] = []

    def send(self, entries: Sequence[Entry]) -> None:
        """Write the events of entries. Raises SplunkError if splunkd does not read them in time."""
        self._wait()
        events = self._events(entries)
        self._writing = threading.Thread(target=self._write_all, args=(events,), daemon=True)
        self._writing.start()
        self._wait()

    def _events(self, entries: Sequence[Entry]) -> List[Any]:
        from splunklib.modularinput import Event

        index = self._index()
        return [
            Event(
                data=event_of(entry),
                time=f"{entry.time:.3f}",
                index=index,
                source=SOURCE,
                sourcetype=SOURCETYPE,
                unbroken=False,
            )
            for entry in entries
        ]

    def _write_all(self, events: Sequence[Any]) -> None:
        try:
            for event in events:
                self._write(event)
        except Exception as error:  # noqa: BLE001 - raised again by whoever waits
            self._errors.append(error)

    def _wait(self) -> None:
        """Wait for the current write, up to ``patience``. Raises its error as SplunkError."""
        if self._writing is not None:
            self._writing.join(self._patience)
            if self._writing.is_alive():
                text = "Splunk does not take the app's audit events: its indexing queues are full."
                raise SplunkError(503, text)
            self._writing = None
        if self._errors:
            error = self._errors.pop()
            raise SplunkError(0, f"Audit events can't be written: {error}") from error

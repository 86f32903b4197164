"""The monitors of inputs.conf."""

from __future__ import annotations

from typing import Any, Dict, Mapping

from ...splunk.configuration import conf
from ...splunk.session import Session
from .monitor import search_of

__all__ = ["is_monitor", "monitors_of"]

PREFIX = "incident_monitor://"


def is_monitor(values: Mapping[str, Any]) -> bool:
    """Return whether a stanza of ``incident_monitor`` is a monitor; the others are the worker."""
    return bool(search_of(values) or str(values.get("detector") or "").strip())


def monitors_of(session: Session) -> Dict[str, Mapping[str, Any]]:
    """Return the settings of the monitors that are enabled, by name. Raises SplunkError."""
    stanzas = conf.load(session, "inputs")
    return {
        stanza[len(PREFIX) :]: values
        for stanza, values in stanzas.items()
        if stanza.startswith(PREFIX) and is_monitor(values)
    }

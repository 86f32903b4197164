"""Make a signal from a finding of a monitor."""

from __future__ import annotations

from ...incidents.signal import Signal
from ...splunk.session import APP
from .detector import Found
from .monitor import Monitor
from .rejudging import Problem

__all__ = ["signal_of"]

SHOWN_CHARACTERS = 1000
"""Of the event that a finding shows to people."""


def signal_of(monitor: Monitor, found: Found, at: int, memory: str, now: float) -> Signal:
    """Return the signal of a finding in the span that begins at ``at``.

    ``memory`` names what the monitor knew before. Raises Invalid if the finding can't be a signal.
    """
    entity, sample = monitor.entity(found.key), found.sample[:SHOWN_CHARACTERS]
    dedup = dict(zip(monitor.by, found.key)) or {"monitor": monitor.name}
    if found.template_id:
        dedup["template_id"] = found.template_id
    title = monitor.title or "{monitor}: {entity}"
    for token, value in (("{monitor}", monitor.name), ("{entity}", entity)):
        title = title.replace(token, value)
    row = {**dict(zip(monitor.by, found.key)), "finding": found.text}
    if sample:
        row["sample"] = sample
    return Signal.create(
        rule=monitor.name,
        app=APP,
        owner="nobody",
        entity=entity,
        severity=found.severity or monitor.severity,
        title=title,
        description="\n".join(part for part in (found.text, sample) if part),
        first_time=float(at if found.begun is None else found.begun),
        last_time=float(at + monitor.span),
        count=found.count,
        run=f"span:{at}",
        dedup=dedup,
        rows=[row],
        search=Problem(monitor.name, entity, found.key, found.template_id, memory).to_search(),
        group=monitor.group,
        runbook=monitor.runbook,
        actions=monitor.actions,
        tags=monitor.tags,
        received_at=now,
    )

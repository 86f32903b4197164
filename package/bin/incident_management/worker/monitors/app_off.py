"""Detects that the app was disabled on this member for a while: its monitors were off, too.

No part of the app runs then that could record it. But the worker regularly signs for its monitors
(:mod:`.roster`). So if it has not for long, while splunkd was up, and the app's state was written
since, then the app was disabled. Otherwise the KV store may have failed, or the machine may have
been down, and due findings are raised.
"""

from __future__ import annotations

from typing import Callable, Iterable

from ...detection.monitors.registry import REGISTERED, TROUBLE, registered_monitors, registrations
from ...incidents.stores import claim_document
from ...installed import state_changed_at
from ...ports import Clock, Stores
from .checkpoints import SHORT_BREAK_SECONDS
from .roster import OFF, REFRESH_SECONDS

__all__ = ["record_app_off"]

SIGNS_WITHIN = REFRESH_SECONDS + 120.0
"""A running worker has signed again by then: it does so once a minute, between other duties."""


def record_app_off(
    stores: Stores,
    clock: Clock,
    holder: str,
    own: Callable[[], Iterable[str]],
    splunkd_started: Callable[[], float],
    switched: Callable[[], float] = state_changed_at,
) -> None:
    """Record since when monitors of this member were off, if the app was disabled.

    The worker does this before it signs again, and a monitor before it continues: either may run
    first after the app is enabled. Raises what its parts raise.

    Args:
        holder: this member's name.
        own: returns the names of the monitors.
        splunkd_started: returns since when splunkd has been up, in epoch seconds.
        switched: returns when the app was enabled last, in epoch seconds.
    """
    known = stores.claims.get(f"{REGISTERED}:{holder}")
    now = clock.now()
    signed_at = float(known["time"]) if known else now
    since = signed_at + SIGNS_WITHIN
    if now - since <= SHORT_BREAK_SECONDS or switched() <= signed_at:
        return
    if splunkd_started() > signed_at:
        return
    elsewhere = {
        name
        for member in registrations(stores, now)
        if member["holder"] != holder
        for name in registered_monitors(member)
    }
    for name in own():
        trouble = stores.claims.get(f"{TROUBLE}:{name}")
        ran = trouble is not None and float(trouble["time"]) > since
        if name not in elsewhere and not ran:
            note = claim_document(f"{OFF}:{name}", since, purpose=OFF, holder=holder)
            stores.claims.save([note])

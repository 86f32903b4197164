"""A member on which somebody disabled the app for a while: its monitors were off, too.

Nothing of the app runs then that could note it. But a worker signs for its monitors
(:mod:`.roster`), so where it has not for long, splunkd was up all that time, and the app's state
was written since, the app was off. Else the KV store may have failed, or the machine have been
down, and what is due is raised.
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
"""A worker that is there has signed again by then: it looks once a minute, between other duties."""


def record_app_off(
    stores: Stores,
    clock: Clock,
    holder: str,
    own: Callable[[], Iterable[str]],
    splunkd_started: Callable[[], float],
    switched: Callable[[], float] = state_changed_at,
) -> None:
    """Note since when monitors of this member were off, if the app was.

    The worker does this before it signs again, and a monitor before it goes on: either may be first
    after the app is enabled.

    Args:
        holder: this member's name.
        own: returns the names of the monitors.
        splunkd_started: returns since when splunkd has been up, in epoch seconds.
        switched: returns when the app was enabled last, in epoch seconds.

    Raises what its parts raise.
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

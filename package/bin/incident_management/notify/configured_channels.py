"""Saves which channels are set up, for the overview page and the API."""

from __future__ import annotations

from typing import Collection, Iterable, Tuple

from ..channels import CHANNELS
from ..incidents.stores import claim_document
from ..ports import Clock, Document, Stores

__all__ = ["KEY", "reached", "save_configured_channels"]

KEY = "channels set up"


def reached(set_up: Collection[str], subscriptions: Iterable[Document]) -> Tuple[str, ...]:
    """Return the channels that are set up, and ``webhooks`` where a subscription is enabled."""
    own = sorted(set(set_up).difference(CHANNELS))
    channels = (*(channel for channel in CHANNELS if channel in set_up), *own)
    is_subscribed = any(one.get("enabled", True) for one in subscriptions)
    return (*channels, "webhooks") if is_subscribed else channels


def save_configured_channels(stores: Stores, clock: Clock, channels: Iterable[str]) -> None:
    """Save the channels that are set up, for the overview page; write only if they changed."""
    value = {"channels": ", ".join(channels)}
    known = stores.claims.get(KEY)
    if known is None or known["value"] != value:
        note = claim_document(KEY, clock.now(), value)
        stores.claims.save([note])

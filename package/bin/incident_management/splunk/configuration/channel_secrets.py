"""The secrets of custom HTTP channels, as the configuration page stores them."""

from __future__ import annotations

from typing import Dict, Iterable

from ...incidents.routing.http_channels import HttpChannel
from ..session import APP, Session
from .secrets import fields_of
from .stanza import ENCRYPTED

__all__ = ["secrets_of"]

# As splunktaucclib.rest_handler.credentials names it, after the tab.
REALM = f"__REST_CREDENTIAL__#{APP}#configs/conf-{APP}_channel"


def secrets_of(session: Session, channels: Iterable[HttpChannel]) -> Dict[str, Dict[str, str]]:
    """Return the secrets of channels by their names, without those that can't be decrypted.

    Raises SplunkError.
    """
    given = {channel.name: channel.secrets for channel in channels}
    is_kept = any(ENCRYPTED in one.values() for one in given.values())
    kept = fields_of(session, REALM) if is_kept else {}
    found = {
        name: {
            key: kept.get(name, {}).get(key) if value == ENCRYPTED else value
            for key, value in one.items()
        }
        for name, one in given.items()
    }
    # The mark itself is kept after a change of a channel whose secret was lost.
    return {
        name: {key: str(value) for key, value in one.items() if value and value != ENCRYPTED}
        for name, one in found.items()
    }

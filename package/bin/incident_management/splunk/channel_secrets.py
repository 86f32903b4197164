"""The secrets of channels that administrators have shaped, as the configuration page keeps them."""

from __future__ import annotations

from typing import Dict

from ..incidents.routing.http_channels import HttpChannel
from .secrets import fields_of
from .session import APP, Session
from .stanza import ENCRYPTED

__all__ = ["secrets_of"]

# As splunktaucclib.rest_handler.credentials names it, after the tab.
REALM = f"__REST_CREDENTIAL__#{APP}#configs/conf-{APP}_channel"


def secrets_of(session: Session, channel: HttpChannel) -> Dict[str, str]:
    """Return a channel's secrets; those that can't be had are left out. Raises SplunkError."""
    given = dict(channel.secrets)
    if ENCRYPTED not in given.values():
        return given
    known = fields_of(session, REALM).get(channel.name, {})
    found = {
        name: known.get(name) if value == ENCRYPTED else value for name, value in given.items()
    }
    # The mark itself is there after a change of a channel whose secret was lost.
    return {name: str(value) for name, value in found.items() if value and value != ENCRYPTED}

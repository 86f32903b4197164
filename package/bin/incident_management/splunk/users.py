"""What splunkd knows of its users."""

from __future__ import annotations

from ..incidents.model import NOBODY
from .session import Session, SplunkError, path_of

__all__ = ["has_capability"]


def has_capability(session: Session, user: str, capability: str) -> bool:
    """Tell whether a user has a capability: ``authentication/users`` in the REST API Reference.

    A search without an owner belongs to the system. Raises SplunkError when it can't be told.
    """
    if user in NOBODY:
        return True
    try:
        answer = session.get("/services/authentication/users/" + path_of(user))
    except SplunkError as error:
        if error.status == 404:
            return False
        raise
    return capability in (answer["entry"][0]["content"].get("capabilities") or [])

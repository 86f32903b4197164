"""splunkd's users, roles and capabilities."""

from __future__ import annotations

from typing import Dict, FrozenSet, List, Optional

from ..incidents.model import NOBODY
from ..incidents.routing.values import user_name
from .session import Session, SplunkError, path_of

__all__ = ["MOST_USERS", "has_capability", "roles_of_users", "roles_with", "who_has"]

# So many users are looked at.
MOST_USERS = 1000


def has_capability(session: Session, user: str, capability: str) -> bool:
    """Tell whether a user has a capability: ``authentication/users`` in the REST API Reference.

    A search without an owner belongs to the system. Raises SplunkError if splunkd can't tell.
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


def roles_with(session: Session, capability: str) -> FrozenSet[str]:
    """Return the roles that have a capability, their own or imported. Raises SplunkError.

    ``authorization/roles``: "Access endpoint descriptions" in Splunk's REST API Reference.
    """
    entries = session.get("/services/authorization/roles", count=0).get("entry")
    return frozenset(
        str(one["name"])
        for one in entries or []
        if capability in (one["content"].get("capabilities") or ())
        or capability in (one["content"].get("imported_capabilities") or ())
    )


def roles_of_users(session: Session) -> Dict[str, FrozenSet[str]]:
    """Return the first ``MOST_USERS`` users with their roles. Raises SplunkError.

    ``f`` leaves out each user's capabilities, a hundred names that the roles give as well.
    """
    found = session.get("/services/authentication/users", count=MOST_USERS, f="roles")
    return {
        str(one["name"]): frozenset(one["content"].get("roles") or ())
        for one in found.get("entry") or []
    }


def who_has(session: Session, capability: str) -> Optional[List[str]]:
    """Return the names of the users with a capability; None if there are too many users.

    Raises SplunkError.
    """
    users = roles_of_users(session)
    if len(users) == MOST_USERS:
        return None
    able = roles_with(session, capability)
    return sorted(user_name(name) for name, roles in users.items() if roles & able)

"""Check that the people whom a request names exist: a misspelled owner would own work unseen."""

from __future__ import annotations

import difflib
from typing import Iterator, Set

from ..incidents.errors import Invalid
from ..incidents.model import NOBODY
from ..incidents.routing.values import user_name
from ..splunk.session import SplunkError
from .messages import Request

__all__ = ["check_people"]

CAPABILITY = "incident_read"
# The fields of a body that name a person.
_FIELDS = ("owner", "person")


def check_people(request: Request) -> None:
    """Check the owner, or the holder of a role, that the body of a request names.

    Known are the people of incident_routing.conf, Splunk users who may read incidents, and people
    whom the incident in the path already names. If splunkd can't say who is a user, anybody is.

    Raises:
        Invalid: nobody has that name; the sentence suggests similar names.
    """
    for field in _FIELDS:
        name = user_name(request.text(field))
        if name and not _is_known(request, name):
            close = difflib.get_close_matches(name, sorted(_names(request)), 3)
            suggestion = f" Did you mean {' or '.join(close)}?" if close else ""
            raise Invalid(
                f"Nobody named '{name[:60]}' can read incidents.{suggestion} Otherwise give that "
                "Splunk user a role of this app, or add the person under Configuration > People."
            )


def _is_known(request: Request, name: str) -> bool:
    if name == user_name(request.user) or name in request.routing().people():
        return True
    try:
        if request.backend.has_capability(request.system_session, name, CAPABILITY):
            return True
    except SplunkError:
        return True
    return name in _names_of_incident(request)


def _names_of_incident(request: Request) -> Iterator[str]:
    """Yield the people whom the incident in the path names: they may have left since."""
    incident_id = request.params.get("id")
    document = (request.stores.incidents.get(incident_id) if incident_id else None) or {}
    yield user_name(str(document.get("owner") or ""))
    for items, field in (("tasks", "owner"), ("follow_ups", "owner"), ("roles", "person")):
        for one in document.get(items) or ():
            yield user_name(str(one.get(field) or "")) if isinstance(one, dict) else ""


def _names(request: Request) -> Set[str]:
    return {*request.routing().people(), *(request.who_has(CAPABILITY) or ())} - set(NOBODY)

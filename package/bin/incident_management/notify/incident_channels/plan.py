"""The name, topic and invited people of an incident channel. Pure."""

from __future__ import annotations

import re
import unicodedata
from typing import Any, List, Mapping, Sequence

from ...incidents import timeline
from ...incidents.model import Entry
from ...incidents.routing import Routing
from ...incidents.signal import SIMULATED, TEST_MARK
from ...utc import to_the_second
from ..message import incident_url, one_line, plain, roles_text
from ..request_fields import truncated

__all__ = ["name_of", "numbered", "people_of", "topic_of"]

# "Channel names may only contain lowercase letters, numbers, hyphens, and underscores, and must be
# 80 characters or less" (conversations.create); a number may be appended.
NAME_LENGTH = 76
# "Topic was longer than 250 characters" (conversations.setTopic).
TOPIC_LENGTH = 250
_OTHER = re.compile(r"[^a-z0-9_]+")
_GIVING = ("routed", "assigned", "escalation", "edited")


def name_of(template: str, entries: Sequence[Entry]) -> str:
    """Return a channel's name, which depends only on how the incident was opened.

    ``{date}`` is the day (UTC), ``{id}`` the six digits of the incident's id, ``{title}`` as many
    whole words of the title as fit.
    """
    opened = next(entry for entry in entries if entry.kind == "opened")
    fixed = {
        "date": to_the_second(opened.time)[:10].replace("-", ""),
        "id": opened.incident_id.rpartition("-")[2].lower(),
    }
    title = _slug(one_line(opened.data.get("title"), 200))
    free = NAME_LENGTH - len(_slug(template.format(**fixed, title="")))
    while len(title) > max(free - 1, 0):
        title = title.rpartition("-")[0]
    return _slug(template.format(**fixed, title=title))[:NAME_LENGTH]


def numbered(name: str, number: int) -> str:
    """Return the name of the channel with this number among those of the same base name."""
    return name if number < 2 else f"{name}-{number}"


def topic_of(incident: Mapping[str, Any], web_url: str) -> str:
    """Return a channel's topic: severity, status, owner and the incident's link.

    The roles come last, as far as they fit.
    """
    mark = f"{TEST_MARK} " if SIMULATED in (incident.get("rules") or ()) else ""
    known = (
        mark + str(incident.get("severity") or "info").upper(),
        str(incident.get("status") or "").replace("_", " "),
        plain(incident.get("owner"), 80) or "unassigned",
        incident_url(web_url, str(incident["id"])) or str(incident["id"]),
        *filter(None, [roles_text(incident.get("roles"))]),
    )
    return truncated(" · ".join(known), TOPIC_LENGTH)


def people_of(entries: Sequence[Entry], routing: Routing, now: float) -> List[str]:
    """Return the Slack ids of the people whom an incident concerns, if **People** has one.

    These are its present and former owners, those who got a role, those whom it was escalated to,
    those who acknowledged it or requested the channel, and who is on call in its team.
    """
    incident = timeline.fold(entries)
    names = [incident.owner]
    for entry in timeline.effective(entries):
        begins = entry.kind == "status" and entry.data.get("to") == "in_progress"
        names += [str(entry.data.get("owner") or "")] if entry.kind in _GIVING else []
        names += [str(entry.data.get("person") or "")] if entry.kind == "role" else []
        names += [entry.actor] if begins or entry.kind == "room" else []
    team = routing.teams.get(incident.team)
    if team and team.rota:
        names.append(routing.on_call.at(team.rota, now).person)
    members = (routing.members.get(name) for name in dict.fromkeys(names))
    ids = (member.known_as("slack") for member in members if member)
    return list(dict.fromkeys(one for one in ids if one))


def _slug(text: str) -> str:
    ascii_only = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode()
    return _OTHER.sub("-", ascii_only.lower()).strip("-")

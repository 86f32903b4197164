"""Reads Jira Cloud's issues: status and assignee, their changelog, and comments.

Issues are fetched by id, not searched: Jira's search lags, reads times in the account's time zone,
and rejects a whole query because of one deleted issue.

Sources: "Bulk fetch issues" (at most 100; issues that are not found, or may not be seen, are left
out), "Get issue" (``changelog``: the most recent first), "Get comments" of "The Jira Cloud platform
REST API" (v3); "Atlassian Document Format".
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import Any, Dict, List, Mapping, Sequence
from urllib.parse import quote

from ...outside.transport import Network
from ...ports import Clock
from ...splunk.configuration.settings import Jira
from ..services.jira import PROPERTY, service_of
from ..services.tickets import FIRST_LABEL
from .adf import text_of
from .ticket import PAGE, Remark, Remarks, Ticket, objects, read_back

__all__ = ["JiraReader"]

_FIELDS = ["status", "assignee", "updated", "resolution", "creator"]


class JiraReader:
    """Reads one site. Raises NotConfigured when a setting is missing or unusable."""

    batch = 100
    hidden = "Jira hides comments from the app. Let the app's account see them."

    def __init__(self, settings: Jira, network: Network, clock: Clock) -> None:
        self._service = service_of(settings, network, clock)

    def changes(self, since: str) -> None:
        """Return None: a batch of tickets is one request, so all are read each time."""

    def tickets(self, ids: Sequence[str]) -> Dict[str, Ticket]:
        body = {"issueIdsOrKeys": list(ids), "fields": _FIELDS}
        issues = self._service.call("POST", "/issue/bulkfetch", body).get("issues")
        found = [_ticket(issue) for issue in _objects(issues)]
        return {ticket.id: ticket for ticket in found if ticket.id in ids}

    def is_gone(self, ticket_id: str) -> bool:
        return self._service.find(f"/issue/{quote(ticket_id, safe='')}?fields=status") is None

    def with_history(self, ticket: Ticket) -> Ticket:
        path = f"/issue/{quote(ticket.id, safe='')}?fields=status&expand=changelog"
        log = _object(self._service.call("GET", path).get("changelog"))
        moves = [
            (history, item)
            for history in _objects(log.get("histories"))
            for item in _objects(history.get("items"))
            if item.get("field") == "status"
        ]
        if not moves:
            return replace(ticket, first_state=ticket.state)
        by = _text(_object(moves[0][0].get("author")), "displayName")
        return replace(ticket, by=by, first_state=_text(moves[-1][1], "from"))

    def remarks(self, ticket: Ticket, since: float) -> Remarks:
        return read_back(lambda number: self._page(ticket, number), since)

    def _page(self, ticket: Ticket, number: int) -> List[Remark]:
        query = f"orderBy=-created&startAt={number * PAGE}&maxResults={PAGE}&expand=properties"
        path = f"/issue/{quote(ticket.id, safe='')}/comment?{query}"
        comments = _objects(self._service.call("GET", path).get("comments"))
        return [_remark(comment, ticket.keeper) for comment in comments]


def _ticket(issue: Mapping[str, Any]) -> Ticket:
    fields = _object(issue.get("fields"))
    status, assignee = _object(fields.get("status")), _object(fields.get("assignee"))
    over = _text(_object(status.get("statusCategory")), "key") == "done"
    return Ticket(
        id=_text(issue, "id"),
        number=_text(issue, "key"),
        stamp=_text(fields, "updated"),
        state=_text(status, "id"),
        state_name=_text(status, "name"),
        over=over,
        assignee=_text(assignee, "accountId"),
        assignee_name=_text(assignee, "displayName"),
        ended=_text(_object(fields.get("resolution")), "name") if over else "",
        keeper=_text(_object(fields.get("creator")), "accountId"),
    )


def _remark(comment: Mapping[str, Any], keeper: str) -> Remark:
    author = _object(comment.get("author"))
    text = text_of(comment.get("body"))
    marked = any(one.get("key") == PROPERTY for one in _objects(comment.get("properties")))
    # A person may use the same account, so the account alone proves nothing.
    written = keeper == _text(author, "accountId") and text.startswith(f"{FIRST_LABEL}: ")
    return Remark(
        _text(comment, "id"),
        "comment",
        _text(author, "displayName"),
        _seconds(_text(comment, "created")),
        text,
        marked or written,
    )


def _object(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def _objects(value: Any) -> List[Mapping[str, Any]]:
    return [] if value is None else objects(value, "Jira")


def _text(of: Mapping[str, Any], name: str) -> str:
    return str(of.get(name) or "")


def _seconds(text: str) -> float:
    """Read a time with its offset; 0 if it can't be read."""
    try:
        return datetime.strptime(text, "%Y-%m-%dT%H:%M:%S.%f%z").timestamp()
    except ValueError:
        return 0.0

"""Reads ServiceNow's records: their fields and their journal.

Remarks are read from ``sys_journal_field``, one row each, and not from the record's combined text,
in which one remark could pretend to be several. No query contains a time, as the Table API reads
times in queries in the user's time zone.

Sources: "Table API" in ServiceNow's REST API reference (``sysparm_*``; with ``all`` each field has
its value, with times in UTC, and its display value); "Journal field type" (where entries are kept);
"Operators available for filters and queries" (``IN``, ``ORDERBYDESC``).
"""

from __future__ import annotations

import calendar
import time
from typing import Any, Dict, List, Mapping, Sequence
from urllib.parse import quote, urlencode

from ...outside.transport import Network
from ...ports import Clock
from ...splunk.configuration.settings import ServiceNow
from ..services.servicenow import States, service_of, states_of
from .ticket import PAGE, Remark, Remarks, Ticket, objects, read_back

__all__ = ["ServiceNowReader"]

TABLES = "/api/now/table"
JOURNAL = f"{TABLES}/sys_journal_field"
# The fields of any task table, and those that incidents have in addition.
_OF_TASKS = (
    "sys_id,number,state,active,sys_mod_count,sys_updated_on,sys_updated_by,assigned_to,closed_by,"
    "close_notes"
)
_FIELDS = f"{_OF_TASKS},resolved_by,close_code"
_JOURNAL_FIELDS = "sys_id,element,value,sys_created_on,sys_created_by"
_KINDS = {"work_notes": "work note", "comments": "comment"}


class ServiceNowReader:
    """Reads one table, that of incidents or of ``follow_ups``.

    Raises NotConfigured when a setting is missing or unusable.
    """

    # A sys_id has 32 characters, and all of a batch are put into one URL.
    batch = 50
    hidden = (
        "ServiceNow hides work notes and comments from the app. Let the app's user read the table "
        "sys_journal_field."
    )

    def __init__(
        self, settings: ServiceNow, network: Network, clock: Clock, follow_ups: bool = False
    ) -> None:
        self._service = service_of(settings, network, clock)
        self._states = states_of(settings, follow_ups)
        table = settings.of_follow_ups().table if follow_ups else settings.table
        self._table = f"{TABLES}/{quote(table, safe='')}"
        self._user = settings.username.casefold()

    def changes(self, since: str) -> None:
        """Return None: a batch of tickets is one request, so all are read each time."""

    def tickets(self, ids: Sequence[str]) -> Dict[str, Ticket]:
        query = {
            "sysparm_query": f"sys_idIN{','.join(ids)}",
            "sysparm_fields": _OF_TASKS if self._states.by_active else _FIELDS,
            "sysparm_display_value": "all",
            "sysparm_exclude_reference_link": "true",
            "sysparm_limit": str(len(ids)),
        }
        rows = self._rows(self._table, query)
        found = (_ticket(record, self._states) for record in rows)
        # If the service ignores a part of the query, it returns other records, too.
        return {ticket.id: ticket for ticket in found if ticket.id in ids}

    def is_gone(self, ticket_id: str) -> bool:
        path = f"{self._table}/{quote(ticket_id, safe='')}?sysparm_fields=sys_id"
        return self._service.find(path) is None

    def with_history(self, ticket: Ticket) -> Ticket:
        return ticket

    def remarks(self, ticket: Ticket, since: float) -> Remarks:
        return read_back(lambda number: self._page(ticket, number), since)

    def _page(self, ticket: Ticket, number: int) -> List[Remark]:
        query = {
            "sysparm_query": f"element_id={ticket.id}^elementINcomments,work_notes"
            "^ORDERBYDESCsys_created_on",
            "sysparm_fields": _JOURNAL_FIELDS,
            "sysparm_limit": str(PAGE),
            "sysparm_offset": str(number * PAGE),
        }
        return [self._remark(row) for row in self._rows(JOURNAL, query)]

    def _rows(self, table: str, query: Mapping[str, str]) -> List[Mapping[str, Any]]:
        """Return the rows of a query; some versions answer 404 if there are none."""
        answer = self._service.find(f"{table}?{urlencode(query)}")
        return [] if answer is None else objects(answer.get("result"), "ServiceNow")

    def _remark(self, row: Mapping[str, Any]) -> Remark:
        by = str(row.get("sys_created_by") or "")
        return Remark(
            str(row.get("sys_id") or ""),
            _KINDS.get(str(row.get("element")), "comment"),
            by,
            _seconds(str(row.get("sys_created_on") or "")),
            str(row.get("value") or ""),
            by.casefold() == self._user,
        )


def _ticket(record: Mapping[str, Any], states: States) -> Ticket:
    state = _value(record, "state")
    over = states.over(state, _value(record, "active"))
    ended = ": ".join(
        text for text in (_shown(record, "close_code"), _shown(record, "close_notes")) if text
    )
    is_closed = state in states.final or (over and states.by_active)
    by = _shown(record, "closed_by") if is_closed else ""
    if over and not by:
        by = _shown(record, "resolved_by")
    return Ticket(
        id=_value(record, "sys_id"),
        number=_value(record, "number"),
        stamp=f"{_value(record, 'sys_updated_on')} {_value(record, 'sys_mod_count')}",
        state=state,
        state_name=_shown(record, "state"),
        over=over,
        assignee=_value(record, "assigned_to"),
        assignee_name=_shown(record, "assigned_to"),
        by=by or _value(record, "sys_updated_by"),
        ended=ended if over else "",
    )


def _value(record: Mapping[str, Any], name: str) -> str:
    return _part(record, name, "value")


def _shown(record: Mapping[str, Any], name: str) -> str:
    return _part(record, name, "display_value")


def _part(record: Mapping[str, Any], name: str, part: str) -> str:
    field = record.get(name)
    return str(field.get(part) or "") if isinstance(field, dict) else ""


def _seconds(text: str) -> float:
    """Read a time of the service, in UTC; 0 if it can't be read."""
    try:
        return float(calendar.timegm(time.strptime(text, "%Y-%m-%d %H:%M:%S")))
    except ValueError:
        return 0.0

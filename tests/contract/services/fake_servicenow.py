"""ServiceNow's Table API, as far as a ticket needs it, with a memory.

Written from its published references: "Table API", "Operators available for filters and queries",
"Journal field type", "REST OAuth example", "Client credentials", "TaskStateUtil" (the states of the
table ``task``). What a reference does not list is refused; a condition that a real instance would
ignore is, too. What people do there is a method: ``work``, ``say``, ``delete``.
"""

from __future__ import annotations

import re
import time
from dataclasses import dataclass, field
from typing import Any, Dict, List, Tuple
from urllib.parse import parse_qsl, urlsplit

from .answering import OwnClock, Problem, answered
from .receiver import Answer, Receiver, Request

# Fields of a base system's task table that an integration may write, and of its incident table.
_OF_TASKS = {
    "short_description", "description", "impact", "urgency", "state", "assignment_group",
    "correlation_id", "correlation_display", "work_notes", "close_notes", "due_date", "assigned_to",
}  # fmt: skip
_WRITABLE = {*_OF_TASKS, "close_code", "caller_id", "category"}
_LENGTHS = {"short_description": 160, "correlation_id": 100, "correlation_display": 100}
_CLOSE_CODES = {"Solution provided", "Workaround provided", "Resolved by change"}
_STATES = {
    "1": "New", "2": "In Progress", "3": "On Hold", "6": "Resolved", "7": "Closed", "8": "Canceled",
}  # fmt: skip
_TASK_STATES = {
    "1": "Open", "2": "Work in Progress", "3": "Closed Complete", "4": "Closed Incomplete",
    "7": "Closed Skipped",
}  # fmt: skip
_PREFIX = {"incident": "INC", "task": "TASK"}
_PARAMETERS = {
    "sysparm_fields", "sysparm_query", "sysparm_limit", "sysparm_offset", "sysparm_display_value",
    "sysparm_exclude_reference_link",
}  # fmt: skip
_PEOPLE = ("assigned_to", "resolved_by", "closed_by")
USER = "splunk"


@dataclass
class FakeServiceNow:
    """Records of two tables, and the journal, oldest first."""

    receiver: Receiver
    records: List[Dict[str, str]] = field(default_factory=list)
    journal: List[Dict[str, str]] = field(default_factory=list)
    # How the journal is kept from the integration's user: "", "rows" (left out) or "table".
    hides_journal: str = ""
    # What data policies want besides: fields of a new record, and of one that is resolved.
    needs: Tuple[str, ...] = ()
    needs_to_resolve: Tuple[str, ...] = ()
    # The table is none of tasks: conditions on correlation_id are dropped, and values, too.
    is_no_task: bool = False
    clock: OwnClock = field(default_factory=OwnClock)
    # The tokens that are good, and how many were given out. Which grants the instance allows.
    tokens: List[str] = field(default_factory=list)
    given: int = 0
    grants: Tuple[str, ...] = ("password", "client_credentials")
    takes_passwords: bool = True
    _made: int = 0

    def __post_init__(self) -> None:
        self.receiver.respond = answered(self._handle)

    @property
    def notes(self) -> Dict[str, List[str]]:
        """The work notes of each record, by sys_id."""
        found: Dict[str, List[str]] = {record["sys_id"]: [] for record in self.records}
        for row in self.journal:
            found.setdefault(row["element_id"], []).append(row["value"])
        return found

    # --- what people do ---------------------------------------------------------------------

    def work(self, by: str, number: int = 0, **changes: str) -> None:
        """Somebody changes a record; ``assigned_to`` is a person's name."""
        record = self.records[number]
        if changes.get("state") == "6":
            record["resolved_by"] = by
        if _is_closed(record, changes.get("state", "")):
            record["closed_by"] = by
        record.update(changes)
        self._touch(record, by)

    def say(self, by: str, text: str, number: int = 0, element: str = "work_notes") -> None:
        """Somebody writes a work note or a comment."""
        self._note(self.records[number], by, element, text)
        self._touch(self.records[number], by)

    def delete(self, number: int = 0) -> None:
        del self.records[number]

    def _touch(self, record: Dict[str, str], by: str) -> None:
        record["active"] = "false" if _is_closed(record, record["state"]) else "true"
        record["sys_updated_on"] = self._now()
        record["sys_updated_by"] = by
        record["sys_mod_count"] = str(int(record["sys_mod_count"]) + 1)

    def _note(self, record: Dict[str, str], by: str, element: str, text: str) -> None:
        self.journal.append(
            {
                "sys_id": f"{len(self.journal) + 1:032x}",
                "element_id": record["sys_id"],
                "element": element,
                "value": text,
                "sys_created_on": self._now(),
                "sys_created_by": by,
            }
        )

    def _now(self) -> str:
        return time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime(self.clock.tick()))

    # --- the API ----------------------------------------------------------------------------

    def _token(self, request: Request) -> Answer:
        """Give out a token for a client, and for its user's password where that is the grant."""
        assert request.method == "POST" and "authorization" not in request.headers
        assert request.headers["content-type"] == "application/x-www-form-urlencoded"
        form = dict(parse_qsl(request.body.decode(), strict_parsing=True))
        wanted = {"client_id": "cl1ent", "client_secret": "cl1ent s3cret&"}
        grant = form.pop("grant_type")
        if grant == "password":
            wanted.update(username="splunk", password="s3cret")
        if grant not in self.grants or form != wanted:
            return 401, {}, {"error_description": "access_denied", "error": "server_error"}
        self.given += 1
        self.tokens.append(f"t0ken-{self.given}")
        answer = {"access_token": self.tokens[-1], "token_type": "Bearer", "expires_in": 1799}
        return 200, {}, {"scope": "useraccount", **answer}

    def _handle(self, request: Request) -> Answer:
        parts = urlsplit(request.path)
        query = dict(parse_qsl(parts.query, strict_parsing=bool(parts.query)))
        if parts.path == "/oauth_token.do":
            return self._token(request)
        login = request.headers.get("authorization", "")
        is_known = self.takes_passwords and login == "Basic c3BsdW5rOnMzY3JldA=="
        if not is_known and login.partition("Bearer ")[2] not in self.tokens:
            raise _refused(401, "User Not Authenticated", "Required to provide Auth information")
        tables = "incident|task|sys_journal_field"
        found = re.fullmatch(rf"/api/now/table/({tables})(?:/(\w+))?", parts.path)
        unknown = set(query) - _PARAMETERS
        if not found or unknown:
            raise _refused(400, "Requested URI does not represent any resource", str(unknown))
        if found[2] is None and request.method == "GET":
            rows = [_shown(row, query) for row in self._matching(self._rows(found[1]), query)]
            return 200, {}, {"result": rows}
        assert found[1] in _PREFIX, "The journal is written by writing the record's fields."
        if found[2] is None and request.method == "POST":
            return 201, {}, {"result": _shown(self._create(found[1], request.json), query)}
        record = self._record(found[1], found[2])
        if request.method == "PATCH":
            self._change(record, request.json)
        return 200, {}, {"result": _shown(record, query)}

    def _rows(self, table: str) -> List[Dict[str, str]]:
        if table in _PREFIX:
            return [one for one in self.records if one["sys_class_name"] == table]
        if self.hides_journal == "table":
            raise _refused(403, "Operation Failed", "User Not Authorized")
        return [] if self.hides_journal else self.journal

    def _matching(self, rows: List[Dict[str, str]], query: Dict[str, str]) -> List[Dict[str, str]]:
        found = list(rows)
        for part in query["sysparm_query"].split("^"):
            condition = re.fullmatch(r"([a-z_]+)(=|IN)([\w,-]+)", part)
            order = re.fullmatch(r"ORDERBYDESC(sys_created_on)", part)
            assert condition or order, f"{part} would be ignored."
            if condition and self.is_no_task and condition[1] == "correlation_id":
                continue
            if condition:
                wanted = condition[3].split(",") if condition[2] == "IN" else [condition[3]]
                found = [row for row in found if row[condition[1]] in wanted]
            if order:
                found.sort(key=lambda row: row["sys_created_on"], reverse=True)
        start = int(query.get("sysparm_offset", 0))
        return found[start : start + int(query.get("sysparm_limit", 10_000))]

    def _create(self, table: str, given: Dict[str, Any]) -> Dict[str, str]:
        _check_fields(table, given)
        _need(given, self.needs)
        self._made += 1
        if self.is_no_task:
            given = {k: v for k, v in given.items() if not k.startswith("correlation")}
        record = {
            "sys_id": f"{self._made:032x}",
            "sys_class_name": table,
            "number": f"{_PREFIX[table]}{self._made:07d}",
            "state": "1",
            "sys_mod_count": "0",
            "sys_created_on": self._now(),
            **dict.fromkeys((*_PEOPLE, "close_code", "close_notes"), ""),
            **given,
        }
        if table == "task":
            del record["resolved_by"], record["close_code"]
        self._touch(record, USER)
        self.records.append(record)
        return record

    def _record(self, table: str, sys_id: str) -> Dict[str, str]:
        for record in self._rows(table):
            if record["sys_id"] == sys_id:
                return record
        raise _refused(404, "No Record found", "Record doesn't exist or ACL restricts it")

    def _change(self, record: Dict[str, str], given: Dict[str, Any]) -> None:
        table = record["sys_class_name"]
        _check_fields(table, given)
        if table == "incident" and record["state"] in ("7", "8"):
            raise _refused(403, "Operation Failed", "ACL Exception Update Failed")
        if given.get("state") == "6" and not (given.get("close_code") and given.get("close_notes")):
            raise _refused(403, "Operation Failed", "Data Policy: Resolution code is mandatory")
        if given.get("state") == "6":
            _need({**record, **given}, self.needs_to_resolve)
            record["resolved_by"] = USER
        if _is_closed(record, given.get("state", "")):
            record["closed_by"] = USER
        if note := given.pop("work_notes", ""):
            self._note(record, USER, "work_notes", note)
        record.update(given)
        self._touch(record, USER)


def _need(given: Dict[str, Any], names: Tuple[str, ...]) -> None:
    missing = ", ".join(name for name in names if not given.get(name))
    if missing:
        detail = f"Data Policy Exception: The following fields are mandatory: {missing}"
        raise _refused(403, "Operation Failed", detail)


def _is_closed(record: Dict[str, str], state: str) -> bool:
    return state in (("7", "8") if record["sys_class_name"] == "incident" else ("3", "4", "7"))


def _check_fields(table: str, given: Dict[str, Any]) -> None:
    writable = _OF_TASKS if table == "task" else _WRITABLE
    assert set(given) <= writable, set(given) - writable
    assert given.get("state", "1") in (_TASK_STATES if table == "task" else _STATES), given
    assert re.fullmatch(r"(\d{4}-\d\d-\d\d \d\d:\d\d:\d\d)?", given.get("due_date", "")), given
    assert re.fullmatch(r"([0-9a-f]{32})?", given.get("assigned_to", "")), given
    for name, value in given.items():
        assert isinstance(value, str) and len(value) <= _LENGTHS.get(name, 4000), (name, value)
    for name in ("impact", "urgency"):
        assert given.get(name, "1") in ("1", "2", "3")
    assert given.get("close_code", "Solution provided") in _CLOSE_CODES


def _shown(record: Dict[str, str], query: Dict[str, str]) -> Dict[str, Any]:
    """A record's fields as the request wants them: values, or with what people see as well."""
    names = query.get("sysparm_fields", "").split(",")
    writable = _OF_TASKS if record.get("sys_class_name") == "task" else _WRITABLE
    assert not set(names) - set(record) - writable, set(names) - set(record)
    if query.get("sysparm_display_value", "false") == "false":
        return {name: record[name] for name in names if name in record}
    assert query["sysparm_display_value"] == "all"
    assert query.get("sysparm_exclude_reference_link") == "true"
    states = _TASK_STATES if record.get("sys_class_name") == "task" else _STATES
    return {name: _both(name, record[name], states) for name in names if name in record}


def _both(name: str, value: str, states: Dict[str, str]) -> Dict[str, str]:
    if name == "state":
        return {"display_value": states[value], "value": value}
    if name in _PEOPLE and value:
        is_id = re.fullmatch("[0-9a-f]{32}", value)
        return {
            "display_value": value,
            "value": value if is_id else value.encode().hex().ljust(32, "0")[:32],
        }
    # People see times in their own zone.
    shown = f"{value} (Berlin)" if name.endswith("_on") else value
    return {"display_value": shown, "value": value}


def _refused(status: int, message: str, detail: str) -> Problem:
    return Problem(status, {"error": {"message": message, "detail": detail}, "status": "failure"})

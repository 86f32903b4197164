"""ServiceNow's Table API and Jira Cloud's REST API, as far as a ticket needs them, with a memory.

Written from their published references: "Table API" (ServiceNow), "Issues", "Issue search", "Issue
comments" (The Jira Cloud platform REST API, version 3) and "Atlassian Document Format". What a
reference does not list is refused.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any, Callable, Dict, List, Optional, Set
from urllib.parse import parse_qsl, unquote, urlsplit

import jsonschema  # type: ignore[import-untyped]

from .receiver import Answer, Receiver, Request

# Fields of a base system's incident table that an integration may write.
_WRITABLE = {
    "short_description", "description", "impact", "urgency", "state", "assignment_group",
    "correlation_id", "correlation_display", "work_notes", "close_code", "close_notes",
}  # fmt: skip
_LENGTHS = {"short_description": 160, "correlation_id": 100, "correlation_display": 100}
_CLOSE_CODES = {"Solution provided", "Workaround provided", "Resolved by change"}


class Problem(Exception):
    """Answered with this status and body."""

    def __init__(self, status: int, body: Any) -> None:
        super().__init__(str(body))
        self.answer: Answer = (status, {}, body)


def _answered(handle: Callable[[Request], Answer]) -> Callable[[Request], Answer]:
    def respond(request: Request) -> Answer:
        try:
            return handle(request)
        except Problem as problem:
            return problem.answer
        except (AssertionError, jsonschema.ValidationError) as error:
            # Either service's form of a refusal, so that the test shows what was wrong.
            return 400, {}, {"errorMessages": [str(error)], "error": {"message": str(error)}}

    return respond


@dataclass
class FakeServiceNow:
    """Records of one table, oldest first; ``notes`` are the work notes of each, by sys_id."""

    receiver: Receiver
    records: List[Dict[str, str]] = field(default_factory=list)
    notes: Dict[str, List[str]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.receiver.respond = _answered(self._handle)

    def _handle(self, request: Request) -> Answer:
        parts = urlsplit(request.path)
        query = dict(parse_qsl(parts.query, strict_parsing=bool(parts.query)))
        if request.headers.get("authorization") != "Basic c3BsdW5rOnMzY3JldA==":
            raise _refused(401, "User Not Authenticated", "Required to provide Auth information")
        found = re.fullmatch(r"/api/now/table/incident(?:/(\w+))?", parts.path)
        unknown = set(query) - {"sysparm_fields", "sysparm_query", "sysparm_limit"}
        if not found or unknown:
            raise _refused(400, "Requested URI does not represent any resource", str(unknown))
        shown = query.get("sysparm_fields", "").split(",")
        if found[1] is None and request.method == "GET":
            return 200, {}, {"result": [_only(r, shown) for r in self._matching(query)]}
        if found[1] is None and request.method == "POST":
            return 201, {}, {"result": _only(self._create(request.json), shown)}
        record = self._record(found[1])
        if request.method == "PATCH":
            self._change(record, request.json)
        return 200, {}, {"result": _only(record, shown)}

    def _matching(self, query: Dict[str, str]) -> List[Dict[str, str]]:
        condition = re.fullmatch(
            r"correlation_id=([\w-]+)\^ORDERBYDESCsys_created_on", query["sysparm_query"]
        )
        assert condition, query
        newest = reversed(self.records)
        return [r for r in newest if r["correlation_id"] == condition[1]][:1]

    def _create(self, given: Dict[str, Any]) -> Dict[str, str]:
        _check_fields(given)
        number = len(self.records) + 1
        record = {"sys_id": f"{number:032x}", "number": f"INC{number:07d}", "state": "1", **given}
        self.records.append(record)
        self.notes[record["sys_id"]] = []
        return record

    def _record(self, sys_id: str) -> Dict[str, str]:
        for record in self.records:
            if record["sys_id"] == sys_id:
                return record
        raise _refused(404, "No Record found", "Record doesn't exist or ACL restricts it")

    def _change(self, record: Dict[str, str], given: Dict[str, Any]) -> None:
        _check_fields(given)
        if record["state"] in ("7", "8"):
            raise _refused(403, "Operation Failed", "ACL Exception Update Failed")
        if given.get("state") == "6" and not (given.get("close_code") and given.get("close_notes")):
            raise _refused(403, "Operation Failed", "Data Policy: Resolution code is mandatory")
        if note := given.pop("work_notes", ""):
            self.notes[record["sys_id"]].append(note)
        record.update(given)


def _check_fields(given: Dict[str, Any]) -> None:
    assert set(given) <= _WRITABLE, set(given) - _WRITABLE
    for name, value in given.items():
        assert isinstance(value, str) and len(value) <= _LENGTHS.get(name, 4000), (name, value)
    for name in ("impact", "urgency"):
        assert given.get(name, "1") in ("1", "2", "3")
    assert given.get("close_code", "Solution provided") in _CLOSE_CODES


def _only(record: Dict[str, str], fields: List[str]) -> Dict[str, str]:
    return {name: record[name] for name in fields if name in record}


def _refused(status: int, message: str, detail: str) -> Problem:
    return Problem(status, {"error": {"message": message, "detail": detail}, "status": "failure"})


_TEXT = {
    "type": "object",
    "required": ["type", "text"],
    "additionalProperties": False,
    "properties": {
        "type": {"const": "text"},
        "text": {"type": "string", "minLength": 1},
        "marks": {"type": "array", "items": {"enum": [{"type": "strong"}]}},
    },
}
ADF = {
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    "type": "object",
    "required": ["type", "version", "content"],
    "additionalProperties": False,
    "properties": {
        "type": {"const": "doc"},
        "version": {"const": 1},
        "content": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["type"],
                "additionalProperties": False,
                "properties": {
                    "type": {"const": "paragraph"},
                    "content": {
                        "type": "array",
                        "items": {"oneOf": [_TEXT, {"const": {"type": "hardBreak"}}]},
                    },
                },
            },
        },
    },
}
_STATUS = {
    "To Do": "new",
    "In Progress": "indeterminate",
    "Done": "done",
}


@dataclass
class FakeJira:
    """Issues of project OPS, oldest first. ``indexed`` is False while its search lags behind."""

    receiver: Receiver
    issues: List[Dict[str, Any]] = field(default_factory=list)
    indexed: bool = True
    # Fields that a transition asks for, by the status it leads to.
    required: Dict[str, Set[str]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.receiver.respond = _answered(self._handle)

    def _handle(self, request: Request) -> Answer:
        parts = urlsplit(request.path)
        query = dict(parse_qsl(parts.query))
        if request.headers.get("authorization") != "Basic bWlhQGV4YW1wbGUuY29tOnQwa2Vu":
            return 401, {}, b"Client must be authenticated to access this resource."
        assert parts.path.startswith("/rest/api/3/"), parts.path
        path = parts.path[len("/rest/api/3/") :].split("/")
        if (request.method, path) == ("POST", ["search", "jql"]):
            return 200, {}, {"issues": self._searched(request.json), "isLast": True}
        if (request.method, path) == ("POST", ["issue"]):
            return 201, {}, self._create(request.json)
        assert path[0] == "issue", path
        issue = self._issue(unquote(path[1]))
        routes: Dict[Any, Callable[[], Answer]] = {
            ("GET", ()): lambda: (200, {}, self._shown(issue, query)),
            ("GET", ("comment",)): lambda: (200, {}, self._comments(issue, query)),
            ("POST", ("comment",)): lambda: (201, {}, self._commented(issue, request.json)),
            ("GET", ("transitions",)): lambda: (200, {}, self._transitions(query)),
            ("POST", ("transitions",)): lambda: self._moved(issue, request.json),
        }
        return routes[request.method, tuple(path[2:])]()

    def _searched(self, body: Dict[str, Any]) -> List[Dict[str, Any]]:
        assert set(body) <= {"jql", "maxResults", "fields"}
        jql = re.fullmatch(
            r'project = "OPS" AND labels = "([\w-]+)" ORDER BY created DESC', body["jql"]
        )
        assert jql, body
        found = [i for i in reversed(self.issues) if jql[1] in i["fields"]["labels"]]
        known = found if self.indexed else []
        return [{"id": i["id"], "key": i["key"], "fields": {}} for i in known][: body["maxResults"]]

    def _create(self, body: Dict[str, Any]) -> Dict[str, Any]:
        assert set(body) == {"fields", "properties"}
        fields = body["fields"]
        assert set(fields) == {"project", "issuetype", "summary", "description", "labels"}
        if fields["project"] != {"key": "OPS"}:
            raise Problem(
                400, {"errorMessages": [], "errors": {"project": "valid project is required"}}
            )
        assert 0 < len(fields["summary"]) <= 255 and "\n" not in fields["summary"]
        assert all(label and " " not in label for label in fields["labels"])
        jsonschema.validate(fields["description"], ADF)
        number = len(self.issues) + 1
        issue = {
            "id": str(10_000 + number),
            "key": f"OPS-{number}",
            "fields": {**fields, "status": "To Do"},
            "properties": {one["key"]: one["value"] for one in body["properties"]},
            "comments": [],
        }
        self.issues.append(issue)
        return {"id": issue["id"], "key": issue["key"], "self": "https://x/"}

    def _issue(self, name: str) -> Dict[str, Any]:
        for issue in self.issues:
            if name in (issue["id"], issue["key"]):
                return issue
        raise Problem(
            404, {"errorMessages": ["Issue does not exist or you do not have permission."]}
        )

    def _shown(self, issue: Dict[str, Any], query: Dict[str, str]) -> Dict[str, Any]:
        assert query["fields"] == "status", query
        status = {
            "name": issue["fields"]["status"],
            "statusCategory": {"key": _STATUS[issue["fields"]["status"]]},
        }
        shown = {"id": issue["id"], "key": issue["key"], "fields": {"status": status}}
        wanted = query.get("properties", "").split(",")
        properties = {k: v for k, v in issue["properties"].items() if k in wanted}
        return {**shown, "properties": properties} if properties else shown

    def _comments(self, issue: Dict[str, Any], query: Dict[str, str]) -> Dict[str, Any]:
        assert query["orderBy"] == "-created" and query["expand"] == "properties"
        newest = issue["comments"][::-1][: int(query["maxResults"])]
        return {"comments": newest, "total": len(issue["comments"])}

    def _commented(self, issue: Dict[str, Any], body: Dict[str, Any]) -> Dict[str, Any]:
        assert set(body) == {"body", "properties"}
        jsonschema.validate(body["body"], ADF)
        issue["comments"].append(body)
        return {"id": str(len(issue["comments"]))}

    def _transitions(self, query: Dict[str, str]) -> Dict[str, Any]:
        assert query == {"expand": "transitions.fields"}
        return {
            "transitions": [
                {
                    "id": str(number),
                    "name": f"to {name}",
                    "to": {"name": name, "statusCategory": {"key": category}},
                    "fields": {
                        asked: {"required": True, "hasDefaultValue": False}
                        for asked in self.required.get(name, ())
                    },
                }
                for number, (name, category) in enumerate(_STATUS.items(), 11)
            ]
        }

    def _moved(self, issue: Dict[str, Any], body: Dict[str, Any]) -> Answer:
        assert set(body) == {"transition"}
        issue["fields"]["status"] = list(_STATUS)[int(body["transition"]["id"]) - 11]
        return 204, {}, b""


def text_of(document: Optional[Dict[str, Any]]) -> str:
    """Return a document's text, a line a paragraph."""
    return "\n".join(
        "".join("\n" if n["type"] == "hardBreak" else n["text"] for n in p["content"])
        for p in (document or {"content": []})["content"]
    )

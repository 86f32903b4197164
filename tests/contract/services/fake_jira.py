"""Jira Cloud's REST API, as far as a ticket needs it, with a memory.

Written from its published reference: "Issues" (with "Edit issue", "Bulk fetch issues" and
``changelog``), "Issue search", "Issue comments" (The Jira Cloud platform REST API, version 3) and
"Atlassian Document Format". What the reference does not list is refused. What people do there is a
method: ``work``, ``say``, ``delete``.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from typing import Any, Callable, Dict, List, Optional, Set
from urllib.parse import parse_qsl, unquote, urlsplit

import jsonschema  # type: ignore[import-untyped]

from .answering import OwnClock, Problem, answered
from .receiver import Answer, Receiver, Request

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
_IDS = {"To Do": "10000", "In Progress": "3", "Done": "10001"}
APP = "Splunk"
_PROJECTS = ("OPS", "PLAN")
# Who may be assigned an issue.
_PEOPLE = ("Mia", "Lee")
# As the account's time zone has it.
_ZONE = timezone(timedelta(hours=-5))


@dataclass
class FakeJira:
    """Issues of two projects, oldest first. ``indexed`` is False while its search lags behind."""

    receiver: Receiver
    issues: List[Dict[str, Any]] = field(default_factory=list)
    indexed: bool = True
    # Fields that a transition asks for, by the status it leads to.
    required: Dict[str, Set[str]] = field(default_factory=dict)
    # Fields that are on no screen.
    unknown: Set[str] = field(default_factory=set)
    # Whether comments are shown with their properties.
    shows_properties: bool = True
    clock: OwnClock = field(default_factory=OwnClock)
    _made: int = 0

    def __post_init__(self) -> None:
        self.receiver.respond = answered(self._handle)

    # --- what people do ---------------------------------------------------------------------

    def work(self, by: str, number: int = 0, **changes: str) -> None:
        """Somebody changes an issue's ``status`` or ``assignee``."""
        issue, items = self.issues[number], []
        for name, value in changes.items():
            before = issue["fields"].get(name, "")
            ids = _IDS if name == "status" else {}
            items.append(
                {
                    "field": name,
                    "from": ids.get(before, before),
                    "fromString": before,
                    "to": ids.get(value, value),
                    "toString": value,
                }
            )
            issue["fields"][name] = value
        history = {
            "id": str(len(issue["histories"]) + 1),
            "author": _account(by),
            "created": self._touch(issue),
            "items": items,
        }
        issue["histories"].append(history)

    def say(self, by: str, body: Any, number: int = 0) -> None:
        """Somebody comments on an issue, with a text or a whole document."""
        paragraph = {"type": "paragraph", "content": [{"type": "text", "text": body}]}
        document = {"type": "doc", "version": 1, "content": [paragraph]}
        self._add(self.issues[number], by, document if isinstance(body, str) else body, [])

    def delete(self, number: int = 0) -> None:
        del self.issues[number]

    def _touch(self, issue: Dict[str, Any]) -> str:
        moment = datetime.fromtimestamp(self.clock.tick(), _ZONE)
        issue["updated"] = moment.strftime("%Y-%m-%dT%H:%M:%S.000%z")
        return str(issue["updated"])

    def _add(self, issue: Dict[str, Any], by: str, body: Any, properties: List[Any]) -> str:
        self._made += 1
        comment = {
            "id": str(20_000 + self._made),
            "author": _account(by),
            "body": body,
            "created": self._touch(issue),
            "properties": properties,
            # What "Add comment" says of jsdPublic: true unless it was made internal.
            "jsdPublic": {"key": "sd.public.comment", "value": {"internal": True}}
            not in properties,
        }
        issue["comments"].append(comment)
        return str(comment["id"])

    # --- the API ----------------------------------------------------------------------------

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
        if (request.method, path) == ("POST", ["issue", "bulkfetch"]):
            return 200, {}, self._fetched(request.json)
        assert path[0] == "issue", path
        issue = self._issue(unquote(path[1]))
        routes: Dict[Any, Callable[[], Answer]] = {
            ("GET", ()): lambda: (200, {}, self._shown(issue, query)),
            ("PUT", ()): lambda: self._edited(issue, request.json),
            ("GET", ("comment",)): lambda: (200, {}, self._comments(issue, query)),
            ("POST", ("comment",)): lambda: (201, {}, self._commented(issue, request.json)),
            ("GET", ("transitions",)): lambda: (200, {}, self._transitions(query)),
            ("POST", ("transitions",)): lambda: self._moved(issue, request.json),
        }
        return routes[request.method, tuple(path[2:])]()

    def _searched(self, body: Dict[str, Any]) -> List[Dict[str, Any]]:
        assert set(body) <= {"jql", "maxResults", "fields"}
        jql = re.fullmatch(
            r'project = "([A-Z]+)" AND labels = "([\w-]+)" ORDER BY created DESC', body["jql"]
        )
        assert jql, body
        found = [
            issue
            for issue in reversed(self.issues)
            if jql[2] in issue["fields"]["labels"] and issue["fields"]["project"] == {"key": jql[1]}
        ]
        known = found if self.indexed else []
        return [{"id": i["id"], "key": i["key"], "fields": {}} for i in known][: body["maxResults"]]

    def _create(self, body: Dict[str, Any]) -> Dict[str, Any]:
        assert set(body) == {"fields", "properties"}
        fields = body["fields"]
        assert set(fields) - {"priority", "components", "duedate", "assignee"} == {
            "project", "issuetype", "summary", "description", "labels",
        }  # fmt: skip
        if fields["project"].get("key") not in _PROJECTS:
            raise Problem(
                400, {"errorMessages": [], "errors": {"project": "valid project is required"}}
            )
        assert 0 < len(fields["summary"]) <= 255 and "\n" not in fields["summary"]
        assert all(label and " " not in label for label in fields["labels"])
        jsonschema.validate(fields["description"], ADF)
        planned = self._planned(fields)
        self._made += 1
        number = self._made
        issue: Dict[str, Any] = {
            "id": str(10_000 + number),
            "key": f"{fields['project']['key']}-{number}",
            "fields": {**fields, **planned, "status": "To Do"},
            "properties": {one["key"]: one["value"] for one in body["properties"]},
            "comments": [],
            "histories": [],
        }
        self._touch(issue)
        self.issues.append(issue)
        return {"id": issue["id"], "key": issue["key"], "self": "https://x/"}

    def _planned(self, fields: Dict[str, Any]) -> Dict[str, Any]:
        """Who is to do an issue, by name, and until which day."""
        given: Dict[str, Any] = {
            name: fields[name] for name in ("duedate", "assignee") if name in fields
        }
        errors = {
            name: f"Field '{name}' cannot be set. It is not on the appropriate screen, or unknown."
            for name in given
            if name in self.unknown
        }
        if "duedate" in given:
            assert re.fullmatch(r"\d{4}-\d\d-\d\d", given["duedate"]), given
        if "assignee" in given:
            assert set(given["assignee"]) == {"id"}, given
            name = given["assignee"]["id"].partition("id-of-")[2]
            if name not in _PEOPLE:
                errors.setdefault("assignee", f"User '{name}' cannot be assigned issues.")
            given["assignee"] = name
        if errors:
            raise Problem(400, {"errorMessages": [], "errors": errors})
        return given

    def _edited(self, issue: Dict[str, Any], body: Dict[str, Any]) -> Answer:
        assert set(body) == {"fields"} and set(body["fields"]) <= {"duedate", "assignee"}, body
        issue["fields"].update(self._planned(body["fields"]))
        self._touch(issue)
        return 204, {}, b""

    def _issue(self, name: str) -> Dict[str, Any]:
        for issue in self.issues:
            if name in (issue["id"], issue["key"]):
                return issue
        raise Problem(
            404, {"errorMessages": ["Issue does not exist or you do not have permission."]}
        )

    def _fetched(self, body: Dict[str, Any]) -> Dict[str, Any]:
        assert set(body) <= {"issueIdsOrKeys", "fields", "fieldsByKeys", "expand", "properties"}
        assert 0 < len(body["issueIdsOrKeys"]) <= 100
        found = [one for one in self.issues if one["id"] in body["issueIdsOrKeys"]]
        shown = [
            {"id": one["id"], "key": one["key"], "fields": _fields(one, body["fields"])}
            for one in sorted(found, key=lambda one: int(one["id"]))
        ]
        return {"issues": shown, "issueErrors": []}

    def _shown(self, issue: Dict[str, Any], query: Dict[str, str]) -> Dict[str, Any]:
        assert set(query) <= {"fields", "properties", "expand"}, query
        shown = {
            "id": issue["id"],
            "key": issue["key"],
            "fields": _fields(issue, query["fields"].split(",")),
        }
        wanted = query.get("properties", "").split(",")
        properties = {k: v for k, v in issue["properties"].items() if k in wanted}
        if properties:
            shown["properties"] = properties
        if "expand" in query:
            assert query["expand"] == "changelog", query
            newest = issue["histories"][::-1]
            shown["changelog"] = {"startAt": 0, "total": len(newest), "histories": newest}
        return shown

    def _comments(self, issue: Dict[str, Any], query: Dict[str, str]) -> Dict[str, Any]:
        assert set(query) <= {"startAt", "maxResults", "orderBy", "expand"}, query
        assert query["orderBy"] == "-created" and query["expand"] == "properties"
        start, most = int(query.get("startAt", 0)), int(query["maxResults"])
        assert 0 < most <= 100
        shown = issue["comments"][::-1][start : start + most]
        if not self.shows_properties:
            shown = [{k: v for k, v in one.items() if k != "properties"} for one in shown]
        return {"startAt": start, "comments": shown, "total": len(issue["comments"])}

    def _commented(self, issue: Dict[str, Any], body: Dict[str, Any]) -> Dict[str, Any]:
        assert set(body) == {"body", "properties"}
        jsonschema.validate(body["body"], ADF)
        return {"id": self._add(issue, APP, body["body"], body["properties"])}

    def _transitions(self, query: Dict[str, str]) -> Dict[str, Any]:
        assert query == {"expand": "transitions.fields"}
        return {
            "transitions": [
                {
                    "id": str(number),
                    "name": f"to {name}",
                    "to": {
                        "id": _IDS[name],
                        "name": name,
                        "statusCategory": {"key": category},
                    },
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
        status = list(_STATUS)[int(body["transition"]["id"]) - 11]
        self.work(APP, self.issues.index(issue), status=status)
        return 204, {}, b""


def _account(name: str) -> Dict[str, str]:
    return {"accountId": f"id-of-{name}", "displayName": name}


def _fields(issue: Dict[str, Any], names: List[str]) -> Dict[str, Any]:
    status, assignee = issue["fields"]["status"], issue["fields"].get("assignee")
    is_done = _STATUS[status] == "done"
    known = {
        "status": {
            "id": _IDS[status],
            "name": status,
            "statusCategory": {"key": _STATUS[status]},
        },
        "assignee": _account(assignee) if assignee else None,
        "updated": issue["updated"],
        "resolution": {"id": "10000", "name": "Fixed"} if is_done else None,
        "creator": _account(APP),
    }
    return {name: known[name] for name in names}


def text_of(document: Optional[Dict[str, Any]]) -> str:
    """Return a document's text, a line a paragraph."""
    return "\n".join(
        "".join("\n" if n["type"] == "hardBreak" else n["text"] for n in p["content"])
        for p in (document or {"content": []})["content"]
    )

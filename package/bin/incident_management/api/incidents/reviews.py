"""``/incidents/{id}/review`` and follow-ups: what is said of an incident afterwards."""

from __future__ import annotations

from typing import Any, List, Mapping

from ...channels import NAMES, PLANNED
from ...incidents.errors import IllegalMove, NotFound
from ...incidents.items import ITEM_STATES, REASON_CHARACTERS
from ...incidents.model import SEVERITIES, STATUSES, Document
from ...incidents.review import writing
from ...incidents.review.document import Review, read_review
from ...incidents.review.due_counts import due_clauses
from ...incidents.review.reminders import incidents_with_follow_ups
from ...incidents.review.review_state import REVIEW_STATES, SECTIONS
from ...incidents.review.statements import ReviewedTimeline
from ...incidents.signal import TEXT_CHARACTERS, TITLE_CHARACTERS
from ...incidents.stores import find_by
from ...incidents.upkeep.retention import pruned
from ..router import Request, Response, route
from ..schema import any_object, any_text, any_whole, flag, listed, named, obj, one_of, text
from ..shapes import LIMIT, NAME, OFFSET, TIME, page
from .guard import change, run_action
from .history import indexed

__all__ = ["REVIEW_FILTER", "review_clauses"]

_REASON = text(REASON_CHARACTERS)
_TICKET = obj(
    {
        "channel": one_of(PLANNED),
        "state": one_of(("wanted", "made", "failed", "gone"), "`gone`: deleted there."),
        "by": any_text("Who wanted it."),
        "at": TIME,
        "ticket": any_text("Its id there."),
        "number": any_text(),
        "url": any_text(),
        "there": any_text("What people there call its state, once they have changed it."),
        "reason": any_text("Why it could not be made."),
    },
    ("channel", "state", "by", "at"),
)
_PLANNED_FIELDS = {
    "title": text(TITLE_CHARACTERS, 1),
    "owner": NAME,
    "due": TIME,
    "due_day": text(10, 10, "Which day that is where you are; else that in UTC."),
}
_FOLLOW_UP = named(
    "FollowUp",
    obj(
        {
            "id": any_text(),
            "title": any_text("What is to be done."),
            "owner": any_text("Whose it is."),
            "due": TIME,
            "due_day": any_text("The day that people called that date, if they did."),
            "state": one_of(ITEM_STATES),
            "reason": any_text("Why it is dropped, done or open again."),
            "by": any_text("Who has changed it last."),
            "at": TIME,
            "overdue": flag("It is open, and its date is past."),
            "tickets": listed(_TICKET, about="In Jira and ServiceNow; left out where none was."),
            "incident_id": any_text(),
            "incident_title": any_text(),
            "severity": one_of(SEVERITIES),
        },
        ("id", "title", "owner", "due", "state"),
        more=True,
    ),
)
_STATEMENT = obj(
    {
        "text": any_text(),
        "sources": listed(any_object(), about="Of the entries that say so the first few."),
        "rests_on": any_whole("How many entries say so."),
    },
    ("text", "sources", "rests_on"),
)
_REVIEW = named(
    "Review",
    obj(
        {
            "incident_id": any_text(),
            "title": any_text(),
            "severity": one_of(SEVERITIES),
            "status": one_of(STATUSES),
            "problems": listed(any_text(), about="Why entries may be missing or changed."),
            "state": one_of(("", "begun", "done", "not_needed")),
            "wanted": flag(
                "Its severity is reviewed; no test, false alarm, merged or withdrawn one."
            ),
            "due": flag("It is wanted, the incident is over, and nobody has said that it is done."),
            "said_by": any_text("Who said that it is done, or not needed."),
            "said_at": TIME,
            "reason": any_text(),
            "measures": any_object("Seconds to detect, acknowledge, resolve; null: it is not so."),
            "lives": listed(any_object(), about="From each opening, the seconds to each step."),
            "account": listed(
                obj(
                    {"name": any_text(), "title": any_text(), "statements": listed(_STATEMENT)},
                    ("name", "title", "statements"),
                ),
                about="What the timeline says, each sentence with its entries.",
            ),
            "written": listed(any_object(), about="What people wrote."),
            "follow_ups": listed(_FOLLOW_UP),
        },
        ("incident_id", "state", "wanted", "due", "account", "written", "follow_ups"),
    ),
)


@route(
    "GET",
    "/incidents/{id}/review",
    capability="incident_read",
    query={"format": one_of(("json", "markdown"), "JSON unless given.")},
    answers={200: (_REVIEW, "text/markdown")},
    problems=(502,),
)
def get_review(request: Request) -> Response:
    """What is said of an incident afterwards, as JSON or as one Markdown document for a wiki.

    The account is made by code from the timeline, each sentence with the entries that it rests on;
    beside it stand what people wrote and what is still to be done. The ETag is the incident's. Of
    an incident that was deleted by age it is made out of the index, with the caller's own rights.
    """
    review = _review(request)
    if request.args.get("format") == "markdown":
        return Response(review.to_markdown(), content_type="text/markdown; charset=utf-8")
    return Response(review.to_document(), headers={"ETag": f'"{review.etag}"'})


def _review(request: Request) -> Review:
    routing, incident_id = request.routing(), request.params["id"]
    severities = routing.review_severities
    try:
        return read_review(request.stores, incident_id, severities, routing.fields)
    except NotFound:
        if not pruned(request.stores, [incident_id]):
            raise
        entries, problems = indexed(request, incident_id)
        if not entries:
            raise
        return Review(ReviewedTimeline(entries), None, severities, problems, routing.fields)


@change(
    "/incidents/{id}/review",
    body=obj(
        {
            **{name: text(TEXT_CHARACTERS, about=title) for name, title in SECTIONS.items()},
            "state": one_of(REVIEW_STATES, "`open` takes the others back."),
            "reason": _REASON,
        }
    ),
)
def write_review(request: Request) -> Response:
    """Set some of a review's texts (an empty one takes it away), say that it is done, or both."""
    texts = {name: str(request.body[name]) for name in SECTIONS if name in request.body}
    said = (request.text("state"), request.text("reason"))
    return run_action(request, writing.write_review, texts, *said)


@change(
    "/incidents/{id}/follow-ups",
    body=obj(_PLANNED_FIELDS, ("title", "owner", "due")),
)
def add_follow_up(request: Request) -> Response:
    """Note what is to be done afterwards, by whom and until when; in any state but merged."""
    title, owner = request.text("title", required=True), request.text("owner", required=True)
    due = float(request.body["due"])
    tickets = [name for name, for_each in request.follow_up_systems().items() if for_each]
    day = request.text("due_day")
    return run_action(request, writing.add_follow_up, title, owner, due, tickets, day)


@change(
    "/incidents/{id}/follow-ups/{follow_up}",
    body=obj(
        {
            **_PLANNED_FIELDS,
            "state": one_of(ITEM_STATES),
            "reason": _REASON,
        }
    ),
)
def change_follow_up(request: Request) -> Response:
    """Change a follow-up, or say that it is done, dropped (with the reason) or open again."""
    key = request.params["follow_up"]
    return run_action(request, writing.change_follow_up, key, dict(request.body))


@change(
    "/incidents/{id}/follow-ups/{follow_up}/ticket",
    body=obj({"channel": one_of(PLANNED)}, ("channel",)),
)
def want_ticket(request: Request) -> Response:
    """Have a ticket made for an open follow-up, where it has none; the worker makes it."""
    channel = request.text("channel", required=True)
    if channel not in request.follow_up_systems():
        raise IllegalMove(f"{NAMES[channel]} is not set up: Configuration > {NAMES[channel]}.")
    key = request.params["follow_up"]
    return run_action(request, writing.request_ticket, key, channel)


@route(
    "GET",
    "/follow-ups",
    capability="incident_read",
    query={
        "state": one_of(ITEM_STATES, "All unless given."),
        "owner": NAME,
        "incident": NAME,
        "limit": LIMIT,
        "offset": OFFSET,
    },
    answers={200: page("follow_ups", _FOLLOW_UP)},
)
def list_follow_ups(request: Request) -> Response:
    """The follow-ups of all incidents, those that are due first."""
    limit, offset = request.args.get("limit", 100), request.args.get("offset", 0)
    found = sorted(
        (one for one in _all_follow_ups(request) if _fits(one, request.args)),
        key=lambda one: (one["due"], one["id"]),
    )
    shown = found[offset : offset + limit]
    return Response({"follow_ups": shown, "more": len(found) > offset + limit})


def _all_follow_ups(request: Request) -> List[Document]:
    now, fields = request.clock.now(), ("title", "severity")
    incident = str(request.args.get("incident", "")).strip()
    if incident:
        read = ("follow_ups", *fields)
        documents = find_by(request.stores.incidents, "_key", [incident], read)
    else:
        only_open = request.args.get("state") == "open"
        documents = incidents_with_follow_ups(request.stores, fields, only_open)
    return [
        {
            **one,
            "overdue": one["state"] == "open" and one["due"] <= now,
            "incident_id": str(document["_key"]),
            "incident_title": str(document.get("title") or ""),
            "severity": str(document.get("severity") or SEVERITIES[-1]),
        }
        for document in documents
        for one in document.get("follow_ups") or ()
    ]


def _fits(one: Mapping[str, Any], wanted: Mapping[str, Any]) -> bool:
    owner = str(wanted.get("owner", "")).strip().lower()
    return wanted.get("state", one["state"]) == one["state"] and owner in ("", one["owner"])


REVIEW_FILTER = one_of(
    ("due", "begun", "done", "not_needed"),
    "`due`: one is wanted, the incident is over, and nobody has said that it is done.",
)


def review_clauses(request: Request, arguments: Mapping[str, Any]) -> List[Document]:
    """The clauses of a query for the incidents whose review is as the argument ``review`` says."""
    wanted = arguments.get("review")
    if wanted != "due":
        return [{"review": wanted}] if wanted else []
    return due_clauses(request.routing().review_severities)

"""``/incidents/{id}/review`` and follow-ups: the post-incident review."""

from __future__ import annotations

from typing import Any, List, Mapping

from ...channels import FOLLOW_UP_SYSTEMS, NAMES
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
        "channel": one_of(FOLLOW_UP_SYSTEMS),
        "state": one_of(("wanted", "made", "failed", "gone"), "`gone`: the ticket was deleted."),
        "by": any_text("Who requested it."),
        "at": TIME,
        "ticket": any_text("The ticket's id."),
        "number": any_text(),
        "url": any_text(),
        "there": any_text("The ticket's state in its system, once changed there."),
        "reason": any_text("Why it could not be created."),
    },
    ("channel", "state", "by", "at"),
)
_PLANNED_FIELDS = {
    "title": text(TITLE_CHARACTERS, 1),
    "owner": NAME,
    "due": TIME,
    "due_day": text(10, 10, "The due day in your time zone; by default the day in UTC."),
}
_FOLLOW_UP = named(
    "FollowUp",
    obj(
        {
            "id": any_text(),
            "title": any_text("What to do."),
            "owner": any_text("Who is responsible."),
            "due": TIME,
            "due_day": any_text("The due day as it was entered, if it was."),
            "state": one_of(ITEM_STATES),
            "reason": any_text("Why it was dropped, completed or reopened."),
            "by": any_text("Who changed it last."),
            "at": TIME,
            "overdue": flag("It is open and past its due date."),
            "tickets": listed(
                _TICKET, about="Tickets in Jira and ServiceNow; omitted if there is none."
            ),
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
        "sources": listed(any_object(), about="The first few timeline entries that support it."),
        "rests_on": any_whole("Number of entries that support it."),
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
            "problems": listed(any_text(), about="Why entries may be missing or altered."),
            "state": one_of(("", "begun", "done", "not_needed")),
            "wanted": flag(
                "Its severity needs a review; no test, false alarm, merged or withdrawn one."
            ),
            "due": flag("It is needed, the incident is over, and the review is not done."),
            "said_by": any_text("Who marked it done or not needed."),
            "said_at": TIME,
            "reason": any_text(),
            "measures": any_object("Seconds to detect, acknowledge, resolve; null: not (yet)."),
            "lives": listed(any_object(), about="For each opening, the seconds to each step."),
            "account": listed(
                obj(
                    {"name": any_text(), "title": any_text(), "statements": listed(_STATEMENT)},
                    ("name", "title", "statements"),
                ),
                about="Statements from the timeline, each with its entries.",
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
    query={"format": one_of(("json", "markdown"), "Default: json.")},
    answers={200: (_REVIEW, "text/markdown")},
    problems=(502,),
)
def get_review(request: Request) -> Response:
    """Return an incident's review, as JSON or as one Markdown document for a wiki.

    Code generates the account from the timeline; each sentence names the entries that support it.
    The review also has the texts that people wrote and the follow-ups. The ETag is the incident's.
    The review of an incident that retention deleted is generated from the index, with the caller's
    own rights.
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
            "state": one_of(REVIEW_STATES, "`open` reverts the other states."),
            "reason": _REASON,
        }
    ),
)
def write_review(request: Request) -> Response:
    """Set texts of a review (an empty text removes it), change its state, or both."""
    texts = {name: str(request.body[name]) for name in SECTIONS if name in request.body}
    said = (request.text("state"), request.text("reason"))
    return run_action(request, writing.write_review, texts, *said)


@change(
    "/incidents/{id}/follow-ups",
    body=obj(_PLANNED_FIELDS, ("title", "owner", "due")),
)
def add_follow_up(request: Request) -> Response:
    """Add a follow-up with an owner and a due date; allowed in any state but merged."""
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
    """Change a follow-up, or mark it done, dropped (requires a reason) or open again."""
    key = request.params["follow_up"]
    return run_action(request, writing.change_follow_up, key, dict(request.body))


@change(
    "/incidents/{id}/follow-ups/{follow_up}/ticket",
    body=obj({"channel": one_of(FOLLOW_UP_SYSTEMS)}, ("channel",)),
)
def want_ticket(request: Request) -> Response:
    """Request a ticket for an open follow-up that has none; the worker creates it."""
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
    """List the follow-ups of all incidents, the earliest due date first."""
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
    "`due`: a review is needed, the incident is over, and the review is not done.",
)


def review_clauses(request: Request, arguments: Mapping[str, Any]) -> List[Document]:
    """Return the query clauses for the argument ``review``; none without it."""
    wanted = arguments.get("review")
    if wanted != "due":
        return [{"review": wanted}] if wanted else []
    return due_clauses(request.routing().review_severities)

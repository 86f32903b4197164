"""``POST /incidents/bulk``: one move of many incidents, each with a result of its own."""

from __future__ import annotations

from typing import Any, Callable, Dict, List, Mapping, NamedTuple, Optional, Sequence

from ...incidents import editing, lifecycle, updates
from ...incidents.clocks import assignment
from ...incidents.errors import Contended, IllegalMove, Invalid, NotFound
from ...incidents.model import Incident
from ...incidents.review.afterwards import REVIEW_STATES
from ...incidents.review.writing import write_review
from ...incidents.routing import Routing
from ...ports import Clock, Stores
from ...splunk.session import SplunkError
from ..router import Request, Response, problem_of, route
from ..schema import any_text, any_whole, flag, listed, obj, one_of, record, text, whole
from ..shapes import NAME, REASON, SEVERITY
from .lifecycle import RESOLUTION
from .listing import FILTER_ARGUMENTS, matching

__all__ = ["ACTIONS", "MAX_AT_ONCE"]

# In one request: each takes some calls of the KV store, one incident after the other.
MAX_AT_ONCE = 200
# A note too long for one incident is too long for each; beyond this the body is refused.
NOTE = text(10_000, 1)

Act = Callable[[str], Incident]


class Action(NamedTuple):
    """What is done to each incident, the fields that it takes, and those that it needs.

    ``routed``: it takes the routing as well, after the clock.
    """

    act: Callable[..., Incident]
    takes: Sequence[str] = ()
    needs: Sequence[str] = ()
    routed: bool = False


def _set_severity(
    stores: Stores, clock: Clock, incident_id: str, actor: str, severity: str, once: str
) -> Incident:
    return editing.edit(stores, clock, incident_id, actor, {"severity": severity})


def _set_field(
    stores: Stores,
    clock: Clock,
    routing: Routing,
    incident_id: str,
    actor: str,
    field: str,
    value: str,
    once: str,
) -> Incident:
    fields = routing.fields.checked({field: value})
    return editing.edit(stores, clock, incident_id, actor, {"fields": fields}, once)


def _reopen(
    stores: Stores, clock: Clock, incident_id: str, actor: str, reason: str, once: str
) -> Incident:
    return lifecycle.reopen(stores, clock, incident_id, actor, reason)


def _review(
    stores: Stores,
    clock: Clock,
    incident_id: str,
    actor: str,
    state: str,
    reason: str,
    once: str,
) -> Incident:
    return write_review(stores, clock, incident_id, actor, {}, state, reason, once)


ACTIONS: Mapping[str, Action] = {
    "acknowledge": Action(lifecycle.acknowledge),
    "assign": Action(assignment.assign, ("owner", "team"), routed=True),
    "escalate": Action(
        assignment.escalate, ("reason", "owner", "team"), needs=("reason",), routed=True
    ),
    "note": Action(lifecycle.note, ("text",), needs=("text",)),
    "severity": Action(_set_severity, ("severity",), needs=("severity",)),
    "field": Action(_set_field, ("field", "value"), needs=("field",), routed=True),
    "resolve": Action(updates.resolve, tuple(RESOLUTION), routed=True),
    "reopen": Action(_reopen, ("reason",)),
    "close": Action(lifecycle.close, ("reason",)),
    "review": Action(_review, ("state", "reason"), needs=("state",)),
}

_FIELDS = {
    "owner": NAME,
    "team": NAME,
    "reason": REASON,
    "text": NOTE,
    "severity": SEVERITY,
    "field": text(40, 1, "The name of a custom field."),
    "value": text(1000, about="What it is set to; empty: nothing."),
    "state": one_of(REVIEW_STATES, "Of a review; `not_needed` takes a `reason`."),
    **RESOLUTION,
}

_RESULT = obj(
    {
        "id": any_text(),
        "ok": flag(),
        "status": any_whole("What the incident's own route answers."),
        "detail": any_text("Of a failure: what is wrong."),
        "incident_status": any_text("Of a success: its status now."),
    },
    ("id", "ok", "status"),
)


@route(
    "POST",
    "/incidents/bulk",
    capability="incident_write",
    body=obj(
        {
            "action": one_of(tuple(ACTIONS)),
            "ids": listed(text(100, 1), MAX_AT_ONCE),
            "filter": obj(FILTER_ARGUMENTS),
            "most": whole(1, MAX_AT_ONCE, "With a filter: more matches are refused."),
            **_FIELDS,
        },
        ("action",),
    ),
    answers={
        200: record({"results": listed(_RESULT), "succeeded": any_whole(), "failed": any_whole()})
    },
)
def bulk(request: Request) -> Response:
    """Do one thing to many incidents: those of ``ids``, or all that match a ``filter``.

    A filter is that of ``GET /incidents``. One that matches more than ``most`` (200 unless given)
    changes nothing and is refused. Each incident has its own result; one that fails does not keep
    the others. Sending it again after an interruption is safe: what was done before is refused by
    the incident's state, but a note, an escalation or an assignment may be there twice; with an
    ``Idempotency-Key`` nothing is.
    """
    act = _act(request)
    results = _results(_chosen(request), lambda key: _done_before(request, key) or act(key))
    succeeded = sum(1 for result in results if result["ok"])
    answer = {"results": results, "succeeded": succeeded, "failed": len(results) - succeeded}
    unfinished = any(result["status"] >= 500 for result in results)
    return Response(answer, unfinished=unfinished)


def _act(request: Request) -> Act:
    """Return what does the action to one incident. Raises Invalid for fields it can't do with."""
    name = request.text("action")
    action = ACTIONS[name]
    for field in _FIELDS:
        if field in request.body and field not in action.takes:
            known = ", ".join(action.takes) or "no field"
            raise Invalid(f"'{name}' does not take '{field}'; it takes {known}.")
    given = {field: request.text(field, required=field in action.needs) for field in action.takes}
    if name == "assign" and not any(given.values()):
        raise Invalid("Name an owner or a team to assign the incidents to.")
    who = (request.stores, request.clock, *([request.routing()] if action.routed else []))
    return lambda key: action.act(*who, key, request.user, once=request.mark, **given)


def _done_before(request: Request, incident_id: str) -> Optional[Incident]:
    """What an earlier attempt of this request has done already; None without a key."""
    if not request.mark:
        return None
    if request.text("action") == "reopen":
        since = (request.user, request.began)
        return lifecycle.reopened_since(request.stores, incident_id, *since)
    return lifecycle.done_before(request.stores, incident_id, request.mark)


def _chosen(request: Request) -> List[str]:
    ids, wanted = request.texts("ids"), request.body.get("filter")
    if bool(ids) == (wanted is not None):
        raise Invalid("Give either 'ids' or a 'filter'.")
    if ids:
        return list(dict.fromkeys(ids))
    most = int(request.body.get("most", MAX_AT_ONCE))
    return matching(request, wanted or {}, most)


def _results(incident_ids: Sequence[str], act: Act) -> List[Dict[str, Any]]:
    """One incident after the other; once splunkd is out of reach, the rest are not tried."""
    results: List[Dict[str, Any]] = []
    for incident_id in incident_ids:
        result: Dict[str, Any] = {"id": incident_id}
        results.append(result)
        try:
            incident = act(incident_id)
        except (NotFound, IllegalMove, Invalid, Contended, SplunkError) as error:
            result.update(ok=False, status=problem_of(error).status, detail=str(error))
            if isinstance(error, SplunkError):
                left = {"ok": False, "status": 503, "detail": "Not tried: an earlier one failed."}
                results += [{"id": key, **left} for key in incident_ids[len(results) :]]
                break
        else:
            result.update(ok=True, status=200, incident_status=incident.status)
    return results

"""``POST /incidents/bulk``: one action on many incidents, with a result for each."""

from __future__ import annotations

from typing import Any, Callable, Dict, List, Mapping, NamedTuple, Optional, Sequence

from ...incidents import editing, lifecycle, updates
from ...incidents.act import Act
from ...incidents.clocks import assignment
from ...incidents.errors import Contended, IllegalMove, Invalid, NotFound
from ...incidents.model import Incident
from ...incidents.review.review_state import REVIEW_STATES
from ...incidents.review.writing import write_review
from ...incidents.routing import Routing
from ...splunk.session import SplunkError
from ..people import check_people
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

Deed = Callable[[str], Incident]


class Action(NamedTuple):
    """What is done to each incident, the fields that it takes, and those that it needs.

    ``routed``: it takes the routing as well, after the act.
    """

    does: Callable[..., Incident]
    takes: Sequence[str] = ()
    needs: Sequence[str] = ()
    routed: bool = False


def _set_severity(act: Act, incident_id: str, severity: str) -> Incident:
    return editing.edit(act, incident_id, {"severity": severity})


def _set_field(act: Act, routing: Routing, incident_id: str, field: str, value: str) -> Incident:
    return editing.edit(act, incident_id, {"fields": routing.fields.checked({field: value})})


def _resolve(act: Act, routing: Routing, incident_id: str, **said: str) -> Incident:
    return updates.resolve(act, routing, incident_id, lifecycle.Ending(**said))


def _review(act: Act, incident_id: str, state: str, reason: str) -> Incident:
    return write_review(act, incident_id, {}, state, reason)


ACTIONS: Mapping[str, Action] = {
    "acknowledge": Action(lifecycle.acknowledge),
    "assign": Action(assignment.assign, ("owner", "team"), routed=True),
    "escalate": Action(
        assignment.escalate, ("reason", "owner", "team"), needs=("reason",), routed=True
    ),
    "note": Action(lifecycle.add_note, ("text",), needs=("text",)),
    "severity": Action(_set_severity, ("severity",), needs=("severity",)),
    "field": Action(_set_field, ("field", "value"), needs=("field",), routed=True),
    "resolve": Action(_resolve, tuple(RESOLUTION), routed=True),
    "reopen": Action(lifecycle.reopen, ("reason",)),
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
    "value": text(1000, about="The new value; empty clears the field."),
    "state": one_of(REVIEW_STATES, "State of a review; `not_needed` requires a `reason`."),
    **RESOLUTION,
}

_RESULT = obj(
    {
        "id": any_text(),
        "ok": flag(),
        "status": any_whole("The HTTP status that the incident's own route would return."),
        "detail": any_text("On failure: what is wrong."),
        "incident_status": any_text("On success: its new status."),
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
            "most": whole(1, MAX_AT_ONCE, "With a filter: the request is rejected if more match."),
            **_FIELDS,
        },
        ("action",),
    ),
    answers={
        200: record({"results": listed(_RESULT), "succeeded": any_whole(), "failed": any_whole()})
    },
)
def bulk(request: Request) -> Response:
    """Apply one action to many incidents: those of ``ids``, or all that match a ``filter``.

    A filter takes the arguments of ``GET /incidents``. If it matches more than ``most`` incidents
    (default 200), the request is rejected and changes nothing. Each incident has its own result; a
    failure does not stop the others. It is safe to repeat an interrupted request, but without an
    ``Idempotency-Key`` a note, an escalation or an assignment may be written twice.
    """
    deed = _deed(request)
    results = _results(_chosen(request), lambda key: _done_before(request, key) or deed(key))
    succeeded = sum(1 for result in results if result["ok"])
    answer = {"results": results, "succeeded": succeeded, "failed": len(results) - succeeded}
    unfinished = any(result["status"] >= 500 for result in results)
    return Response(answer, unfinished=unfinished)


def _deed(request: Request) -> Deed:
    """Return what does the action to one incident. Raises Invalid for fields it can't do with."""
    name = request.text("action")
    action = ACTIONS[name]
    for field in _FIELDS:
        if field in request.body and field not in action.takes:
            known = ", ".join(action.takes) or "no field"
            raise Invalid(f"The action '{name}' does not take '{field}'. It takes {known}.")
    given = {field: request.text(field, required=field in action.needs) for field in action.takes}
    if name == "assign" and not any(given.values()):
        raise Invalid("Name an owner or a team to assign the incidents to.")
    check_people(request)
    whole = (request.act, *([request.routing()] if action.routed else []))
    return lambda key: action.does(*whole, key, **given)


def _done_before(request: Request, incident_id: str) -> Optional[Incident]:
    """What an earlier attempt of this request has done already; None without a key."""
    if not request.mark:
        return None
    if request.text("action") == "reopen":
        return lifecycle.find_reopened(request.act, incident_id, request.began)
    return lifecycle.find_done(request.stores, incident_id, request.mark)


def _chosen(request: Request) -> List[str]:
    ids, wanted = request.texts("ids"), request.body.get("filter")
    if bool(ids) == (wanted is not None):
        raise Invalid("Give either 'ids' or a 'filter', not both.")
    if ids:
        return list(dict.fromkeys(ids))
    most = int(request.body.get("most", MAX_AT_ONCE))
    return matching(request, wanted or {}, most)


def _results(incident_ids: Sequence[str], deed: Deed) -> List[Dict[str, Any]]:
    """One incident after the other; once splunkd is out of reach, the rest are not tried."""
    results: List[Dict[str, Any]] = []
    for incident_id in incident_ids:
        result: Dict[str, Any] = {"id": incident_id}
        results.append(result)
        try:
            incident = deed(incident_id)
        except (NotFound, IllegalMove, Invalid, Contended, SplunkError) as error:
            result.update(ok=False, status=problem_of(error).status, detail=str(error))
            if isinstance(error, SplunkError):
                detail = "Not tried, because an earlier incident failed."
                left = {"ok": False, "status": 503, "detail": detail}
                results += [{"id": key, **left} for key in incident_ids[len(results) :]]
                break
        else:
            result.update(ok=True, status=200, incident_status=incident.status)
    return results

"""``POST /incidents/bulk``: one move of many incidents, each with a result of its own."""

from __future__ import annotations

from typing import Any, Callable, Dict, List, Mapping, Optional, Sequence

from ..incidents import editing, lifecycle
from ..incidents.clocks import assignment
from ..incidents.errors import Contended, IllegalMove, Invalid, NotFound
from ..incidents.model import Incident
from ..splunk.session import SplunkError
from .listing import FILTER_ARGUMENTS, matching
from .router import Request, Response, problem_of, route
from .schema import flag, listed, obj, one_of, text, whole
from .shapes import NAME, REASON, SEVERITY

__all__ = ["MAX_AT_ONCE", "bulk"]

# In one request: each takes some calls of the KV store, one incident after the other.
MAX_AT_ONCE = 200
# A note too long for one incident is too long for each; beyond this the body is refused.
NOTE = text(10_000, 1)

Act = Callable[[str], Incident]


def _acknowledge(request: Request) -> Act:
    return lambda key: lifecycle.acknowledge(
        request.stores, request.clock, key, request.user, request.mark
    )


def _assign(request: Request) -> Act:
    owner, team = request.text("owner"), request.text("team")
    if not owner and not team:
        raise Invalid("Name an owner or a team to assign the incidents to.")
    routing, once = request.routing(), request.mark
    return lambda key: assignment.assign(
        request.stores, request.clock, routing, key, request.user, owner, team, once
    )


def _escalate(request: Request) -> Act:
    reason = request.text("reason", required=True)
    owner, team = request.text("owner"), request.text("team")
    routing, once = request.routing(), request.mark
    return lambda key: assignment.escalate(
        request.stores, request.clock, routing, key, request.user, reason, owner, team, once
    )


def _note(request: Request) -> Act:
    said = request.text("text", required=True)
    return lambda key: lifecycle.note(
        request.stores, request.clock, key, request.user, said, request.mark
    )


def _severity(request: Request) -> Act:
    severity = request.text("severity", required=True)
    return lambda key: editing.edit(
        request.stores, request.clock, key, request.user, {"severity": severity}
    )


def _resolve(request: Request) -> Act:
    return lambda key: lifecycle.resolve(
        request.stores,
        request.clock,
        key,
        request.user,
        resolution=request.text("resolution"),
        reason=request.text("reason"),
        category=request.text("category"),
        feedback=request.text("feedback"),
        once=request.mark,
    )


def _reopen(request: Request) -> Act:
    reason = request.text("reason")

    def act(key: str) -> Incident:
        since = (key, request.user, request.began)
        done = lifecycle.reopened_since(request.stores, *since) if request.mark else None
        return done or lifecycle.reopen(request.stores, request.clock, key, request.user, reason)

    return act


def _close(request: Request) -> Act:
    reason = request.text("reason")
    return lambda key: lifecycle.close(
        request.stores, request.clock, key, request.user, reason, request.mark
    )


# Action -> (what does it, the fields that it takes).
ACTIONS: Mapping[str, Any] = {
    "acknowledge": (_acknowledge, ()),
    "assign": (_assign, ("owner", "team")),
    "escalate": (_escalate, ("reason", "owner", "team")),
    "note": (_note, ("text",)),
    "severity": (_severity, ("severity",)),
    "resolve": (_resolve, ("resolution", "reason", "category", "feedback")),
    "reopen": (_reopen, ("reason",)),
    "close": (_close, ("reason",)),
}

_FIELDS = {
    "owner": NAME,
    "team": NAME,
    "reason": REASON,
    "text": NOTE,
    "severity": SEVERITY,
    "resolution": REASON,
    "category": NAME,
    "feedback": one_of(lifecycle.FEEDBACK),
}

_RESULT = obj(
    {
        "id": {"type": "string"},
        "ok": flag(),
        "status": {"type": "integer", "description": "What the incident's own route answers."},
        "detail": {"type": "string", "description": "Of a failure: what is wrong."},
        "incident_status": {"type": "string", "description": "Of a success: its status now."},
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
        200: obj(
            {
                "results": listed(_RESULT),
                "succeeded": {"type": "integer"},
                "failed": {"type": "integer"},
            },
            ("results", "succeeded", "failed"),
        )
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
    action = request.text("action")
    make, takes = ACTIONS[action]
    for name in _FIELDS:
        if name in request.body and name not in takes:
            known = ", ".join(takes) or "no field"
            raise Invalid(f"'{action}' does not take '{name}'; it takes {known}.")
    act = make(request)
    results = _results(_chosen(request), lambda key: _done_before(request, key) or act(key))
    succeeded = sum(1 for result in results if result["ok"])
    answer = {"results": results, "succeeded": succeeded, "failed": len(results) - succeeded}
    unfinished = any(result["status"] >= 500 for result in results)
    return Response(answer, unfinished=unfinished)


def _done_before(request: Request, incident_id: str) -> Optional[Incident]:
    """What an earlier attempt of this request has done already; None without a key."""
    if not request.mark:
        return None
    return lifecycle.done_before(request.stores, incident_id, request.mark)


def _chosen(request: Request) -> List[str]:
    ids, wanted = request.texts("ids"), request.body.get("filter")
    if bool(ids) == (wanted is not None):
        raise Invalid("Give either 'ids' or a 'filter'.")
    if ids:
        return list(dict.fromkeys(ids))
    most = int(request.body.get("most", MAX_AT_ONCE))
    return matching(request.stores.incidents, wanted or {}, most)


def _results(incident_ids: Sequence[str], act: Act) -> List[Dict[str, Any]]:
    """One incident after the other; once splunkd is out of reach, the rest are not tried."""
    results: List[Dict[str, Any]] = []
    for incident_id in incident_ids:
        result: Dict[str, Any] = {"id": incident_id}
        results.append(result)
        try:
            incident = act(incident_id)
        except (NotFound, IllegalMove, Invalid, Contended) as error:
            result.update(ok=False, status=problem_of(error).status, detail=str(error))
        except SplunkError as error:
            result.update(ok=False, status=problem_of(error).status, detail=str(error))
            left = {"ok": False, "status": 503, "detail": "Not tried: an earlier one failed."}
            results += [{"id": key, **left} for key in incident_ids[len(results) :]]
            return results
        else:
            result.update(ok=True, status=200, incident_status=incident.status)
    return results

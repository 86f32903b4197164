"""Routes of remediation plans."""

from __future__ import annotations

from functools import partial
from typing import Any, Callable, TypeVar

from ..processes import has_ended, process_name
from ..remediation import approval, execution, preview, rollback, view
from ..remediation.catalogue import Catalogue
from ..remediation.context import Context, Refused
from ..remediation.dry_run import dry_run
from ..remediation.executors.factory import executors
from ..remediation.facts_cache import FactsCache
from ..splunk.configuration import conf
from ..splunk.users import has_capability
from .messages import Problem
from .router import Request, Response, route
from .schema import any_object, any_text, flag, listed, obj, record, text
from .shapes import PLAN, PREVIEW

REASON_CHARACTERS = 1000
_FACTS_CACHE = FactsCache()

_T = TypeVar("_T")


decision = partial(route, "POST", answers={200: PLAN})
"""Registers a route that decides on a plan and returns the plan."""
_REASON = obj({"reason": text(REASON_CHARACTERS)})
_OVERRIDE = text(REASON_CHARACTERS, about="Reason to override a change freeze.")
_BEYOND = text(REASON_CHARACTERS, about="Reason to override the action's hourly_limit.")
_ACTION = obj(
    {
        "name": any_text(),
        "label": any_text(),
        "description": any_text(),
        "blast_radius": any_text(),
        "arguments": listed(any_text()),
        "inverse": any_text(),
        "allowed_in_freeze": flag(),
        "proposable": flag(),
    },
    ("name", "label", "proposable"),
)


@route(
    "GET",
    "/actions",
    capability="incident_read",
    answers={200: obj({"actions": listed(_ACTION), "problems": any_object()}, ("actions",))},
)
def list_actions(request: Request) -> Response:
    """List the action catalogue: usable actions, and the problems of the others."""
    catalogue = _catalogue(request)
    return Response(
        {
            "actions": [
                {
                    "name": action.name,
                    "label": action.label,
                    "description": action.description,
                    "blast_radius": action.blast_radius,
                    "arguments": [argument.name for argument in action.arguments],
                    "inverse": action.inverse,
                    "allowed_in_freeze": action.allowed_in_freeze,
                    "proposable": not action.inverse_only,
                }
                for action in catalogue.actions.values()
            ],
            "problems": catalogue.problems,
        }
    )


@route(
    "GET",
    "/incidents/{id}/plans",
    capability="incident_read",
    answers={200: record({"plans": listed(PLAN)})},
)
def list_plans(request: Request) -> Response:
    """List an incident's plans, newest first."""
    return Response({"plans": view.of_incident(_context(request), request.params["id"])})


@route(
    "POST",
    "/incidents/{id}/plans",
    capability="incident_write",
    body=obj({"action": text(200)}),
    answers={201: PLAN},
)
def propose(request: Request) -> Response:
    """Propose a fix; without ``action``, the catalogue's only action."""
    context = _context(request)
    action = request.text("action")
    plan = _allowed(lambda: approval.propose(context, request.params["id"], action, request.user))
    return Response(view.describe(context, plan["_key"]), status=201)


@route(
    "POST",
    "/incidents/{id}/remediate",
    capability="incident_write",
    body=obj({"action": text(200)}),
    answers={201: PLAN},
)
def remediate(request: Request) -> Response:
    """Same as ``POST /incidents/{id}/plans``: nothing is executed without an approval."""
    return propose(request)


@route("GET", "/plans/{id}", capability="incident_read", answers={200: PLAN})
def show(request: Request) -> Response:
    """Return a plan, its state, and the current result of each safety check."""
    context, plan_id = _context(request, allow_cached=True), request.params["id"]
    return Response(_allowed(lambda: view.describe(context, plan_id)))


@route("GET", "/plans/{id}/preview", capability="incident_read", answers={200: PREVIEW})
def preview_plan(request: Request) -> Response:
    """Preview the request of a plan's executor and its rollback, without executing anything."""
    return Response(
        preview.preview_plan(_context(request, allow_cached=True), request.params["id"])
    )


@route(
    "GET",
    "/incidents/{id}/preview",
    capability="incident_read",
    query={"action": text(200)},
    answers={200: PREVIEW},
)
def preview_proposal(request: Request) -> Response:
    """Preview the plan that a proposal would create, without proposing it."""
    context, incident = _context(request, allow_cached=True), request.params["id"]
    action = str(request.args.get("action") or "")
    found = _allowed(lambda: preview.preview_proposal(context, incident, action, request.user))
    return Response(found)


@route(
    "POST",
    "/plans/{id}/check",
    capability="incident_remediate",
    body=obj({}),
    answers={200: obj({"plan_id": text(), "status": text(), "detail": text()}, ("status",))},
)
def check(request: Request) -> Response:
    """Run a plan in its executor's check mode: AWX check mode or a Kubernetes dry run."""
    context, plan_id = _context(request), request.params["id"]
    return Response(_allowed(lambda: dry_run(context, plan_id, request.user)))


@decision(
    "/plans/{id}/approve",
    capability="incident_approve",
    body=obj({"plan_hash": text(64), "override": _OVERRIDE}),
)
def approve(request: Request) -> Response:
    """Approve a plan. ``plan_hash`` (optional) is the hash of the plan that the approver saw.

    ``override``: the reason to execute it in a change freeze; requires `incident_override`.
    """
    plan_hash, override = request.text("plan_hash"), _override(request)
    return _decided(request, lambda c, p: approval.approve(c, p, request.user, plan_hash, override))


@decision("/plans/{id}/reject", capability="incident_approve", body=_REASON)
def reject(request: Request) -> Response:
    """Reject a plan."""
    reason = request.text("reason")
    return _decided(request, lambda c, p: approval.reject(c, p, request.user, reason))


@decision("/plans/{id}/execute", capability="incident_remediate", body=obj({"override": _BEYOND}))
def execute(request: Request) -> Response:
    """Execute an approved plan, once.

    ``override``: the reason to exceed the action's ``hourly_limit``; requires `incident_override`.
    """
    override = _override(request)
    return _decided(request, lambda c, p: execution.execute(c, p, request.user, override))


@decision(
    "/plans/{id}/rollback",
    capability="incident_remediate",
    body=obj({"reason": text(REASON_CHARACTERS), "override": _OVERRIDE}),
)
def roll_back(request: Request) -> Response:
    """Roll back an executed plan; ``override`` as for an approval."""
    reason, override = (
        request.text("reason") or f"Rolled back by {request.user}.",
        _override(request),
    )
    return _decided(request, lambda c, p: rollback.roll_back(c, p, request.user, reason, override))


def _override(request: Request) -> str:
    """Return the reason for an override. Raises Problem if the caller may not override."""
    reason = request.text("override")
    if reason and "incident_override" not in request.capabilities:
        raise Problem(
            403,
            f"Overriding a change freeze or a limit needs the capability incident_override, which "
            f"{request.user} lacks.",
        )
    return reason


def _decided(request: Request, decide: Callable[[Context, str], Any]) -> Response:
    context, plan_id = _context(request), request.params["id"]
    _allowed(lambda: decide(context, plan_id))
    return Response(view.describe(context, plan_id))


def _allowed(act: Callable[[], _T]) -> _T:
    """Run an action; a safety refusal becomes a 409."""
    try:
        return act()
    except Refused as refusal:
        raise Problem(409, str(refusal)) from None


def _context(request: Request, allow_cached: bool = False) -> Context:
    """Return the context; with ``allow_cached``, executors may answer from the cache."""
    return Context(
        request.stores,
        request.clock,
        _catalogue(request),
        _FACTS_CACHE.wrap(executors(request.settings), allow_cached),
        partial(has_capability, request.system_session),
        holder=process_name(),
        has_ended=has_ended,
        raising=request.raising,
        users_with=request.who_has,
    )


def _catalogue(request: Request) -> Catalogue:
    return Catalogue.from_stanzas(conf.load(request.system_session, "incident_actions"))

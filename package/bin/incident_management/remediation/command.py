"""The work of ``| remediate``: calls the REST API with the searcher's rights and yields rows."""

from __future__ import annotations

import json
import re
from typing import Any, Dict, Iterator, List, Mapping

from ..splunk.session import API, Session, SplunkError, path_of

__all__ = ["FIELDS", "RemediationFailed", "remediate", "rows"]

VERBS = ("preview", "propose", "approve", "check", "reject", "execute", "rollback", "status")
INCIDENT_ID = re.compile(r"INC-\d{8}-[0-9A-Z]{4,12}")
PLAN_ID = re.compile(r"PLAN-[0-9a-f]{10}")

# The states to which a verb applies. With several such plans, the newest may not be the one meant.
_WAITING = {
    "approve": ("proposed",),
    "check": ("proposed", "approved"),
    "reject": ("proposed", "approved"),
    "execute": ("approved",),
}

FIELDS = (
    "incident", "plan_id", "action", "status", "refused", "detail", "next", "summary",
    "blast_radius", "freeze", "proof", "cause", "citations", "checks", "approved_by", "expires_at",
    "outcome", "arguments", "request", "inverse_request",
)  # fmt: skip
"""Columns of every row, in order. ``refused`` is why safety said no to what was asked, ``next``
what is to be done, ``freeze`` which change freeze stops it, ``proof`` how it will be told whether
the fix helps; ``request`` and ``inverse_request`` what would be sent, of a preview alone."""


class RemediationFailed(Exception):
    """The request could not be made; the text is one sentence for the searcher."""


def remediate(
    session: Session, do: str, incident: str, action: str = "", plan: str = "", override: str = ""
) -> List[Dict[str, Any]]:
    """Do one thing and return the plans it concerns, as the API shows them.

    A refusal by a safety check is an answer, not an error: its sentence is in ``refused``.
    ``override`` is the reason to approve or roll back during a change freeze, or to execute beyond
    ``hourly_limit``.

    Raises:
        RemediationFailed: bad arguments, no such incident or plan, a missing capability, or splunkd
            can't be reached.
    """
    _check(do, incident, action, plan)
    incident = incident.upper()
    if override and do not in ("approve", "execute", "rollback"):
        raise RemediationFailed("override= works only with do=approve, do=execute and do=rollback.")
    if do == "propose" and not plan:
        return _propose(session, incident, action)
    if do == "preview":
        return [_previewed(session, incident, action, plan)]
    path = f"{API}/incidents/{path_of(incident)}/plans"
    plans: List[Dict[str, Any]] = _asked(lambda: session.get(path))["plans"]
    if do == "status" and not plan:
        return plans
    plan_id = _chosen(plans, plan, do, incident)
    path = f"{API}/plans/{path_of(plan_id)}"
    if do in ("status", "propose"):
        return [_asked(lambda: session.get(path))]
    body = {"override": override} if override else {}
    try:
        answer: Dict[str, Any] = session.post(f"{path}/{do}", json_body=body)
        if do == "check":
            return [{**_asked(lambda: session.get(path)), "detail": answer["detail"]}]
        return [answer]
    except SplunkError as error:
        if error.status != 409:
            raise RemediationFailed(error.message) from error
        return [{**_asked(lambda: session.get(path)), "refused": error.message}]


def rows(plans: List[Dict[str, Any]]) -> Iterator[Dict[str, Any]]:
    """Yield one row for each plan, with all of :data:`FIELDS`."""
    for plan in plans:
        row: Dict[str, Any] = {name: plan.get(name, "") for name in FIELDS}
        row.update(
            incident=plan.get("incident_id", ""),
            next=" ".join(str(plan.get(name) or "") for name in ("next", "next_search")).strip(),
            arguments=[f"{name}={v}" for name, v in sorted(plan.get("arguments", {}).items())],
            citations=[_citation(one) for one in plan.get("citations", [])],
            checks=[_check_text(one) for one in plan.get("checks", [])],
            approved_by=list(plan.get("approved_by", [])),
            expires_at=plan.get("expires_at") or "",
            request=_request(plan.get("request") or {}),
            inverse_request=_request(plan.get("inverse_request") or {}),
        )
        yield row


def _propose(session: Session, incident: str, action: str) -> List[Dict[str, Any]]:
    path = f"{API}/incidents/{path_of(incident)}/plans"
    try:
        answer: Dict[str, Any] = session.post(path, json_body={"action": action})
        return [answer]
    except SplunkError as error:
        if error.status != 409:
            raise RemediationFailed(error.message) from error
        return [{"incident_id": incident, "status": "refused", "refused": error.message}]


def _previewed(session: Session, incident: str, action: str, plan: str) -> Dict[str, Any]:
    """Return what a plan would do, or the plan that would be proposed."""
    path = f"plans/{path_of(plan)}" if plan else f"incidents/{path_of(incident)}"
    more = {"action": action} if action else {}
    try:
        answer: Dict[str, Any] = session.get(f"{API}/{path}/preview", **more)
        return answer
    except SplunkError as error:
        if error.status != 409:
            raise RemediationFailed(error.message) from error
        return {"incident_id": incident, "status": "refused", "refused": error.message}


def _request(request: Mapping[str, Any]) -> List[str]:
    """Return the request that would be sent, as lines."""
    if not request or request.get("problem"):
        return [str(request["problem"])] if request else []
    headers = [f"{name}: {value}" for name, value in request["headers"].items()]
    body = json.dumps(request["body"], sort_keys=True)
    return [f"{request['method']} {request['url']}", *headers, body]


def _chosen(plans: List[Dict[str, Any]], plan: str, do: str, incident: str) -> str:
    """Return the id of the named plan, else of the newest unless several are waiting for ``do``."""
    if not plans:
        raise RemediationFailed(f"{incident} has no plan: propose one with do=propose.")
    if not plan:
        waiting = [one["plan_id"] for one in plans if one["status"] in _WAITING.get(do, ())]
        if len(waiting) > 1:
            raise RemediationFailed(
                f"{incident} has {len(waiting)} plans to {do}: choose one with plan= "
                f"({', '.join(waiting[:3])}). do=status shows what each would do."
            )
        return str(plans[0]["plan_id"])
    if plan not in [known["plan_id"] for known in plans]:
        raise RemediationFailed(
            f"{plan} is not a plan of {incident}. List its plans with do=status."
        )
    return plan


def _check(do: str, incident: str, action: str, plan: str) -> None:
    if do not in VERBS:
        raise RemediationFailed(f"do={do[:40]} is unknown; use one of {', '.join(VERBS)}.")
    if not INCIDENT_ID.fullmatch(incident.upper()):
        raise RemediationFailed(
            f"'{incident[:60]}' is not an incident's id; it looks like INC-20260131-A1B2C3."
        )
    if plan and not PLAN_ID.fullmatch(plan):
        raise RemediationFailed(f"'{plan[:60]}' is not a plan's id; it looks like PLAN-0123456789.")
    if action and (do not in ("propose", "preview") or (do == "preview" and plan)):
        sentence = (
            "action= works only with do=propose and do=preview. Choose a plan with plan= instead."
        )
        raise RemediationFailed(sentence)


def _asked(ask: Any) -> Any:
    try:
        return ask()
    except SplunkError as error:
        raise RemediationFailed(error.message) from error


def _citation(citation: Mapping[str, Any]) -> str:
    return f"{citation.get('id', '')} {citation.get('quote', '')}".strip()


def _check_text(check: Mapping[str, Any]) -> str:
    return f"{'ok' if check.get('ok') else 'no'} {check.get('name')}: {check.get('detail')}"

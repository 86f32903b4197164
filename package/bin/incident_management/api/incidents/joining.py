"""Merging and splitting incidents."""

from __future__ import annotations

from typing import List, Optional

from ...incidents.errors import Invalid
from ...incidents.joining import merging
from ...incidents.model import Incident
from ..router import REFUSALS, Problem, Request, Response, problem_of, route
from ..schema import listed, obj, text
from ..shapes import INCIDENT, NAME, REASON, TITLE
from .guard import IF_MATCH, change, with_version_check

MAX_MERGED = 50


def _broken_off(error: Exception, merged: List[str], asked: int) -> Exception:
    """Say of a list's refusal what was done before it; a single merge's is its own sentence."""
    if asked == 1:
        return error
    problem = problem_of(error)
    done = ", ".join(merged) or "none"
    detail = f"{problem.detail.rstrip('.')}. Merged before it: {done}; the others were not tried."
    return Problem(problem.status, detail, problem.headers, {"merged": merged})


@change(
    "/incidents/{id}/merge",
    body=obj(
        {
            "into": NAME,
            "from": listed(NAME, MAX_MERGED, "Incidents that this one takes over."),
            "reason": REASON,
        }
    ),
    body_required=True,
)
def merge(request: Request) -> Response:
    """Merge this incident ``into`` another one, or others ``from`` their places into this one.

    Give one of the two. Answers with the incident that has all signals now; the others are closed
    and name it as ``merged_into``. With several, those before one that is refused stay merged, and
    the error's ``merged`` names them; those after it are not tried.
    """
    into, sources = request.text("into"), request.texts("from")
    if bool(into) == bool(sources):
        raise Invalid("Give either 'into', one incident, or 'from', a list of them.")
    here, reason = request.params["id"], request.text("reason")
    pairs = [(here, into)] if into else [(source, here) for source in dict.fromkeys(sources)]

    def done(source: str, target: str) -> Optional[Incident]:
        """What an earlier attempt under the same key has done of it."""
        if not request.mark:
            return None
        return merging.merged_since(request.act, source, target, request.began)

    def all_merged() -> Incident:
        before: List[str] = []
        for source, target in pairs:
            try:
                known = done(source, target)
                incident = known or merging.merge(request.act, source, target, reason)
            except REFUSALS as error:
                raise _broken_off(error, before, len(pairs)) from error
            before.append(source)
        return incident

    def all_done() -> Optional[Incident]:
        found = [done(source, target) for source, target in pairs]
        return found[-1] if all(found) else None

    return with_version_check(request, all_merged, done=all_done)


@route(
    "POST",
    "/incidents/{id}/split",
    capability="incident_write",
    body=obj(
        {
            "signals": listed(text(40, 1), merging.MAX_SPLIT, "Keys of this incident's signals."),
            "title": TITLE,
            "incident": NAME,
            "reason": REASON,
        }
    ),
    body_required=True,
    answers={200: INCIDENT, 201: INCIDENT},
    headers=IF_MATCH,
)
def split(request: Request) -> Response:
    """Give some ``signals`` to a new incident (201); or undo a merge: take ``incident`` out (200).

    Give one of the two. A problem none of whose signals stays goes along: its later signals add to
    the new incident. An undone merge gives back what was merged and what the same problems brought
    since, less what was split off in between. ``title`` is the new incident's, by default that of
    its first signal.
    """
    keys, merged = request.texts("signals"), request.text("incident")
    if bool(keys) == bool(merged):
        raise Invalid("Give either 'signals', a list of keys, or 'incident', one that was merged.")
    here, act, since = request.params["id"], request.act, request.began
    title, reason = request.text("title"), request.text("reason")
    if merged:
        return with_version_check(
            request,
            lambda: merging.undo_merge(act, here, merged, reason),
            done=lambda: merging.undone_since(act, here, merged, since),
        )
    reply = with_version_check(
        request,
        lambda: merging.split(act, request.routing(), here, keys, title, reason),
        done=lambda: merging.split_since(act, here, keys, since),
    )
    return Response(reply.body, 201, reply.headers)

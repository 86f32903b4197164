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
    detail = f"{problem.detail.rstrip('.')}. Already merged: {done}. The others were not tried."
    return Problem(problem.status, detail, problem.headers, {"merged": merged})


@change(
    "/incidents/{id}/merge",
    body=obj(
        {
            "into": NAME,
            "from": listed(NAME, MAX_MERGED, "Incidents to merge into this one."),
            "reason": REASON,
        }
    ),
    body_required=True,
)
def merge(request: Request) -> Response:
    """Merge this incident ``into`` another one, or merge the incidents in ``from`` into this one.

    Give one of the two. Returns the incident that now has all signals; the others are closed and
    name it as ``merged_into``. If one of several is rejected, those before it stay merged and are
    named in the error's ``merged``; those after it are not tried.
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
    """Split ``signals`` off into a new incident (201), or undo the merge of ``incident`` (200).

    Give one of the two. If all signals of a problem are split off, its later signals join the new
    incident. Undoing a merge returns the merged signals and later signals of the same problems,
    except those that were split off in between. ``title`` is the new incident's title; by default
    that of its first signal.
    """
    keys, merged = request.texts("signals"), request.text("incident")
    if bool(keys) == bool(merged):
        raise Invalid("Give either 'signals', a list of keys, or 'incident', a merged incident.")
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

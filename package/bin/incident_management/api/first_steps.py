"""``GET /system/first-steps``: the setup steps of an installation and their current state."""

from __future__ import annotations

from typing import Any, Callable, Collection, Dict, List, Mapping, NamedTuple, Sequence, Tuple

from ..channels import CHANNELS, NAMES
from ..incidents.routing.values import user_name
from ..incidents.stored_shapes import read_subscriptions
from ..notify.announcing.announcer import worker_seen
from ..notify.configured_channels import reached
from ..notify.refusals import refusals
from ..ports import SearchFailed
from ..splunk.configuration import conf, settings
from ..splunk.searching.detections import detections
from ..splunk.session import SplunkError
from ..splunk.users import MOST_USERS, roles_of_users, roles_with
from ..worker_health import SILENT_SECONDS, worker_runs
from .router import Request, Response, route
from .schema import any_text, listed, one_of, record

# Short, because the page waits for the answer.
SEARCH_SECONDS = 10.0
# The detection that is on from the start.
SHIPPED_ON = "High Error Rate"
# The most names that a sentence lists.
NAMED = 4
DONE, TODO, UNKNOWN = "done", "todo", "unknown"


class Found(NamedTuple):
    """The state of a step (done, todo or unknown) and a sentence that says what was found."""

    state: str
    detail: str


@route(
    "GET",
    "/system/first-steps",
    capability="incident_admin",
    answers={
        200: record(
            {
                "steps": listed(
                    record(
                        {
                            "name": any_text(),
                            "title": any_text(),
                            "state": one_of((DONE, TODO, UNKNOWN)),
                            "detail": any_text("What was found, and what to do."),
                        }
                    )
                )
            }
        )
    },
)
def get_first_steps(request: Request) -> Response:
    """List the setup steps of an installation, each with its current state.

    Every step is checked on each call. It is `unknown` when the check failed; `detail` says why.
    Events and detections are limited to those that the caller may see.
    """
    steps = [
        {"name": name, "title": title, **_checked(check, request)._asdict()}
        for name, (title, check) in STEPS.items()
    ]
    return Response({"steps": steps})


def _checked(check: Callable[[Request], Found], request: Request) -> Found:
    try:
        return check(request)
    except (SearchFailed, SplunkError) as error:
        return Found(UNKNOWN, f"This step could not be checked: {error}")


def _worker(request: Request) -> Found:
    seen, now = worker_seen(request.stores), request.clock.now()
    if worker_runs(request.stores, now, seen):
        if seen is None or now - seen > SILENT_SECONDS:
            return Found(TODO, "The worker sends no messages. The reason is below this list.")
        return Found(DONE, "The worker sends messages, checks deadlines and verifies fixes.")
    if seen is None:
        return Found(TODO, "The worker has not run yet. Enable the input 'worker' under Inputs.")
    text = f"The worker has not run for {(now - seen) / 60:.0f} minutes."
    return Found(TODO, f"{text} Check the input 'worker' under Inputs.")


def _channels(request: Request) -> Found:
    subscriptions = read_subscriptions(request.stores).values()
    told = reached(_set_up(request), subscriptions)
    if told:
        return Found(DONE, f"Set up: {_named([NAMES.get(one, one) for one in told])}.")
    return Found(TODO, "No channel is set up, so nobody is notified of incidents.")


def _message(request: Request) -> Found:
    refused = refusals(request.stores, request.clock, request.routing())
    if refused:
        return Found(TODO, refused[0])
    set_up = _set_up(request)
    waiting = [NAMES.get(one, one) for one in set_up if not _is_sent(request, channel=one)]
    if waiting:
        return Found(TODO, f"{_named(waiting)} accepted no message yet. Open a test incident.")
    if set_up:
        return Found(DONE, f"Accepted by {_named([NAMES.get(one, one) for one in set_up])}.")
    if _is_sent(request):
        return Found(DONE, "Accepted by a subscribed webhook.")
    return Found(TODO, "Set up a channel, then open a test incident.")


def _links(request: Request) -> Found:
    address = conf.load(request.system_session, settings.CONF).get("network", {}).get("web_url")
    if address:
        return Found(DONE, f"Links lead to {address}.")
    return Found(TODO, "Messages have no link to their incident. Set the address of Splunk Web.")


def _events(request: Request) -> Found:
    # This app's own events are in main, too, until incident_audit_index says otherwise.
    own = 'sourcetype="incident_management*" OR source="*incident_management_*"'
    spl = f"`incident_indexes` NOT ({own}) | head 1 | stats count AS events"
    return _seen(request, spl, "incident_indexes", "No event in the last 24 hours")


def _changes(request: Request) -> Found:
    spl = "`incident_change_index` change_id=* | head 1 | stats count AS events"
    what = (
        "No event with a change_id in the last 24 hours, so analyses can't name a change as the "
        "cause"
    )
    return _seen(request, spl, "incident_change_index", what)


def _seen(request: Request, spl: str, macro: str, nothing: str) -> Found:
    rows = request.searcher.run(spl, "-24h", "now", 1, SEARCH_SECONDS).rows
    if rows and float(rows[0].get("events") or 0):
        return Found(DONE, "Events were found in the last 24 hours.")
    where = "Settings > Advanced search > Search macros"
    return Found(TODO, f"{nothing}. Name your indexes in the macro {macro} ({where}).")


def _detections(request: Request) -> Found:
    enabled = sorted({one.name for one in detections(request.user_session) if one.enabled})
    if set(enabled) - {SHIPPED_ON}:
        return Found(DONE, f"{len(enabled)} enabled: {_named(enabled)}.")
    which = f"Only {SHIPPED_ON} is enabled" if enabled else "No detection is enabled"
    return Found(TODO, f"{which}. Enable others, or add the action Open incident to an alert.")


def _people(request: Request) -> Found:
    workers = roles_with(request.system_session, "incident_write")
    admins = roles_with(request.system_session, "admin_all_objects")
    roles_of = roles_of_users(request.system_session)
    people = sorted(name for name, has in roles_of.items() if has & workers and not has & admins)
    if people:
        return Found(DONE, f"Besides administrators: {_named(people)}.")
    if len(roles_of) == MOST_USERS:
        return Found(
            UNKNOWN,
            f"None of the first {MOST_USERS} users may. Others were not read.",
        )
    how = "Give people incident_responder or incident_manager (Settings > Users)"
    return Found(TODO, f"Only administrators may work on incidents. {how}.")


def _teams(request: Request) -> Found:
    routing = request.routing()
    manned = sorted(name for name in routing.teams if routing.people_of(name))
    unknown = _no_users(request, routing.people()) if manned else []
    if unknown:
        how = "Correct the names. Single sign-on users are listed after their first login"
        return Found(TODO, f"Teams name people who are not Splunk users: {_named(unknown)}. {how}.")
    if manned:
        return Found(DONE, f"Teams with members: {_named(manned)}.")
    how = "Add members, then add rules that assign incidents to teams"
    return Found(TODO, f"No team has members, so incidents have no owner. {how}.")


def _no_users(request: Request, people: Collection[str]) -> List[str]:
    """Return the people who are not Splunk users; empty when Splunk has too many users to read."""
    users = roles_of_users(request.system_session)
    known = {user_name(name) for name in users}
    return [] if len(users) == MOST_USERS else sorted(set(people) - known)


STEPS: Dict[str, Tuple[str, Callable[[Request], Found]]] = {
    "worker": ("The worker runs", _worker),
    "events": ("Detections see your events", _events),
    "detections": ("Your detections run", _detections),
    "channels": ("A channel is set up", _channels),
    "links": ("Messages link to their incident", _links),
    "message": ("A message was delivered", _message),
    "people": ("People have roles", _people),
    "teams": ("Teams have people", _teams),
    "changes": ("Analyses see your changes", _changes),
}


def _set_up(request: Request) -> List[str]:
    found = settings.channels_set_up(conf.load(request.system_session, settings.CONF))
    return [*(one for one in CHANNELS if one in found), *sorted(request.routing().own_set_up)]


def _is_sent(request: Request, **of: str) -> bool:
    sent: Mapping[str, Any] = {**of, "state": "sent"}
    return bool(request.stores.outbox.find(sent, limit=1, fields=("sent_at",)))


def _named(names: Sequence[str]) -> str:
    rest = len(names) - NAMED
    return ", ".join(names[:NAMED]) + (f" and {rest} more" if rest > 0 else "")

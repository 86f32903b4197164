"""``/health`` and ``/system/info``."""

from __future__ import annotations

import platform
from datetime import datetime, timezone
from typing import Any, Dict, List, Optional

from ..channels import CHANNELS
from ..incidents.stored_shapes import malformed_subscriptions, read_subscriptions
from ..notify.announcing.announcer import worker_seen
from ..notify.configured_channels import reached
from ..notify.inbound.read_failures import troubles
from ..notify.refusals import refusals
from ..slack_socket.health import STATES, state_of
from ..splunk.configuration import conf, settings
from ..splunk.session import APP, SplunkError
from ..worker_health import worker_troubles
from .router import Request, Response, route
from .schema import any_text, any_whole, flag, listed, nullable, number, obj, one_of, record

NO_CHANNEL = (
    "No channel is set up, so nobody is notified of incidents. Set up Slack, Teams, PagerDuty, "
    "ServiceNow, Jira or E-mail under Configuration, or subscribe a webhook with "
    "POST /subscriptions."
)


@route(
    "GET",
    "/health",
    capability="incident_read",
    answers={
        200: record(
            {
                "status": one_of(("ok", "degraded")),
                "timestamp": {"type": "string", "format": "date-time"},
                "splunk_connected": flag(),
                "incidents_detected": nullable(any_whole()),
                "uptime_seconds": number(),
            }
        )
    },
)
def get_health(request: Request) -> Response:
    """Report whether the app works.

    ``status`` is ``ok`` or ``degraded``. It is ``degraded`` when splunkd or the KV store does not
    answer, the configuration has errors, the worker does not run, one of its duties has failed for
    five minutes, a monitor can't evaluate its data, or a channel rejects messages or can't be read.
    ``/system/info`` has the details. ``incidents_detected`` counts all incidents ever opened; null
    when the count is unavailable. ``uptime_seconds`` is that of the handler process.
    """
    connected = _server(request) is not None
    count = _count(request) if connected else None
    now = request.clock.now()
    return Response(
        {
            "status": "ok" if count is not None and _works(request) else "degraded",
            "timestamp": datetime.fromtimestamp(now, timezone.utc).isoformat(timespec="seconds"),
            "splunk_connected": connected,
            "incidents_detected": count,
            "uptime_seconds": round(now - request.backend.started_at, 1),
        },
    )


@route(
    "GET",
    "/system/info",
    capability="incident_read",
    answers={
        200: obj(
            {
                "app": any_text(),
                "version": any_text(),
                "splunk_version": any_text(),
                "server_name": any_text(),
                "python_version": any_text(),
                "configuration_problems": listed(any_text()),
                "channels": obj(
                    {channel: flag("True if the channel is set up.") for channel in CHANNELS},
                    CHANNELS,
                    more=True,
                ),
                "worker_seen": nullable(number(about="When the worker last ran, epoch seconds.")),
                "slack_socket": record(
                    {
                        "state": one_of(STATES, "State of the connection that Slack buttons need."),
                        "detail": any_text("What is wrong, if anything."),
                        "member": any_text("The search head that holds the connection."),
                        "seen": nullable(number(about="When it last reported, epoch seconds.")),
                    }
                ),
                "notices": listed(any_text("Hints that are not failures.")),
                "troubles": listed(any_text("Current failures.")),
            },
            (
                "app",
                "version",
                "splunk_version",
                "configuration_problems",
                "channels",
                "worker_seen",
                "slack_socket",
                "notices",
                "troubles",
            ),
        )
    },
)
def get_info(request: Request) -> Response:
    """Report versions, configuration errors, channels that are set up, and running parts.

    ``worker_seen`` is the time up to which the worker has checked for messages to send; null before
    its first round. A lag of about half a minute is normal. A lag of minutes means that the worker
    does not run or that this duty fails; ``troubles`` says which. ``slack_socket`` is the
    connection that receives Slack's button presses: ``off`` without an app-level token,
    ``not_running`` when its input has not reported for two minutes.
    """
    server = _server(request) or {}
    installed = request.system_session.get(f"/services/apps/local/{APP}")
    stanzas = conf.load(request.system_session, settings.CONF)
    routing = request.routing()
    set_up = settings.channels_set_up(stanzas) | routing.own_set_up
    has_token = bool(stanzas.get("slack", {}).get("app_token"))
    subscriptions = read_subscriptions(request.stores).values()
    seen = worker_seen(request.stores)
    return Response(
        {
            "app": APP,
            "version": str(installed["entry"][0]["content"].get("version", "")),
            "splunk_version": server.get("version", ""),
            "server_name": server.get("serverName", ""),
            "python_version": platform.python_version(),
            "configuration_problems": list(request.problems()),
            "channels": {channel: channel in set_up for channel in routing.channel_names},
            "worker_seen": seen,
            "slack_socket": state_of(request.stores, has_token, request.clock.now()),
            "notices": [] if reached(set_up, subscriptions) else [NO_CHANNEL],
            "troubles": _troubles(request, seen),
        },
    )


def _server(request: Request) -> Optional[Dict[str, Any]]:
    try:
        answer = request.system_session.get("/services/server/info")
    except SplunkError:
        return None
    content: Dict[str, Any] = answer["entry"][0]["content"]
    return content


def _troubles(request: Request, seen: Optional[float]) -> List[str]:
    now = request.clock.now()
    return [
        *worker_troubles(request.stores, now, seen, now - request.backend.started_at),
        *refusals(request.stores, request.clock, request.routing()),
        *troubles(request.stores),
        *malformed_subscriptions(request.stores),
    ]


def _works(request: Request) -> bool:
    try:
        return not request.problems() and not _troubles(request, worker_seen(request.stores))
    except SplunkError:
        return False


def _count(request: Request) -> Optional[int]:
    try:
        return request.backend.opened.count(request.stores)
    except SplunkError:
        return None

"""``POST /webhooks/{tool}``: what other monitoring tools find becomes signals.

A tool logs in as a Splunk user with ``incident_signal`` (a token, or the user and password that
its webhook settings take). Anything it says is data: it can open an incident, and end one that
only its own alert is about.
"""

from __future__ import annotations

from typing import Any, Dict, List, Sequence
from urllib.parse import urlsplit

from ..incidents import lifecycle, timeline
from ..incidents.errors import IllegalMove, Invalid
from ..incidents.intake.findings import signal_from
from ..splunk import conf
from .inbound import Arrival, Confirmation, alerts_of, cloudwatch, datadog
from .mapping import read_mapping
from .router import Request, Response, route
from .schema import Schema, any_object, listed, named, obj, text
from .signals import taken_in

__all__ = ["post_alertmanager", "post_cloudwatch", "post_datadog", "post_generic", "post_grafana"]

_ANSWER = named(
    "Arrivals",
    obj(
        {
            "outcomes": listed(
                obj(
                    {
                        "incident_id": {"type": "string"},
                        "what": {
                            "type": "string",
                            "description": "opened, added, reopened, duplicate; of an alert that "
                            "is over: resolved, held (it flaps), noted, nothing.",
                        },
                    },
                    ("incident_id", "what"),
                )
            ),
            "detail": {"type": "string"},
        },
        ("outcomes",),
    ),
)
_ALERTS: Schema = obj({"alerts": listed(any_object(), 1000)}, ("alerts",), more=True)


@route(
    "POST",
    "/webhooks/alertmanager",
    capability="incident_signal",
    body=_ALERTS,
    answers={200: _ANSWER},
)
def post_alertmanager(request: Request) -> Response:
    """Alerts of Prometheus's Alertmanager, as its ``webhook_config`` sends them."""
    return _taken(request, alerts_of(request.body, "alertmanager", request.clock.now()))


@route(
    "POST",
    "/webhooks/grafana",
    capability="incident_signal",
    body=_ALERTS,
    answers={200: _ANSWER},
)
def post_grafana(request: Request) -> Response:
    """Alerts of Grafana, as its webhook contact point sends them."""
    return _taken(request, alerts_of(request.body, "grafana", request.clock.now()))


@route(
    "POST",
    "/webhooks/datadog",
    capability="incident_signal",
    body=obj({}, more=True),
    body_required=True,
    answers={200: _ANSWER},
)
def post_datadog(request: Request) -> Response:
    """An alert of Datadog: the default payload of its webhooks, or more of their variables."""
    return _taken(request, datadog(request.body, request.clock.now()))


@route(
    "POST",
    "/webhooks/cloudwatch",
    capability="incident_signal",
    body=obj({}, more=True),
    body_required=True,
    answers={200: _ANSWER, 202: _ANSWER},
)
def post_cloudwatch(request: Request) -> Response:
    """An alarm of CloudWatch, through an SNS topic's HTTPS subscription.

    When SNS asks to confirm the subscription, an administrator finds the link among Splunk's
    messages; nothing is fetched by itself.
    """
    found = cloudwatch(request.body, request.clock.now())
    if isinstance(found, Confirmation):
        return _asked_to_confirm(request, found)
    return _taken(request, found)


@route(
    "POST",
    "/webhooks/generic",
    capability="incident_signal",
    query={"mapping": text(100, 1, "The name of a mapping; `default` unless given.")},
    body=obj({}, more=True),
    body_required=True,
    answers={200: _ANSWER},
)
def post_generic(request: Request) -> Response:
    """Alerts of any tool, read with a mapping of incident_webhooks.conf."""
    stanzas = conf.load(request.system_session, "incident_webhooks")
    mapping = read_mapping(str(request.args.get("mapping", "default")), stanzas)
    return _taken(request, mapping.arrivals(request.body, request.clock.now()))


def _taken(request: Request, arrivals: Sequence[Arrival]) -> Response:
    """Ingest what is firing in one go, then end what is over; the answers keep the order."""
    firing = [arrival.finding for arrival in arrivals if not arrival.over]
    taken = iter(taken_in(request, firing) if firing else [])
    outcomes: List[Dict[str, Any]] = []
    for arrival in arrivals:
        if arrival.over:
            outcomes.append(_ended(request, arrival))
        else:
            outcome = next(taken)
            outcomes.append({"incident_id": outcome.incident_id, "what": outcome.what})
    return Response({"outcomes": outcomes})


def _ended(request: Request, arrival: Arrival) -> Dict[str, Any]:
    """Resolve the alert's open incident if nothing else is in it; else leave a note there."""
    signal = signal_from(arrival.finding, request.clock.now())
    claims = request.stores.claims.find({"value.dedup_key": signal.dedup_key})
    if not claims:
        return {"incident_id": "", "what": "nothing"}
    newest = max(claims, key=lambda claim: int(claim["value"]["episode"]))
    incident_id = str(newest["value"]["incident_id"])
    entries = timeline.read(request.stores, incident_id)
    incident = timeline.fold(entries) if entries else None
    if incident is None or not incident.is_open:
        return {"incident_id": incident_id, "what": "nothing"}
    reason = f"{signal.app} reports that '{signal.rule}' is over."
    once = f"over:{signal.key}"
    if incident.rules == [signal.rule] and incident.entities == [signal.entity]:
        try:
            after = lifecycle.resolve(
                request.stores,
                request.clock,
                incident_id,
                request.user,
                resolution="Recovered",
                reason=reason,
                once=once,
            )
            what = "held" if after.is_open else "resolved"
            return {"incident_id": incident_id, "what": what}
        except IllegalMove:
            # Somebody resolved it in between.
            return {"incident_id": incident_id, "what": "nothing"}
    data = {"text": f"{reason} Others of this incident's alerts are not."}
    timeline.append(
        request.stores, request.clock, incident_id, "note", data, request.user, f"note:{once}"
    )
    timeline.refresh(request.stores, incident_id)
    return {"incident_id": incident_id, "what": "noted"}


def _asked_to_confirm(request: Request, asked: Confirmation) -> Response:
    parts = urlsplit(asked.url)
    host = parts.hostname or ""
    aws = host.endswith((".amazonaws.com", ".amazonaws.com.cn")) and host.startswith("sns.")
    if parts.scheme != "https" or not aws:
        raise Invalid("'SubscribeURL' is not a link to Amazon SNS.")
    said = f"Amazon SNS asks to confirm that {asked.topic[:200]} may send alarms. Open: {asked.url}"
    request.system_session.post(
        "/services/messages",
        {"name": "incident_management_sns", "value": said, "severity": "warn"},
    )
    detail = "An administrator was asked to confirm the subscription."
    return Response({"outcomes": [], "detail": detail}, 202)

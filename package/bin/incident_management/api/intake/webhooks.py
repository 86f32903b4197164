"""``POST /webhooks/{tool}``: alerts of other monitoring tools become signals.

A tool logs in as a Splunk user with ``incident_signal`` (a token, or the user and password of its
webhook settings). Its content is only data: it can open an incident, and resolve one once all of
its alerts were ended by such tools.
"""

from __future__ import annotations

import re
from functools import partial
from typing import Sequence

from ...incidents.errors import Invalid
from ...incidents.intake.findings import signal_from
from ...incidents.signal import Signal
from ...incidents.upkeep import recovery
from ...splunk import log
from ...splunk.configuration import conf
from ..router import Request, Response, route
from ..schema import Schema, any_object, any_text, listed, named, obj, record, text
from .signals import ingest_findings
from .webhook_mapping import read_mapping
from .webhook_payloads import MAX_ALERTS, Arrival, Confirmation, alerts_of, cloudwatch, datadog

# "HTTP/HTTPS subscription confirmation JSON format" in AWS's manual. What an administrator is asked
# to open is nothing but that: any user may send such a message, and the name of a bucket of
# somebody else can begin with "sns.", too (sns.x.s3.amazonaws.com).
_SNS_LINK = re.compile(
    r"https://sns\.[a-z0-9-]+\.amazonaws\.com(\.cn)?/\?[\w.~:/&=%+-]{1,2000}", re.ASCII
)
_SNS_TOPIC = re.compile(r"arn:aws[a-z-]*:sns:[a-z0-9-]+:\d{12}:[\w.-]{1,256}", re.ASCII)
_ANSWER = named(
    "Arrivals",
    obj(
        {
            "outcomes": listed(
                record(
                    {
                        "incident_id": any_text(),
                        "what": any_text(
                            "opened, added, reopened, duplicate; of an alert that "
                            "is over: resolved, held (it flaps), noted, nothing."
                        ),
                    }
                )
            ),
            "detail": any_text(),
        },
        ("outcomes",),
    ),
)
hook = partial(route, "POST", capability="incident_signal", answers={200: _ANSWER})
"""Registers the route for a tool's alerts."""
_ALERTS: Schema = obj({"alerts": listed(any_object(), MAX_ALERTS)}, ("alerts",), more=True)


@hook("/webhooks/alertmanager", body=_ALERTS)
def post_alertmanager(request: Request) -> Response:
    """Ingest alerts of Prometheus Alertmanager, as its ``webhook_config`` sends them."""
    return _grouped(request, "alertmanager")


@hook("/webhooks/grafana", body=_ALERTS)
def post_grafana(request: Request) -> Response:
    """Ingest alerts of Grafana, as its webhook contact point sends them."""
    return _grouped(request, "grafana")


@hook("/webhooks/datadog", body=obj({}, more=True), body_required=True)
def post_datadog(request: Request) -> Response:
    """Ingest a Datadog alert: the default webhook payload, or one with more variables."""
    now = request.clock.now()
    return _taken(request, datadog(request.body, now), now)


@hook(
    "/webhooks/cloudwatch",
    body=obj({}, more=True),
    body_required=True,
    answers={200: _ANSWER, 202: _ANSWER},
)
def post_cloudwatch(request: Request) -> Response:
    """Ingest a CloudWatch alarm from an SNS topic's HTTPS subscription.

    When SNS asks to confirm the subscription, a Splunk message shows the link to administrators; no
    link is followed automatically.
    """
    now = request.clock.now()
    found = cloudwatch(request.body, now)
    if isinstance(found, Confirmation):
        return _asked_to_confirm(request, found)
    return _taken(request, found, now)


@hook(
    "/webhooks/generic",
    query={"mapping": text(100, 1, "The name of a mapping; default: `default`.")},
    body=obj({}, more=True),
    body_required=True,
)
def post_generic(request: Request) -> Response:
    """Ingest alerts of any tool, using a mapping of incident_webhooks.conf."""
    stanzas = conf.load(request.system_session, "incident_webhooks")
    mapping = read_mapping(str(request.args.get("mapping", "default")), stanzas)
    now = request.clock.now()
    return _taken(request, mapping.arrivals(request.body, now), now)


def _grouped(request: Request, tool: str) -> Response:
    now = request.clock.now()
    response = _taken(request, alerts_of(request.body, tool, now), now)
    left_out = request.body.get("truncatedAlerts")
    if isinstance(left_out, int) and left_out > 0:
        text = f"{tool} truncated {left_out} alerts from this message. Raise its max_alerts."
        log.get("rest").warning(text)
        response.body["detail"] = text
    return response


def _taken(request: Request, arrivals: Sequence[Arrival], now: float) -> Response:
    """Ingest firing alerts at once, then end those that are over; outcomes keep the order.

    ``now``: epoch seconds when the alerts were received.
    """
    stores, clock, act = request.stores, request.clock, request.act
    firing = [one for one in arrivals if not one.over]
    over = [one for one in arrivals if one.over]
    done = ingest_findings(request, [one.finding for one in firing]) if firing else []
    begun = [(_signal(one, now), end) for one, end in zip(firing, done) if one.has_time(now)]
    recovery.end_already_over(act, begun)
    recovery.note_ends(stores, clock, [_signal(one, now) for one in over if one.has_time(now)])
    ended = recovery.end_alerts(act, [_signal(one, now) for one in over]) if over else []
    taken, ends = iter(done), iter(ended)
    outcomes = [next(ends) if one.over else next(taken) for one in arrivals]
    shown = [{"incident_id": outcome.incident_id, "what": outcome.what} for outcome in outcomes]
    return Response({"outcomes": shown})


def _signal(arrival: Arrival, now: float) -> Signal:
    return signal_from(arrival.finding, now)


def _asked_to_confirm(request: Request, asked: Confirmation) -> Response:
    if not _SNS_LINK.fullmatch(asked.url):
        raise Invalid("'SubscribeURL' is not a link to Amazon SNS.")
    if not _SNS_TOPIC.fullmatch(asked.topic):
        raise Invalid("'TopicArn' is not the name of a topic of Amazon SNS.")
    said = (
        f"Amazon SNS, with the login of {request.user}, asks to confirm that {asked.topic} may "
        f"send alarms. If you set that up, open: {asked.url}"
    )
    request.system_session.post(
        "/services/messages", {"name": "incident_management_sns", "value": said, "severity": "warn"}
    )
    detail = "An administrator was asked to confirm the subscription."
    return Response({"outcomes": [], "detail": detail}, 202)

"""``/subscriptions``: signed webhooks for incident events."""

from __future__ import annotations

import secrets as random_secrets
from typing import Any, Dict, Mapping

from ..incidents.errors import Invalid, NotFound
from ..incidents.model import SEVERITIES
from ..incidents.stored_shapes import MAX_SUBSCRIPTIONS, readable_subscription
from ..notify.events import HEADLINES
from ..notify.services.webhook import REALM, channel_of, safe_url
from ..outside.transport import BadUrl
from ..ports import Document
from ..splunk.configuration import secrets
from .notifications import shown as shown_notification
from .router import Request, Response, route
from .schema import any_text, flag, listed, named, obj, one_of, record, text
from .shapes import LIMIT, NAME, NOTIFICATION, TIME, page

SECRET_BYTES = 32
EVENTS = ("*", *HEADLINES)

_FIELDS = {
    "url": text(2000, 1, "https, or http to localhost. Redirects are not followed."),
    "events": listed(one_of(EVENTS), len(EVENTS), "Default: `*`, all events."),
    "severities": listed(one_of(SEVERITIES), len(SEVERITIES), "Empty: all."),
    "teams": listed(NAME, 100, "Empty: all."),
    "enabled": flag(),
    "description": text(1000),
}
_SUBSCRIPTION = obj(
    {
        **{"id": any_text(), **_FIELDS, "created_by": any_text(), "created_at": TIME},
        "url": text(2000, about="Empty if the stored one was changed by hand and can't be read."),
    },
    ("id", "url", "events", "enabled"),
)
SUBSCRIPTION = named("Subscription", _SUBSCRIPTION)
_CREATED = named(
    "NewSubscription",
    {
        **_SUBSCRIPTION,
        "properties": {
            **_SUBSCRIPTION["properties"],
            "url": text(2000, about="Empty in the response to a repeated Idempotency-Key."),
            "secret": any_text("Shown only once; empty for a repeated Idempotency-Key."),
        },
        "required": [*_SUBSCRIPTION["required"], "secret"],
    },
)
_BODY = obj(_FIELDS, ("url",))


@route(
    "GET",
    "/subscriptions",
    capability="incident_admin",
    answers={200: record({"subscriptions": listed(SUBSCRIPTION)})},
)
def list_all(request: Request) -> Response:
    """List the subscriptions, without their secrets."""
    found = request.stores.subscriptions.find({}, "created_at:1,_key:1", MAX_SUBSCRIPTIONS)
    return Response({"subscriptions": [_shown(readable_subscription(one)[0]) for one in found]})


@route("POST", "/subscriptions", capability="incident_admin", body=_BODY, answers={201: _CREATED})
def create(request: Request) -> Response:
    """Create a subscription. The response has the signing secret, which is never shown again."""
    if len(request.stores.subscriptions.find({}, limit=MAX_SUBSCRIPTIONS)) >= MAX_SUBSCRIPTIONS:
        raise Invalid(f"There are already {MAX_SUBSCRIPTIONS} subscriptions. Delete one first.")
    key = f"SUB-{request.mark[:10] or random_secrets.token_hex(5)}"
    secret = random_secrets.token_urlsafe(SECRET_BYTES)
    document = {
        **_checked(request.body),
        "_key": key,
        "created_by": request.user,
        "created_at": request.clock.now(),
    }
    if request.mark:
        # The secret of an earlier attempt, which was never returned.
        secrets.delete(request.system_session, REALM, key)
    # The secret first: a subscription without one could never deliver.
    secrets.write(request.system_session, REALM, key, secret)
    request.stores.subscriptions.insert(document)
    shown = _shown(document)
    # An address may hold a token, and is kept no longer than its subscription.
    return Response({**shown, "secret": secret}, 201, kept={**shown, "secret": "", "url": ""})


@route("GET", "/subscriptions/{id}", capability="incident_admin", answers={200: SUBSCRIPTION})
def show(request: Request) -> Response:
    """Return one subscription, without its secret."""
    return Response(_shown(_found(request)))


@route(
    "PUT",
    "/subscriptions/{id}",
    capability="incident_admin",
    body=_BODY,
    answers={200: SUBSCRIPTION},
)
def replace(request: Request) -> Response:
    """Replace a subscription; its secret is kept."""
    known = _found(request)
    kept = {name: known[name] for name in ("_key", "created_by", "created_at")}
    document = {**_checked(request.body), **kept}
    request.stores.subscriptions.save([document])
    return Response(_shown(document))


@route("DELETE", "/subscriptions/{id}", capability="incident_admin", answers={200: SUBSCRIPTION})
def delete(request: Request) -> Response:
    """Delete a subscription and its secret; pending deliveries are dropped."""
    known = _found(request)
    # The secret first: a repeat after a failure finds the document still, and no secret is left.
    secrets.delete(request.system_session, REALM, known["_key"])
    request.stores.subscriptions.delete(known["_key"])
    return Response(_shown(known))


@route(
    "GET",
    "/subscriptions/{id}/deliveries",
    capability="incident_admin",
    query={"limit": {**LIMIT, "maximum": 500}},
    answers={200: page("deliveries", NOTIFICATION)},
)
def list_deliveries(request: Request) -> Response:
    """List deliveries, newest first, with state, attempts and last error."""
    key = _found(request)["_key"]
    limit = request.args.get("limit", 100)
    query = {"channel": channel_of(key)}
    found = request.stores.outbox.find(query, "created_at:-1", limit + 1)
    shown = [shown_notification(one) for one in found[:limit]]
    return Response({"deliveries": shown, "more": len(found) > limit})


def _checked(body: Mapping[str, Any]) -> Dict[str, Any]:
    try:
        url = safe_url(str(body["url"]))
    except BadUrl as error:
        raise Invalid(str(error)) from None
    return {
        "url": url,
        "events": list(body.get("events") or ["*"]),
        "severities": list(body.get("severities", [])),
        "teams": list(body.get("teams", [])),
        "enabled": body.get("enabled", True),
        "description": str(body.get("description", "")),
    }


def _found(request: Request) -> Document:
    key = request.params["id"]
    document = request.stores.subscriptions.get(key)
    if document is None:
        raise NotFound(f"Subscription {key[:60]} not found. See GET /subscriptions.")
    return readable_subscription(document)[0]


def _shown(document: Mapping[str, Any]) -> Dict[str, Any]:
    shown = {name: value for name, value in document.items() if not name.startswith("_")}
    return {"id": document["_key"], **shown}

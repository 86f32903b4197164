"""PagerDuty: Events API v2, through pdpyras (only this module uses it).

The incident's id is the ``dedup_key`` (at most 255 characters), so a repeated event adds to the
same alert. After a lost answer the event is simply sent again. pdpyras itself would retry and
sleep, without a limit on 429; here it makes one attempt.
"""

from __future__ import annotations

from typing import Any, Dict
from urllib.parse import urlsplit

from ...durations import span
from ...incidents.model import ENDED
from ...outside.network import NotConfigured, configured_url
from ...outside.transport import (
    Network,
    http_session,
    network_failure,
    redirect_refused,
    retry_after,
)
from ...ports import Clock
from ...utc import to_the_second
from ..channel import NO_REPLY, Delivery, Inquiry, Notification, dead, retry, sent, without_reply
from ..message import Message, field_facts, listed
from ..request_fields import truncated

__all__ = ["ACKNOWLEDGED", "RESOLVED", "TRIGGERED", "PagerDutySender", "action_of", "event"]

# The severities of the Events API.
_SEVERITIES = {
    "critical": "critical",
    "high": "error",
    "medium": "warning",
    "low": "info",
    "info": "info",
}
# The states of PagerDuty's incidents.
TRIGGERED, ACKNOWLEDGED, RESOLVED = "triggered", "acknowledged", "resolved"
SUMMARY_LENGTH = 1024
DETAIL_LENGTH = 2000


class PagerDutySender:
    """Sends to one integration. Raises NotConfigured when a setting is missing or unusable."""

    def __init__(self, routing_key: str, api_url: str, network: Network, clock: Clock) -> None:
        if not routing_key:
            raise NotConfigured(
                "No PagerDuty integration key is set: set it under Configuration > PagerDuty."
            )
        self._url = configured_url(api_url, "The PagerDuty API URL")
        self._routing_key = routing_key
        self._network = network
        self._clock = clock

    def send(self, notification: Notification) -> Delivery:
        """Send the event."""
        pdpyras = _pdpyras()
        message = Message.from_document(notification.message)
        if message.eased and action_of(message, notification.is_over) == "trigger":
            # If somebody has resolved it in PagerDuty, a trigger would open another one and page
            # them.
            return sent({"note": "Nobody was paged: the severity was lowered."})
        key = notification.incident_id or notification.id
        try:
            with _events_session(self._routing_key, self._url, self._network) as session:
                action = action_of(message, notification.is_over)
                properties = event(message, notification.late) if action == "trigger" else {}
                session.send_event(action, dedup_key=key[:255], **properties)
        except NO_REPLY as error:
            return without_reply(error)
        except pdpyras.PDHTTPError as error:
            return _judged(error.response, self._clock.now())
        except pdpyras.PDClientError as error:
            return _lost(error.__cause__ or error, urlsplit(self._url).hostname or "")
        receipt: Dict[str, Any] = {"dedup_key": key[:255]}
        if notification.incident_id:
            receipt.update(ticket=key[:255], **_left_in(action, message))
        if notification.is_over and action_of(message) == "trigger":
            receipt["note"] = "Nobody was paged: the incident was over by then."
        return sent(receipt)

    def ask(self, notification: Notification) -> Inquiry:
        """Return that a repeat is harmless: the dedup key joins it to the first event."""
        return Inquiry("harmless", "PagerDuty joins a repeated event to the first.")


def _pdpyras() -> Any:
    """Import pdpyras without its deprecation warning: its successor needs Python 3.10."""
    import warnings

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import pdpyras
    return pdpyras


def _events_session(routing_key: str, url: str, network: Network) -> Any:
    pdpyras = _pdpyras()

    class _Session(pdpyras.EventsAPISession):  # type: ignore[name-defined]
        def postprocess(self, response: Any) -> None:
            if response.status_code == 429:
                raise pdpyras.PDHTTPError("rate limited", response)

    session = _Session(routing_key)
    session.url = url
    session.retry = {}
    session.max_network_attempts = 0
    session.max_redirects = 0
    return http_session(network, url, session)


def _lost(error: BaseException, host: str) -> Delivery:
    from requests.exceptions import TooManyRedirects

    if isinstance(error, TooManyRedirects):
        return dead(redirect_refused(host))
    return without_reply(network_failure(error, host))


def _judged(response: Any, now: float) -> Delivery:
    status = response.status_code
    headers = {name.lower(): value for name, value in response.headers.items()}
    if status == 429 or status >= 500:
        # Retried in any case: the dedup key makes a repeat harmless.
        return retry(f"PagerDuty answered {status}.", retry_after(headers, now))
    if status < 300:
        return retry(f"PagerDuty answered {status} without a dedup_key: check its API URL.")
    return dead(f"PagerDuty refused the event with {status}: {_reasons(response)}")


def _reasons(response: Any) -> str:
    try:
        body = response.json()
    except ValueError:
        return truncated(" ".join(response.text.split()), 200) or "no reason given"
    if not isinstance(body, dict):
        return "no reason given"
    errors = body.get("errors")
    listed_errors = [str(item) for item in errors] if isinstance(errors, list) else []
    return truncated("; ".join([str(body.get("message") or ""), *listed_errors]).strip("; "), 300)


def action_of(message: Message, is_over: bool = False) -> str:
    """Return the ``event_action``.

    Once the incident is over, only a new opening may trigger, because a trigger after a resolve
    pages somebody again. ``is_over``: the incident ended while the message waited, so a page would
    wake somebody for nothing.
    """
    if is_over:
        return "resolve"
    if message.event in ("opened", "reopened"):
        return "trigger"
    if message.event in ENDED or message.status in ENDED:
        return "resolve"
    if message.event == "acknowledged":
        return "acknowledge"
    return "trigger"


def _left_in(action: str, message: Message) -> Dict[str, Any]:
    """Return the state that an event leaves PagerDuty's incident in, where that is certain.

    So the echo of this change is not taken for a person's.
    """
    if action == "trigger":
        begins = message.event in ("opened", "reopened")
        return {"state": TRIGGERED, "over": False} if begins else {}
    over = action == "resolve"
    return {"state": RESOLVED if over else ACKNOWLEDGED, "over": over}


def event(message: Message, late: float = 0.0) -> Dict[str, Any]:
    """Build the rest of a trigger: ``payload``, ``links`` and ``client``.

    ``late``: for how many seconds the message waited, if for long; else 0.
    """
    built: Dict[str, Any] = {
        "client": "Incident Management for Splunk",
        "payload": _payload(message, late),
    }
    if message.url:
        built["client_url"] = message.url
        built["links"] = [{"href": message.url, "text": "Open the incident in Splunk"}]
    return built


def _payload(message: Message, late: float) -> Dict[str, Any]:
    payload: Dict[str, Any] = {
        "summary": truncated(_summary(message, late), SUMMARY_LENGTH),
        "source": truncated(listed(message.where) or "Splunk", 255),
        "severity": _SEVERITIES.get(message.severity, "warning"),
        "class": truncated(listed(message.rules) or message.event, 255),
        "custom_details": _details(message),
    }
    if message.since:
        payload["timestamp"] = to_the_second(message.since).replace(" UTC", "Z").replace(" ", "T")
    if message.team:
        payload["group"] = message.team
    return payload


def _details(message: Message) -> Dict[str, Any]:
    details: Dict[str, Any] = {
        # First, so that a field with the same label does not replace one of the following.
        **dict(field_facts(message)),
        "incident": message.incident_id,
        "what happened": message.headline,
        "where": listed(message.where),
        "events": message.events,
        "team": message.team,
        "owner": message.owner,
        "found by": listed(message.rules),
        "details": message.text,
        "likely cause": message.cause,
        "log line": message.quote,
    }
    if message.since:
        details["since"] = to_the_second(message.since)
    return {
        name: truncated(value, DETAIL_LENGTH) if isinstance(value, str) else value
        for name, value in details.items()
        if value
    }


def _summary(message: Message, late: float) -> str:
    """Return the text that pages: the title, or, for an alert, the text that its owner wrote."""
    text = " ".join(message.text.split()) if message.event == "alert" else ""
    told = text or message.title
    return f"[{span(late)} late] {told}" if late else told

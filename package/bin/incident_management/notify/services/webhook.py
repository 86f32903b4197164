"""Sends signed webhooks to subscribers.

Each request carries ``X-Incident-Timestamp`` (epoch seconds) and ``X-Incident-Signature``: ``v1=``
and the hexadecimal HMAC-SHA256, with the subscription's secret, of ``timestamp.body``. A receiver
compares it in constant time and refuses old timestamps. ``X-Incident-Delivery`` stays the same when
a delivery is repeated, so a receiver can recognise repeats.

A URL's target is checked when it is set and again at each delivery, because a name can be pointed
elsewhere later. The connection goes to the checked address, see :mod:`...outside.pinned`.
"""

from __future__ import annotations

import hashlib
import hmac
import ipaddress
import json
import socket
from typing import Any, Callable, Dict, List, Mapping, Optional
from urllib.parse import urlsplit

from ...hosts import is_loopback
from ...outside.network import NotConfigured
from ...outside.transport import (
    BadUrl,
    Network,
    checked_url,
    json_headers,
    not_followed,
    retry_after,
    send_json,
)
from ...ports import Clock, Document
from ..channel import NO_REPLY, Delivery, Inquiry, Notification, dead, retry, sent, without_reply

__all__ = [
    "PREFIX",
    "REALM",
    "WebhookSender",
    "channel_of",
    "safe_url",
    "signature",
    "subscribed",
]

PREFIX = "webhook:"
# The realm of the secrets in storage/passwords.
REALM = "incident_management_subscriptions"
ALL = "*"
# Addresses of cloud metadata services outside the link-local block that most of them use.
_METADATA = ("fd00:ec2::254", "100.100.100.200", "192.0.0.192")

# Addresses that stand for the IPv4 address in their last 32 bits: those that a gateway translates
# (RFCs 6052, 8215 and 2765), and the deprecated "IPv4-compatible" ones (RFC 4291, 2.5.5.1).
_TRANSLATED = tuple(
    map(ipaddress.IPv6Network, ("64:ff9b::/96", "64:ff9b:1::/48", "::ffff:0:0:0/96", "::/96"))
)

Resolve = Callable[[str], List[str]]


def channel_of(subscription_id: str) -> str:
    """Return a subscription's own outbox channel, so that none delays another."""
    return PREFIX + subscription_id


def subscribed(
    subscriptions: Mapping[str, Document], event: str, severity: str, team: str
) -> List[str]:
    """Return the channels of the subscriptions that include an event."""
    return [
        channel_of(key)
        for key, one in sorted(subscriptions.items())
        if one.get("enabled", True)
        and (ALL in one["events"] or event in one["events"])
        and (not one.get("severities") or severity in one["severities"])
        and (not one.get("teams") or team in one["teams"])
    ]


def signature(secret: str, timestamp: str, body: bytes) -> str:
    """Return the value of ``X-Incident-Signature``."""
    mac = hmac.new(secret.encode("utf-8"), timestamp.encode("ascii") + b"." + body, hashlib.sha256)
    return f"v1={mac.hexdigest()}"


def safe_url(url: str, resolve: Optional[Resolve] = None) -> str:
    """Return the URL unchanged, including a trailing slash.

    http is allowed for this machine only. Link-local addresses, where clouds give away credentials,
    and addresses that belong to no host are refused. A name that can't be resolved now is checked
    at delivery.

    Raises BadUrl when it is not an https URL, or its target is not allowed.
    """
    given = _well_formed(url)
    host = urlsplit(given).hostname or ""
    if not is_loopback(host):
        _allowed(host, resolve or _resolved)
    return given


def _well_formed(url: str) -> str:
    checked_url(url, "The webhook's URL")
    parts = urlsplit(url.strip())
    if parts.username or parts.password:
        raise BadUrl("The webhook's URL contains a user or a password. Remove them.")
    return url.strip()


def _allowed(host: str, resolve: Resolve) -> List[str]:
    """Return a host's addresses. Raises BadUrl if a webhook may not go to one of them."""
    found = resolve(host)
    for address in found:
        if _forbidden(address):
            raise BadUrl(f"{host} resolves to {address}, where no webhook may go.")
    return found


def _resolved(host: str) -> List[str]:
    try:
        found = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        return []
    return sorted({str(one[4][0]).partition("%")[0] for one in found})


def _forbidden(text: str) -> bool:
    address = ipaddress.ip_address(text)
    if isinstance(address, ipaddress.IPv6Address):
        address = address.ipv4_mapped or address.sixtofour or _translated(address) or address
    return (
        address.is_link_local
        or address.is_loopback
        or address.is_multicast
        or address.is_unspecified
        or str(address) in _METADATA
    )


def _translated(address: ipaddress.IPv6Address) -> Optional[ipaddress.IPv4Address]:
    if address.is_loopback or address.is_unspecified:
        return None
    is_one = any(address in network for network in _TRANSLATED)
    return ipaddress.IPv4Address(int(address) & 0xFFFFFFFF) if is_one else None


class WebhookSender:
    """Sends to one subscriber. Raises NotConfigured when it is gone or can't be used."""

    def __init__(
        self,
        subscription: Optional[Document],
        secret: Optional[str],
        network: Network,
        clock: Clock,
        resolve: Optional[Resolve] = None,
    ) -> None:
        if subscription is None:
            raise NotConfigured("The subscription was deleted.")
        if not subscription.get("enabled", True):
            raise NotConfigured("The subscription is switched off.")
        if not secret:
            raise NotConfigured("The subscription's secret is missing: make a new subscription.")
        self._resolve = resolve or _resolved
        try:
            self._url = _well_formed(str(subscription["url"]))
            if network.proxy_for(urlsplit(self._url).hostname or ""):
                # The proxy resolves the name, perhaps to another address: no more can be checked.
                safe_url(self._url, self._resolve)
        except BadUrl as error:
            raise NotConfigured(str(error)) from None
        self._secret = secret
        self._network = network
        self._clock = clock

    def send(self, notification: Notification) -> Delivery:
        """Post the signed payload."""
        body = json.dumps(payload(notification), separators=(",", ":")).encode("ascii")
        try:
            reply = send_json(
                self._network,
                self._url,
                headers=self._headers(notification, body),
                data=body,
                addresses=self._addresses,
            )
        except NO_REPLY as error:
            return without_reply(error)
        host = urlsplit(self._url).hostname or ""
        if 200 <= reply.status < 300:
            return sent({"status": reply.status})
        if reply.status in (408, 425, 429) or reply.status >= 500:
            wait = retry_after(reply.headers, self._clock.now())
            return retry(f"{host} answered {reply.status}.", wait)
        return dead(
            not_followed(reply, host) or f"{host} rejected the request with {reply.status}."
        )

    def ask(self, notification: Notification) -> Inquiry:
        """Return ``marked``: a repeat has the same X-Incident-Delivery."""
        return Inquiry("marked", "A repeat carries the same delivery id.")

    def _addresses(self, host: str) -> List[str]:
        return [host] if is_loopback(host) else _allowed(host, self._resolve)

    def _headers(self, notification: Notification, body: bytes) -> Dict[str, str]:
        timestamp = str(int(self._clock.now()))
        return {
            **json_headers(),
            "Content-Type": "application/json",
            "X-Incident-Delivery": notification.id,
            "X-Incident-Event": notification.event,
            "X-Incident-Timestamp": timestamp,
            "X-Incident-Signature": signature(self._secret, timestamp, body),
        }


def payload(notification: Notification) -> Dict[str, Any]:
    """Return the request's content: the event, and the message about the incident at that time."""
    return {
        "delivery": notification.id,
        "event": notification.event,
        "incident_id": notification.incident_id,
        "message": dict(notification.message),
    }

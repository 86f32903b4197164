"""Signs in to a service by OAuth 2.0 (RFC 6749): fetches, caches and renews tokens.

A token lives in this process only. A new one is fetched a minute before it expires, and once when
the service refuses it earlier (an administrator there has revoked it).
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from typing import Callable, Dict, Mapping, Tuple
from urllib.parse import urlencode, urlsplit

from ...outside.transport import (
    Network,
    NoAnswer,
    NotSent,
    json_headers,
    not_followed,
    retry_after,
    send_json,
)
from ..channel import dead, retry
from ..request_fields import truncated
from .tickets import Refused

__all__ = ["SignIn"]

# A new token is fetched this long before the old one expires.
EARLY_SECONDS = 60.0
# The lifetime of a token where the service does not give one.
USUAL_SECONDS = 600.0
REMEMBERED = 20

_tokens: Dict[str, Tuple[str, float]] = {}


@dataclass(frozen=True)
class SignIn:
    """One account of one service.

    Attributes:
        service: its name, for error sentences.
        url: the token endpoint.
        form: the request to it: ``grant_type`` and the credentials.
        hint: what to do when the request is refused.
    """

    service: str
    url: str
    form: Mapping[str, str]
    hint: str
    network: Network
    now: Callable[[], float]

    def authorization(self) -> str:
        """Return the value of ``Authorization``. Raises Refused, NotSent and BadUrl."""
        token, until = _tokens.get(self._key(), ("", 0.0))
        if not token or self.now() >= until:
            token, until = self._fetched()
            if len(_tokens) >= REMEMBERED:
                _tokens.clear()
            _tokens[self._key()] = (token, until)
        return f"Bearer {token}"

    def renew(self) -> bool:
        """Forget a refused token. Return True if a new one may be fetched."""
        return _tokens.pop(self._key(), None) is not None

    def _key(self) -> str:
        """Return a cache key that differs by account, password and secret, but reveals none."""
        said = json.dumps([self.url, sorted(self.form.items())])
        return hashlib.sha256(said.encode()).hexdigest()

    def _fetched(self) -> Tuple[str, float]:
        asked_at = self.now()
        body = urlencode(self.form).encode("ascii")
        headers = {**json_headers(), "Content-Type": "application/x-www-form-urlencoded"}
        try:
            reply = send_json(self.network, self.url, headers=headers, data=body)
        except NoAnswer as error:
            # A token request changes nothing at the service, so a lost answer counts as not sent.
            raise NotSent(str(error)) from None
        answer = _object(reply.text)
        if reply.status == 429 or reply.status >= 500:
            wait = retry_after(reply.headers, self.now())
            said = f"{self.service} answered {reply.status} to the sign-in."
            raise Refused(retry(said, wait), reply.status)
        if elsewhere := not_followed(reply, urlsplit(self.url).hostname or ""):
            raise Refused(dead(elsewhere), reply.status)
        token = answer.get("access_token")
        if reply.status >= 400 or (answer.get("error") and not token):
            raise Refused(dead(f"{self._refusal(reply.status, answer)} {self.hint}"), 401)
        if not isinstance(token, str) or not token.isascii() or not token.isprintable():
            raise Refused.unreadable(self.service)
        return token, asked_at + max(_seconds(answer) - EARLY_SECONDS, 0.0)

    def _refusal(self, status: int, answer: Mapping[str, object]) -> str:
        reasons = (answer.get("error"), answer.get("error_description"))
        reason = ", ".join(truncated(str(one), 150) for one in reasons if one)
        return f"{self.service} refused the sign-in with {status}: {reason or 'no reason given'}."


def _object(text: str) -> Mapping[str, object]:
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return {}
    return value if isinstance(value, dict) else {}


def _seconds(answer: Mapping[str, object]) -> float:
    """Return how long a token is valid, in seconds."""
    try:
        return float(str(answer.get("expires_in")))
    except ValueError:
        return USUAL_SECONDS

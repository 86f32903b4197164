"""Authentication tokens: long-lived keys of users, for programs.

Source: "Set up authentication with tokens" in Securing Splunk Enterprise; ``authorization/tokens``
in the REST API Reference, "Access endpoint descriptions". A token is shown once, when it is made,
and has the rights that its user has at the time it is used. Splunk's are JSON Web Tokens; ours are
opaque, and only a digest is kept.
"""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import asdict, dataclass

from tools.splunkd_lite.access import Access
from tools.splunkd_lite.clock import Clock
from tools.splunkd_lite.errors import not_found
from tools.splunkd_lite.state import StateStore

__all__ = ["Token", "Tokens"]

_PREFIX = "splunkd-lite-token-"


@dataclass(frozen=True)
class Token:
    """What is known of a token. Times are epoch seconds; ``expires`` 0 means never."""

    id: str
    user: str
    audience: str
    issued: float
    expires: float
    not_before: float
    disabled: bool = False


class Tokens:
    """The tokens of all users, kept over restarts."""

    def __init__(self, state: StateStore, access: Access, clock: Clock) -> None:
        self._shelf = state.shelf("tokens")
        self._access = access
        self._clock = clock

    def create(
        self, user: str, audience: str, expires: float = 0.0, not_before: float = 0.0
    ) -> tuple[Token, str]:
        """Make a token and return it with its secret, which is not kept.

        Raises:
            SplunkdError: 404, no such user.
        """
        known = self._access.user(user)
        secret = _PREFIX + secrets.token_urlsafe(48)
        token = Token(_id(secret), known.name, audience, self._clock.now(), expires, not_before)
        self._shelf.set(token.id, asdict(token))
        return token, secret

    def user_of(self, secret: str) -> str | None:
        """Whose token that is; None if it is none, or is not valid now."""
        if not secret.startswith(_PREFIX):
            return None
        found = self._shelf.get(_id(secret))
        token = Token(**found) if found else None
        now = self._clock.now()
        if token is None or token.disabled or token.not_before > now:
            return None
        if token.expires and token.expires <= now:
            return None
        names = {user.name for user in self._access.users()}
        return token.user if token.user in names else None

    def all(self) -> list[Token]:
        return [Token(**value) for value in self._shelf.items().values()]

    def switch(self, identity: str, disabled: bool) -> Token:
        """Raises: SplunkdError: 404, no such token."""
        found = self._shelf.get(identity)
        if found is None:
            raise not_found(identity)
        token = Token(**{**found, "disabled": disabled})
        self._shelf.set(identity, asdict(token))
        return token

    def delete(self, identity: str) -> None:
        """Raises: SplunkdError: 404, no such token."""
        if not self._shelf.delete(identity):
            raise not_found(identity)


def _id(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()

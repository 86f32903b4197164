"""Users, roles, capabilities and session keys.

Source: authorize.conf and default.meta.conf in the Admin manual; "About configuring role-based
user access" in Securing Splunk Enterprise. ``admin_all_objects`` bypasses access lists;
capabilities and allowed indexes add up over imported roles, and a role cannot take away what it
inherits.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
import threading
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Callable

from tools.splunkd_lite.clock import Clock
from tools.splunkd_lite.conf import ConfStore
from tools.splunkd_lite.errors import SplunkdError, not_found
from tools.splunkd_lite.metadata import Acl
from tools.splunkd_lite.roles import Role, narrowing, resolved, unique, with_imports

__all__ = ["SYSTEM_USER", "Access", "User"]

SYSTEM_USER = "splunk-system-user"
SESSION_SECONDS = 3600.0
DEFAULT_JOBS_QUOTA = 3  # authorize.conf
_SCRYPT = {"n": 2**12, "r": 8, "p": 1}


@dataclass(frozen=True)
class User:
    """Somebody who is logged in, with what their roles add up to."""

    name: str
    roles: tuple[str, ...]
    capabilities: frozenset[str]
    allowed_indexes: tuple[str, ...]
    default_indexes: tuple[str, ...]
    realname: str = ""
    email: str = ""

    def can(self, capability: str) -> bool:
        return capability in self.capabilities

    def may_search(self, index: str) -> bool:
        """Internal indexes need a pattern that starts with an underscore."""
        return any(
            fnmatchcase(index, pattern) and index.startswith("_") <= pattern.startswith("_")
            for pattern in self.allowed_indexes
        )


@dataclass(frozen=True)
class _Account:
    name: str
    hashed: str
    roles: tuple[str, ...]
    realname: str = ""
    email: str = ""


@dataclass
class _Session:
    user: str
    expires: float
    ttl: float


class Access:
    """Accounts live in ``etc/passwd``; session keys live in memory, as long as they are used."""

    def __init__(self, home: Path, conf: ConfStore, clock: Clock) -> None:
        self._path = home / "etc" / "passwd"
        self._conf = conf
        self._clock = clock
        self._lock = threading.RLock()
        self._sessions: dict[str, _Session] = {}
        self.on_change: Callable[[str], None] | None = None  # told the account file's new text
        self._accounts = self._load()

    # Logging in

    def authenticate(self, user: str, password: str) -> str:
        """Check a password and return a session key.

        Raises:
            SplunkdError: 401, unknown user or wrong password (the same answer for both).
        """
        if not self.knows(user, password):
            raise SplunkdError(401, "Login failed", "WARN")
        return self.token_for(user.lower(), SESSION_SECONDS)

    def knows(self, user: str, password: str) -> bool:
        """Whether that is the user's password."""
        account = self._accounts.get(user.lower())
        return account is not None and _verify(password, account.hashed)

    def token_for(self, user: str, ttl: float = SESSION_SECONDS) -> str:
        """A session key for ``user``, good for ``ttl`` seconds after its last use."""
        token = secrets.token_urlsafe(48)
        with self._lock:
            now = self._clock.now()
            self._sessions = {k: s for k, s in self._sessions.items() if s.expires > now}
            self._sessions[token] = _Session(user, now + ttl, ttl)
        return token

    def user_of(self, token: str) -> User | None:
        """Whose session key this is; None if it is unknown or has expired."""
        with self._lock:
            session = self._sessions.get(token)
            now = self._clock.now()
            if session is None or session.expires <= now:
                self._sessions.pop(token, None)
                return None
            session.expires = now + session.ttl
        try:
            return self.user(session.user)
        except SplunkdError:
            return None

    def revoke(self, token: str) -> None:
        with self._lock:
            self._sessions.pop(token, None)

    # Users

    def user(self, name: str) -> User:
        """A user with roles resolved.

        Raises:
            SplunkdError: 404, there is none.
        """
        if name == SYSTEM_USER:
            return self.system_user()
        account = self._accounts.get(name.lower())
        if account is None:
            raise not_found(name)
        roles = self.roles()
        held = [roles[role] for role in account.roles if role in roles]
        return User(
            account.name,
            account.roles,
            frozenset().union(*(role.capabilities for role in held)),
            unique(index for role in held for index in role.allowed_indexes),
            unique(index for role in held for index in role.default_indexes),
            account.realname,
            account.email,
        )

    def system_user(self) -> User:
        everything = frozenset(self.capabilities())
        return User(SYSTEM_USER, ("admin",), everything, ("*", "_*"), ("main",))

    def users(self) -> list[User]:
        return [self.user(name) for name in sorted(self._accounts)]

    def create_user(
        self, name: str, password: str, roles: list[str], realname: str = "", email: str = ""
    ) -> User:
        """Add an account.

        Raises:
            SplunkdError: 400, no password or unknown role; 409, the name is taken.
        """
        name = name.lower()
        if name in self._accounts or name == SYSTEM_USER:
            raise SplunkdError(409, f"User with name={name} already exists")
        if not name or any(c in name for c in ":/\\ \n"):
            raise SplunkdError(400, f"The username '{name}' has a character that is not allowed")
        if len(password) < 8:
            raise SplunkdError(400, "Password did not meet complexity requirements: 8 characters")
        account = _Account(name, _hash(password), self._known(roles), realname, email)
        self._store({**self._accounts, name: account})
        return self.user(name)

    def update_user(
        self,
        name: str,
        password: str | None = None,
        roles: list[str] | None = None,
        realname: str | None = None,
        email: str | None = None,
    ) -> User:
        account = self._accounts.get(name.lower())
        if account is None:
            raise not_found(name)
        changed = replace(
            account,
            hashed=_hash(password) if password is not None else account.hashed,
            roles=self._known(roles) if roles is not None else account.roles,
            realname=account.realname if realname is None else realname,
            email=account.email if email is None else email,
        )
        self._store({**self._accounts, changed.name: changed})
        return self.user(name)

    def delete_user(self, name: str) -> None:
        name = name.lower()
        if name not in self._accounts:
            raise not_found(name)
        self._store({key: value for key, value in self._accounts.items() if key != name})

    # Roles

    def roles(self) -> dict[str, Role]:
        """All roles of authorize.conf, resolved."""
        return self._conf.view(
            ("roles",), "authorize", None, lambda: resolved(self._conf.stanzas("authorize"))
        )

    def jobs_quota(self, user: User) -> int:
        """How many searches the user may run at once; 0: any number (splunkd's own)."""
        if user.name == SYSTEM_USER:
            return 0
        found = [role.settings.get("srchJobsQuota") for role in self._roles_of(user)]
        quotas = [int(text) for text in found if text and text.isdigit()]
        return 0 if 0 in quotas else max(quotas, default=DEFAULT_JOBS_QUOTA)

    def check_search_limits(self, user: User) -> None:
        """Refuse a search of somebody whose roles narrow it in a way that is not done here.

        Raises:
            SplunkdError: 501, it names role and setting.
        """
        for role in self._roles_of(user):
            for setting in narrowing(role):
                raise SplunkdError(501, f"{setting} of the role {role.name} is not done here.")

    def _roles_of(self, user: User) -> list[Role]:
        """The user's roles and all that these import."""
        return with_imports(user.roles, self.roles())

    def capabilities(self) -> list[str]:
        """Every capability that a stanza declares or a role enables."""
        stanzas = self._conf.stanzas("authorize")
        declared = {n.removeprefix("capability::") for n in stanzas if n.startswith("capability::")}
        for role in self.roles().values():
            declared |= role.own_capabilities
        return sorted(declared)

    # Permission on objects

    def may(self, user: User, verb: str, acl: Acl) -> bool:
        """``verb`` is ``read``, ``write`` or ``add`` (create or remove objects in the app)."""
        if user.can("admin_all_objects"):
            return True
        if acl.sharing == "user":
            return acl.owner == user.name
        readable = all(_granted(user, layer) for layer in acl.layers) and _granted(user, acl.read)
        if verb == "read":
            return readable
        return readable and _granted(user, acl.write if verb == "write" else acl.app_write)

    def require(self, user: User, verb: str, acl: Acl, name: str) -> None:
        """Raises:
        SplunkdError: 404 for what they may not even see, 403 for what they may not change.
        """
        if not self.may(user, "read", acl):
            raise not_found(name)
        if verb != "read" and not self.may(user, verb, acl):
            raise SplunkdError(
                403,
                f"User '{user.name}' with roles {{ {', '.join(user.roles)} }} cannot write: "
                f"{name} {{ read : [ {', '.join(acl.read)} ], write : [ {', '.join(acl.write)} ] }}"
                f", export: {acl.sharing}, owner: {acl.owner}",
            )

    # The account file

    def _known(self, roles: list[str]) -> tuple[str, ...]:
        unknown = [role for role in roles if role not in self.roles()]
        if unknown or not roles:
            raise SplunkdError(400, f"Unknown role: {', '.join(unknown) or '(none given)'}")
        return tuple(roles)

    def _load(self) -> dict[str, _Account]:
        accounts = {}
        if self._path.exists():
            for line in self._path.read_text(encoding="utf-8").splitlines():
                _, name, hashed, _, realname, roles, email, *_ = line.split(":")
                held = tuple(roles.split(";"))
                accounts[name] = _Account(name, hashed, held, realname, email)
        return accounts

    def _store(self, accounts: dict[str, _Account]) -> None:
        with self._lock:
            lines = [
                f":{a.name}:{a.hashed}::{_plain(a.realname)}:{';'.join(a.roles)}:{_plain(a.email)}:"
                for a in accounts.values()
            ]
            text = "\n".join(lines) + "\n"
            self.replay(text)
        if self.on_change is not None:
            self.on_change(text)

    def replay(self, text: str) -> None:
        """Make ``text`` the account file; another member of a cluster may have written it."""
        with self._lock:
            temporary = self._path.with_suffix(".new")
            self._path.parent.mkdir(parents=True, exist_ok=True)
            temporary.touch(mode=0o600)
            temporary.write_text(text, encoding="utf-8")
            temporary.replace(self._path)
            self._accounts = self._load()


def _granted(user: User, roles: tuple[str, ...]) -> bool:
    return "*" in roles or any(role in roles for role in user.roles)


def _plain(text: str) -> str:
    return text.replace(":", " ").replace("\n", " ")


def _hash(password: str) -> str:
    salt = secrets.token_bytes(16)
    digest = hashlib.scrypt(password.encode(), salt=salt, **_SCRYPT)
    return f"scrypt${salt.hex()}${digest.hex()}"


def _verify(password: str, stored: str) -> bool:
    _, salt, digest = stored.split("$")
    candidate = hashlib.scrypt(password.encode(), salt=bytes.fromhex(salt), **_SCRYPT)
    return hmac.compare_digest(candidate, bytes.fromhex(digest))

"""Secrets of the app's own making, in splunkd's encrypted store.

Endpoint: ``storage/passwords`` in Splunk's REST API Reference ("Access endpoint descriptions").
Only sessions with the app's own rights may use it.
"""

from __future__ import annotations

from typing import Any, Optional

from .session import APP, Session, SplunkError, path_of

__all__ = ["delete", "read", "write"]

_PASSWORDS = "/servicesNS/nobody/" + path_of(APP, "storage", "passwords")


def write(session: Session, realm: str, name: str, secret: str) -> None:
    """Store a secret that is not there yet. Raises SplunkError."""
    session.post(_PASSWORDS, {"realm": realm, "name": name, "password": secret})


def read(session: Session, realm: str, name: str) -> Optional[str]:
    """Return a secret, None when there is none. Raises SplunkError."""
    try:
        answer: Any = session.get(_one(realm, name))
    except SplunkError as error:
        if error.status == 404:
            return None
        raise
    return str(answer["entry"][0]["content"].get("clear_password", "")) or None


def delete(session: Session, realm: str, name: str) -> None:
    """Forget a secret; fine when it is gone already. Raises SplunkError."""
    try:
        session.delete(_one(realm, name))
    except SplunkError as error:
        if error.status != 404:
            raise


def _one(realm: str, name: str) -> str:
    return f"{_PASSWORDS}/{path_of(f'{realm}:{name}:')}"

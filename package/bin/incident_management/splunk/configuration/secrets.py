"""Secrets in splunkd's encrypted store: the app's own, and those of its configuration page.

Endpoint: ``storage/passwords`` in Splunk's REST API Reference ("Access endpoint descriptions").
Only sessions with the app's own rights may use it.
"""

from __future__ import annotations

import json
from contextlib import suppress
from itertools import takewhile
from typing import Any, Dict, Mapping, Optional

from ..session import APP, Session, SplunkError, path_of

__all__ = ["delete", "fields_of", "read", "write"]

# "Manage access to passwords through the Network Allow List", Splunk Cloud Platform's Admin Manual:
# so the endpoint answers addresses that are not on it. The host's own always is.
MASKED = "********"
_PASSWORDS = "/servicesNS/nobody/" + path_of(APP, "storage", "passwords")


def write(session: Session, realm: str, name: str, secret: str) -> None:
    """Store a new secret. Raises SplunkError."""
    session.post(_PASSWORDS, {"realm": realm, "name": name, "password": secret})


def read(session: Session, realm: str, name: str) -> Optional[str]:
    """Return a secret; None if there is none. Raises SplunkError, also when it is masked."""
    try:
        answer: Any = session.get(_one(realm, name))
    except SplunkError as error:
        if error.status == 404:
            return None
        raise
    clear = str(answer["entry"][0]["content"].get("clear_password") or "")
    if clear == MASKED:
        text = "splunkd masks secrets for this address: add it to the Network Allow List."
        raise SplunkError(403, text)
    return clear or None


def fields_of(session: Session, realm: str) -> Dict[str, Mapping[str, Any]]:
    """Return the secret fields that UCC's pages store in a realm, by stanza; one request.

    solnlib.credentials writes them: a stanza's fields are one JSON object, in pieces that are
    numbered after its name, up to an end mark. A stanza that can't be decrypted is left out. Raises
    SplunkError.
    """
    from solnlib.credentials import CredentialManager

    pieces: Dict[str, Dict[int, str]] = {}
    answer: Any = session.get(_PASSWORDS, count=-1, search=f"realm={realm}")
    for entry in answer.get("entry") or []:
        content = entry["content"]
        stanza, _, number = str(content.get("username")).partition(CredentialManager.SEP)
        if content.get("realm") == realm and number.isdigit():
            clear = str(content.get("clear_password") or "")
            pieces.setdefault(stanza, {})[int(number)] = clear
    found: Dict[str, Mapping[str, Any]] = {}
    for stanza, numbered in pieces.items():
        ordered = (numbered[number] for number in sorted(numbered))
        text = "".join(takewhile(lambda piece: piece != CredentialManager.END_MARK, ordered))
        with suppress(ValueError):
            found[stanza] = dict(json.loads(text))
    return found


def delete(session: Session, realm: str, name: str) -> None:
    """Delete a secret, if it exists. Raises SplunkError."""
    try:
        session.delete(_one(realm, name))
    except SplunkError as error:
        if error.status != 404:
            raise


def _one(realm: str, name: str) -> str:
    return f"{_PASSWORDS}/{path_of(f'{realm}:{name}:')}"

"""storage/passwords: secrets in ``passwords.conf``, encrypted with a key in ``etc/auth``.

Source: passwords.conf in the Admin manual, "Access endpoint descriptions" in the REST API
Reference. An entry's name is ``realm:username:`` with colons inside the parts escaped.
"""

from __future__ import annotations

import base64
import secrets
from dataclasses import dataclass
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from tools.splunkd_lite.conf import NOBODY, ConfEntry, ConfStore
from tools.splunkd_lite.errors import SplunkdError, not_found
from tools.splunkd_lite.metadata import Acl

__all__ = ["Credential", "PasswordStore", "make_key"]

_PREFIX = "credential:"


@dataclass(frozen=True)
class Credential:
    """One secret. ``name`` is the REST name, ``realm:username:``."""

    name: str
    realm: str
    username: str
    clear: str
    encrypted: str
    acl: Acl


class PasswordStore:
    """Reads and writes the secrets of apps."""

    def __init__(self, home: Path, conf: ConfStore) -> None:
        self._conf = conf
        self._cipher = AESGCM(_key(home / "etc" / "auth" / "splunk.secret"))

    def list(self, app: str, owner: str = NOBODY) -> list[Credential]:
        """The credentials that a namespace sees."""
        entries = self._conf.entries("passwords", app, owner)
        return [self._credential(entry) for entry in entries if entry.name.startswith(_PREFIX)]

    def get(self, name: str, app: str, owner: str = NOBODY) -> Credential:
        """By REST name (a username alone means no realm).

        Raises:
            SplunkdError: 404, there is none.
        """
        wanted = {name, f":{name}", f":{name}:", f"{name}:"}
        for credential in self.list(app, owner):
            if credential.name in wanted:
                return credential
        raise not_found(name)

    def create(
        self, username: str, password: str, realm: str, app: str, owner: str = NOBODY
    ) -> Credential:
        """Raises: SplunkdError: 400, no name or password; 409, it exists."""
        if not username or not password:
            raise SplunkdError(400, "The arguments name and password are required.")
        name = f"{_escape(realm)}:{_escape(username)}:"
        settings = {"password": self._encrypt(password)}
        self._conf.write("passwords", _PREFIX + name, settings, app, create=True, owner=owner)
        return self.get(name, app, owner)

    def update(self, name: str, password: str, app: str, owner: str = NOBODY) -> Credential:
        credential = self.get(name, app, owner)
        settings = {"password": self._encrypt(password)}
        user = credential.acl.owner if credential.acl.sharing == "user" else NOBODY
        stanza = _PREFIX + credential.name
        self._conf.write("passwords", stanza, settings, credential.acl.app, False, user)
        return self.get(credential.name, app, owner)

    def delete(self, name: str, app: str, owner: str = NOBODY) -> None:
        credential = self.get(name, app, owner)
        user = credential.acl.owner if credential.acl.sharing == "user" else NOBODY
        self._conf.delete("passwords", _PREFIX + credential.name, credential.acl.app, user)

    def _credential(self, entry: ConfEntry) -> Credential:
        name = entry.name.removeprefix(_PREFIX)
        realm, username = _split(name)
        stored = entry.settings.get("password", "")
        return Credential(name, realm, username, self._decrypt(stored, name), stored, entry.acl)

    def _encrypt(self, text: str) -> str:
        nonce = secrets.token_bytes(12)
        sealed = self._cipher.encrypt(nonce, text.encode(), None)
        return "$7$" + base64.b64encode(nonce + sealed).decode()

    def _decrypt(self, text: str, name: str) -> str:
        """A clear-text value, as an admin may write it by hand, stands for itself."""
        if not text.startswith("$7$"):
            return text
        sealed = base64.b64decode(text[3:])
        try:
            return self._cipher.decrypt(sealed[:12], sealed[12:], None).decode()
        except InvalidTag as error:
            raise SplunkdError(
                500,
                f"The credential {name} cannot be decrypted: it was written under another "
                "etc/auth/splunk.secret. Restore that file or set the password again.",
            ) from error


def _key(path: Path) -> bytes:
    if not path.exists():
        make_key(path)
    return base64.b64decode(path.read_bytes())


def make_key(path: Path) -> None:
    """Write a new ``splunk.secret``."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch(mode=0o600)
    path.write_bytes(base64.b64encode(secrets.token_bytes(32)))
    path.chmod(0o400)


def _escape(part: str) -> str:
    return part.replace("\\", "\\\\").replace(":", "\\:")


def _split(name: str) -> tuple[str, str]:
    parts, current, escaped = [], "", False
    for character in name:
        if escaped:
            current, escaped = current + character, False
        elif character == "\\":
            escaped = True
        elif character == ":":
            parts.append(current)
            current = ""
        else:
            current += character
    parts.append(current)
    padded = [*parts, "", ""]
    return padded[0], padded[1]

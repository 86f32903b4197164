"""Typed reading of one stanza of the app's settings."""

from __future__ import annotations

import json
from typing import Any, Mapping, Pattern, Sequence, Tuple
from urllib.parse import urlsplit

from ...conf_values import listed
from ...durations import seconds_of
from ...hosts import is_loopback
from ...incidents.model import SEVERITIES
from ...mailboxes import addresses

__all__ = ["ENCRYPTED", "SettingsError", "Stanza", "Stanzas"]

Stanzas = Mapping[str, Mapping[str, Any]]
"""A file's stanzas by name."""

# What stands in a file in the place of a secret: solnlib.conf_manager.ConfFile.ENCRYPTED_TOKEN.
ENCRYPTED = "******"


class SettingsError(Exception):
    """A setting is malformed; the text names file, stanza and key and says what to do."""


class Stanza:
    """Reads one stanza of a file's stanzas; errors never show a value that may be a secret.

    ``page``: the title of the page where its secrets are entered. Methods raise SettingsError.
    """

    def __init__(self, conf: str, name: str, stanzas: Stanzas, page: str = "") -> None:
        self._where = f"{conf}.conf [{name}]"
        self._page = page
        self._values = stanzas.get(name, {})

    def text(self, key: str, default: str = "") -> str:
        value = self._values.get(key)
        return default if value is None or str(value).strip() == "" else str(value).strip()

    def matching(self, key: str, pattern: Pattern[str], what: str, default: str = "") -> str:
        """Return a text that matches a pattern; the error says that it is not ``what``."""
        value = self.text(key, default)
        if value and not pattern.fullmatch(value):
            raise self.error(key, f"is '{value[:60]}', which is not {what}; correct it")
        return value

    def secret(self, key: str) -> str:
        """Return a secret; raises if it should be in the password store and is not."""
        value = self.text(key)
        if value == ENCRYPTED:
            raise self.error(
                key,
                "is not in Splunk's password store, or can't be decrypted; enter it again under "
                f"Configuration > {self._page}",
            )
        return value

    def json_object(self, key: str) -> Mapping[str, Any]:
        """Return a JSON object; an empty one if none is set."""
        try:
            value = json.loads(self.text(key, "{}"))
        except (ValueError, RecursionError):
            value = None
        if not isinstance(value, dict):
            raise self.error(
                key, 'is not a JSON object, such as {"category": "network"}; correct it'
            )
        return value

    def choice(self, key: str, words: Sequence[str]) -> str:
        """Return one of some words; the first if none is set."""
        value = self.text(key, words[0]).lower()
        if value not in words:
            raise self.error(key, f"is '{value[:60]}', which is not one of {', '.join(words)}")
        return value

    def token(self, key: str, start: str) -> str:
        """Return a secret that begins with ``start``."""
        value = self.secret(key)
        if value and not value.startswith(start):
            raise self.error(
                key,
                f"does not begin with {start}; enter the right token under Configuration > "
                f"{self._page}",
            )
        return value

    def flag(self, key: str) -> bool:
        value = self.text(key, "0").lower()
        if value in ("1", "true", "yes"):
            return True
        if value in ("0", "false", "no"):
            return False
        raise self.error(key, f"is '{value}', which is neither 0 nor 1; set one of them")

    def number(self, key: str, default: float, low: float, high: float) -> float:
        value = self.text(key, str(default))
        try:
            parsed = float(value)
        except ValueError:
            parsed = float("nan")
        if not low <= parsed <= high:
            raise self.error(key, f"is '{value}'; set a number from {low:g} to {high:g}")
        return parsed

    def url(self, key: str, default: str = "", secret: bool = False, plain: bool = False) -> str:
        """Return an https URL; http only to this machine, or anywhere when ``plain``."""
        value = self.secret(key) if secret else self.text(key, default)
        if not value:
            return ""
        shown = "the value" if secret else f"'{value}'"
        try:
            parts = urlsplit(value)
            host = parts.hostname or ""
        except ValueError:
            raise self.error(key, f"holds {shown}, which is not a URL; set https://…") from None
        if parts.scheme not in ("http", "https") or not host:
            raise self.error(key, f"holds {shown}, which is not a URL; set https://…")
        if parts.scheme == "http" and not plain and not is_loopback(host):
            raise self.error(key, f"holds {shown} without TLS; set https://…")
        return value

    def period(self, key: str, default: str, least: float) -> float:
        """Return a duration in seconds; ``never`` is 0."""
        try:
            return seconds_of(self.text(key, default), least, unit=True, never=True)
        except ValueError as error:
            raise self.error(key, str(error)) from error

    def severities(self, key: str) -> Tuple[str, ...]:
        """Return the severities of a list."""
        found = listed(self.text(key).lower())
        for name in found:
            if name not in SEVERITIES:
                known = ", ".join(SEVERITIES)
                raise self.error(key, f"contains '{name}', which is not one of {known}")
        return found

    def addresses(self, key: str) -> Tuple[str, ...]:
        """Return the e-mail addresses of a list."""
        try:
            return addresses(self.text(key))
        except ValueError as error:
            raise self.error(key, str(error)) from None

    def error(self, key: str, what: str) -> SettingsError:
        return SettingsError(f"{self._where} {key} {what}.")

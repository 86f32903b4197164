"""Custom HTTP channels as the configuration page reads and writes them.

Their secrets are stored like those of UCC's own pages, by splunktaucclib's ``RestCredentials``.
"""

from __future__ import annotations

import json
import re
from typing import Any, Dict, Mapping

from ....conf_values import is_true
from ....incidents.errors import Invalid
from ....incidents.routing.changes import stanza_of
from ....incidents.routing.http_channels import NAME_RULE, SECRETS, HttpChannel, is_name
from ....notify.services.http_call import HttpSender
from ....notify.services.http_presets import PRESETS
from ....notify.services.http_trial import refused
from ....outside.network import NotConfigured, network_of
from ...clock import SystemClock
from ...session import Session, SplunkError, path_of
from .. import conf, settings
from ..channel_secrets import secrets_of
from ..stanza import ENCRYPTED
from .routing_file import FILE, PATH, RoutingFile, Values

__all__ = ["ChannelFile"]

KIND = "channel"
_JSON = ("headers", "body", "calls", "words")


class ChannelFile(RoutingFile):
    """As :class:`.routing_file.RoutingFile`; two more fields of the page are not stored.

    ``start``: empty fields of a new channel are taken from the ready-made one of this name.
    ``test``: a test message is sent first, and the channel is not saved if its service rejects it.
    """

    def __init__(self, session: Session, credentials: Any) -> None:
        super().__init__(session, KIND)
        self._credentials = credentials

    def create(self, name: str, fields: Mapping[str, str]) -> None:
        """Add a channel."""
        self._check_name(name)
        self._check_new(name)
        given = _begun(fields)
        if ENCRYPTED in map(given.get, SECRETS):
            raise Invalid("A secret can't be copied from another channel: enter it again.")
        self._before(name, given, is_true(fields.get("test")))
        self._credentials.encrypt_for_create(name, given)
        super().create(name, given)

    def edit(self, name: str, fields: Mapping[str, str]) -> None:
        """Change the fields that are given."""
        given, stanza = _kept(fields), stanza_of(KIND, name)
        if set(given) <= {"disabled"}:
            super().edit(name, given)
            return
        there = conf.load_with_disabled(self._session, FILE).get(stanza, {})
        for one in SECRETS:
            if given.get(one, ENCRYPTED) == ENCRYPTED:
                given[one] = there.get(one, "")
        self._before(name, given, is_true(fields.get("test")))
        self._credentials.encrypt_for_update(name, given)
        super().edit(name, given)
        # What somebody wrote into the file, where all may read it, is kept as others now.
        plain = [one for one in SECRETS if there.get(one, "") not in ("", ENCRYPTED)]
        if plain:
            self._session.post(f"{PATH}/{path_of(stanza)}", {one: given[one] for one in plain})

    def remove(self, name: str) -> None:
        """Delete a channel, and its secrets."""
        super().remove(name)
        self._credentials.delete(name)

    def _check_name(self, name: str) -> None:
        if not is_name(name):
            raise Invalid(NAME_RULE)

    def _check_writer(self) -> None:
        """Raise SplunkError for users who may not save it: a test calls addresses from this
        machine.

        ``can_write``: "Access Control List" in Splunk's REST API User Manual.
        """
        try:
            answer: Any = self._session.get(f"{PATH}/announce")
            may = answer["entry"][0]["acl"]["can_write"]
        except SplunkError as error:
            if error.status != 404:
                raise
            may = False
        if not may:
            raise SplunkError(403, "Only users who may change channels can test one.")

    def _fields(self, values: Mapping[str, str]) -> Values:
        shown = super()._fields(values)
        shown.update((one, ENCRYPTED) for one in SECRETS if shown.get(one))
        shown.update((one, _json(shown.get(one, ""), 2)) for one in _JSON if shown.get(one))
        return shown

    def _settings(self, fields: Mapping[str, str]) -> Values:
        found = super()._settings(fields)
        found.update((one, _json(found[one])) for one in _JSON if found.get(one))
        return found

    def _before(self, name: str, given: Dict[str, str], is_tried: bool) -> None:
        """Raise Invalid for a channel that is invalid, or whose test fails."""
        wanted = self._settings(given)
        self._check(name, wanted)
        if not is_tried:
            return
        self._check_writer()
        known = conf.load_with_disabled(self._session, FILE).get(stanza_of(KIND, name), {})
        channel = HttpChannel.read(name, {**known, **wanted, "disabled": "0"})
        try:
            network = network_of(settings.load(self._session))
            secrets = secrets_of(self._session, [channel])[name]
            clock = SystemClock()
            said = refused(HttpSender(channel, secrets, network, clock), name, clock)
        except NotConfigured as error:
            said = str(error)
        if said:
            raise Invalid(f"Nothing was saved because the test failed: {said}")


def _begun(fields: Mapping[str, str]) -> Dict[str, str]:
    given = _kept(fields)
    start = fields.get("start", "").strip()
    if start and start not in PRESETS:
        raise Invalid(
            f"There is no ready-made channel '{start[:40]}'; choose one of {', '.join(PRESETS)}."
        )
    for name, text in PRESETS.get(start, {}).items():
        given[name] = given.get(name, "").strip() or text
    return given


def _kept(fields: Mapping[str, str]) -> Dict[str, str]:
    return {name: text for name, text in fields.items() if name not in ("start", "test")}


def _json(text: str, indent: Any = None) -> str:
    """Return JSON in one line, as the file stores it, or indented; other text in one line."""
    try:
        value = json.loads(text)
        # What a line of the file can't hold, such as U+2028, stays escaped.
        is_plain = json.dumps(value, ensure_ascii=False).isprintable()
        return json.dumps(value, ensure_ascii=not is_plain, indent=indent)
    except (ValueError, RecursionError):
        return re.sub(r"\s*[\r\n]\s*", " ", text)

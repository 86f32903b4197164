"""Saves presses before they are acknowledged, so that none is lost with its process.

Slack does not deliver again what was acknowledged. So a press is a document ``slack press:<key>``
from before its acknowledgement until the person knows the outcome. Presses left by a killed process
are done by the next one that holds the connection. They keep their ``Idempotency-Key``, so what was
already done is not done again.

Presses that open a form are not saved, as the form has to be open within three seconds, nor those
that only show something. Values that are as sensitive as a password (``response_url``,
``trigger_id``) are not saved either.
"""

from __future__ import annotations

import time
from logging import Logger
from typing import Any, Callable, Dict, List, Mapping, Tuple

from ..incidents.stores import claim_document
from ..notify.services.slack_buttons import PRESSES
from ..ports import Clock, Stores
from ..splunk.session import SplunkError
from .commands.answers import ANSWERED
from .commands.form_views import OPENS
from .commands.forms import RESOLVE_FORM
from .presses import Press, Unreadable, read

__all__ = ["LATEST_SECONDS", "PURPOSE", "PressSaver", "SavedPresses"]

PURPOSE = PRESSES
# An older request may be wrong by now: it is not done any more, and the person is told.
LATEST_SECONDS = 900.0
# How long presses are acknowledged unsaved after the KV store did not answer.
REST_SECONDS = 15.0
_FIELDS = (
    "action", "target", "user", "workspace", "key", "typed", "command", "channel", "thread",
    "task", "listed",
)  # fmt: skip


class SavedPresses:
    """The saved presses. All methods raise SplunkError.

    Args:
        holder: a name that only this process ever has; process ids are used again.
    """

    def __init__(self, stores: Stores, clock: Clock, holder: str) -> None:
        self._claims = stores.claims
        self._clock = clock
        self._holder = holder

    def keep(self, press: Press) -> None:
        """Save a press, unless it is already saved."""
        value = {name: getattr(press, name) for name in (*_FIELDS, "body")}
        document = claim_document(
            _key(press), self._clock.now(), value, purpose=PURPOSE, holder=self._holder
        )
        self._claims.insert(document)

    def forget(self, press: Press) -> None:
        """Delete a press that was done or refused, once the person knows."""
        if _is_kept(press):
            self._claims.delete(_key(press))

    def left(self) -> List[Tuple[Press, float]]:
        """Return other processes' presses, oldest first, each with its age in seconds."""
        found = self._claims.find({"purpose": PURPOSE}, "time:1")
        now = self._clock.now()
        return [
            (_press(one["value"]), now - float(one["time"]))
            for one in found
            if one["holder"] != self._holder
        ]


class PressSaver:
    """Saves presses on the thread that acknowledges them, which has to be quick.

    Args:
        kept: over a session that waits for one second, and tries once.
        workspace: returns the id of the app's own workspace.
    """

    def __init__(
        self,
        kept: SavedPresses,
        workspace: Callable[[], str],
        log: Logger,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._kept = kept
        self._workspace = workspace
        self._log = log
        self._monotonic = monotonic
        self._rests_until = 0.0

    def keep(self, payload: Mapping[str, Any]) -> None:
        """Save what a payload asks for. Raises nothing that Slack or splunkd can cause.

        A press is acknowledged even if the KV store fails. It is then done, or the person is told
        that it was not; it is lost only if the process is killed before that.
        """
        try:
            press = read(payload)
        except Unreadable:
            return  # The actor reports it.
        if press is None or not _is_kept(press) or self._monotonic() < self._rests_until:
            return
        try:
            self._kept.keep(press.at_home(self._workspace()))
        except SplunkError as error:
            self._rests_until = self._monotonic() + REST_SECONDS
            self._log.warning("A press could not be written down: %s", error)


def _press(value: Mapping[str, Any]) -> Press:
    known: Dict[str, Any] = {name: str(value.get(name) or "") for name in _FIELDS}
    body = value.get("body") or {}
    # Presses saved by the previous version, just before an upgrade.
    if not body and value.get("plan_hash"):
        body = {"plan_hash": value["plan_hash"]}
    if not body and known["action"] == RESOLVE_FORM:
        body = {"resolution": known["typed"]}
    return Press(**known, body=body)


def _is_kept(press: Press) -> bool:
    return press.action not in OPENS and press.action not in ANSWERED


def _key(press: Press) -> str:
    return f"{PURPOSE}:{press.key}"

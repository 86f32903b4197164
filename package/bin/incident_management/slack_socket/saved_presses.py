"""Presses that are written down before they are acknowledged: none is lost with its process.

Slack delivers nothing again that was acknowledged. So a press is a document ``slack press:<key>``
from before its acknowledgement until the person was told how it went. What a process has left that
was killed in between, the next one that holds the connection does: the press has its
``Idempotency-Key`` still, so what was done already is not done again.

What opens a form is not kept, as the form has to be open within three seconds, nor what only shows
something. Nor is what is as good as a password (``response_url``, ``trigger_id``).
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
# What somebody wanted longer ago may be wrong by now: it is not done any more, and said.
LATEST_SECONDS = 900.0
# How long presses are acknowledged without asking a KV store that did not answer.
REST_SECONDS = 15.0
_FIELDS = (
    "action", "target", "user", "workspace", "key", "typed", "command", "channel", "thread",
    "task", "listed",
)  # fmt: skip


class SavedPresses:
    """The presses that were written down. All methods raise SplunkError.

    Args:
        holder: names this process, and no other one ever: ids of processes come again.
    """

    def __init__(self, stores: Stores, clock: Clock, holder: str) -> None:
        self._claims = stores.claims
        self._clock = clock
        self._holder = holder

    def keep(self, press: Press) -> None:
        """Write a press down; nothing where it is already."""
        value = {name: getattr(press, name) for name in (*_FIELDS, "body")}
        document = claim_document(
            _key(press), self._clock.now(), value, purpose=PURPOSE, holder=self._holder
        )
        self._claims.insert(document)

    def forget(self, press: Press) -> None:
        """Note that it was done, or refused, and that the person knows."""
        if _is_kept(press):
            self._claims.delete(_key(press))

    def left(self) -> List[Tuple[Press, float]]:
        """Return what other processes did not come to do, oldest first, and its age in seconds."""
        found = self._claims.find({"purpose": PURPOSE}, "time:1")
        now = self._clock.now()
        return [
            (_press(one["value"]), now - float(one["time"]))
            for one in found
            if one["holder"] != self._holder
        ]


class PressSaver:
    """Writes presses down on the thread that acknowledges them, which has to be quick.

    Args:
        kept: over a session that waits a second, and asks once.
        workspace: gives the id of the app's own workspace.
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
        """Write down what a payload asks for. Raises nothing that Slack or splunkd can cause.

        While the KV store can't be asked a press is acknowledged all the same: it is then done, or
        the person told that it was not, and lost only if the process is killed before that.
        """
        try:
            press = read(payload)
        except Unreadable:
            return  # Whoever acts on it says so.
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
    # Of the version before this one, in whose last moments an upgrade came.
    if not body and value.get("plan_hash"):
        body = {"plan_hash": value["plan_hash"]}
    if not body and known["action"] == RESOLVE_FORM:
        body = {"resolution": known["typed"]}
    return Press(**known, body=body)


def _is_kept(press: Press) -> bool:
    return press.action not in OPENS and press.action not in ANSWERED


def _key(press: Press) -> str:
    return f"{PURPOSE}:{press.key}"

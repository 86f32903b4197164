"""Delivers requests that alert actions spooled on a search head where no worker runs.

On Splunk Cloud one member of a search head cluster runs a modular input, whatever ``run_only_one``
says (the changelog of MaxMind's app for Splunk, which runs one there), and an alert action may run
on any. The REST API answers on each, so what no worker has taken goes on from here.
"""

from __future__ import annotations

import time
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any, Callable, Iterable, Iterator, Mapping, Tuple

from ...incidents.act import Act
from ...incidents.errors import Contended
from ...incidents.intake.spooled import CAPABILITY, deliver_spool
from ...ports import Stores
from ...splunk import log, spool
from ...splunk.configuration import conf
from ...splunk.session import SplunkError
from ...splunk.users import has_capability
from ..backend import Backend
from .signals import ingest_with

__all__ = ["SpoolDelivery"]

LOOKED_EVERY_SECONDS = 30.0
# A worker that runs here has taken it by then.
OLD_SECONDS = 120.0
# One process of the API is busy meanwhile.
AT_ONCE = 20


class SpoolDelivery:
    """Delivers this search head's spooled requests; one object per API process."""

    def __init__(self, backend: Backend, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._backend = backend
        self._monotonic = monotonic
        self._next_look = 0.0

    def deliver_old(self, raw: Mapping[str, Any]) -> None:
        """Deliver old spooled requests; called after a response was sent.

        ``raw`` is the answered request, which provides the app's own rights. What fails
        stays in the spool, and the error is logged.
        """
        if self._monotonic() < self._next_look:
            return
        self._next_look = self._monotonic() + LOOKED_EVERY_SECONDS
        try:
            left = list(islice(self._old(), AT_ONCE))
            if left:
                self._deliver(left, self._backend.session(raw, system=True))
        except (SplunkError, OSError, Contended) as error:
            log.get("rest").warning(f"What alert actions kept on this search head waits: {error}")
        except Exception:  # noqa: BLE001 - one file must not end the process after each answer
            log.get("rest").exception("What alert actions kept on this search head waits.")

    def _deliver(self, left: Iterable[Tuple[Path, Mapping[str, Any]]], session: Any) -> None:
        stores = self._backend.stores(session)
        with session.kept_open():
            deliver_spool(
                left,
                partial(ingest_with, self._backend, session, stores),
                partial(self._notify, session, stores),
                lambda user: has_capability(session, user, CAPABILITY),
                self._backend.clock,
                lambda _name, sentence: log.get("rest").error(sentence),
            )

    def _old(self) -> Iterator[Tuple[Path, Mapping[str, Any]]]:
        now = self._backend.clock.now()
        for file, request in spool.pending():
            written = request.get("written_at")
            if not isinstance(written, (int, float)) or abs(now - written) >= OLD_SECONDS:
                yield file, request

    def _notify(self, session: Any, stores: Stores, body: Mapping[str, Any], actor: str) -> None:
        # What sends messages is rarely needed here, and the first alert after a start would wait.
        from ...notify.delivery.outbox import Outbox
        from ...notify.delivery.record import recorder
        from ...notify.requested import enqueue
        from ...processes import process_name

        clock = self._backend.clock
        outbox = Outbox(stores, clock, process_name(), recorder(stores, clock))
        enqueue(Act(stores, clock, actor), outbox, body, conf.web_url(session))

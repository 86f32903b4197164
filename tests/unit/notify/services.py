"""A service that accepts messages, loses answers or kills the process, as the test scripts it."""

from __future__ import annotations

from functools import partial
from typing import Any, Callable, Dict, List, Optional

from incident_management.notify.channel import Delivery, Inquiry, Notification, sent
from incident_management.notify.delivery.notification import NewNotification
from incident_management.notify.delivery.outbox import Outbox
from tests.fakes import FakeStores, ManualClock


class Crash(BaseException):
    """The process is killed here; the app's code must not catch this."""


class FakeService:
    """Records what arrives. ``script`` holds the outcomes of the next sends; later sends succeed.

    A step is a Delivery to answer with (a ``sent`` or ``unknown`` one arrives, others do not), or
    ``"die before"`` and ``"die after"``: the process is killed before or after the arrival. An
    exception is raised after the arrival.
    """

    def __init__(self, asking: str = "history") -> None:
        self.arrived: List[str] = []
        self.messages: List[Notification] = []
        self.script: List[Any] = []
        self.asking = asking
        self.asked = 0

    def send(self, notification: Notification) -> Delivery:
        step = self.script.pop(0) if self.script else sent({"ts": f"{len(self.arrived) + 1}.0"})
        if step == "die before":
            raise Crash
        if isinstance(step, Delivery) and step.outcome in ("retry", "dead"):
            return step
        self.arrived.append(notification.id)
        self.messages.append(notification)
        if step == "die after":
            raise Crash
        if isinstance(step, Exception):
            raise step
        return step

    def ask(self, notification: Notification) -> Inquiry:
        self.asked += 1
        if self.asking == "history":
            if notification.id in self.arrived:
                return Inquiry("arrived", "Found.", {"ts": "9.0"})
            return Inquiry("missing", "Not found.")
        if self.asking == "marked":
            return Inquiry("marked", "A repeat carries the same delivery id.")
        return Inquiry(self.asking, "Can't be asked.")


def _same(service: FakeService) -> FakeService:
    return service


class Office:
    """Stores, a clock, services and a worker that can be killed and replaced."""

    def __init__(self, **services: FakeService) -> None:
        self.stores: Any = FakeStores()
        self.clock = ManualClock()
        self.services: Dict[str, FakeService] = services
        self.senders: Dict[str, Callable[[], Any]] = {
            name: partial(_same, service) for name, service in services.items()
        }
        self.records: List[Any] = []
        self.outbox: Any = self.worker()

    def worker(self, name: str = "sh1") -> Outbox:
        return Outbox(self.stores, self.clock, name, self._record, jitter=lambda: 0.0)

    def _record(self, document: Dict[str, Any]) -> None:
        self.records.append((document["_key"], document["state"]))

    def enqueue(self, source: str, channel: str = "slack", **more: Any) -> bool:
        more.setdefault("event", "opened")
        more.setdefault("incident_id", "INC-20260101-AAAAAA")
        more.setdefault("order", source)
        said = {"event": more["event"], "time": self.clock.now(), "text": "As it was."}
        said["severity"] = more.pop("severity", "medium")
        return self.outbox.enqueue(NewNotification(source, channel, message=said, **more))

    def run(self, seconds: float = 0.0, worker: Optional[Outbox] = None) -> Dict[str, int]:
        """One round, or rounds every 5 s for some seconds."""
        box = worker or self.outbox
        counts = box.deliver_due(self.senders)
        end = self.clock.now() + seconds
        while self.clock.now() < end:
            self.clock.advance(5)
            for name, count in box.deliver_due(self.senders).items():
                counts[name] = counts.get(name, 0) + count
        return counts

    def states(self) -> List[str]:
        documents = sorted(self.stores.outbox.all(), key=lambda d: d["order"])
        return [document["state"] for document in documents]

    def only(self) -> Dict[str, Any]:
        (document,) = self.stores.outbox.all()
        return document

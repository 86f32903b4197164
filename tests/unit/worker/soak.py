"""Random stories of whole lives: people, detections and two search heads, with all that goes wrong.

A story follows from its seed. In each step a few act at once, and their KV calls come in a random
order; some are killed, some calls fail or lose their answer. One member's reads are behind, and
its clock differs. What befalls the installation between steps is in :mod:`.soak_troubles`, what
must be true in the end in :mod:`.soak_checks`, and when incidents are old in :mod:`.soak_aging`.
"""

from __future__ import annotations

import json
import random
import threading
from collections.abc import Callable
from typing import Any

from incident_management.incidents.clocks import handover
from incident_management.incidents.clocks.assignment import assign_waiting, with_covers
from incident_management.incidents.grouping import Topology
from incident_management.incidents.intake import conditions
from incident_management.incidents.intake.ingest import Ingest
from incident_management.incidents.joining.execution import finish_recent
from incident_management.incidents.model import ACTOR
from incident_management.incidents.review.reminders import send_reminders
from incident_management.incidents.routing import Routing
from incident_management.incidents.story import StoryCache
from incident_management.incidents.upkeep import flapping, signal_counts, suppressed
from incident_management.incidents.upkeep.audit import AuditWriter
from incident_management.incidents.upkeep.opened_twice import merge_raced
from incident_management.incidents.upkeep.quiet_resolve import QuietResolver
from incident_management.incidents.upkeep.retention import Retention
from incident_management.notify.announcing.announcer import Announcer
from incident_management.notify.channel import Delivery, unknown
from incident_management.notify.delivery.outbox import Outbox
from incident_management.notify.delivery.record import recorder
from incident_management.remediation import approval, interrupted_runs
from incident_management.splunk.kv.replica import Replica, SyncedStores
from incident_management.splunk.session import SplunkError
from incident_management.worker.clocks import Clocks
from incident_management.worker.document_sweep import sweep_documents
from incident_management.worker.stale_documents import refresh_stale
from tests.fakes import ManualClock
from tests.fakes.api import FakeApi
from tests.fakes.lagging import CaptainStores, MemberStores, Replication
from tests.fakes.stores import FakeCollection, Unavailable
from tests.fakes.turns import at_random
from tests.unit.incidents.quietness import Scheduler
from tests.unit.notify.services import FakeService
from tests.unit.remediation.bench import Bench, FakeDeployApi
from tests.unit.worker.soak_settings import SETTINGS

__all__ = ["DAY", "HOUR", "START", "Member", "World"]

START = 1_790_000_000.0
HOUR = 3600.0
DAY = 24 * HOUR
CALL_SECONDS = 0.005


class Service(FakeService):
    """A service during whose response others may act, or the calling process may be killed."""

    before: Callable[[str, str], None] | None = None

    def __init__(self, asking: str, rng: random.Random) -> None:
        super().__init__(asking)
        self._rng = rng
        self.calm = False

    def send(self, notification: Any) -> Delivery:
        self._wait("send")
        luck = 1.0 if self.calm else self._rng.random()
        if luck < 0.05:
            return Delivery("retry", "It is busy.")
        if luck < 0.1:
            self.script = [unknown("No answer.")]
            if luck < 0.07:
                self.script = []
                return unknown("No answer.")
        delivery = super().send(notification)
        self._wait("answered")
        return delivery

    def _wait(self, verb: str) -> None:
        if self.before:
            self.before(verb, "service")


class DeployApi(FakeDeployApi):
    """The same for a service that executes fixes."""

    before: Callable[[str, str], None] | None = None

    def execute(self, arguments: Any, request_id: str) -> Any:
        self._wait("execute")
        outcome = super().execute(arguments, request_id)
        self._wait("answered")
        return outcome

    def _wait(self, verb: str) -> None:
        if self.before:
            self.before(verb, "service")


class _Log(Replication):
    """The captain's log, by the story's clock."""

    def __init__(self, world: World, lag: float) -> None:
        self._world = world
        super().__init__(lag)

    @property
    def now(self) -> float:
        return self._world.now

    @now.setter
    def now(self, _value: float) -> None:
        """Return the world's time, which only the world sets."""

    def sleep(self, seconds: float) -> None:
        self._world.now += seconds


class _Clock(ManualClock):
    """A member's clock."""

    def __init__(self, world: World, ahead: float) -> None:
        super().__init__()
        self._world, self.ahead = world, ahead

    def now(self) -> float:
        return self._world.now + self.ahead


class _Api(FakeApi):
    """A member's API, with the current settings."""

    def __init__(self, world: World, stores: Any, clock: ManualClock) -> None:
        super().__init__(stores, clock)
        self._world = world
        self.answers["incident_management_settings"] = {"entry": []}

    def routing(self, session: Any) -> Routing:
        return self._world.routing


class Member:
    """A search head: its API and its worker, until they are killed."""

    def __init__(self, world: World, name: str, stores: Any, ahead: float) -> None:
        self.world, self.name, self.stores = world, name, stores
        self.clock = _Clock(world, ahead)
        self.boots, self.build = 0, "1"
        self.boot()
        self.start_api()

    def start_api(self) -> None:
        self.api = _Api(self.world, self.stores, self.clock)

    def boot(self) -> None:
        """Begin a new worker process."""
        stores, clock, self.boots = self.stores, self.clock, self.boots + 1
        self.remembered = StoryCache()
        self.waiting: set[Any] = set()
        self.handed: set[Any] = set()
        self.compared: dict[Any, Any] = {}
        self.clocks = Clocks(stores, clock)
        holder = f"{self.name}#{self.boots}"
        record = recorder(stores, clock)
        self.outbox = Outbox(stores, clock, holder, record, jitter=lambda: 0.0)
        self.announcer = Announcer(stores, clock, self.outbox)
        self.audit = AuditWriter(stores, clock, self.world.index)
        self.retention = Retention(stores, clock, self.world.indexed, self.world.index, _silent)
        self.quiet = QuietResolver(stores, clock, Scheduler(clock), _silent)
        self.verifier = self.world.bench.verifier_of(self)

    @property
    def routing(self) -> Routing:
        return with_covers(self.stores, self.clock, self.world.routing)

    def ingest(self, signals: Any, actor: str = ACTOR) -> Any:
        known = self.remembered
        made = Ingest(self.stores, self.clock, self.world.routing, Topology(), known)
        return made.ingest(signals, actor)

    def duties(self) -> list[Callable[[], Any]]:
        """Run a worker's duties in their order."""
        stores, clock, world = self.stores, self.clock, self.world
        context = world.bench.context_of(self)
        return [
            lambda: merge_raced(stores, clock, world.routing, Topology(), self.compared),
            lambda: assign_waiting(stores, clock, self.routing, self.waiting),
            lambda: handover.hand_over(stores, clock, self.routing, self.handed),
            lambda: self.clocks.run(self.routing),
            lambda: self.announcer.run(world.routing, "", lambda: world.services),
            lambda: self.announcer.summarize(""),
            lambda: self.outbox.deliver_due(world.senders, 100),
            lambda: interrupted_runs.settle_all(context),
            lambda: self.verifier.run(),
            lambda: approval.expire_plans(context),
            lambda: refresh_stale(stores, clock),
            lambda: sweep_documents(stores, clock, self.build, world.entries_of, _silent),
            lambda: self._again(conditions.pending_now(stores, clock)),
            lambda: self._again(suppressed.still_firing(stores, clock)),
            lambda: flapping.release_calm(stores, clock, world.routing),
            lambda: finish_recent(stores, clock),
            lambda: self.audit.run(),
            lambda: self.quiet.run(HOUR),
            lambda: self.retention.run(DAY, 3 * DAY),
            lambda: send_reminders(stores, clock),
            lambda: signal_counts.count_hours(stores, clock),
        ]

    def _again(self, signals: Any) -> None:
        if signals:
            self.ingest(signals)

    def work(self) -> None:
        for duty in self.duties():
            try:
                duty()
            except SplunkError:
                self.world.failures += 1


def _silent(_name: str, _sentence: str) -> None:
    return


class _Bench(Bench):
    """The requirements of fixes, for incidents of the story."""

    def __init__(self, world: World) -> None:
        self.world = world
        super().__init__(world.captain)
        self.api = DeployApi()
        self.executor = self.api

    def open(self, incident: str = "") -> None:
        """Do nothing: the story opens its own incidents."""

    def analyse(self, *_given: Any, **_more: Any) -> None:
        """Run an analysis only on request."""

    def context_of(self, member: Member) -> Any:
        made = self.context
        made.stores, made.clock = member.stores, member.clock
        made.holder = f"{member.name}#{member.boots}"
        return made

    def verifier_of(self, member: Member) -> Any:
        from incident_management.remediation.verify import Verifier

        return Verifier(self.context_of(member), self.searcher, self.raising)


class World:
    """The state of one story."""

    def __init__(self, seed: int, lag: float = 0.5) -> None:
        self.seed, self.rng, self.now = seed, random.Random(seed), START
        self.failures = 0
        self.disturbed_until = 0.0
        self.errors = 0.0
        self.log: list[str] = []
        self.events: dict[str, list[Any]] = {}
        self.gone: set[str] = set()
        # The keys of entries that a restore took away for a while.
        self.lost: set[str] = set()
        self.captain = CaptainStores(_Log(self, lag))
        for collection in self.captain.collections:
            self._losing(collection)
        rng = self.rng
        self.services = {
            "slack": Service("history", rng),
            "pagerduty": Service("harmless", rng),
            "email": Service("impossible", rng),
        }
        self.senders: dict[str, Callable[[], Any]] = {
            name: _giving(one) for name, one in self.services.items()
        }
        self.routings = [Routing.from_stanzas(one) for one in SETTINGS]
        self.routing = self.routings[0]
        # When it was changed.
        self.changes: list[float] = []
        assert self.routing.problems == (), self.routing.problems
        self.bench = _Bench(self)
        copy = MemberStores(self.captain)
        self.copy = copy
        second: Any = _Behind(self, copy)
        self.members = [
            Member(self, "sh1", self.captain, 0.0),
            Member(self, "sh2", second, rng.uniform(-20.0, 20.0)),
        ]
        self.watched: list[Any] = [
            *self.captain.collections,
            *copy.collections,
            *self.services.values(),
            self.bench.api,
        ]

    def _losing(self, collection: FakeCollection) -> None:
        """Let writes lose their response now and then."""
        for verb in ("insert", "save"):
            setattr(collection, verb, self._lossy(getattr(collection, verb)))

    def _lossy(self, write: Callable[[Any], Any]) -> Callable[[Any], Any]:
        def call(given: Any) -> Any:
            answer = write(given)
            if self.errors and self.rng.random() < self.errors / 2:
                raise SplunkError(0, "The answer was lost.")
            return answer

        return call

    def at_once(self, writers: dict[str, Callable[[], Any]], kills: float, errors: float) -> Any:
        """Let several actors act at once; return how each ended, by name."""

        def moment(_verb: str, _name: str) -> None:
            self.now += CALL_SECONDS
            if self.rng.random() < errors:
                raise Unavailable

        self.errors = errors
        ended = at_random(
            self.watched, list(writers.values()), self.rng, self.switching, kills, moment
        )
        self.errors = 0.0
        # Those processes have ended.
        for key in [one for one in self.captain.claims.documents if one.startswith("synced:")]:
            del self.captain.claims.documents[key]
        return dict(zip(writers, ended))

    switching = 0.15

    def written(self) -> dict[str, dict[str, float]]:
        """Return each timeline entry ever written: its incident, its key and its time."""
        found: dict[str, dict[str, float]] = {}
        for time, name, key, text in self.captain.replication.operations:
            if name == "timeline" and text:
                found.setdefault(json.loads(text)["incident_id"], {}).setdefault(key, time)
        return found

    # --- the index --------------------------------------------------------------------------

    def index(self, entries: Any) -> None:
        for entry in entries:
            self.events.setdefault(entry.incident_id, []).append((self.now, entry))

    def indexed(self, incident_ids: Any) -> dict[str, set[str]]:
        """Return what a search finds: events that arrived at least 20 seconds ago."""
        return {
            key: {one.key for time, one in self.events.get(key, ()) if time < self.now - 20}
            for key in incident_ids
        }

    def entries_of(self, incident_id: str, keys: Any = ()) -> Any:
        return [one for _time, one in self.events.get(incident_id, ())]

    @property
    def is_disturbed(self) -> bool:
        """Tell whether clocks differ much, or did and a checkpoint may still show it.

        A process that pauses then, for longer than is read again, can't know what it has not seen.
        """
        is_now = any(abs(member.clock.ahead) > 60 for member in self.members)
        return is_now or self.now < self.disturbed_until


class _Behind:
    """A lagging member's stores; each actor is a process of its own, and waits for itself."""

    def __init__(self, world: World, copy: MemberStores) -> None:
        self._world, self._copy, self._own = world, copy, threading.local()

    def __getattr__(self, name: str) -> Any:
        if not hasattr(self._own, "stores"):
            sleep = self._world.captain.replication.sleep
            replica = Replica(sleep=sleep, monotonic=lambda: self._world.now)
            self._own.stores = SyncedStores(self._copy, replica, lambda: True)
        return getattr(self._own.stores, name)


def _giving(service: Service) -> Callable[[], Service]:
    return lambda: service

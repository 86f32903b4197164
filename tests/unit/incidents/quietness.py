"""A scheduler, and the duty that resolves quiet incidents, for tests."""

from incident_management.incidents import suppression, timeline
from incident_management.incidents.act import Act
from incident_management.incidents.upkeep.quiet_resolve import QuietResolver
from incident_management.incidents.upkeep.run_coverage import Plan, Run
from incident_management.ports import SearchFailed
from tests.unit.incidents.builders import START, ingest, signal

HOUR = 3600.0
PERIOD = 300.0
RULE = ("High Error Rate", "shop", "ann")
SEARCH = {"name": RULE[0], "app": RULE[1], "owner": RULE[2]}


class Scheduler:
    """splunkd's scheduler: a search runs every five minutes, and two runs are remembered."""

    def __init__(self, clock):
        self.clock = clock
        self.plans = {}
        self.skipped, self.failed, self.found = set(), set(), set()
        self.delay = 0.0
        self.broken = False
        self.blind = ""
        self.events = {}

    def plan(self, search):
        if self.broken:
            raise SearchFailed("splunkd is busy.")
        return self.plans.get(search, Plan(True))

    def blindness(self, search):
        return self.blind

    def seen(self, field, since):
        if self.broken:
            raise SearchFailed("splunkd is busy.")
        return {name for name, time in self.events.items() if field == "host" and time >= since}

    def recent(self, search):
        now = self.clock.now()
        times = [t for t in self.scheduled(search, now - 2 * PERIOD, now) if t + self.delay <= now]
        return [
            Run(
                t,
                "failed" if t in self.failed else "succeeded",
                int(t in self.found),
            )
            for t in times
            if t not in self.skipped
        ]

    def scheduled(self, search, earliest, latest):
        first = int(earliest // PERIOD) + 1
        return [n * PERIOD for n in range(first, int(latest // PERIOD) + 1)]


class World:
    """Stores, a clock, a scheduler, and the duty, which runs every minute."""

    def __init__(self, stores, clock):
        self.stores, self.clock, self.told = stores, clock, []
        clock.set(START + 100)
        self.scheduler = Scheduler(clock)
        self.resolve_not = ()
        self.after = 2 * HOUR

    def raise_signal(self, entity="checkout", run=0, **more):
        given = {"search": SEARCH, "app": RULE[1], "owner": RULE[2], **more}
        found = signal(entity, run, received_at=self.clock.now(), **given)
        (outcome,) = ingest(self.stores, self.clock).ingest([found])
        return outcome.incident_id

    def mute(self, entity="checkout"):
        wanted = {"kind": "mute", "reason": "known", "entity": entity}
        suppression.add(Act(self.stores, self.clock, "ann"), wanted)

    def finds(self, minutes, *entities):
        """Let the search find problems in each run, and run the duty every minute."""
        for _run in range(int(minutes * 60 / PERIOD)):
            self.minutes(PERIOD / 60)
            now = self.clock.now()
            for entity in entities:
                self.raise_signal(entity, int(now), first_time=now - PERIOD, last_time=now)

    def duty(self):
        return QuietResolver(
            self.stores, self.clock, self.scheduler, lambda name, text: self.told.append(text)
        )

    def minutes(self, count, watched=True):
        for _minute in range(int(count)):
            self.clock.advance(60)
            if watched:
                self.duty().run(self.after, self.resolve_not)

    def status(self, incident_id):
        return timeline.refresh(self.stores, incident_id).status

    def times(self, earliest, latest):
        return set(self.scheduler.scheduled(RULE, earliest, latest))

"""What happens in a random story: findings, people's acts, workers' rounds, and the final rest."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from incident_management.incidents.act import Act
from incident_management.incidents.signal import Signal
from incident_management.incidents.upkeep import recovery
from incident_management.splunk.session import SplunkError
from tests.fakes.turns import Killed
from tests.unit.worker.soak import HOUR, START, Member, World
from tests.unit.worker.soak_fixes import PEOPLE, Fixes
from tests.unit.worker.soak_items import asked
from tests.unit.worker.soak_troubles import befall, restore

__all__ = ["Story"]

ENTITIES = ("checkout", "payments", "cart", "pay-eu")
RULES = ("High Error Rate", "Slow", "Disk")
SEVERITIES = ("critical", "high", "medium", "low")


class Story(Fixes):
    """One random story; ``play`` it, then :meth:`rest` until nothing is due any more."""

    def __init__(self, seed: int, kills: float = 0.004, errors: float = 0.004) -> None:
        self.world = World(seed)
        self.rng = self.world.rng
        self.kills = self.rng.choice((0.0, kills, kills))
        self.errors = self.rng.choice((0.0, errors, errors))
        self.number = 0
        self.undelivered: list[dict[str, Any]] = []
        self.delivered: dict[str, dict[str, Any]] = {}
        # What people were told to have done: (what, incident, proof).
        self.done: list[tuple[str, str, str]] = []
        # Messages that somebody was told are on the outbox, by what they called them.
        self.asked: dict[str, tuple[str, str]] = {}
        self.told_again: set[str] = set()
        self.suppressed: list[str] = []
        self.covers: list[str] = []
        self.frozen: list[str] = []
        self.told: list[str] = []
        self.unexpected: list[str] = []

    def say(self, text: str) -> None:
        self.told.append(f"{self.world.now - START:9.1f} {text}")

    def play(self, steps: int) -> None:
        for _step in range(steps):
            self.step()

    def step(self) -> None:
        rng, world = self.rng, self.world
        world.now += rng.choice((0.2, 1.0, 3.0, 5.0, 5.0, 10.0, 30.0, 60.0, 300.0, 900.0))
        if world.is_disturbed:
            for member in world.members:
                member.work()
        elif rng.random() < 0.01:
            world.now += rng.choice((2 * HOUR, 8 * HOUR, 30 * HOUR, 100 * HOUR))
            self.say("a long time passes")
        if rng.random() < 0.03:
            self.say(befall(world))
        writers: dict[str, Callable[[], Any]] = {}
        for _one in range(rng.choice((1, 1, 2, 2, 3, 4))):
            member = rng.choice(world.members)
            if rng.random() < 0.4:
                writers[f"worker {member.name}"] = member.work
            else:
                name, act = self.act(member)
                writers[f"{len(writers)} {member.name} {name}"] = act
        ended = world.at_once(writers, self.kills, self.errors)
        for name, error in ended.items():
            self.say(f"{name}{'' if error is None else ' ' + repr(error)[:100]}")
            self.after(name, error)

    def after(self, name: str, error: BaseException | None) -> None:
        """Begin a killed process anew."""
        if error is None:
            return
        member = next(one for one in self.world.members if one.name in name)
        if isinstance(error, Killed):
            if name.startswith("worker"):
                member.boot()
            else:
                member.start_api()
        elif not isinstance(error, SplunkError):
            raise error

    def rest(self) -> None:
        """Let everything work again, and time pass until all due work was done."""
        world = self.world
        world.services["slack"].calm = world.services["pagerduty"].calm = True
        world.services["email"].calm = True
        for member in world.members:
            member.clock.ahead = self.rng.uniform(-20, 20)
            if self.rng.random() < 0.5 or member.build == "0":
                member.build = "1"
                member.boot()
        if self.rng.random() < 0.3:
            self.say(restore(world))
        world.routing = world.routings[0]
        world.changes.append(world.now)
        for finding in list(self.undelivered):
            self.deliver(world.members[0], [finding])
        # At last what an hour brought is told, some of it in a summary.
        for seconds, times in ((5, 4), (30, 6), (60, 10), (600, 8), (HOUR, 7), (60, 8)):
            for time in range(times):
                world.now += seconds
                world.members[time % 2].work()
        assert not self.undelivered, self.undelivered

    # --- what is found ----------------------------------------------------------------------

    def act(self, member: Member) -> tuple[str, Callable[[], Any]]:
        if self.rng.random() < 0.35:
            findings = self.findings(member)
            return f"finds {len(findings)}", lambda: self.deliver(member, findings)
        name = self.rng.choice(ACTS)
        plan = self.plans() if name in ("decide", "carry_out", "undo_fix") else ""
        incident = self.incident()
        act = getattr(self, name)(member, plan or incident)
        return f"{name} {plan or incident}", act

    def findings(self, member: Member) -> list[dict[str, Any]]:
        rng = self.rng
        if self.undelivered and rng.random() < 0.4:
            return rng.sample(self.undelivered, min(len(self.undelivered), 2))
        if self.delivered and rng.random() < 0.2:
            return [rng.choice(list(self.delivered.values()))]
        made = []
        for _one in range(rng.choice((1, 1, 2, 3))):
            self.number += 1
            began = self.world.now - rng.choice((1.0, 60.0, 600.0))
            finding: dict[str, Any] = {
                "rule": rng.choice(RULES),
                "entity": rng.choice(ENTITIES),
                "severity": rng.choice(SEVERITIES),
                "first_time": began - 60,
                "last_time": began,
                "run": str(self.number),
                "group": rng.random() < 0.6,
                "search": {"name": "High Error Rate", "app": "shop", "owner": "ann"},
            }
            if rng.random() < 0.3:
                finding["fields"] = {"region": rng.choice(("eu", "us"))}
            if rng.random() < 0.1:
                finding["after"] = {"signals": 2, "seconds": 1800}
            made.append(finding)
        self.undelivered += made
        return made

    def deliver(self, member: Member, findings: list[dict[str, Any]]) -> None:
        status, answer = member.api.call("POST", "/signals", {"signals": findings}, user="det")
        if status == 200:
            self.undelivered = [one for one in self.undelivered if one not in findings]
            for finding, outcome in zip(findings, answer["outcomes"]):
                self.delivered[outcome["signal"]] = finding
        else:
            self.refused("signals", status, answer)

    # --- what people do ---------------------------------------------------------------------

    def incident(self) -> str:
        known = sorted(one["id"] for one in self.world.captain.incidents.all())
        return self.rng.choice(known) if known else "INC-20260101-AAAAAA"

    def plans(self) -> str:
        known = sorted(one["_key"] for one in self.world.captain.plans.all())
        return self.rng.choice(known) if known else ""

    def refused(self, what: str, status: int, answer: Any) -> None:
        if status >= 500 and "503" not in str(answer) and "lost" not in str(answer):
            self.unexpected.append(f"{what}: {status} {answer}")

    def ask(
        self, member: Member, path: str, body: Any, method: str = "POST", user: str = ""
    ) -> Callable[[], Any]:
        """Send a request, perhaps with a key, and then repeat it until it is answered."""
        rng = self.rng
        user = user or rng.choice(PEOPLE)
        self.number += 1
        key = f"key-{self.number}" if rng.random() < 0.5 else ""
        headers = {"Idempotency-Key": key} if key else {}
        if method in ("PATCH", "DELETE") and path.startswith("/incidents"):
            headers["If-Match"] = "*"
        times = rng.choice((1, 2)) if key else 1

        def act() -> Any:
            for _time in range(times):
                status, answer = member.api.call(method, path, body, user=user, headers=headers)
                if status < 500:
                    break
            self.refused(path, status, answer)
            if status in (200, 201):
                self.succeeded(path, body, answer, user)
            return status

        return act

    def succeeded(self, path: str, body: Any, answer: Any, user: str) -> None:
        what = path.rsplit("/", 1)[-1]
        incident = answer.get("id", "") if isinstance(answer, dict) else ""
        if what == "notes":
            self.done.append(("note", incident, body["text"]))
        elif what == "updates":
            self.done.append(("update", incident, body["text"]))
        elif what == "notifications":
            key, _incident = self.asked.setdefault(body["id"], (answer["id"], body["incident_id"]))
            if key != answer["id"]:
                self.unexpected.append(f"{body['id']} is two messages")
        elif what == "suppressions":
            self.suppressed.append(answer["id"])
        elif what == "freezes":
            self.frozen.append(answer["id"])
        elif what == "covers":
            self.covers.append(answer["id"])

    def open_by_hand(self, member: Member, _incident: str) -> Any:
        return self.ask(member, "/incidents", {"title": "By hand", "severity": "low"})

    def acknowledge(self, member: Member, incident: str) -> Any:
        return self.ask(member, f"/incidents/{incident}/acknowledge", {})

    def assign(self, member: Member, incident: str) -> Any:
        body = self.rng.choice(
            ({"owner": "bob"}, {"team": "payments"}, {"team": "shop"}, {"team": "leads"})
        )
        return self.ask(member, f"/incidents/{incident}/assign", body)

    def escalate(self, member: Member, incident: str) -> Any:
        body = self.rng.choice(({}, {"team": "leads"}, {"owner": "max"}))
        return self.ask(member, f"/incidents/{incident}/escalate", {"reason": "worse", **body})

    def note(self, member: Member, incident: str) -> Any:
        return self.ask(member, f"/incidents/{incident}/notes", {"text": f"note {self.number}."})

    def update(self, member: Member, incident: str) -> Any:
        body = {"text": f"update {self.number}."}
        if self.rng.random() < 0.5:
            body["next_update_in"] = self.rng.choice(("30m", "2h"))
        return self.ask(member, f"/incidents/{incident}/updates", body)

    def tell(self, member: Member, incident: str) -> Any:
        """Request a message, perhaps one that was requested already."""
        self.number += 1
        known = sorted(self.asked)
        name = self.rng.choice(known) if known and self.rng.random() < 0.3 else f"id {self.number}"
        body = {"channel": "slack", "message": f"told {name}.", "id": name, "target": "#shop"}
        return self.ask(member, "/notifications", {**body, "incident_id": incident}, user="ann")

    def tell_again(self, member: Member, _incident: str) -> Any:
        """Resend a message that is undelivered or unconfirmed."""
        known = self.world.captain.outbox.all()
        lost = sorted(one["_key"] for one in known if one["state"] in ("dead", "unconfirmed"))
        key = self.rng.choice(lost) if lost else "0" * 64
        self.told_again.add(key)
        return self.ask(member, f"/outbox/{key}/retry", {})

    def resolve(self, member: Member, incident: str) -> Any:
        return self.ask(member, f"/incidents/{incident}/resolve", {"resolution": "fixed"})

    def reopen(self, member: Member, incident: str) -> Any:
        return self.ask(member, f"/incidents/{incident}/reopen", {"reason": "no"})

    def close(self, member: Member, incident: str) -> Any:
        return self.ask(member, f"/incidents/{incident}/close", {})

    def pin(self, member: Member, incident: str) -> Any:
        return self.ask(member, f"/incidents/{incident}/pin", {"pinned": self.rng.random() < 0.4})

    def edit(self, member: Member, incident: str) -> Any:
        body: dict[str, Any] = self.rng.choice(
            ({"severity": "low"}, {"severity": "critical"}, {"title": "Other"}, {"owner": "cy"})
        )
        if self.rng.random() < 0.5:
            value = self.rng.choice(("", f"region {self.number}"))
            body = {"fields": {"region": value, "impact": self.rng.choice(("none", "all"))}}
        return self.ask(member, f"/incidents/{incident}", body, "PATCH")

    def withdraw(self, member: Member, incident: str) -> Any:
        return self.ask(member, f"/incidents/{incident}", None, "DELETE")

    def merge(self, member: Member, incident: str) -> Any:
        return self.ask(member, f"/incidents/{incident}/merge", {"into": self.incident()})

    def unmerge(self, member: Member, incident: str) -> Any:
        known = self.world.captain.incidents.all()
        merged = sorted((one["merged_into"], one["id"]) for one in known if one["merged_into"])
        into, source = self.rng.choice(merged) if merged else (incident, "INC-20260101-AAAAAB")
        return self.ask(member, f"/incidents/{into}/split", {"incident": source})

    def split(self, member: Member, incident: str) -> Any:
        found = self.world.captain.signals.all()
        keys = sorted(one["_key"] for one in found if one["incident_id"] == incident)
        wanted = self.rng.sample(keys, min(len(keys), 2)) or ["0" * 40]
        return self.ask(member, f"/incidents/{incident}/split", {"signals": wanted})

    def bulk(self, member: Member, incident: str) -> Any:
        action = self.rng.choice(("acknowledge", "resolve", "reopen", "close", "note"))
        more = {"text": "to all"} if action == "note" else {}
        ids = sorted({incident, self.incident(), self.incident()})
        return self.ask(member, "/incidents/bulk", {"action": action, "ids": ids, **more})

    def item(self, member: Member, incident: str) -> Any:
        known = self.world.captain.incidents.get(incident) or {}
        path, body = asked(self.rng, known, self.number, member.clock.now())
        return self.ask(member, f"/incidents/{incident}/{path}", body)

    def review(self, member: Member, incident: str) -> Any:
        bodies = ({"summary": "So."}, {"state": "done"}, {"state": "open", "reason": "no"})
        return self.ask(member, f"/incidents/{incident}/review", self.rng.choice(bodies))

    def suppress(self, member: Member, _incident: str) -> Any:
        if self.suppressed and self.rng.random() < 0.5:
            key = self.suppressed.pop()
            return self.ask(member, f"/suppressions/{key}", None, "DELETE")
        seconds, kind = self.rng.choice((60, 600, 3600)), self.rng.choice(("mute", "snooze"))
        body = {"kind": kind, "reason": "known", "entity": self.rng.choice(ENTITIES)}
        return self.ask(member, "/suppressions", {**body, "seconds": seconds})

    def cover(self, member: Member, _incident: str) -> Any:
        if self.covers and self.rng.random() < 0.5:
            key = self.covers.pop()
            return self.ask(member, f"/on-call/covers/{key}", None, "DELETE")
        now = member.clock.now()
        body = {"rota": "pay", "person": self.rng.choice(PEOPLE), "reason": "ill"}
        times = {"starts_at": now - 1, "ends_at": now + self.rng.choice((600, 7200))}
        return self.ask(member, "/on-call/covers", {**body, **times})

    def over(self, member: Member, _incident: str) -> Any:
        """Let a tool report the end of its alerts."""
        found = sorted(one["_key"] for one in self.world.captain.signals.all())
        keys = self.rng.sample(found, min(len(found), 3))

        def act() -> None:
            known = (member.stores.signals.get(key) for key in keys)
            alerts = [Signal.from_document(one) for one in known if one]
            recovery.end_alerts(Act(member.stores, member.clock, "tool"), alerts)

        return act

    def freeze(self, member: Member, _incident: str) -> Any:
        if self.frozen and self.rng.random() < 0.7:
            return self.ask(member, f"/freezes/{self.frozen.pop()}", None, "DELETE")
        ends = member.clock.now() + self.rng.choice((600, 7200))
        return self.ask(member, "/freezes", {"reason": "Weekend", "ends_at": ends})

    def reconfigure(self, _member: Member, _incident: str) -> Any:
        def act() -> None:
            self.world.routing = self.rng.choice(self.world.routings)
            self.world.changes.append(self.world.now)

        return act


ACTS = (
    *("acknowledge", "assign", "escalate", "note", "update", "resolve", "resolve", "reopen"),
    *("close", "pin", "edit", "merge", "merge", "unmerge", "split", "bulk", "item", "item"),
    *("review", "suppress", "cover", "fix", "decide", "decide", "carry_out", "undo_fix"),
    *("tell", "tell", "tell_again"),
    *("withdraw", "over", "over", "over", "freeze", "reconfigure", "open_by_hand"),
)

"""People's actions on fixes in a random story."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

from incident_management.incidents import timeline
from incident_management.incidents.act import Act
from incident_management.incidents.errors import IllegalMove, NotFound
from incident_management.remediation import approval, execution, rollback
from incident_management.remediation.context import Refused
from tests.unit.worker.soak import Member, World

__all__ = ["PEOPLE", "Fixes"]

PEOPLE = ("ann", "bob", "cy")


class Fixes:
    """The acts of a story that propose, approve, execute and roll back a fix."""

    world: World
    rng: random.Random
    number: int
    say: Callable[[str], None]

    def fix(self, member: Member, incident: str) -> Any:
        bench, person = self.world.bench, self.rng.choice(PEOPLE)
        service = bench.api.services["checkout"]
        self.number += 1
        key = f"ANA-{self.number}"

        def act() -> None:
            top = {
                "rank": 1,
                "blamed": True,
                "cause": "a change",
                "change_id": service["change_id"],
                "service": "checkout",
                "version": service["version"],
                "previous_version": service["previous_version"],
                "citations": ["C1"],
            }
            cited = [{"id": "C1", "quote": "QueuePool limit", "status": "verified"}]
            made = {"_key": key, "incident_id": incident, "hypotheses": [top], "citations": cited}
            member.stores.analyses.save([made])
            said = {"analysis_id": key, "verdict": "cause", "cause": "a change"}
            if not timeline.read(member.stores, incident):
                return
            timeline.append(Act(member.stores, member.clock, person), incident, "analysis", said)
            timeline.refresh(member.stores, incident)
            self.tries(lambda: approval.propose(bench.context_of(member), incident, "", person))

        return act

    def decide(self, member: Member, plan: str) -> Any:
        bench, approves = self.world.bench, self.rng.random() < 0.8

        def act() -> None:
            context = bench.context_of(member)
            if approves:
                self.tries(lambda: approval.approve(context, plan, "omar"))
            else:
                self.tries(lambda: approval.reject(context, plan, "omar", "Stop."))

        return act

    def carry_out(self, member: Member, plan: str) -> Any:
        bench = self.world.bench
        bench.raising.after = self.rng.choice(([], [], ["checkout"]))
        return lambda: self.tries(lambda: execution.execute(bench.context_of(member), plan, "mia"))

    def undo_fix(self, member: Member, plan: str) -> Any:
        bench = self.world.bench
        return lambda: self.tries(
            lambda: rollback.roll_back(bench.context_of(member), plan, "zoe", "Undo.")
        )

    def tries(self, act: Callable[[], Any]) -> None:
        try:
            act()
        except (Refused, IllegalMove, NotFound) as error:
            self.say(f"   refused: {error}")

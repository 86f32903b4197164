"""What keeps an incident open that a fix has cured."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

import pytest

from incident_management.incidents import lifecycle, timeline
from incident_management.incidents.act import Act
from tests.unit.remediation.bench import INCIDENT, Crash
from tests.unit.remediation.rollback_bench import carried_out


@pytest.fixture
def bench():
    return carried_out()


class Finding:
    """Something is found in the moment in which a method of the stores' timeline is called."""

    def __init__(self, bench, monkeypatch, when):
        self.bench, self.when, self.came = bench, when, False
        self.append = timeline.append
        for name in ("append", "record"):
            monkeypatch.setattr(timeline, name, partial(self.watched, getattr(timeline, name)))

    def watched(self, write, act, incident, kind, data, once=""):
        if self.when(kind, data) and not self.came:
            self.came = True
            finder = replace(act, actor="nobody")
            self.append(finder, incident, "signal", {"signals": {"b": 3}})
        return write(act, incident, kind, data, once)


def test_what_is_found_between_the_look_and_the_resolve_keeps_the_incident_open(bench, monkeypatch):
    Finding(bench, monkeypatch, lambda kind, data: data.get("to") == "resolved")
    bench.clock.advance(85)
    bench.verifier().run()
    assert bench.kinds()[-3:] == ["signal", "status resolved", "status new"]
    assert bench.status() == "new"
    bench.clock.advance(600)
    bench.verifier().run()
    assert bench.status() == "new"
    assert bench.stores.plans.get(bench.plan)["status"] == "recovered"


def test_what_is_found_while_it_is_judged_is_judged_anew(bench, monkeypatch):
    ran = bench.raising.run

    def run(*asked):
        monkeypatch.setattr(bench.raising, "run", ran)
        bench.write("signal", signals={"b": 3})
        return ran(*asked)

    monkeypatch.setattr(bench.raising, "run", run)
    bench.clock.advance(85)
    assert bench.verifier().run() == 0 and bench.status() == "new"
    bench.clock.advance(120)
    assert bench.verifier().run() == 1 and bench.status() == "resolved"


def test_a_worker_that_was_killed_after_the_verdict_does_not_resolve_what_came_back(bench):
    """It comes back an hour later; meanwhile the search has found the problem again."""
    bench.clock.advance(85)
    crashing = bench.verifier()
    crashing._follow = lambda *_said: (_ for _ in ()).throw(Crash)
    with pytest.raises(Crash):
        crashing.run()
    bench.clock.advance(3600)
    bench.write("signal", signals={"b": 3})
    bench.verifier().run()
    assert bench.status() == "new" and bench.kinds()[-1] == "note"
    assert bench.stores.plans.get(bench.plan)["status"] == "recovered"
    told = timeline.read(bench.stores, INCIDENT)[-1].data["text"]
    assert told == (
        f"{bench.plan} helped, but {INCIDENT} stays open: A new finding arrived after the "
        "fix was verified."
    )


def test_a_persons_reopening_holds_whatever_the_proof_says(bench):
    lifecycle.resolve(Act(bench.stores, bench.clock, "ann"), INCIDENT)
    lifecycle.reopen(Act(bench.stores, bench.clock, "ann"), INCIDENT, "customers still complain")
    bench.clock.advance(85)
    bench.verifier().run()
    assert bench.status() == "new"
    assert bench.kinds()[-2:] == ["verification recovered", "note"]
    told = timeline.read(bench.stores, INCIDENT)[-1].data["text"]
    assert told.endswith("stays open: ann reopened it after the fix started.")
    assert bench.stores.plans.get(bench.plan)["status"] == "recovered"


def test_what_a_finding_reopened_is_resolved_when_the_proof_says_so(bench):
    """Its search's owner is named as who did it, as of all that an alert does."""
    lifecycle.resolve(Act(bench.stores, bench.clock, "ann"), INCIDENT)
    entries = timeline.read(bench.stores, INCIDENT)
    incident = timeline.fold(entries)
    data, once = lifecycle.reopen_entry(incident, entries[-1].key, "found again", found=True)
    timeline.append(Act(bench.stores, bench.clock, "owner"), INCIDENT, "status", data, once)
    bench.clock.advance(85)
    bench.verifier().run()
    assert bench.status() == "resolved"


def test_who_told_of_an_alerts_end_has_not_decided_to_reopen(bench):
    """As the owner of a token does whose alert fired in the moment in which the last one ended."""
    lifecycle.resolve(Act(bench.stores, bench.clock, "token"), INCIDENT)
    known = {entry.key for entry in timeline.read(bench.stores, INCIDENT)}
    bench.write("signal", signals={"b": 3})
    act, reason = Act(bench.stores, bench.clock, "token"), "An alert fired as the last one ended."
    assert lifecycle.reopen_if_found(act, INCIDENT, known, reason)
    bench.clock.advance(85)
    bench.verifier().run()
    assert bench.status() == "resolved"

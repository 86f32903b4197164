"""Members of a search head cluster that read a copy of the KV store, which lags."""

import json
import logging
from dataclasses import replace
from typing import Any

import pytest

from incident_management.incidents import lifecycle, timeline
from incident_management.incidents.act import Act
from incident_management.incidents.errors import IllegalMove
from incident_management.incidents.joining import merging
from incident_management.remediation import approval, execution
from incident_management.remediation.context import Refused
from incident_management.splunk.kv.replica import (
    MARK_SECONDS,
    MAX_BEHIND_SECONDS,
    Replica,
    SyncedStores,
    forget_marks,
    stores_of,
)
from incident_management.splunk.session import SplunkError
from incident_management.worker.cycle import Duty, Worker
from incident_management.worker.stale_documents import refresh_stale
from tests.fakes import FakeStores, ManualClock
from tests.fakes.api import FakeApi
from tests.fakes.lagging import CaptainStores, MemberStores, Replication, member_of
from tests.unit.incidents.builders import ROUTING, ingest, signal
from tests.unit.remediation.bench import Bench
from tests.unit.remediation.test_races import ready, while_the_api_is_asked

LAG = 0.3


@pytest.fixture
def replication():
    return Replication(LAG)


@pytest.fixture
def captain(replication):
    return CaptainStores(replication)


@pytest.fixture
def member(captain):
    return member_of(captain)


@pytest.fixture
def clock():
    return ManualClock()


def opened(stores, clock, *names):
    """One incident for each name."""
    found = [
        signal(name, first_time=clock.now(), last_time=clock.now(), rule=name) for name in names
    ]
    return [outcome.incident_id for outcome in ingest(stores, clock).ingest(found)]


# --- people -----------------------------------------------------------------------------------


def test_an_acknowledgement_is_answered_and_shown_with_the_new_status(
    captain, member, clock, replication
):
    (incident,) = opened(captain, clock, "a")
    replication.sleep(1.0)
    api = FakeApi(member, clock)

    status, body = api.call("POST", f"/incidents/{incident}/acknowledge", {})

    assert (status, body["status"]) == (200, "in_progress")
    assert captain.incidents.get(incident)["status"] == "in_progress"
    assert timeline.verify(timeline.read(captain, incident)).ok


def test_an_incident_opened_by_hand_is_there_at_once(captain, member, clock):
    api = FakeApi(member, clock)
    api.routing_value = ROUTING

    status, body = api.call("POST", "/incidents", {"title": "Checkout is down"})

    assert status == 201
    assert api.call("GET", f"/incidents/{body['id']}")[0] == 200
    kinds = [entry["kind"] for entry in captain.timeline.all()]
    assert kinds == ["opened", "routed"]


def test_a_repeat_with_an_idempotency_key_gets_the_first_answer_on_another_member(
    captain, member, clock
):
    sent = {"title": "Checkout is down"}, {"Idempotency-Key": "k1"}
    first = FakeApi(captain, clock).call("POST", "/incidents", sent[0], headers=sent[1])

    again = FakeApi(member, clock).call("POST", "/incidents", sent[0], headers=sent[1])

    assert again == first
    assert len(captain.incidents.all()) == 1


# --- merges -----------------------------------------------------------------------------------


def test_the_opposite_merge_on_another_member_is_refused(captain, member, clock, replication):
    a, b = opened(captain, clock, "a", "b")
    replication.sleep(1.0)
    merging.merge(Act(captain, clock, "ann"), a, b)

    with pytest.raises(IllegalMove, match="is merged into"):
        merging.merge(Act(member, clock, "bob"), b, a)

    assert timeline.refresh(captain, a).merged_into == b
    assert timeline.refresh(captain, b).is_open


@pytest.mark.parametrize("seen", range(1, 8))
def test_an_opposite_merge_is_refused_however_much_of_the_first_is_seen(
    captain, member, clock, replication, seen
):
    a, b = opened(captain, clock, "a", "b")
    replication.sleep(1.0)
    before = len(replication.operations)
    merging.merge(Act(captain, clock, "ann"), a, b)
    for number, (time, *rest) in enumerate(replication.operations[before : before + seen]):
        replication.operations[before + number] = (time - LAG, *rest)

    with pytest.raises(IllegalMove):
        merging.merge(Act(member, clock, "bob"), b, a)

    assert timeline.refresh(captain, b).is_open


def test_a_split_answers_with_its_new_incident(captain, member, clock, replication):
    now = clock.now()
    found = [signal("a", number, first_time=now, last_time=now) for number in range(3)]
    incident = ingest(captain, clock).ingest(found)[0].incident_id
    replication.sleep(1.0)

    new = merging.split(Act(member, clock, "ann"), ROUTING, incident, [found[0].key])

    assert (new.split_from, new.signals) == (incident, 1)


# --- plans ------------------------------------------------------------------------------------


@pytest.fixture
def bench(captain):
    made = Bench(captain)
    made.plan = ready(made)
    captain.replication.sleep(1.0)
    return made


def test_an_approved_plan_is_executed(bench, member):
    state = execution.execute(replace(bench.context, stores=member), bench.plan, "mia")

    assert (state.status, bench.api.executed) == ("done", [bench.plan])


def test_a_plan_that_was_rejected_on_another_member_is_not_executed(bench, member):
    told = []
    while_the_api_is_asked(
        bench,
        lambda: told.append(approval.reject(bench.context, bench.plan, "omar", "stop").status),
    )

    state = execution.execute(replace(bench.context, stores=member), bench.plan, "mia")

    assert told == ["rejected"]
    assert bench.api.executed == []
    assert (state.status, state.detail) == ("rejected", "Rejected by omar.")


def test_a_rejection_learns_that_another_member_has_begun(bench, member):
    refused = []

    def execute(arguments, request_id):
        with pytest.raises(Refused) as error:
            approval.reject(replace(bench.context, stores=member), bench.plan, "omar", "stop")
        refused.append(error.value.code)
        return done(arguments, request_id)

    done, bench.api.execute = bench.api.execute, execute

    assert execution.execute(bench.context, bench.plan, "mia").status == "done"
    assert refused == ["decided"]


# --- the worker -------------------------------------------------------------------------------


def test_a_restarted_worker_knows_its_own_slot(captain, member, clock):
    def cycle(stores):
        duty = Duty("look", lambda: {"looked": 1})
        logger = logging.getLogger("test")
        return Worker([duty], stores, clock, "sh1", logger, lambda _text: None).cycle()

    assert cycle(captain) == {"looked": 1}
    assert cycle(member) == {"looked": 1}


# --- the bound, and what it costs -------------------------------------------------------------


def test_a_copy_that_is_too_far_behind_is_not_read_and_nothing_is_lost(
    captain, member, clock, replication
):
    (incident,) = opened(captain, clock, "a")
    replication.sleep(1.0)
    assert member.incidents.get(incident) is not None
    replication.lag = 60.0
    began = replication.now
    api = FakeApi(member, clock)

    status, body = api.call("POST", f"/incidents/{incident}/acknowledge", {})

    assert (status, api.headers["Retry-After"]) == (503, "5")
    assert "more than 10 s behind the KV store captain" in body["detail"]
    assert replication.now - began < MAX_BEHIND_SECONDS + 1.0

    replication.lag = LAG
    clock.advance(30.0)
    refresh_stale(member, clock)
    entries = timeline.read(captain, incident)
    assert timeline.fold(entries).to_document() == captain.incidents.get(incident)


def test_a_process_goes_on_waiting_for_its_mark(captain, replication):
    replication.lag = 1.5 * MAX_BEHIND_SECONDS
    member = member_of(captain)
    member.signals.save([{"_key": "a"}])
    with pytest.raises(SplunkError):
        member.signals.get("a")

    assert member.signals.get("a") == {"_key": "a"}
    assert captain.claims.log == ["save claims"]


class Asked:
    """Tells whether there is a cluster, and how often it was asked."""

    def __init__(self, answer):
        self.answer = answer
        self.times = 0

    def __call__(self):
        self.times += 1
        return self.answer


def test_nothing_is_asked_for_reads_alone():
    stores, asked = FakeStores(), Asked(True)
    synced = SyncedStores(stores, Replica(), asked)
    synced.incidents.find({"_key": "a"})
    synced.claims.get("a")

    assert (asked.times, stores.calls) == (0, 2)


def test_a_search_head_without_a_cluster_is_asked_once_for_what_it_is():
    stores, asked = FakeStores(), Asked(False)
    synced = SyncedStores(stores, Replica(), asked)
    for number in range(5):
        synced.claims.insert({"_key": f"a{number}"})
        synced.claims.get(f"a{number}")

    assert (asked.times, stores.calls) == (1, 10)


def test_a_member_of_a_cluster_takes_two_calls_for_the_first_read_after_writes():
    stores = FakeStores()
    synced = SyncedStores(stores, Replica(), lambda: True)
    synced.signals.save([{"_key": "a"}])
    synced.incidents.save([{"_key": "b"}])
    synced.incidents.get("b")
    synced.signals.get("a")

    assert stores.claims.log == ["save claims", "get claims"]
    assert stores.calls == 4 + 2


@pytest.mark.parametrize("verb", ["insert", "save", "delete", "delete_matching"])
def test_a_write_that_failed_counts_as_one(verb):
    stores = FakeStores()
    synced = SyncedStores(stores, Replica(), lambda: True)
    argument = {
        "insert": {"_key": "a"},
        "save": [{"_key": "a"}],
        "delete": "a",
        "delete_matching": {"sid": "a"},
    }
    stores.signals.fail_after(0)
    with pytest.raises(SplunkError):
        getattr(synced.signals, verb)(argument[verb])
    stores.signals.heal()
    synced.plans.get("a")

    assert stores.claims.log == ["save claims", "get claims"]


def test_the_marks_of_ended_processes_are_forgotten():
    stores, clock = FakeStores(), ManualClock()
    for _process in range(2):
        synced = SyncedStores(stores, Replica(clock), lambda: True)
        synced.signals.save([{"_key": "a"}])
        synced.signals.get("a")
        clock.advance(MARK_SECONDS)
    assert len(stores.claims.all()) == 2

    forget_marks(stores, clock)

    assert len(stores.claims.all()) == 1


class FakeSession:
    """splunkd's answers: to server/info these roles, else no documents."""

    def __init__(self, roles):
        self.roles = roles
        self.asked = []
        self.answer_bytes = 2
        self.saved = {}

    def get(self, path, **_query):
        self.asked.append(path)
        if path.endswith("server/info"):
            return {"entry": [{"content": {"server_roles": self.roles}}]}
        return self.saved.get(path.rpartition("/")[2].replace("%3A", ":"), [])

    def post(self, path, json_text="", json_body=None, **_query):
        self.asked.append(path)
        if json_text:
            self.saved.update({one["_key"]: one for one in json.loads(json_text)})


@pytest.mark.parametrize(
    ("roles", "calls"),
    [
        (["search_head", "kv_store"], 3),
        (["indexer", "shc_deployer"], 3),
        (["search_head", "shc_member"], 5),
        (["search_head", "shc_captain"], 5),
    ],
)
def test_the_roles_of_the_search_head_decide(roles, calls):
    session: Any = FakeSession(roles)
    stores = stores_of(session, Replica())
    stores.signals.insert({"_key": "a"})
    stores.incidents.find({"_key": "a"})

    assert len(session.asked) == calls
    assert "/services/server/info" in session.asked


def test_lagging_stores_lag(captain, clock, replication):
    """What these tests stand on: without waiting, a member sees nothing of what it wrote."""
    raw = MemberStores(captain)
    (incident,) = opened(captain, clock, "a")
    assert raw.timeline.find({"incident_id": incident}) == []
    replication.sleep(LAG)
    lifecycle.acknowledge(Act(raw, clock, "ann"), incident)
    assert captain.incidents.get(incident)["status"] != "in_progress"

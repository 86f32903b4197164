"""Today's app over the store of an early one: each screen, each duty, monitors, and a way back.

``old_store.json`` is what the app of 28 November 2026, 03:47, had in its collections, by their
names of then, after a few minutes in the stand-in: incidents in every state, merged ones, one with
a fix under way, findings of monitors, suppressions, and messages that wait for a service that was
down.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from splunklib.binding import HTTPError

from incident_management.api.incidents.listing import SORTS
from incident_management.incidents import timeline
from incident_management.splunk.kv.store import COLLECTIONS, KvCollection, KvStores
from incident_management.worker.document_migration import LEGACY_COLLECTION
from incident_management.worker.duties import all_duties
from incident_management.worker.member import Member
from incident_management.worker.monitors.duty import MonitorDuty
from tests.integration.tell_and_fix.receivers import Service
from tests.package import APP_PYTHON
from tests.standin import start_standin
from tools.splunkd_lite.clock import ManualClock

from .conftest import API, Place

STORE = json.loads((Path(__file__).parent / "old_store.json").read_text(encoding="utf-8"))
# A minute after its last entry.
AT = max(entry["time"] for entry in STORE["incident_timeline"]) + 60
IDS = sorted(str(incident["id"]) for incident in STORE["incidents"])
WAITING = [one for one in STORE["incident_outbox"] if one["state"] == "pending"]


@pytest.fixture
def upgraded(app_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Place]:
    clock = ManualClock(AT)
    with start_standin(tmp_path, apps=[app_folder], clock=clock, python=APP_PYTHON) as standin:
        monkeypatch.setenv("SPLUNK_HOME", str(standin.splunk.home))
        place = Place(standin)
        for name, documents in STORE.items():
            KvCollection(place.session(), name).save(documents)
        yield place


class Desk:
    """The worker of today, driven by hand."""

    def __init__(self, place: Place) -> None:
        self.clock = place.clock
        self.session = place.session()
        self.stores = KvStores(self.session)
        self.events: list[Any] = []
        self.told: list[str] = []
        member = Member("sh1", self.session, self.stores, self.clock)
        self.duties = all_duties(
            member, self.events.append, lambda _name, text: self.told.append(text)
        )

    def round(self, times: int = 1) -> None:
        """Run each duty; what one raises fails the test."""
        for _ in range(times):
            for duty in self.duties:
                duty.run()
            self.clock.advance(61)


def get(place: Place, path: str, **query: Any) -> Any:
    body = place.admin.get(API + path, **query).body.read().decode()
    return json.loads(body) if body.startswith("{") else body


def listed(place: Place, sort: str) -> list[str]:
    found: list[str] = []
    cursor: dict[str, str] = {}
    while True:
        page = get(place, "/incidents", sort=sort, limit=3, **cursor)
        found += [str(one["id"]) for one in page["incidents"]]
        if not page["next_cursor"]:
            return found
        cursor = {"cursor": page["next_cursor"]}


def test_every_screen_is_answered_before_the_worker_has_run(upgraded: Place) -> None:
    for path in (
        "/incidents", "/outbox", "/suppressions", "/suppressions/signals", "/freezes", "/teams",
        "/subscriptions", "/baselines", "/detections", "/stats", "/metrics", "/health", "/actions",
        "/system/info", "/follow-ups",
    ):  # fmt: skip
        assert get(upgraded, path), path
    (plan,) = STORE["incident_plans"]
    assert get(upgraded, f"/plans/{plan['_key']}")["status"] == "done"
    for incident_id in IDS:
        for part in ("", "/timeline", "/signals", "/plans", "/report", "/review", "/similar"):
            assert get(upgraded, f"/incidents/{incident_id}{part}"), part
        verdict = timeline.verify(timeline.read(KvStores(upgraded.session()), incident_id))
        assert verdict.ok, verdict.problems


def test_the_documents_are_carried_over_before_the_worker_does_anything_else(
    upgraded: Place,
) -> None:
    assert listed(upgraded, "opened_at") == []
    desk = Desk(upgraded)
    first = desk.duties[0]

    assert first.run() == {"incidents_carried_over": len(IDS)}
    assert desk.stores.incidents.find() == sorted(STORE["incidents"], key=lambda one: one["_key"])
    assert sorted(listed(upgraded, "opened_at")) == IDS
    assert KvCollection(desk.session, LEGACY_COLLECTION).find() == []
    assert first.run() == {"incidents_carried_over": 0}


def test_every_list_has_every_incident_once_after_a_round_of_the_worker(upgraded: Place) -> None:
    desk = Desk(upgraded)
    desk.duties[0].run()
    assert len(listed(upgraded, "sla_due")) < len(IDS), "The store must be one that needs it."
    desk.round()

    for sort in SORTS:
        assert sorted(listed(upgraded, sort)) == IDS, sort


def test_every_duty_goes_on_and_what_waited_is_announced_once(upgraded: Place) -> None:
    teams = Service()
    try:
        address = f"{teams.url}/workflows/x?sig=a-signature"
        upgraded.admin.post("incident_management_settings/teams", webhook_url=address)
        desk = Desk(upgraded)
        desk.round(4)
    finally:
        teams.stop()

    waited = {one["_key"] for one in WAITING if one["channel"] == "teams"}
    states = {one["_key"]: one["state"] for one in desk.stores.outbox.find()}
    assert waited and {states[key] for key in waited} == {"sent"}
    told = [one["_key"] for one in desk.stores.outbox.find({"channel": "teams", "state": "sent"})]
    assert len(teams.requests) == len(told)
    for document in STORE["incidents"]:
        now = desk.stores.incidents.get(document["_key"])
        assert now and now["entries"] >= document["entries"], document["_key"]
        for name in ("title", "severity", "entities", "signals", "events", "opened_at"):
            assert now[name] == document[name], name
    entries = {entry["_key"] for entry in desk.stores.timeline.find()}
    assert {entry["_key"] for entry in STORE["incident_timeline"]} <= entries


def test_a_problem_that_goes_on_is_still_the_incident_it_was(upgraded: Place) -> None:
    (open_one,) = [one for one in STORE["incidents"] if one["title"].endswith(": svc-0")]
    assert upgraded.raise_signal("svc-0", run="after the upgrade") == open_one["id"]
    (merged,) = [one for one in STORE["incidents"] if one["title"].endswith(": svc-4")]
    assert upgraded.raise_signal("svc-4", run="after the upgrade") == merged["merged_into"]
    assert upgraded.raise_signal("muted-1", run="after the upgrade") == ""


@pytest.mark.parametrize(
    ("name", "settings"),
    [
        ("refusals", {"detector": "ratio", "value": "failed", "by": "service"}),
        ("newtemplates", {"detector": "new_template"}),
    ],
)
def test_a_monitor_goes_on_from_what_it_was_at(
    upgraded: Place, name: str, settings: dict[str, str]
) -> None:
    stores = KvStores(upgraded.session())
    told: list[str] = []
    before = stores.claims.find({"purpose": f"monitor:{name}"})
    values = {
        "monitor_search": "index=main sourcetype=shop", "span": "5s", "lag": "1s",
        "severity": "high", **settings,
    }  # fmt: skip
    duty = MonitorDuty(
        f"incident_monitor://{name}", values,
        Member("sh1", upgraded.session(), stores, upgraded.clock),
        lambda _name, text, **_more: told.append(text), lambda _seconds: False,
    )  # fmt: skip
    duty.run()

    assert "learns again" in str(told)
    after = stores.claims.find({"purpose": f"monitor:{name}"})
    newest = max(one["value"]["raising_from"] for one in after)
    assert newest == max(one["value"]["end"] for one in before), "It raises from where it stood."


def test_the_suppressions_and_what_was_learned_are_the_same(upgraded: Place) -> None:
    known = {one["_key"] for one in STORE["incident_suppressions"]}
    assert {one["id"] for one in get(upgraded, "/suppressions")["suppressions"]} == known
    (head,) = [one for one in STORE["incident_baselines"] if not one["name"]]
    assert [one["name"] for one in get(upgraded, "/baselines")["baselines"]] == [head["_key"]]
    rows = upgraded.search(
        "| makeresults count=30 | streamstats count AS n | eval _time=1700000000+60*n, value=n%7, "
        'service="a" | anomalyscore value=value by=service state=payments'
    )
    assert {row["expected"] != "" for row in rows} == {True}


def test_what_people_can_do_with_an_old_incident_they_can_do(upgraded: Place) -> None:
    ids = [str(one["id"]) for one in STORE["incidents"] if one["status"] == "new"]
    for incident_id in ids[:3]:
        for part, body in (
            ("acknowledge", {}), ("assign", {"owner": "admin"}), ("notes", {"text": "a note"}),
            ("escalate", {"reason": "slow"}), ("pin", {"pinned": True}),
            ("resolve", {"resolution": "fixed"}), ("reopen", {"reason": "not fixed"}),
        ):  # fmt: skip
            answer = upgraded.call("POST", f"/incidents/{incident_id}/{part}", body)
            assert not isinstance(answer, tuple), (part, answer)
    with pytest.raises(HTTPError):
        get(upgraded, "/incidents/INC-20260101-000000")


def test_no_collection_of_the_old_store_is_unknown() -> None:
    assert set(STORE) <= {LEGACY_COLLECTION, *COLLECTIONS.values()}

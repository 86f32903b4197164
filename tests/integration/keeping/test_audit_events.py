"""The worker writes every timeline entry into an index, and the index alone tells the story."""

from __future__ import annotations

import json
import re

from incident_management.splunk.kv.store import KvStores
from incident_management.splunk.searching.search import SplunkSearcher
from incident_management.worker.audit_index import AuditIndex
from incident_management.worker.document_sweep import sweep_documents
from tests.waiting import wait_for

from .conftest import ROOT, Place


def an_incident(place: Place) -> str:
    incident = place.raise_signal()
    place.call("POST", f"/incidents/{incident}/acknowledge")
    place.call("POST", f"/incidents/{incident}/notes", {"text": 'ü "quoted" | and = signs'})
    place.call("POST", f"/incidents/{incident}/resolve", {"resolution": "rolled back"})
    place.call("POST", f"/incidents/{incident}/review", {"causes": "A leak.", "state": "done"})
    follow_up = {"title": "Mend it", "owner": "admin", "due": 2e9}
    place.call("POST", f"/incidents/{incident}/follow-ups", follow_up)
    return incident


STORY = ["opened", "routed", "assigned", "status", "note", "status", "review", "follow_up"]


def test_the_story_survives_the_loss_of_the_kv_store(place: Place) -> None:
    incident = an_incident(place)
    before = place.call("GET", f"/incidents/{incident}")
    wait_for(lambda: len(place.kinds(incident)) >= before["entries"])
    place.lose_the_kv_store()

    assert place.call("GET", f"/incidents/{incident}")[0] == 404
    assert [kind for kind in place.kinds(incident) if kind in STORY] == STORY
    history = place.call("GET", f"/incidents/{incident}/history")
    assert history["verified"] is True, history["problems"]
    assert history["masked"] == []
    afterwards = ("resolution", "review", "follow_ups", "follow_ups_open")
    for name in ("title", "status", "severity", "owner", "signals", "entities", *afterwards):
        assert history["incident"][name] == before[name], name


def test_what_somebody_deleted_from_the_collections_comes_back(place: Place) -> None:
    incident = an_incident(place)
    before = place.call("GET", f"/incidents/{incident}")
    wait_for(lambda: len(place.kinds(incident)) >= before["entries"])
    session = place.session()
    stores = KvStores(session)
    (opened,) = stores.timeline.find({"incident_id": incident, "kind": "opened"})
    stores.timeline.delete(opened["_key"])
    stores.incidents.delete(incident)
    assert place.call("GET", f"/incidents/{incident}/timeline")["verified"] is False

    index = AuditIndex(session, SplunkSearcher(session))
    told: list[tuple[str, ...]] = []
    sweep_documents(stores, place.clock, "next", index.entries, lambda *text: told.append(text))

    assert place.call("GET", f"/incidents/{incident}/timeline")["verified"] is True
    after = place.call("GET", f"/incidents/{incident}")
    for name in ("title", "severity", "entities", "signals", "opened_at", "status"):
        assert after[name] == before[name], name
    assert told == []


def test_a_killed_worker_loses_no_event_and_shows_none_twice(place: Place) -> None:
    incident = place.raise_signal()
    for number in range(12):
        place.call("POST", f"/incidents/{incident}/notes", {"text": f"note {number}"})
        if number % 4 == 3:
            place.kill_worker()

    wait_for(lambda: place.kinds(incident).count("note") == 12, 240)
    assert place.call("GET", f"/incidents/{incident}/history")["verified"] is True
    keys = [row["key"] for row in place.history(incident)]
    assert len(keys) == len(set(keys))


def test_events_have_the_fields_of_the_common_information_model(place: Place) -> None:
    incident = an_incident(place)
    wait_for(lambda: len(place.kinds(incident)) >= len(STORY))

    (alert,) = place.search(
        f"`incident_audit_events` tag=alert incident_id={incident} | table app severity signature "
        "type dest id user vendor_product description"
    )
    assert alert["app"] == "incident_management"
    assert (alert["severity"], alert["type"], alert["dest"]) == ("high", "alert", "checkout")
    assert alert["signature"] == "High Error Rate: checkout"
    changes = place.search(
        f"`incident_audit_events` tag=change tag=audit incident_id={incident} kind=status"
        " | dedup key | sort seq | table action object object_category result status user"
    )
    assert [row["result"] for row in changes] == ["in_progress", "resolved"]
    assert {row["action"] for row in changes} == {"modified"}
    assert {row["object"] for row in changes} == {incident}
    assert {row["user"] for row in changes} == {"admin"}
    created = place.search(f"`incident_audit_events` incident_id={incident} action=created")
    assert json.loads(str(created[0]["_raw"]))["kind"] == "opened"


def test_an_event_carries_its_entrys_time_and_no_secret(place: Place) -> None:
    incident = place.raise_signal()
    token = "xox" + "b-123456789012-abcdefghijkl"
    place.call("POST", f"/incidents/{incident}/notes", {"text": f"use {token}"})
    wait_for(lambda: "note" in place.kinds(incident))

    assert place.search(f'`incident_audit_events` "{token}"') == []
    rows = place.search(f"`incident_audit_events` incident_id={incident} | table _time time")
    assert all(abs(float(row["_time"]) - float(row["time"])) < 0.01 for row in rows)
    history = place.call("GET", f"/incidents/{incident}/history")
    assert len(history["masked"]) == 1
    assert history["verified"] is True


def test_another_index_is_named_in_one_place(idle: Place) -> None:
    idle.standin.splunk.conf.write(
        "indexes", "audit_trail", {"homePath": "x"}, app="search", create=True
    )
    idle.admin.post("configs/conf-macros/incident_audit_index", definition="index=audit_trail")
    idle.start_worker()
    incident = idle.raise_signal()

    wait_for(lambda: len(idle.kinds(incident)) >= 2)
    assert idle.search("index=audit_trail | stats count")[0]["count"] not in ("0", 0)


def test_a_macro_that_names_no_index_is_reported_in_one_sentence(idle: Place) -> None:
    idle.admin.post("configs/conf-macros/incident_audit_index", definition="(index=a OR index=b)")
    idle.start_worker()
    idle.raise_signal()

    def notices() -> list[str]:
        found = json.loads(idle.admin.get("/services/messages", output_mode="json").body.read())
        return [str(one["content"]["message"]) for one in found["entry"]]

    text = wait_for(lambda: next((t for t in notices() if "incident_audit_index" in t), ""))
    assert "set index=<name>" in text


def test_the_search_that_the_guide_gives_for_e_mail_reports_beginning_and_end(
    place: Place,
) -> None:
    guide = (ROOT / "docs" / "CHANNELS.md").read_text("utf-8")
    (spl,) = re.findall(r"```\n(`incident_audit_events` \(kind=.*?)```", guide, re.DOTALL)
    assert "_index_earliest=-1m@m _index_latest=@m" in spl
    spl = spl.replace("_index_earliest=-1m@m _index_latest=@m", "_index_earliest=-1h")
    incident = an_incident(place)
    wait_for(lambda: len(place.kinds(incident)) >= len(STORY))
    rows = [row for row in place.search(" ".join(spl.split())) if row["incident_id"] == incident]
    assert sorted(row["summary"] for row in rows) == [
        "high: High Error Rate: checkout",
        "resolved. rolled back",
    ]

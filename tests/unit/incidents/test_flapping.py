"""A problem that repeatedly opens and resolves stays one open incident until it is calm."""

import contextlib
from dataclasses import replace

import pytest

from incident_management.incidents import lifecycle, report, suppression, timeline
from incident_management.incidents.act import Act
from incident_management.incidents.joining import merging
from incident_management.incidents.routing import Routing
from incident_management.incidents.upkeep import flapping
from incident_management.notify.message import build
from incident_management.splunk.session import SplunkError
from tests.fakes import FakeStores, ManualClock
from tests.fakes.api import FakeApi
from tests.unit.incidents.builders import ROUTING, START, ingest, signal

ROUTED = replace(ROUTING, flap_count=3, flap_window=7200.0, flap_calm=1800.0)


class Detection:
    """A detection that finds a problem, and reports its end, every five minutes."""

    def __init__(self, stores, clock, routing=ROUTED):
        self.stores, self.clock, self.routing, self.run = stores, clock, routing, 0
        self.incident_id = ""

    def finds(self):
        self.run += 1
        self.clock.set(START + 300.0 * self.run + 100)
        (outcome,) = ingest(self.stores, self.clock, self.routing).ingest([signal(run=self.run)])
        self.incident_id = outcome.incident_id
        return outcome.what

    def is_over(self):
        self.clock.advance(100)
        act = Act(self.stores, self.clock, "tool", f"over:{self.run}")
        ending = lifecycle.Ending("Recovered", "It is over.")
        return lifecycle.resolve(act, self.incident_id, ending, by_itself=True)

    def flaps(self, times=3):
        for _time in range(times):
            self.finds()
            self.is_over()
        return self.finds()

    @property
    def incident(self):
        return self.stores.incidents.get(self.incident_id)

    def marks(self):
        entries = timeline.read(self.stores, self.incident_id)
        assert timeline.verify(entries, self.incident["head"]).ok
        return [e.data["state"] for e in timeline.effective(entries) if e.kind == "flapping"]


@pytest.fixture
def detection(stores, clock):
    return Detection(stores, clock)


def calm(detection, seconds):
    detection.clock.advance(seconds)
    return flapping.release_calm(detection.stores, detection.clock, detection.routing)


def test_it_flaps_when_it_opened_once_too_often(detection):
    detection.flaps(2)
    assert not detection.incident["flapping"] and detection.incident["openings"] == 3
    detection.is_over()
    assert detection.finds() == "reopened"
    assert detection.incident["flapping"] and detection.incident["openings"] == 4
    assert detection.marks() == ["began"]


def test_a_slow_change_is_no_flapping(detection):
    for _time in range(6):
        detection.run += 10
        detection.finds()
        detection.is_over()
    assert not detection.incident["flapping"]


def test_while_it_flaps_what_would_resolve_it_is_written_down_and_it_stays_open(detection):
    detection.flaps()
    held = detection.is_over()
    assert held.is_open and detection.marks() == ["began", "held"]
    detection.is_over()
    assert detection.marks() == ["began", "held"], "the same report again"
    assert detection.finds() == "added", "nobody is told of a reopening"
    assert detection.incident["openings"] == 4


def test_a_person_may_resolve_it(detection):
    detection.flaps()
    resolved = lifecycle.resolve(
        Act(detection.stores, detection.clock, "ann"), detection.incident_id
    )
    assert resolved.status == "resolved"
    assert calm(detection, 7200) == {"incidents_calm": 0}


def test_timelines_of_flapping_incidents_are_not_read(detection):
    """200 incidents with 200 entries each used to cost 17 MB every half minute."""
    detection.flaps(6)
    read, find = [], detection.stores.timeline.find

    def watched(*of, **more):
        read.append(find(*of, **more))
        return read[-1]

    detection.stores.timeline.find = watched
    assert calm(detection, 1500) == {"incidents_calm": 0}
    assert {name for found in read for one in found for name in one} == {"_key", "incident_id"}


def test_it_is_resolved_when_it_was_over_and_stayed_calm(detection):
    detection.flaps()
    detection.is_over()
    assert calm(detection, 1000) == {"incidents_calm": 0}
    assert calm(detection, 1000) == {"incidents_calm": 1}

    incident = detection.incident
    assert (incident["status"], incident["flapping"]) == ("resolved", False)
    assert incident["resolution"] == "Recovered"
    assert detection.marks() == ["began", "held", "ended"]
    assert calm(detection, 1000) == {"incidents_calm": 0}


def test_it_stays_open_when_it_was_found_since(detection):
    detection.flaps()
    detection.is_over()
    detection.finds()
    calm(detection, 2000)
    assert (detection.incident["status"], detection.incident["flapping"]) == ("new", False)
    detection.is_over()
    assert detection.incident["status"] == "resolved"


def test_it_stays_open_when_what_was_found_since_was_suppressed(detection):
    """It used to be resolved as calm while a snooze suppressed its detection."""
    detection.flaps()
    detection.is_over()
    incident_id, wanted = detection.incident_id, {"kind": "mute", "reason": "known", "rule": "H*"}
    suppression.add(Act(detection.stores, detection.clock, "ann"), wanted)
    assert detection.finds() == "suppressed"
    detection.incident_id = incident_id
    calm(detection, 2000)
    assert (detection.incident["status"], detection.incident["flapping"]) == ("new", False)


def test_what_was_suppressed_and_is_over_or_of_another_problem_keeps_nothing_open(detection):
    detection.flaps()
    detection.is_over()
    now = detection.clock.now() + 1
    held = {"received_at": now, "suppressed_by": "SUP-1"}
    mine, other = signal(run=90), signal(run=91, entity="elsewhere")
    detection.stores.signals.save(
        [{**mine.to_document(), **held, "over": True}, {**other.to_document(), **held}]
    )
    calm(detection, 2000)
    assert detection.incident["status"] == "resolved"


def test_a_pinned_one_is_calm_in_the_end_and_stays_open(detection):
    detection.flaps()
    detection.is_over()
    lifecycle.pin(Act(detection.stores, detection.clock, "ann"), detection.incident_id, True)
    assert calm(detection, 2000) == {"incidents_calm": 1}
    assert (detection.incident["status"], detection.incident["flapping"]) == ("new", False)


def test_one_out_of_which_all_was_taken_stays_open_and_keeps_no_other_from_being_calm():
    """The duty used to fail at it, forever."""
    api = FakeApi()
    stores, clock = api.stores_value, api.clock
    _status, by_hand = api.call("POST", "/incidents", {"title": "Slow", "severity": "high"})
    detection = Detection(stores, clock)
    detection.finds()
    found = detection.incident_id
    merging.merge(Act(stores, clock, "ann"), found, by_hand["id"])
    detection.flaps()
    detection.is_over()
    assert detection.incident_id == by_hand["id"] and detection.incident["flapping"]
    merging.undo_merge(Act(stores, clock, "ann"), by_hand["id"], found)
    clock.advance(1801)
    assert flapping.release_calm(stores, clock, ROUTED) == {"incidents_calm": 1}
    assert (detection.incident["flapping"], detection.incident["status"]) == (False, "new")


def test_a_report_in_between_keeps_it_from_being_calm(detection):
    detection.flaps()
    for _time in range(5):
        detection.is_over()
        assert calm(detection, 1000) == {"incidents_calm": 0}
        detection.run += 3
        detection.finds()
    assert detection.incident["flapping"]


def test_two_workers_at_once_release_it_once(detection):
    detection.flaps()
    detection.is_over()
    detection.clock.advance(2000)
    entries = timeline.read(detection.stores, detection.incident_id)
    for late in (0.0, 5.0):
        new = flapping._released(detection.stores, entries, ROUTED, detection.clock.now() + late)
        timeline.write(detection.stores, new)
    timeline.refresh(detection.stores, detection.incident_id)
    assert detection.marks() == ["began", "held", "ended"]
    assert detection.incident["status"] == "resolved"


@pytest.mark.parametrize("stop", range(0, 24, 2))
def test_ended_at_the_reopening_and_repeated_it_flaps_all_the_same(stop):
    stores, clock = FakeStores(), ManualClock(START + 100)
    detection = Detection(stores, clock)
    detection.flaps(2)
    detection.is_over()
    for collection in stores.collections:
        collection.fail_after(stop)
    with contextlib.suppress(SplunkError):
        detection.finds()
    for collection in stores.collections:
        collection.heal()
    detection.run = 3
    detection.finds()
    assert detection.incident["flapping"] and detection.marks() == ["began"]
    assert detection.incident["signals"] == 4


def test_it_can_be_switched_off(stores, clock):
    detection = Detection(stores, clock, replace(ROUTED, flap_count=0))
    detection.flaps(8)
    assert not detection.incident["flapping"]


def test_it_is_configured_and_a_wrong_value_costs_only_itself():
    conf = {"general": {"flap_count": "7", "flap_window": "1h", "flap_calm": "10m"}}
    routing = Routing.from_stanzas(conf)
    assert (routing.flap_count, routing.flap_window, routing.flap_calm) == (7, 3600.0, 600.0)
    routing = Routing.from_stanzas({"general": {"flap_count": "often", "flap_calm": "10m"}})
    assert (routing.flap_count, routing.flap_calm) == (4, 600.0)
    assert "flap_count is 'often'" in routing.problems[0]


def test_flapping_is_notified_reported_and_counted(detection):
    detection.flaps()
    entries = timeline.read(detection.stores, detection.incident_id)
    (began,) = [entry for entry in entries if entry.kind == "flapping"]
    message = build(detection.incident, began.to_document())
    assert message.event == "flapping" and "The incident opened 4 times" in message.text
    assert "Flapping, so it is kept open. The incident opened 4 times" in report.to_markdown(
        entries
    )
    api = FakeApi(detection.stores, detection.clock)
    assert "incident_management_flapping_incidents 1\n" in api.call("GET", "/metrics")[1]


def test_a_tool_learns_that_its_alert_is_held(detection, stores, clock):
    api = FakeApi(stores, clock)
    alert = {"status": "firing", "labels": {"alertname": "Disk", "host": "db"}}
    for number in range(6):
        alert["startsAt"] = f"2023-11-14T2{2 + number // 6}:{14 + number}:00Z"
        clock.advance(60)
        api.call("POST", "/webhooks/alertmanager", {"alerts": [{**alert, "status": "firing"}]})
        over = {**alert, "status": "resolved"}
        _status, answer = api.call("POST", "/webhooks/alertmanager", {"alerts": [over]})
    assert answer["outcomes"][0]["what"] == "held"


def test_an_end_that_was_only_written_down_counts_when_another_alert_ends(stores, clock):
    api = FakeApi(stores, clock)

    def says(name, status, minute):
        labels = {"alertname": name, "host": "db"}
        alert = {"status": status, "labels": labels, "startsAt": f"2023-11-14T22:{minute}:00Z"}
        clock.advance(60)
        _status, answer = api.call("POST", "/webhooks/alertmanager", {"alerts": [alert]})
        return answer["outcomes"][0]["what"]

    says("Disk", "firing", 14)
    says("Load", "firing", 14)
    (incident,) = stores.incidents.all()
    timeline.append(Act(stores, clock, "test"), incident["id"], "flapping", {"state": "began"})
    timeline.refresh(stores, incident["id"])
    assert says("Disk", "resolved", 14) == "noted"
    assert says("Load", "resolved", 14) == "held"
    says("Disk", "firing", 20)
    assert says("Disk", "resolved", 20) == "held"
    clock.advance(2000)
    assert flapping.release_calm(stores, clock, ROUTED) == {"incidents_calm": 1}
    assert stores.incidents.get(incident["id"])["status"] == "resolved"

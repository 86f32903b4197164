"""The on-call load report: who was called, how often, when and for what."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from incident_management.incidents.model import ACTOR, Incident
from incident_management.incidents.routing import Routing
from incident_management.shifts.load.markdown import to_markdown
from incident_management.shifts.load.report import load_of
from tests.fakes import FakeStores

BERLIN = ZoneInfo("Europe/Berlin")
MINUTE, HOUR, DAY = 60.0, 3600.0, 86400.0
# A Friday, 12:00 in Berlin.
NOW = datetime(2026, 11, 27, 12, tzinfo=BERLIN).timestamp()
ROUTING = Routing.from_stanzas(
    {
        "team:shop": {"members": "ann, bob", "rota": "first"},
        "team:web": {"members": "cy"},
        "rota:first": {
            **{"members": "ann, bob", "handover": "daily 09:00", "start": "2026-11-20"},
            "time_zone": "Europe/Berlin",
        },
    }
)


class World:
    """Incidents with the entries and messages that a test writes."""

    def __init__(self):
        self.stores = FakeStores()
        self._number = 0

    def incident(self, **values):
        self._number += 1
        key = f"INC-20261127-{self._number:06d}"
        fields = {"id": key, "title": "Slow", "team": "shop", "rules": ["Slow shop"], **values}
        self.stores.incidents.insert(Incident(**fields).to_document())
        return key

    def entry(self, key, kind, at, actor=ACTOR, **data):
        self._number += 1
        fields = {"incident_id": key, "kind": kind, "time": at, "seq": self._number, "actor": actor}
        self.stores.timeline.insert({"_key": str(self._number), **fields, "data": data})

    def message(self, key, at, event="assigned", channel="slack", team="shop", **values):
        self._number += 1
        fields = {"incident_id": key, "channel": channel, "event": event, "state": "sent"}
        times = {"created_at": at, "sent_at": at}
        document = {**fields, **times, "message": {"team": team}, **values}
        self.stores.outbox.insert({"_key": str(self._number), **document})

    def called(self, owner, at, actor=ACTOR, **values):
        """Assign a new incident to a person and notify them; return its id."""
        key = self.incident(**values)
        self.entry(key, "assigned", at, actor, owner=owner)
        self.message(key, at + 2)
        return key

    def acknowledged(self, key, at, by):
        self.entry(key, "status", at, by, **{"from": "assigned", "to": "in_progress"})

    def load(self, days=7, only="", routing=ROUTING, calming=lambda names: {}):
        return load_of(self.stores, routing, "shop", days, NOW, calming, only)

    def person(self, name, **more):
        return next(one for one in self.load(**more).people if one["person"] == name)


@pytest.fixture
def world():
    return World()


def at(day, hour, minute=0):
    return datetime(2026, 11, day, hour, minute, tzinfo=BERLIN).timestamp()


def test_all_that_follows_within_fifteen_minutes_is_one_call_and_then_it_is_another(world):
    key = world.called("ann", at(26, 10))
    world.message(key, at(26, 10, 1), "opened")
    world.message(key, at(26, 10, 1), "opened", channel="pagerduty")
    world.message(key, at(26, 10, 14), "sla_warning")
    assert world.person("ann")["calls"] == 1
    world.message(key, at(26, 10, 20), "sla_breached")
    assert world.person("ann")["calls"] == 2


@pytest.mark.parametrize(
    "values",
    [
        {"channel": "jira"},
        {"channel": "webhook:1"},
        {"state": "dead"},
        {"state": "pending"},
        {"event": "resolved"},
        {"event": "acknowledged"},
        {"stakeholders": "board"},
        {"team": "web"},
        {"incident_id": ""},
    ],
)
def test_a_message_that_calls_nobody_of_the_team_is_no_call(world, values):
    key = world.incident()
    world.entry(key, "assigned", at(26, 10), owner="ann")
    world.message(key, at(26, 10), **{"event": "assigned", **values})
    assert world.load().totals["calls"] == 0


def test_who_takes_an_incident_is_not_called_by_that_but_by_its_deadline(world):
    key = world.called("ann", at(26, 10), actor="ann")
    assert world.load().totals["calls"] == 0
    world.message(key, at(26, 12), "sla_breached")
    assert world.person("ann")["calls"] == 1


def test_who_opens_an_incident_again_is_not_called_and_who_has_it_is(world):
    key = world.called("ann", at(25, 10))
    world.entry(key, "status", at(26, 10), "ann", **{"from": "resolved", "to": "in_progress"})
    world.message(key, at(26, 10), "reopened")
    assert world.person("ann")["calls"] == 1
    world.entry(key, "status", at(26, 12), "bob", **{"from": "resolved", "to": "assigned"})
    world.message(key, at(26, 12), "reopened")
    assert world.person("ann")["calls"] == 2


def test_what_nobody_has_calls_nobody_by_name_unless_somebody_gets_it_at_once(world):
    key = world.incident()
    world.message(key, at(26, 10), "opened")
    assert [one["person"] for one in world.load().people if one["calls"]] == [""]
    assert "(nobody by name)" in to_markdown(world.load(), "")
    world.entry(key, "assigned", at(26, 10, 3), owner="ann")
    world.message(key, at(26, 10, 4))
    assert [one["person"] for one in world.load().people if one["calls"]] == ["ann"]


def test_what_one_summary_told_is_one_call(world):
    for minute in range(3):
        key = world.incident()
        world.entry(key, "assigned", at(26, 9), owner="ann")
        world.message(key, at(26, 9, minute), sent_at=at(26, 9, 30), summary="s1")
    other = world.incident()
    world.entry(other, "assigned", at(26, 9), owner="bob")
    world.message(other, at(26, 9), sent_at=at(26, 9, 30), summary="s1")
    assert {one["person"]: one["calls"] for one in world.load().people} == {"ann": 1, "bob": 1}


def test_what_one_summary_told_is_answered_once(world):
    for minute in range(3):
        key = world.incident()
        world.entry(key, "assigned", at(26, 9), owner="ann")
        world.message(key, at(26, 9, minute), sent_at=at(26, 9, 30), summary="s1")
        world.entry(key, "escalation", at(26, 10), owner="bob")
        world.message(key, at(26, 10, minute), "escalation", sent_at=at(26, 10, 30), summary="s2")
        world.acknowledged(key, at(26, 10, 40), "bob")
    ann, bob = world.person("ann"), world.person("bob")
    assert (ann["calls"], ann["missed"]) == (1, 1)
    assert (bob["calls"], bob["acknowledged"], bob["ack_median"]) == (1, 1, 600.0)


def test_a_name_is_one_however_it_is_written(world):
    key = world.called("Ann", at(26, 2))
    world.acknowledged(key, at(26, 2, 5), "ann")
    assert (world.person("ann")["calls"], world.person("ann", only="ann")["calls"]) == (1, 1)
    world.called("ann", at(26, 5), actor="Ann")
    assert world.load().totals["calls"] == 1
    passed_on = world.called("bob", at(26, 5))
    world.entry(passed_on, "escalation", at(26, 5, 5), "Bob", owner="ann")
    assert world.person("bob")["missed"] == 0


def test_who_gives_an_incident_back_has_neither_answered_nor_missed_it(world):
    key = world.called("ann", at(26, 2))
    world.entry(key, "edited", at(26, 2, 5), "ann", owner="")
    world.entry(key, "escalation", at(26, 3), owner="bob")
    assert (world.person("ann")["calls"], world.person("ann")["missed"]) == (1, 0)


def test_a_handover_that_comes_after_somebody_began_gives_it_to_nobody(world):
    key = world.called("ann", at(26, 8, 55))
    world.acknowledged(key, at(26, 8, 59), "ann")
    world.entry(key, "assigned", at(26, 9), owner="bob", handover=True, instead_of="ann")
    world.message(key, at(26, 12), "sla_breached")
    assert (world.person("ann")["calls"], world.person("bob")["calls"]) == (2, 0)


def test_the_night_in_which_the_clocks_change_is_one_night(world):
    # 25 October has 25 hours: 02:30 comes twice.
    def then(day, hour, minute=0, fold=0):
        return datetime(2026, 10, day, hour, minute, tzinfo=BERLIN, fold=fold).timestamp()

    rota = {"members": "ann, bob", "handover": "daily 09:00", "start": "2026-10-20"}
    stanzas = {
        "team:shop": {"members": "ann, bob", "rota": "first"},
        "rota:first": {**rota, "time_zone": "Europe/Berlin"},
    }
    for moment in (then(24, 22), then(25, 2, 30), then(25, 2, 30, 1), then(25, 6, 59), then(25, 7)):
        world.called("ann", moment - 2)
    routing = Routing.from_stanzas(stanzas)
    load = load_of(world.stores, routing, "shop", 7, then(26, 9), lambda names: {})
    totals, people = load.totals, {one["person"]: one for one in load.people}
    assert (totals["calls"], totals["night_calls"], totals["nights"]) == (5, 4, 1)
    # Ann's three shifts, the last of 25 hours, and what bob had of seven times 24.
    assert {name: one["hours"] for name, one in people.items()} == {"ann": 73.0, "bob": 95.0}
    assert people["ann"]["on_duty"] == 5


def test_nights_and_weekends_are_those_of_the_teams_time_zone(world):
    # One night, though it has two dates; 22:00 in Berlin is 21:00 in UTC.
    for moment in (at(24, 21, 59), at(24, 22), at(25, 6, 59), at(25, 7), at(22, 12)):
        world.called("ann", moment - 2)
    ann = world.person("ann")
    assert (ann["calls"], ann["night_calls"], ann["nights"]) == (5, 2, 1)
    assert (ann["weekend_calls"], ann["most_in_a_day"]) == (1, 2)
    assert world.load().time_zone == "Europe/Berlin"


def test_a_call_is_answered_by_an_acknowledgement_or_missed_by_an_escalation(world):
    for minutes in (1, 2, 30):
        key = world.called("ann", at(26, 10))
        world.acknowledged(key, at(26, 10) + 2 + minutes * MINUTE, "ann")
    late = world.called("ann", at(26, 11))
    world.entry(late, "escalation", at(26, 11, 15), level=1, owner="bob")
    world.message(late, at(26, 11, 15), "escalation")
    world.acknowledged(late, at(26, 11, 20), "bob")
    ann, bob = world.person("ann"), world.person("bob")
    assert (ann["acknowledged"], ann["ack_median"], ann["ack_p95"]) == (3, 120.0, 1800.0)
    assert (ann["missed"], bob["calls"], bob["missed"]) == (1, 1, 0)
    assert bob["ack_median"] == 300.0
    assert (world.load().totals["acknowledged"], world.load().totals["missed"]) == (4, 1)


def test_passing_it_on_is_neither_answer_nor_miss_and_an_owner_who_began_is_not_missed(world):
    passed = world.called("ann", at(26, 10))
    world.entry(passed, "assigned", at(26, 10, 5), "ann", owner="bob")
    world.message(passed, at(26, 10, 5))
    begun = world.called("ann", at(26, 11))
    world.acknowledged(begun, at(26, 11, 5), "ann")
    world.entry(begun, "escalation", at(26, 11, 5), owner="bob", until="acknowledged")
    world.message(begun, at(26, 12), "sla_warning")
    ann, bob = world.person("ann"), world.person("bob")
    assert (ann["calls"], ann["acknowledged"], ann["missed"]) == (3, 1, 0)
    assert (bob["calls"], bob["acknowledged"], bob["missed"]) == (1, 0, 0)


def test_a_vacancy_that_somebody_filled_first_calls_that_person(world):
    key = world.called("ann", at(26, 10), actor="cy")
    world.entry(key, "assigned", at(26, 10, 0), owner="bob", vacant=True)
    world.message(key, at(26, 11), "sla_warning")
    assert [one["person"] for one in world.load().people if one["calls"]] == ["ann"]


def test_an_entry_of_a_member_whose_clock_is_ahead_is_known_to_the_message_that_tells_it(world):
    key = world.incident()
    world.entry(key, "assigned", at(26, 10, 1), owner="ann")
    order = f"{1:09d} {at(26, 10, 1):017.6f} abc"
    world.message(key, at(26, 10), order=order)
    assert [one["person"] for one in world.load().people if one["calls"]] == ["ann"]


def test_shifts_and_hours_are_the_rotas_and_who_had_few_of_them_may_have_most_calls(world):
    for hour in (1, 2, 3):
        world.called("ann", at(26, hour))
    world.called("bob", at(26, 5))
    load = world.load()
    ann, bob = world.person("ann"), world.person("bob")
    # Since last Friday at noon, and each turn is a day.
    assert (ann["shifts"], bob["shifts"]) == (4, 4)
    assert ann["hours"] + bob["hours"] == 168.0
    # Bob was on call that night, and ann was called in it all the same.
    assert (ann["calls"], ann["on_duty"], bob["calls"], bob["on_duty"]) == (3, 0, 1, 1)
    assert (ann["calls_a_day"], bob["calls_a_day"]) == (0.0, round(24 / bob["hours"], 2))
    share = {"person": "ann", "calls_share": 0.75, "called": 2}
    assert load.evenness == {**share, "hours_share": round(ann["hours"] / 168.0, 3)}
    told = "ann got 75% of the calls by name, the most of 2 people, and was on call for "
    assert told in to_markdown(load, "")


def test_detections_are_reported_with_their_noise_and_what_would_calm_them(world):
    asked = []

    def calming(names):
        asked.extend(names)
        return {"Noisy <b>": "Set it to 5."}

    verdicts = ("false_positive", "duplicate", "true_positive", "")
    for minute, feedback in enumerate(verdicts):
        noisy = {"rules": ["Noisy <b>"], "feedback": feedback}
        last = world.called("ann", at(25, 2, minute), **noisy)
    world.called("ann", at(25, 10), rules=[])
    load = world.load(calming=calming)
    assert asked == ["Noisy <b>"]
    noisy, by_hand = load.detections
    assert (noisy["calls"], noisy["night_calls"], noisy["judged"], noisy["noise"]) == (4, 4, 3, 2)
    assert (noisy["calmed_by"], by_hand["name"]) == ("Set it to 5.", "opened by hand")
    assert noisy["incident_id"] == last
    text = to_markdown(load, "https://splunk.example.com")
    assert r"- Noisy \<b\>: 4 calls, 4 at night; 2 of 3 judged noise; the last: [INC" in text
    assert "  - Set it to 5." in text


def test_a_report_on_one_person_reveals_nothing_of_others(world):
    world.called("ann", at(26, 2), rules=["Hers"])
    world.called("bob", at(26, 2), rules=["His"])
    world.called("bob", at(26, 3), rules=["His"])
    load = world.load(only="ann")
    assert [one["person"] for one in load.people] == ["ann"]
    assert (load.totals["calls"], load.evenness) == (1, None)
    assert [one["name"] for one in load.detections] == ["Hers"]
    assert "bob" not in to_markdown(load, "") and "bob" not in str(load.to_document())


def test_the_span_is_as_long_as_it_was_asked_for(world):
    for days in (1, 10, 40, 91):
        world.called("ann", NOW - days * DAY)
    assert [world.load(days).totals["calls"] for days in (7, 28, 90)] == [1, 2, 3]


def test_a_deleted_or_malformed_incident_affects_only_itself(world):
    gone = world.called("ann", at(26, 2))
    world.stores.incidents.delete(gone)
    odd = world.called("ann", at(26, 4))
    document = world.stores.incidents.get(odd)
    world.stores.incidents.save([{**document, "rules": "", "feedback": 7}])
    wrong: list[dict[str, Any]] = [{"time": "soon", "seq": 1, "data": {}}, {"data": "x"}, {}]
    for number, fields in enumerate(wrong):
        broken = {"_key": f"odd{number}", "incident_id": odd, "kind": "assigned", **fields}
        world.stores.timeline.insert(broken)
    assert world.person("ann")["calls"] == 1
    assert [one["name"] for one in world.load().detections] == ["opened by hand"]


def test_beyond_the_messages_that_are_read_it_begins_with_the_first_of_these(world, monkeypatch):
    monkeypatch.setattr("incident_management.shifts.load.reading.MAX_MESSAGES", 2)
    for hour in (1, 2, 3):
        world.called("ann", at(26, hour))
    load = world.load(90)
    assert (load.cut, load.since, load.totals["calls"]) == (True, at(26, 2) + 2, 2)
    assert "There were more calls than the report reads" in to_markdown(load, "")


def test_a_team_without_a_rota_has_calls_and_no_hours(world):
    key = world.incident()
    world.entry(key, "assigned", at(26, 10), owner="cy")
    world.message(key, at(26, 10), team="web")
    load = load_of(world.stores, ROUTING, "web", 7, NOW, lambda names: {})
    assert (load.rota, load.time_zone, load.people[0]["hours"]) == ("", "UTC", 0.0)
    assert load.people[0]["calls_a_day"] is None and load.evenness
    assert load.evenness["hours_share"] is None

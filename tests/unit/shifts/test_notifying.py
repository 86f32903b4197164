"""A person who comes on call gets one report of open work, after any kill, and nobody else."""

from __future__ import annotations

from dataclasses import replace

import pytest

from incident_management.incidents.covers import Cover
from incident_management.incidents.routing import Routing
from incident_management.notify.message import Message
from incident_management.notify.services.mail_layout import letter
from incident_management.notify.services.slack_layout import blocks, fallback
from incident_management.shifts.notifying import HandoverNotifier
from tests.unit.notify.services import Crash, Office
from tests.unit.shifts.reports import put
from tests.unit.worker.desk import at

WEB = "https://splunk.example.com"
STANZAS = {
    "team:payments": {
        "members": "dana, lee, sam",
        "rota": "first",
        "slack_channel": "#payments",
        "email": "payments@example.com",
        "handover_report": "slack, email",
    },
    "team:quiet": {"members": "dana", "rota": "first"},
    "member:dana": {"slack_id": "U0DANA001", "email": "dana@example.com"},
    "member:lee": {"slack_id": "T0OTHER01/U0LEE0001", "email": "lee@example.com"},
    "member:sam": {"email": "sam@example.com"},
    "rota:first": {
        "members": "dana, lee",
        "handover": "daily 09:00",
        "start": "2026-11-30",
        "time_zone": "Europe/Berlin",
    },
}


class Desk(Office):
    """Workers that send handover reports, by one routing."""

    def __init__(self, now="2026-12-01T09:00", covers=(), **more):
        super().__init__()
        stanzas = {name: dict(values) for name, values in STANZAS.items()}
        for name, values in more.items():
            stanzas[name.replace("__", ":")].update(values)
        made = Routing.from_stanzas(stanzas)
        assert made.problems == ()
        self.routing = replace(made, covers=tuple(covers))
        self.clock.set(at(now))
        self.troubles = []
        self.begin()

    def begin(self):
        """Start a process that remembers nothing."""
        self.handovers = HandoverNotifier(self.stores, self.clock, self.outbox, self.trouble)

    def trouble(self, _name, sentence):
        self.troubles.append(sentence)

    def turn(self, now=""):
        if now:
            self.clock.set(at(now))
        return self.handovers.notify(self.routing, WEB)["handover_reports"]

    @property
    def told(self):
        """Return who was notified by which channel, in the order of their shifts."""
        found = sorted(self.stores.outbox.all(), key=lambda one: (one["created_at"], one["target"]))
        return [(one["channel"], one["target"], one["message"]["mention"]) for one in found]


LEE = [
    ("slack", "#payments", "U0LEE0001"),
    ("email", "lee@example.com", "lee@example.com"),
]
DANA = [
    ("slack", "#payments", "U0DANA001"),
    ("email", "dana@example.com", "dana@example.com"),
]


def test_a_person_who_comes_on_call_is_notified_once():
    desk = Desk("2026-12-01T08:59")
    assert desk.turn() == 0
    assert [desk.turn("2026-12-01T09:00"), desk.turn(), desk.turn("2026-12-01T09:30")] == [2, 0, 0]
    desk.begin()
    assert desk.turn("2026-12-01T09:59") == 0
    assert desk.told == LEE
    assert desk.turn("2026-12-02T09:00") == 2 and desk.told == LEE + DANA
    assert desk.troubles == []


def test_a_turn_without_a_change_costs_one_call_for_each_team_at_most():
    desk = Desk()
    desk.turn()
    before = desk.stores.calls
    desk.turn()
    assert desk.stores.calls == before
    desk.begin()
    desk.turn()
    assert desk.stores.calls == before + 2


def test_after_kills_and_with_two_workers_the_report_is_sent_once():
    whole = Desk()
    put(whole.stores)
    before = whole.stores.calls
    whole.turn()
    steps = whole.stores.calls - before
    assert steps > 10
    for calls in range(steps):
        desk = Desk()
        put(desk.stores)
        desk.stores.fail_after(calls, Crash)
        with pytest.raises(Crash):
            desk.turn()
        desk.stores.heal()
        desk.begin()
        other = HandoverNotifier(desk.stores, desk.clock, desk.worker("sh2"), desk.trouble)
        desk.stores.outbox.before = within(desk, other)
        desk.turn()
        assert desk.told == LEE, calls


def within(desk, other):
    """Let another worker send the report, just before the first message is queued."""

    def before(verb, _name):
        if verb == "insert":
            desk.stores.outbox.before = None
            other.notify(desk.routing, WEB)

    return before


def test_a_cover_in_the_middle_of_a_shift_is_two_changes():
    cover = Cover("COV-1", "first", "sam", at("2026-12-01T18:00"), at("2026-12-01T22:00"), "lee")
    desk = Desk("2026-12-01T17:59", [cover])
    assert desk.turn() == 0
    assert desk.turn("2026-12-01T18:00") == 1
    assert desk.turn() == 0
    # sam has no Slack ID, which is said once, and the team's address is nobody's own.
    assert desk.told == [("email", "sam@example.com", "sam@example.com")]
    assert desk.troubles == [
        "sam is on call for payments but got no handover report by Slack. Set the Slack ID "
        "under Configuration > People."
    ]
    assert desk.turn("2026-12-01T22:00") == 2
    assert desk.told[1:] == LEE


def test_a_person_without_an_address_is_reported_once_and_notified_later():
    desk = Desk(member__lee={"slack_id": "", "email": ""})
    assert [desk.turn() for _ in range(3)] == [0, 0, 0]
    assert [one.partition(" by ")[2] for one in sorted(desk.troubles)] == [
        "E-mail. Set the e-mail address under Configuration > People.",
        "Slack. Set the Slack ID under Configuration > People.",
    ]
    desk.routing = Desk().routing
    assert desk.turn("2026-12-01T09:20") == 2 and desk.told == LEE


def test_a_person_on_call_by_a_change_of_settings_is_notified():
    desk, other = Desk("2026-12-01T15:00"), Desk(member__lee={"away": "2026-12-01"})
    assert desk.turn() == 0
    # By the rota dana is on call since yesterday.
    desk.routing = other.routing
    desk.stores.fail_after(1, Crash)
    with pytest.raises(Crash):
        desk.turn()
    desk.stores.heal()
    assert [desk.turn(), desk.turn("2026-12-01T15:01")] == [2, 0]
    assert desk.told == DANA


def test_a_clock_set_back_repeats_no_report():
    desk = Desk("2026-12-01T08:10")
    turns = ("08:10", "09:10", "08:20", "09:10", "08:50", "09:20")
    # dana, whose turn began the day before, is told where the worker sees that only now.
    assert [desk.turn(f"2026-12-01T{at}") for at in turns] == [0, 2, 2, 0, 0, 0]


def test_two_teams_with_one_rota_get_a_report_each():
    desk = Desk(team__quiet={"handover_report": "email"})
    assert desk.turn() == 3
    found = [one["message"]["team"] for one in desk.stores.outbox.all()]
    assert sorted(found) == ["payments", "payments", "quiet"]


@pytest.mark.parametrize("day", ["2027-03-28", "2027-10-31"])
def test_on_the_day_when_the_clocks_change_it_is_reported_at_the_same_time_of_the_day(day):
    desk = Desk(f"{day}T08:59")
    assert desk.turn() == 0
    assert [desk.turn(f"{day}T09:00"), desk.turn(f"{day}T09:01")] == [2, 0]


def test_after_an_outage_of_more_than_an_hour_no_report_is_sent():
    desk = Desk("2026-12-01T10:00")
    assert desk.turn() == 0


def test_nobody_is_informed_where_nobody_is_on_call_and_where_nobody_takes_over():
    office = {"rota__first": {"members": "dana"}}
    assert Desk(**office).turn() == 0
    desk = Desk()
    away = {name: dict(values) for name, values in STANZAS.items()}
    for name in ("dana", "lee"):
        away[f"member:{name}"]["away"] = "2026-12-01"
    desk.routing = Routing.from_stanzas(away)
    assert desk.turn() == 0


def test_the_message_lists_open_work_without_notes_causes_or_secrets():
    desk = Desk()
    title = "<!channel> <b>Checkout</b> password=hunter2hunter2 " + "x" * 300
    now = desk.clock.now()
    times = {"opened_at": now - 60, "updated_at": now - 60}
    key = put(desk.stores, 1, title=title, severity="critical", cause="ERROR a log line", **times)
    over = {"status": "resolved", "resolved_at": now - 30, "resolution": "ERROR another"}
    put(desk.stores, 2, title="Disk full", **{**times, **over})
    note = {"incident_id": key, "kind": "note", "time": now - 5, "actor": "dana"}
    desk.stores.timeline.insert({"_key": "n", **note, "data": {"text": "ERROR a third"}})
    for number in range(3, 13):
        put(desk.stores, number, severity="low", **times)
    desk.turn()
    message = Message.from_document(desk.stores.outbox.all()[0]["message"])
    assert (message.headline, message.severity) == ("You are on call for payments", "critical")
    assert message.url == (f"{WEB}/app/incident_management/workbench?view=handover&team=payments")
    first, *rest = message.text.splitlines()
    assert first == (
        "2026-11-30 09:00 Europe/Berlin to 2026-12-01 09:00 Europe/Berlin: "
        "11 open (1 critical, 10 low); 12 opened and 1 resolved in this period."
    )
    assert rest[:2] == ["", "Open:"] and rest[10] == "3 more"
    assert rest[2].startswith(f"{key} <!channel> <b>Checkout</b> password=<masked:secret> x")
    assert rest[2].endswith("… (critical, in progress, dana)")
    assert rest[-1] == "INC-20261130-000002 Disk full (high, resolved, dana)"
    assert "ERROR" not in message.text and "hunter2" not in str(desk.stores.outbox.all())
    shown = str(blocks(message, answers=True))
    assert "<@U0LEE0001>" in shown and "<!channel>" not in shown and "Open the report" in shown
    assert fallback(message).startswith("🔴 CRITICAL · You are on call for payments")
    mail = letter(message, "n1", "splunk@example.com", ("lee@example.com",), now)
    assert b"Subject: Handover of payments\r\n" in mail and b"<b>Checkout" not in html(mail)


def html(mail):
    return mail.partition(b"text/html")[2]


def test_an_unknown_way_to_reach_a_person_is_reported():
    stanzas = {"team:a": {"members": "dana", "handover_report": "pagerduty"}}
    (problem,) = Routing.from_stanzas(stanzas).problems
    assert "names 'pagerduty'; the ways to reach a person are slack, email." in problem
    routing = Routing.from_stanzas({"team:a": {"members": "dana", "handover_report": "email"}})
    assert routing.problems == (
        "incident_routing.conf [team:a] handover_report goes to the person on call, but the team "
        "has no rota; set a rota, or leave this empty.",
    )
    assert routing.teams["a"].members == ("dana",)

"""The content of a handover report, and how much it reads of very many incidents."""

from __future__ import annotations

import pytest

from incident_management.incidents.routing import Routing
from incident_management.shifts.markdown import to_markdown
from incident_management.shifts.shift import Shift
from tests.fakes import FakeStores
from tests.unit.shifts.reports import HOUR, NOW, SINCE, WEB, ended, made, put, section, texts, told


@pytest.fixture
def stores():
    return FakeStores()


# Of everything.
ANY = {"rule": "*", "entity": "*", "tag": "*"}


def test_open_incidents_are_listed_by_severity_with_their_open_points(stores):
    put(stores, 1, severity="low", status="new", owner="", acknowledged_at=None)
    key = put(
        stores,
        2,
        severity="critical",
        status="assigned",
        acknowledged_at=None,
        opened_at=NOW - HOUR,
        sla_ack_due=NOW - 60,
        sla_resolve_due=NOW + HOUR,
        update_due=NOW + 60,
        level=2,
        pinned=True,
        flapping=True,
        handed_on=True,
        cause="CHG-8 of checkout",
    )
    report = made(stores)
    assert [line.severity for line in section(report, "open").lines] == ["critical", "low"]
    first = section(report, "open").lines[0]
    assert (first.incident_id, first.status, first.owner) == (key, "assigned", "dana")
    assert told(report, "open")[0] == [
        ("New, opened", NOW - HOUR),
        ("Waiting for a member of payments", 0.0),
        ("Not acknowledged; the acknowledgement was due by", NOW - 60),
        ("Resolution is due by", NOW + HOUR),
        ("An update for stakeholders is due by", NOW + 60),
        ("Escalated to level 2", 0.0),
        ("Pinned, so it does not resolve automatically", 0.0),
        ("Flapping, so it is kept open until it is calm", 0.0),
        ("Likely cause: CHG-8 of checkout", 0.0),
    ]
    assert told(report, "open")[1] == [
        ("Opened", NOW - 20 * HOUR),
        ("No owner", 0.0),
        ("Not acknowledged", 0.0),
    ]
    assert dict(report.counts) == {
        **{"open": 2, "nobody_has": 1, "opened": 1, "solved": 0, "noise": 0}
    }
    assert report.by_severity == {"critical": 1, "low": 1}


@pytest.mark.parametrize(
    ("status", "words"),
    [
        ("proposed", "A fix is waiting for approval: Roll back checkout."),
        ("done", "A fix was executed and is being verified: Roll back checkout."),
        ("rollback_failed", "The rollback of a fix failed: Roll back checkout."),
        ("rolled_back", ""),
    ],
)
def test_the_newest_fix_says_what_it_waits_for(stores, status, words):
    key = put(stores)
    for number, (state, moment) in enumerate((("proposed", 1.0), (status, 2.0))):
        plan = {"incident_id": key, "status": state, "updated_at": moment}
        stores.plans.insert({"_key": f"PLAN-{number}", **plan, "summary": "Roll back checkout."})
    found = [text for text in texts(made(stores)) if "fix" in text]
    assert found == ([words] if words else [])


def test_tasks_name_who_has_them_and_are_counted_beyond_a_few(stores):
    routing = Routing.from_stanzas({"checklist:all": {"step.1": "Tell support | role: lead"}})
    blank = {"role": "", "runbook": "", "checklist": "", "from": "", "reason": "", "by": ""}
    tasks = [
        {**blank, "id": f"TSK-{n}", "title": f"Step {n}", "owner": "", "state": "open", "at": 1.0}
        for n in range(6)
    ]
    tasks[3]["owner"] = "lee"
    tasks[4]["state"] = "done"
    put(stores, tasks=tasks)
    assert texts(made(stores, routing))[1:] == [
        "To do: Tell support (dana)",
        "To do: Step 3 (lee)",
        "To do: Step 0 (unassigned)",
        "To do: Step 1 (unassigned)",
        "To do: Step 2 (unassigned)",
        "1 more task is open",
    ]


def test_suppressions_and_recent_notes_are_listed(stores):
    key = put(stores, entities=["db-1"])
    window = {"reason": "patching", "kind": "snooze", "entity": "db-*", "rule": "high*", "tag": "*"}
    times = {"starts_at": NOW - 60, "ends_at": NOW + 60, "created_at": 1.0}
    stores.suppressions.insert({"_key": "SUP-1", "id": "SUP-1", **window, **times})
    other = {**window, "entity": "web-*"}
    stores.suppressions.insert({"_key": "SUP-2", "id": "SUP-2", **other, **times})
    for moment, actor, text in (
        (SINCE - 1, "dana", "before"),
        (NOW - 30, "dana", "Ask <b>Ann</b>, password=hunter2hunter2"),
        (NOW - 60, "dana", "earlier"),
        (NOW - 10, "incident_management", "the app's own"),
    ):
        note = {"incident_id": key, "kind": "note", "time": moment, "actor": actor}
        stores.timeline.insert({"_key": text, **note, "data": {"text": text}})
    assert told(made(stores), "open")[0][1:] == [
        ("Its signals are suppressed (snooze: patching) until", NOW + 60),
        ("“Ask <b>Ann</b>, password=<masked:secret>”, dana at", NOW - 30),
    ]


def test_ended_incidents_list_their_resolution_and_noise(stores):
    known = ended(stores, 1, resolution="Rolled back.", cause="CHG-8", opened_at=NOW - 2 * HOUR)
    ended(stores, 2, feedback="false_positive", resolved_at=NOW - 2 * HOUR, status="closed")
    ended(stores, 3, merged_into="INC-20261130-000001", resolved_at=NOW - 3 * HOUR)
    ended(stores, 7, resolved_at=NOW - 4 * HOUR)
    # Resolved before, and closed, or reviewed, since.
    ended(stores, 4, resolved_at=SINCE - 1, status="closed")
    ended(stores, 5, updated_at=SINCE - 1, resolved_at=SINCE - 2)
    put(stores, 6, team="web")
    report = made(stores)
    over = section(report, "solved")
    assert [line.incident_id[-1] for line in over.lines] == ["1", "2", "3", "7"] and over.total == 4
    assert over.lines[0].incident_id == known
    assert told(report, "solved") == [
        [("Open for 1 h, ended at", NOW - HOUR), ("Rolled back.", 0.0), ("Cause: CHG-8", 0.0)],
        [
            ("Open for 18 h, ended at", NOW - 2 * HOUR),
            ("Judged to be a false alarm", 0.0),
        ],
        [("Merged into INC-20261130-000001 at", NOW - 3 * HOUR)],
        [
            ("Open for 16 h, ended at", NOW - 4 * HOUR),
            ("No resolution was recorded", 0.0),
        ],
    ]
    assert (report.counts["solved"], report.counts["noise"], report.counts["opened"]) == (3, 1, 1)


def test_calls_are_counted_by_detection_and_channel_and_a_summary_once(stores):
    noisy = ended(stores, 1, opened_at=NOW - 2 * HOUR, feedback="duplicate")
    newest = put(stores, 2, opened_at=NOW - HOUR)
    by_hand = put(stores, 3, rules=[])

    def message(event, channel, incident_id, **more):
        number = len(stores.outbox.all())
        values = {"created_at": NOW - 60, "state": "sent", "last_error": "", **more}
        team = values.pop("team", "payments")
        said = {"event": event, "channel": channel, "incident_id": incident_id}
        document = {"_key": str(number), **said, **values, "message": {"team": team}}
        stores.outbox.insert(document)

    message("opened", "slack", noisy)
    message("opened", "pagerduty", noisy)
    message("escalation", "slack", noisy)
    message("note", "slack", noisy)
    message("opened", "slack", noisy, summary="summed up")
    message("opened", "slack", noisy, stakeholders="board")
    message("opened", "slack", noisy, created_at=SINCE - 1)
    message("opened", "slack", noisy, team="web")
    message("assigned", "email", by_hand)
    message("summary", "slack", "")
    report = made(stores)
    lines = section(report, "calls").lines
    assert [line.title for line in lines] == ["High Error Rate", "opened by hand", "summaries"]
    assert [[said.text for said in line.says] for line in lines] == [
        [
            "2 incidents, 1 of them noise",
            "Messages that called for action: 1 by PagerDuty, 2 by Slack",
        ],
        ["Messages that called for action: 1 by E-mail"],
        ["Messages that called for action: 1 by Slack"],
    ]
    assert [line.incident_id for line in lines] == [newest, by_hand, ""]


def test_failing_channels_are_listed_without_their_recipients(stores):
    def message(state, age, error="", channel="slack", team="payments"):
        values = {"state": state, "created_at": NOW - age, "last_error": error}
        document = {
            "_key": f"{state}{age}",
            "channel": channel,
            **values,
            "message": {"team": team},
        }
        stores.outbox.insert({**document, "event": "opened", "incident_id": ""})

    # Which address a service refused is for administrators (GET /outbox).
    message("dead", 60, "550 5.1.1 <ceo@example.com> is unknown")
    message("unconfirmed", 120, "older", team="")
    message("dead", 130, team="web")
    message("dead", 9 * HOUR)
    message("pending", 16 * 60, channel="email")
    message("pending", 14 * 60, channel="teams")
    message("sent", 60, channel="jira")
    message("sending", 17 * 60, channel="webhook:ab12")
    message("dead", 65, channel="webhook:cd34")
    report = made(stores)
    lines = section(report, "undelivered").lines
    assert [line.title for line in lines] == ["E-mail", "Slack", "Webhook"]
    assert texts(report, "undelivered") == [
        "1 waiting for more than 15 min",
        "2 messages undelivered or unconfirmed",
        "1 message undelivered or unconfirmed",
        "1 waiting for more than 15 min",
    ]
    assert "ceo@" not in str(report.to_document())


def test_beginnings_and_ends_within_a_day_are_listed_in_order(stores):
    routing = Routing.from_stanzas(
        {
            "team:payments": {"members": "dana, lee", "rota": "first"},
            "rota:first": {"members": "dana", "handover": "daily 09:00", "start": "2026-11-30"},
        }
    )
    freeze = {"reason": "Year's end", "team": "pay*", "created_at": 1.0, "starts_at": NOW + 60}
    stores.freezes.insert({"_key": "1", "id": "FRZ-1", **freeze, "ends_at": NOW + 90_000})
    stores.freezes.insert({"_key": "2", "id": "FRZ-2", **freeze, "team": "web", "ends_at": 0})
    window = {"kind": "maintenance", "reason": "patching", "created_at": 1.0, "starts_at": 0}
    window.update(ANY)
    stores.suppressions.insert({"_key": "1", "id": "1", **window, "ends_at": NOW + 30, "tag": "db"})
    weekly = {"days": [*("mon", "tue", "wed", "thu", "fri", "sat", "sun")], "ends_at": 0}
    times = {"from_time": "02:00", "to_time": "04:00", "time_zone": "UTC"}
    stores.suppressions.insert({"_key": "2", "id": "2", **window, **weekly, **times})
    report = made(stores, routing, Shift("payments", SINCE, NOW, "first", "dana"))
    lines = section(report, "soon").lines
    # It is 00:53 UTC.
    assert [(line.title, *line.says[0]) for line in lines] == [
        ("Maintenance of tag db: patching", "Ends", NOW + 30),
        ("Change freeze of everything: Year's end", "Begins", NOW + 60),
        ("Maintenance of everything: patching", "Begins", NOW + 4000),
        ("Maintenance of everything: patching", "Ends", NOW + 4000 + 7200),
    ]


def test_a_window_of_some_hours_a_day_is_reported_with_the_end_of_today_s(stores):
    put(stores)
    days = {"days": [*("mon", "tue", "wed", "thu", "fri", "sat", "sun")], "time_zone": "UTC"}
    # It is 00:53 UTC.
    nightly = {**ANY, **days, "from_time": "23:53", "to_time": "01:53", "kind": "maintenance"}
    times = {"created_at": 1.0, "starts_at": 0, "ends_at": NOW + 90 * 86_400.0}
    stores.suppressions.insert({"_key": "1", "id": "1", "reason": "backup", **nightly, **times})
    said = told(made(stores), "open")[0][1]
    assert said[0] == "Its signals are suppressed (maintenance: backup) until"
    assert said[1] == pytest.approx(NOW + HOUR, abs=60)


def test_a_freeze_is_listed_while_it_is_in_force(stores):
    freeze = {"team": "pay*", "service": "db-*", "tag": "eu", "created_at": 1.0, "starts_at": 0}
    for number, end in ((1, 0), (2, NOW + 7 * 86_400.0), (3, NOW + HOUR)):
        values = {"_key": str(number), "id": f"FRZ-{number}", "reason": f"No {number}"}
        stores.freezes.insert({**values, **freeze, "ends_at": end})
    later = {"_key": "4", "id": "FRZ-4", "reason": "Later"}
    times = {"starts_at": NOW + 2 * 86_400.0, "ends_at": 0}
    stores.freezes.insert({**later, **freeze, **times})
    lines = section(made(stores), "soon").lines
    assert [(line.title, *line.says[0]) for line in lines] == [
        ("Change freeze of service db-*, tag eu: No 1", "In force, without an end", 0.0),
        ("Change freeze of service db-*, tag eu: No 2", "In force until", NOW + 7 * 86_400.0),
        ("Change freeze of service db-*, tag eu: No 3", "Ends", NOW + HOUR),
    ]


def test_the_teams_follow_ups_due_within_a_day_are_listed(stores):
    def follow_up(number, due, state="open"):
        return {"id": f"FUP-{number}", "title": f"Alert {number}", "owner": "lee", "due": due,
                "state": state, "at": 1.0}  # fmt: skip

    for number, team in ((1, "payments"), (2, "web")):
        some = [follow_up(1, NOW + HOUR), follow_up(2, NOW - HOUR), follow_up(3, NOW + 90_000)]
        some.append(follow_up(4, NOW, "done"))
        key = ended(stores, number, team=team, follow_ups=some, resolved_at=1.0)
        claim = {"purpose": "follow-ups", "time": 1.0, "holder": "", "value": {"incident_id": key}}
        stores.claims.insert({"_key": f"follow-ups:{key}", **claim})
    report = made(stores)
    lines = section(report, "follow_ups").lines
    assert [(line.title, line.owner, *line.says[0]) for line in lines] == [
        ("Alert 2", "lee", "Overdue since", NOW - HOUR),
        ("Alert 1", "lee", "Due", NOW + HOUR),
    ]


def test_what_is_still_to_be_done_is_reported_first_and_since_when_whom(stores):
    shift = Shift("payments", SINCE, NOW, "first", "dana", SINCE, "dana is on call.", "lee", NOW)
    report = made(stores, shift=shift)
    assert [one.name for one in report.sections] == [
        *("open", "undelivered", "soon", "follow_ups", "solved", "calls"),
    ]
    assert (
        "dana is on call. Since 2026-11-29 16:53 UTC. Next: lee from 2026-11-30 00:53 UTC."
        in to_markdown(report, WEB)
    )


def test_an_empty_report_says_so(stores):
    report = made(stores)
    assert not any(one.lines for one in report.sections)
    assert to_markdown(report, WEB) == (
        "# Handover: payments\n\nFrom 2026-11-29 16:53 UTC to 2026-11-30 00:53 UTC. "
        "The team payments has no on-call rota.\n\n0 open; 0 opened and 0 resolved in this "
        "period.\n"
    )


def test_the_markdown_links_each_incident_and_is_text_where_people_wrote_it(stores):
    title = "<img src=x> [a](http://e.example) | `b` <!channel> @here " + "x" * 400
    key = put(stores, title=title, owner="dana|lee")
    text = to_markdown(made(stores), WEB)
    (line,) = [one for one in text.splitlines() if key[-6:] in one]
    address = f"{WEB}/app/incident_management/workbench?incident={key}"
    assert line.startswith(rf"- [{key}](<{address}>) \<img src=x\> \[a\](http\://e.example) \|")
    assert line.endswith(r"… · high · in progress · dana\|lee") and len(line) < 450
    assert rf"- {key} " in to_markdown(made(stores), "")

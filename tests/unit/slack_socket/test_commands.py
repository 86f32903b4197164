"""The slash command: what it shows, what it does, as whom, and that it is done once."""

from __future__ import annotations

import json

import pytest

from incident_management.incidents import timeline
from incident_management.incidents.act import Act
from incident_management.incidents.routing import Routing
from incident_management.slack_socket.commands import lookup
from incident_management.slack_socket.commands.parsing import Typed, read

from .desk import MEMBERS
from .payloads import ELSEWHERE, HOME, INCIDENT, pressed, submit, typed

LINK = f"<https://splunk.example/app/incident_management/workbench?incident={INCIDENT}|{INCIDENT}>"
SHORT = "aaa"


@pytest.fixture
def desk(desk):
    desk.web_url = "https://splunk.example"
    desk.actor = desk.another()
    return desk


def ask(desk, text, **more):
    """Type a command; returns the answer that one person sees."""
    before = len(desk.slack.answers)
    desk.actor.act(typed(text, trigger=f"t{before}-{text[:20]}", **more))
    assert len(desk.slack.answers) == before + 1, desk.slack.whispers
    url, body = desk.slack.answers[-1]
    assert url == "https://hooks.slack.example/commands/secret"
    assert (body["response_type"], body["replace_original"]) == ("ephemeral", False)
    return body


def opened(desk, number, severity="medium", **data):
    key = f"INC-20260102-{number:06d}"
    given = {"title": f"Problem {number}", "severity": severity, **data}
    timeline.append(Act(desk.stores_value, desk.clock, "tester"), key, "opened", given)
    timeline.refresh(desk.stores_value, key)
    return key


@pytest.mark.parametrize("text", ["", "  ", "help", "HELP me"])
def test_help_names_each_command_as_the_slack_app_calls_it(desk, text):
    said = ask(desk, text)
    for one in ("list", "open [title]", "ack INC-…", "note INC-… text", "oncall [team]"):
        assert f"`/incident {one}`" in said["text"]


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("ack INC-20260101-AAAAAA", Typed("incident_acknowledge", INCIDENT)),
        ("Ack `inc-20260101-aaaaaa`,", Typed("incident_acknowledge", INCIDENT)),
        ("“Ack:”\t“INC‑20260101–AAAAAA”.", Typed("incident_acknowledge", INCIDENT)),
        ("ack\u00a0[#aaa]", Typed("incident_acknowledge", "AAA")),
        ("20260101-AAA", Typed("command_show", "20260101-AAA")),
        ("inc-o1l", Typed("command_show", "O1L")),
        (f"note {SHORT}  Two  spaces\nlines ", Typed("command_note", "AAA", "Two  spaces\nlines")),
        ("oncall Web shop", Typed("command_on_call", "", "Web shop")),
        ("open", Typed("command_open")),
        (f"resolve {INCIDENT}", Typed("incident_resolve", INCIDENT)),
    ],
)  # fmt: skip
def test_what_is_typed_is_read_as_people_type_it(text, meant):
    assert read(text) == meant


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("reboot everything", "There is no command 'reboot'."),
        ("ack", "Name an incident (INC-…): this is not an incident channel."),
        ("note", "Name an incident: enter note and an id"),
        ("aaa ack", "Enter the command first, then the incident's id."),
        ("???", "There is no command '???'."),
        ("ack payments", "'payments' is not an incident id: enter ack and an id"),
        ("ack A", "'A' is not an incident id"),
        (f"note {INCIDENT}", f"After {INCIDENT}, enter the text of the note."),
        (f"{INCIDENT} ack", "Enter the command first, then the incident's id."),
        ("INC-20260101-BBBBBB", "INC-20260101-BBBBBB"),
        ("foo", "matches FOO. Enter the whole id (INC-…), or help for the commands."),
        ("BBB", "No incident that is open or changed within a week matches BBB"),
    ],
)
def test_what_can_not_be_understood_is_one_clear_sentence_and_does_nothing(desk, text, says):
    assert says in ask(desk, text)["text"]
    assert desk.story() == [] and desk.slack.forms == []


def test_the_list_has_the_gravest_first_with_links_and_how_many_more(desk):
    for number in range(11):
        opened(desk, number)
    opened(desk, 99, "critical", title="<!channel> pay & *go* password=hunter2")
    said = ask(desk, "list")
    assert len(said["blocks"]) == 11
    lines = [one["text"]["text"] for one in said["blocks"]]
    assert "INC-20260102-000099>" in lines[0] and "critical · new · nobody" in lines[0]
    assert "&lt;!channel&gt; pay &amp; *go*" in lines[0] and "hunter2" not in json.dumps(said)
    assert LINK in lines[1] and lines[-1] == "3 more are open."


def test_with_nothing_open_the_list_says_so(desk):
    desk.write("status", **{"from": "new", "to": "resolved"})
    assert ask(desk, "list")["text"] == "No incident is open."


def test_one_incident_is_shown_as_it_stands_with_its_buttons_which_work(desk):
    said = ask(desk, SHORT)
    laid = [e["action_id"] for b in said["blocks"] for e in b.get("elements", []) if "value" in e]
    assert laid == ["incident_acknowledge", "incident_take", "incident_resolve"]
    # Slack tells the app no message that only one person sees ("block_actions payload").
    press = pressed("incident_acknowledge")
    del press["message"]
    desk.actor.act(press)
    assert desk.incident["status"] == "in_progress"
    shown = desk.slack.answers[-1][1]
    assert shown["replace_original"] is True
    assert "Acknowledged by mia" in json.dumps(shown["blocks"])
    left = [e["action_id"] for b in shown["blocks"] for e in b.get("elements", []) if "value" in e]
    assert left == ["incident_take", "incident_resolve"]
    # Its form, too, has it brought up to date.
    again = pressed("incident_resolve", when="2.2")
    del again["message"]
    desk.actor.act(again)
    ((_trigger, view),) = desk.slack.forms
    desk.actor.act(submit(view, resolution="Rolled back"))
    assert desk.incident["resolution"] == "Rolled back"
    assert "Resolved by mia" in json.dumps(desk.slack.answers[-1][1]["blocks"])


def test_acknowledge_and_note_are_done_as_mia_and_once_however_often_slack_delivers(desk):
    hostile = 'note aaa | delete index=* ]] "&lt;!channel&gt;" <!here> password=hunter2 &amp; b'
    for text in ("ack AAA", hostile):
        payload = typed(text, trigger=text[:8])
        desk.actor.act(payload)
        desk.actor.act(payload)
        desk.another().act(payload)
    assert desk.story() == [("assigned", "mia"), ("status", "mia"), ("note", "mia")]
    assert desk.notes() == ['| delete index=* ]] "<!channel>" @here password=hunter2 & b']
    said = [body["text"] for _url, body in desk.slack.answers]
    assert said[0] == f"{LINK} *Errors*: Acknowledged by mia."
    assert f"{LINK} *Errors*: Note written by mia." in said


def test_a_task_is_added_once_and_a_text_is_needed(desk):
    payload = typed("task aaa Call &lt;!here&gt; the vendor", trigger="t1")
    desk.actor.act(payload)
    desk.another().act(payload)
    (one,) = desk.incident["tasks"]
    assert (one["title"], one["by"]) == ("Call <!here> the vendor", "mia")
    assert desk.slack.answers[0][1]["text"] == f"{LINK} *Errors*: Task added by mia."
    assert "After AAA, enter the title of the task." in ask(desk, "task aaa")["text"]


@pytest.mark.parametrize("text", ["x &lt; y and z &gt; w", "x < y and z > w"])
def test_angle_brackets_of_a_note_are_kept_whether_slack_escapes_them_or_not(desk, text):
    ask(desk, f"note aaa {text} <https://x.example/|graph>")
    assert desk.notes() == ["x < y and z > w graph (https://x.example/)"]


def test_what_is_typed_after_an_acknowledgement_is_said_not_to_be_noted(desk):
    said = ask(desk, "ack aaa I look into it")["text"]
    assert "Acknowledged by mia. The text after the id was not saved" in said


def test_all_of_a_long_note_is_given_back_where_it_was_not_written(desk):
    note = "<é" * 3500
    desk.users["mia"] = ("mia", frozenset({"incident_read"}))
    said = ask(desk, f"note aaa {note}")["text"]
    assert said.endswith("&lt;é" * 3500)


def test_in_its_own_channel_an_incident_need_not_be_named(desk):
    desk.write("room", event="wanted", number=1)
    desk.write("room", event="opened", channel="C1", name="inc", number=1)
    assert [e for b in ask(desk, "show")["blocks"] for e in b.get("elements", []) if "value" in e]
    assert "Acknowledged by mia" in ask(desk, "ack")["text"]
    assert desk.story() == [("assigned", "mia"), ("status", "mia")]
    desk.actor.act(typed("update", trigger="u"))
    desk.actor.act(typed("resolve", trigger="r"))
    assert len(desk.slack.forms) == 2
    elsewhere = {**typed("ack", trigger="e"), "channel_id": "C2"}
    desk.actor.act(elsewhere)
    assert "not an incident channel" in desk.said()[-1]


def test_no_form_opens_to_resolve_what_is_not_there_or_over(desk):
    for text in ("ack", "note", "resolve", "update"):
        said = ask(desk, f"{text} INC-20260101-ZZZZZZ hello")["text"]
        assert said.startswith("There is no incident INC-20260101-ZZZZZZ"), said
    desk.write("status", **{"from": "new", "to": "resolved"})
    assert ask(desk, "resolve aaa")["text"] == f"{INCIDENT} is already resolved."
    assert desk.slack.forms == []


def test_who_acknowledges_too_late_is_informed_who_has_it(desk):
    desk.actor.act(typed("ack aaa"))
    said = ask(desk, "ack aaa")
    assert said["text"] == f"{INCIDENT} is already acknowledged by mia."


@pytest.mark.parametrize(
    "text", ["list", "AAA", "oncall", "handover", "open", "ack AAA", "update aaa"]
)
def test_who_is_nobody_in_splunk_or_has_no_rights_hears_one_sentence(desk, text):
    said = ask(desk, text, user="U0NOBODY")
    assert said["text"].startswith("Your Slack account is not linked to a Splunk user")
    said = ask(desk, text, user="U0MIA", workspace=ELSEWHERE)
    assert f"slack_id = {ELSEWHERE}/U0MIA" in said["text"]
    desk.users["mia"] = ("mia", frozenset())
    said = ask(desk, text)
    assert "needs the capability incident_" in said["text"] and "mia lacks" in said["text"]
    assert "Errors" not in json.dumps(said)
    assert desk.story() == [] and desk.slack.forms == []


@pytest.mark.parametrize("text", ["ack AAA", "note AAA hello", "open it", "resolve AAA"])
def test_who_may_read_alone_changes_nothing(desk, text):
    said = ask(desk, text, user="U0EVE", workspace=ELSEWHERE)
    assert "needs the capability incident_write, which eve lacks" in said["text"]
    assert desk.story() == [] and desk.slack.forms == []


def test_a_part_of_an_id_that_fits_several_names_them_and_one_with_the_day_is_enough(desk):
    other = "INC-20260103-AAAB00"
    timeline.append(Act(desk.stores_value, desk.clock, "tester"), other, "opened", {"title": "x"})
    timeline.refresh(desk.stores_value, other)
    assert ask(desk, "ack aaa")["text"] == f"AAA matches {other}, {INCIDENT}. Enter more of the id."
    assert desk.story() == []
    assert "Acknowledged by mia" in ask(desk, "ack 20260101-aaa")["text"]
    # As people read a zero.
    assert "Acknowledged by mia" in ask(desk, "ack aaabOo")["text"]


def test_what_ended_lately_is_found_by_a_part_of_its_id_and_what_ended_long_ago_by_all(desk):
    desk.write("status", **{"from": "new", "to": "resolved"})
    assert "Note written" in ask(desk, "note aaa One more thing")["text"]
    desk.clock.advance(8 * 86400)
    assert "No incident that is open" in ask(desk, "note aaa One more thing")["text"]
    assert "Note written" in ask(desk, f"note {INCIDENT} One more thing")["text"]


def test_among_too_many_a_part_of_an_id_is_not_guessed(desk, monkeypatch):
    monkeypatch.setattr(lookup, "LOOKED_AT", 1)
    said = ask(desk, "ack aaa")
    assert said["text"] == "Too many incidents are open to search for AAA. Enter the whole id."


def test_who_is_on_call_by_team_or_rota_and_until_when(desk):
    stanzas = {
        **MEMBERS,
        "rota:shop": {"members": "mia, eve", "start": "2026-01-01", "handover": "daily 09:00"},
        "team:web": {"rota": "shop", "members": "mia, eve"},
        "team:ops": {},
    }
    desk.routing_value = Routing.from_stanzas(stanzas)
    for text in ("oncall", "oncall WEB", "on-call shop"):
        said = ask(desk, text)["text"]
        assert said.startswith("shop: *") and ", until <!date^" in said and ", then " in said
    assert ask(desk, "oncall ops")["text"] == "Team ops has no on-call rotation."
    said = ask(desk, "oncall <!here>")["text"]
    assert said.startswith("No team or rotation named '@here' is on call. Available: shop, web.")
    desk.routing_value = Routing.from_stanzas(MEMBERS)
    assert ask(desk, "oncall")["text"] == "There is no on-call rotation."


def test_the_handover_report_of_ones_team_or_of_another_is_shown_in_short(desk):
    stanzas = {**MEMBERS, "team:Web shop": {"members": "mia"}, "team:ops": {"members": "eve"}}
    desk.routing_value = Routing.from_stanzas(stanzas)
    hostile = "<!channel> & " * 20
    for number in range(6):
        incident = desk.call("POST", "/incidents", {"title": hostile, "severity": "low"})[1]["id"]
        body = {"team": "Web shop", "owner": "mia"}
        assert desk.call("POST", f"/incidents/{incident}/assign", body)[0] == 200, number
    for text in ("handover", "handover web SHOP"):
        said = ask(desk, text)["text"]
        assert "|Handover of Web shop>*: 6 open; 6 opened, 0 solved since <!date^" in said
        assert "*Open* (6)" in said and said.count("&lt;!channel&gt;") >= 4
        assert "<!channel>" not in said and "New, opened <!date^" in said
    assert "|Handover of ops>*: 0 open; 0 opened" in ask(desk, "handover ops")["text"]
    said = ask(desk, "handover <!here>")["text"]
    assert said.startswith("There is no team '@here'")


def test_a_command_of_a_process_that_was_killed_is_done_by_the_next_and_what_shows_is_not(desk):
    payload = typed("note aaa Seen by two", trigger="t9")
    for one in (typed("list"), typed("aaa"), typed("open x"), typed("help"), typed("update aaa")):
        desk.keeper.keep(one)
    assert desk.kept_presses() == []
    desk.keeper.keep(payload)
    assert "secret" not in json.dumps(desk.kept_presses())
    following = desk.another()
    assert following.resume() is True and desk.kept_presses() == []
    assert desk.notes() == ["Seen by two"]
    assert desk.slack.whispers == [("C1", "U0MIA", "", f"{LINK} *Errors*: Note written by mia.")]
    following.act(payload)
    assert desk.notes() == ["Seen by two"]


@pytest.mark.parametrize("after", range(2, 14))
def test_killed_at_any_write_a_note_is_written_once(desk, after):
    payload = typed("note aaa Seen", trigger="t9")
    desk.keeper.keep(payload)
    desk.stores_value.fail_after(after)
    desk.actor.act(payload)
    desk.stores_value.heal()
    desk.clock.advance(121)
    assert desk.another().resume() is True
    assert desk.notes() == ["Seen"]


def test_a_press_that_the_version_before_kept_is_done_after_the_upgrade(desk):
    form = "incident_resolve_form"
    value = {"action": form, "target": INCIDENT, "user": "U0MIA", "workspace": "", "key": "k1",
             "plan_hash": "", "typed": "Rolled back", "channel": "C1", "thread": ""}  # fmt: skip
    desk.stores_value.claims.insert(
        {"_key": "slack press:k1", "time": desk.clock.now(), "purpose": "slack press",
         "holder": "old", "value": value}
    )  # fmt: skip
    assert desk.another().resume() is True
    assert desk.incident["resolution"] == "Rolled back"


def test_a_kept_acknowledgement_with_words_after_it_is_done_whatever_becomes_of_its_empty_body(
    desk,
):
    desk.keeper.keep(typed("ack aaa please"))
    (kept,) = desk.kept_presses()
    del kept["value"]["body"]
    desk.stores_value.claims.save([kept])
    assert desk.another().resume() is True
    assert desk.story() == [("assigned", "mia"), ("status", "mia")]


def test_a_slack_that_takes_no_answer_is_reported_by_the_bot(desk):
    desk.slack.expired = True
    desk.actor.act(typed("ack aaa"))
    assert desk.slack.whispers == [("C1", "U0MIA", "", f"{LINK} *Errors*: Acknowledged by mia.")]


@pytest.mark.parametrize("lacking", ["user_id", "team_id", "trigger_id"])
def test_a_command_that_lacks_something_does_nothing(desk, lacking, caplog):
    desk.actor.act({**typed("ack aaa"), lacking: ""})
    assert desk.story() == [] and desk.said() == []
    assert "can't be read" in caplog.text and "secret" not in caplog.text


def test_the_same_words_typed_again_are_another_command(desk):
    desk.actor.act(typed("note aaa Again", trigger="1", workspace=HOME))
    desk.actor.act(typed("note aaa Again", trigger="2", workspace=HOME))
    assert desk.notes() == ["Again", "Again"]


def test_an_id_that_looks_like_the_name_of_a_password_hides_nothing(desk):
    timeline.append(
        Act(desk.stores_value, desk.clock, "tester"), "INC-20260102-PWDAAF", "opened", {}
    )
    timeline.refresh(desk.stores_value, "INC-20260102-PWDAAF")
    said = ask(desk, "ack pwd")["text"]
    assert said.endswith("|INC-20260102-PWDAAF>: Acknowledged by mia.")

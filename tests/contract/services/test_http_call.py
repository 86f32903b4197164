"""Channels that are an HTTP call: ready-made ones at their services, and any other."""

from __future__ import annotations

import json
import time
from dataclasses import replace
from typing import Any, Dict

import pytest

from incident_management.incidents.routing.http_channels import HttpChannel
from incident_management.notify.channel import Notification
from incident_management.notify.message import SUMMARY, Message
from incident_management.notify.services.http_call import HttpSender
from incident_management.notify.services.http_presets import PRESETS
from incident_management.notify.services.http_trial import refused
from incident_management.outside.network import NotConfigured
from incident_management.outside.transport import Network

from .http_desks import DESKS, Desk
from .messages import ALL, CLOCK, message, notification, update

KEY = "s3cret-key"
MARK = {"delivery": "{delivery}", "text": "{headline}: {title}"}


def sender(receiver: Any, secret: str = KEY, **settings: Any) -> HttpSender:
    values = {"url": f"{receiver.url}/api", "body": MARK, "secret": "******", **settings}
    texts = {
        name: value if isinstance(value, str) else json.dumps(value)
        for name, value in values.items()
    }
    channel = HttpChannel.read("desk", texts)
    return HttpSender(channel, {"secret": secret, "secret2": "2nd"}, Network(), CLOCK)


def told(given: Message, thread: Any = None, **more: Any) -> Notification:
    return replace(notification(given), thread=thread, **more)


def ready_made(receiver: Any, name: str) -> tuple[HttpSender, Desk]:
    desk = DESKS[name]()
    receiver.respond = desk.respond
    start: Dict[str, str] = dict(PRESETS[name])
    secret = {"opsgenie": KEY, "servicenow_events": f"splunk:{KEY}"}.get(
        name, receiver.url + desk.path
    )
    start.setdefault("url", receiver.url + desk.path)
    for one in ("url", "calls"):
        start[one] = start.get(one, "").replace("https://api.opsgenie.com", receiver.url)
    return sender(receiver, secret, **start), desk


# --- what services take -----------------------------------------------------------------------


@pytest.mark.parametrize("name", PRESETS)
def test_a_service_takes_every_message_of_its_ready_made_channel(receiver: Any, name: str) -> None:
    speaker, desk = ready_made(receiver, name)
    for given in ALL.values():
        for thread in (None, {"ticket": given.incident_id}):
            delivery = speaker.send(told(given, thread))
            assert delivery.outcome == "sent", (given.event, delivery.detail)
    assert len(desk.taken) == 2 * len(ALL)
    assert "hunter2hunter2" not in json.dumps(desk.taken)


@pytest.mark.parametrize("name", PRESETS)
def test_a_test_is_opened_and_ended_and_a_refusal_tells_no_secret(receiver: Any, name: str) -> None:
    speaker, desk = ready_made(receiver, name)
    if name != "opsgenie":  # Its paths have the incident's id, which is another one here.
        assert refused(speaker, "desk", CLOCK) == ""
        assert len(desk.taken) == 2
    receiver.respond = lambda request: (403, {}, {"said": f"No {KEY} {request.path}"})
    said = refused(speaker, "desk", CLOCK)
    assert (
        "the message 'opened' was not accepted: 127.0.0.1 rejected the request with 403: " in said
    )
    assert KEY not in said and "******" in said


def test_on_call_learns_how_bad_it_is_who_took_it_and_that_it_is_over(receiver: Any) -> None:
    speaker, desk = ready_made(receiver, "on_call")
    first = message()
    for event, status in (("opened", "new"), ("acknowledged", "in_progress"), ("note", "resolved")):
        speaker.send(told(replace(first, event=event, status=status)))
    speaker.send(told(replace(first, severity="low", status="resolved", event="reopened")))
    speaker.send(told(first, is_over=True))
    kinds = [body["message_type"] for _, body in desk.taken]
    assert kinds == ["CRITICAL", "ACKNOWLEDGEMENT", "RECOVERY", "INFO", "RECOVERY"]
    assert {body["entity_id"] for _, body in desk.taken} == {"INC-20260202-0A1B2C"}
    assert desk.taken[0][1]["state_start_time"] == 1_769_999_700


def test_opsgenie_has_one_alert_which_is_closed_and_begun_anew(receiver: Any) -> None:
    speaker, desk = ready_made(receiver, "opsgenie")
    thread = None
    for event in ("opened", "analysis", "acknowledged", "resolved", "reopened"):
        receipt = speaker.send(told(replace(message(), event=event), thread)).receipt
        thread = dict(receipt)
    ends = [end.rpartition("/")[2].partition("?")[0] for end, _ in desk.taken]
    assert ends == ["", "notes", "acknowledge", "close", ""]
    assert desk.taken[0][1]["priority"] == "P2"


# --- texts stay where they are put --------------------------------------------------------------


def test_no_text_leaves_its_string_or_calls_anybody(receiver: Any) -> None:
    body = {"a": {"text": '{title}","b":"{text}'}, "n": "{events}", "word": "{severity}"}
    speaker = sender(receiver, body=body, words={"severity": {"high": 2, "*": True}})
    text = 'x","admin":true,"y":"\\ @channel <!here> [a](http://e.example) a@b.example'
    speaker.send(told(replace(message(), title=text, text="")))
    speaker.send(told(replace(message(), severity="odd", events=0)))
    first, second = (request.json for request in receiver.requests)
    assert set(first) == {"a", "n", "word"} and set(first["a"]) == {"text"}
    assert first["a"]["text"].startswith('x","admin":true,"y":"\\ @\u200bchannel <\u200b!here> ')
    assert "[a]\u200b(http" in first["a"]["text"] and "a@b.example" in first["a"]["text"]
    assert (first["n"], first["word"]) == (1234, 2)
    assert "n" not in second and second["word"] is True


@pytest.mark.parametrize(
    "text",
    ["_@channel_", "x@everyone", "告警@here", "@**all**", "@@all", "<!here>", "![x](http://e)"],
)
def test_no_chat_reads_a_mention_or_a_hidden_link_in_a_text(receiver: Any, text: str) -> None:
    # Mattermost takes _@channel_ for emphasis and a mention, Zulip writes @**all**.
    sender(receiver, body={"text": "{title}"}).send(told(replace(message(), title=text)))
    shown = receiver.requests[0].json["text"]
    assert shown.replace("\u200b", "") == text
    assert not any(f"{sign}{after}" in shown for sign in "@<" for after in "aceh*!")
    assert "](" not in shown


def test_the_services_own_words_stay_what_they_are(receiver: Any) -> None:
    words = {"team": {"payments": 7, "*": "@here"}}
    speaker = sender(receiver, body={"team": "{team}"}, words=words)
    for team in ("payments", "other"):
        speaker.send(told(replace(message(), team=team)))
    assert [request.json["team"] for request in receiver.requests] == [7, "@here"]


def test_software_gets_the_text_as_it_is(receiver: Any) -> None:
    sender(receiver, read_by="software").send(told(replace(message(), title="@a <b>")))
    assert receiver.requests[0].json["text"] == "Incident opened: @a <b>"


def test_lines_and_members_that_would_be_empty_are_left_out(receiver: Any) -> None:
    body = {"text": "{headline}\nCause: {cause}\n{{x}}\nOwner: {owner:2}", "l": ["{quote}", "a"]}
    sender(receiver, body=body).send(told(message()))
    assert receiver.requests[0].json == {"text": "Incident opened\n{x}\nOwner: m…", "l": ["a"]}


def test_what_stakeholders_get_holds_nothing_that_was_found(receiver: Any) -> None:
    fields = ("title", "text", "owner", "team", "rule", "cause", "quote", "link", "events")
    body = {"entity": "{entity}", **{name: f"{{{name}}}" for name in fields}}
    sender(receiver, body=body).send(told(update()))
    assert receiver.requests[0].json == {
        "entity": "checkout, Card payments",
        "title": "Problem with checkout",
        "text": "Card payments fail for some.",
    }


def test_values_in_an_address_are_escaped(receiver: Any) -> None:
    speaker = sender(receiver, url=f"{receiver.url}/x/{{team}}/y?k={{secret}}", secret="a/b?c&d#e")
    assert speaker.send(told(replace(message(), team="../a b?x=1"))).outcome == "sent"
    assert receiver.requests[0].path == "/x/..%2Fa%20b%3Fx%3D1/y?k=a%2Fb%3Fc%26d%23e"
    for team, said in (("", "is empty"), ("..", "is '..'")):
        delivery = speaker.send(told(replace(message(), team=team)))
        assert (delivery.outcome, len(receiver.requests)) == ("dead", 1)
        assert delivery.detail == f"Its address needs {{team}}, which {said} here."


# --- a ticket of its own --------------------------------------------------------------------------

TICKETS: Dict[str, Any] = {
    "id_field": "data.0.id",
    "read_by": "software",
    "calls": {
        "changed": {"url": "{U}/{id}/notes", "body": {"note": "{text}"}},
        "resolved": {"url": "{U}/{id}", "method": "PATCH", "body": {"state": "closed"}},
    },
}


def tickets(receiver: Any) -> HttpSender:
    text = json.dumps(TICKETS["calls"]).replace("{U}", f"{receiver.url}/api")
    return sender(receiver, **{**TICKETS, "calls": text})


def test_the_id_of_the_first_answer_goes_into_later_calls(receiver: Any) -> None:
    receiver.answers = [(201, {}, {"data": [{"id": "T/1"}]}), (200, {}, {}), (200, {}, b"")]
    speaker = tickets(receiver)
    first = speaker.send(told(message()))
    assert first.receipt == {"status": 201, "ticket": message().incident_id, "number": "T/1"}
    for event in ("note", "resolved"):
        delivery = speaker.send(told(replace(message(), event=event, text="x"), first.receipt))
        assert delivery.receipt["number"] == "T/1"
    asked = [(request.method, request.path) for request in receiver.requests]
    assert asked == [("POST", "/api"), ("POST", "/api/T%2F1/notes"), ("PATCH", "/api/T%2F1")]


@pytest.mark.parametrize(
    "answer", [b"ok", {}, [1], *({"data": some} for some in ([], [{"id": None}], [{"id": "a\nb"}]))]
)
def test_an_answer_without_the_id_is_reported(receiver: Any, answer: Any) -> None:
    receiver.answers = [(200, {}, answer)]
    receipt = tickets(receiver).send(told(message())).receipt
    assert receipt["note"] == (
        "The message was accepted, but its answer has no data.0.id for later messages."
    )
    assert "number" not in receipt


def test_a_new_life_that_is_a_ticket_of_its_own_is_the_one_that_is_ended(receiver: Any) -> None:
    receiver.answers = [(201, {}, {"data": [{"id": one}]}) for one in ("T1", "T2")] + [
        (200, {}, {})
    ]
    text = json.dumps({"resolved": TICKETS["calls"]["resolved"]})
    speaker = sender(receiver, **{**TICKETS, "calls": text.replace("{U}", f"{receiver.url}/api")})
    thread = None
    for event in ("opened", "reopened", "resolved"):
        thread = dict(speaker.send(told(replace(message(), event=event), thread)).receipt)
    assert [request.path for request in receiver.requests] == ["/api", "/api", "/api/T2"]


def test_what_was_announced_before_there_was_an_id_has_none(receiver: Any) -> None:
    thread = {"status": 200, "ticket": message().incident_id}
    delivery = tickets(receiver).send(told(replace(message(), event="resolved"), thread))
    assert receiver.requests == [] and "gave no id" in delivery.receipt["note"]


def test_the_end_of_an_unknown_incident_is_not_sent(receiver: Any) -> None:
    delivery = tickets(receiver).send(told(replace(message(), event="resolved")))
    assert delivery.outcome == "sent" and receiver.requests == []
    assert "there was nothing to end" in delivery.receipt["note"]


def test_a_summary_of_a_storm_and_an_alert_without_an_incident(receiver: Any) -> None:
    body = {"key": "{dedup}", "text": "{title}"}
    speaker = sender(receiver, body=body)
    for event in (SUMMARY, "alert"):
        given = Message(event=event, headline="x", title="40 more incidents")
        assert speaker.send(told(given, incident_id="")).receipt == {"status": 200}
    assert receiver.requests[0].json["key"] == notification(message()).id


# --- HTTP ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("answer", "marked", "plain"),
    [
        ((200, {}, {}), "sent", "sent"),
        ((204, {}, b""), "sent", "sent"),
        ((408, {}, b""), "retry", "retry"),
        ((429, {"Retry-After": "9"}, b""), "retry", "retry"),
        ((500, {}, b""), "retry", "retry"),
        ((503, {}, b""), "retry", "retry"),
        ((502, {}, b""), "retry", "unknown"),
        ((504, {}, b""), "retry", "unknown"),
        ((400, {}, {"error": "no such field"}), "dead", "dead"),
        ((302, {"Location": "https://evil.example/"}, b""), "dead", "dead"),
        ("drop", "unknown", "unknown"),
    ],
)
def test_what_an_answer_means(receiver: Any, answer: Any, marked: str, plain: str) -> None:
    receiver.answers = [answer, answer]
    first = sender(receiver).send(told(message()))
    second = sender(receiver, body={"text": "{title}"}).send(told(message()))
    assert (first.outcome, second.outcome) == (marked, plain)
    assert first.retry_after == (9.0 if answer[0] == 429 else None)


@pytest.mark.parametrize(
    ("body", "read_by", "answer"),
    [
        ({"text": "{title}"}, "software", "impossible"),
        ({"key": "{dedup}"}, "software", "marked"),
        # In a chat an incident's key makes a thread, in which each message shows.
        ({"key": "{dedup}"}, "people", "impossible"),
        ({"key": "{delivery}"}, "people", "marked"),
    ],
)
def test_a_lost_answer_is_repeated_where_the_service_can_know_it(
    receiver: Any, body: Any, read_by: str, answer: str
) -> None:
    speaker = sender(receiver, body=body, read_by=read_by)
    assert speaker.ask(told(message())).answer == answer


def test_a_conflict_says_of_a_repeat_that_the_service_has_it(receiver: Any) -> None:
    receiver.respond = lambda request: (409, {}, {"error": "There is one of this key."})
    marked, plain = sender(receiver), sender(receiver, body={"text": "{title}"})
    assert marked.send(told(message())).outcome == "dead"
    assert plain.send(told(message(), is_repeat=True)).outcome == "dead"
    assert marked.send(told(message(), is_repeat=True)).outcome == "sent"


def test_a_refusal_is_announced_without_secrets(receiver: Any) -> None:
    secret = "a/b c"
    receiver.answers = [(401, {}, {"error": f"key {secret} and a%2Fb%20c and 2nd are unknown"})]
    speaker = sender(receiver, secret, headers={"X-Key": "{secret}{secret2}"}, secret2="******")
    delivery = speaker.send(told(message()))
    assert receiver.requests[0].headers["x-key"] == "a/b c2nd"
    assert "key ****** and ****** and ****** are unknown" in delivery.detail


def test_a_refusal_that_repeats_a_secret_as_json_or_is_long_tells_none_of_it(receiver: Any) -> None:
    secret = 'k"ey/with\\x/longerpart'
    answer = json.dumps({"error": f"no {secret}"}) + json.dumps(secret).replace("/", "\\/")
    receiver.answers = [(401, {}, answer.encode()), (400, {}, b"a b=c token " * 300_000)]
    speaker = sender(receiver, secret, headers={"X-Key": "{secret}"})
    said = speaker.send(told(message())).detail
    assert "ey" not in said.replace("key", "") and "longerpart" not in said
    begun = time.process_time()
    assert len(speaker.send(told(message())).detail) < 300
    # Looking through all of it for secrets of others took ten seconds.
    assert time.process_time() - begun < 3


def test_a_header_that_a_team_can_not_stand_in_is_reported(receiver: Any) -> None:
    speaker = sender(receiver, headers={"X-Team": "{team}"})
    delivery = speaker.send(told(replace(message(), team="Zürich")))
    assert (delivery.outcome, receiver.requests) == ("dead", [])
    assert "The header X-Team would be 'Zürich'" in delivery.detail


def test_blanks_around_a_header_or_a_copied_secret_are_left_out(receiver: Any) -> None:
    headers = {"X-Team": "{team} on {status}", "X-Key": "{secret}"}
    speaker = sender(receiver, f" {KEY} ", headers=headers)
    assert speaker.send(told(replace(message(), team="", status="new"))).outcome == "sent"
    asked = receiver.requests[0].headers
    assert (asked["x-team"], asked["x-key"]) == ("on new", KEY)


def test_a_try_is_as_whole_as_an_incident(receiver: Any) -> None:
    names = ("incident", "title", "headline", "severity", "status", "event", "team", "owner")
    more = ("text", "entity", "rule", "since", "time", "dedup", "delivery")
    body = {name: f"{{{name}}}" for name in (*names, *more)}
    words = {"severity": {"critical": "P1", "info": "P5"}}
    assert refused(sender(receiver, body=body, words=words), "desk", CLOCK) == ""
    assert all(set(request.json) == set(body) for request in receiver.requests)


def test_where_nothing_is_sent_nothing_is_asked(receiver: Any) -> None:
    assert tickets(receiver).ask(told(replace(message(), event="resolved"))).answer == "harmless"


@pytest.mark.parametrize("secret", ["", "hooks.example.com", "http://hooks.example.com/x", "a b"])
def test_a_secret_that_is_no_address_is_one_sentence_without_it(secret: str) -> None:
    channel = HttpChannel.read(
        "desk", {"url": "{secret}", "body": '{"a": "{title}"}', "secret": "******"}
    )
    with pytest.raises(NotConfigured) as error:
        HttpSender(channel, {"secret": secret}, Network(), CLOCK)
    assert "desk" in str(error.value) and (not secret or secret not in str(error.value))


def test_one_that_is_off_is_one_sentence(receiver: Any) -> None:
    with pytest.raises(NotConfigured, match="'desk' is off: switch it on"):
        sender(receiver, disabled="1")

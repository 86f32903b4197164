"""Asking Slack where to connect, and telling one person something: what its answers mean."""

from __future__ import annotations

from urllib.parse import parse_qs

import pytest

from incident_management.notify.services.slack import web_client
from incident_management.outside.transport import Network, NotSent
from incident_management.slack_socket.commands.forms import open_form
from incident_management.slack_socket.open_connection import (
    Refused,
    Unreachable,
    socket_address,
    workspace_of,
)
from incident_management.slack_socket.slack_client import WebSlack
from incident_management.splunk.configuration.settings import Slack

ADDRESS = {"ok": True, "url": "wss://wss-primary.slack.example/link/?ticket=1&app_id=2"}


def settings(receiver):
    return Slack(bot_token="xoxb-secret-token", app_token="xapp-secret-token", api_url=receiver.url)


def test_each_call_has_its_own_token_in_a_header_alone(receiver):
    receiver.answers = [(200, {}, ADDRESS), (200, {}, {"ok": True, "team_id": "T1"})]
    assert socket_address(settings(receiver), Network(), 0.0) == ADDRESS["url"]
    assert workspace_of(settings(receiver), Network(), 0.0) == "T1"
    opened, tested = receiver.requests
    assert (opened.method, opened.path) == ("POST", "/apps.connections.open")
    assert opened.headers["authorization"] == "Bearer xapp-secret-token"
    assert tested.path == "/auth.test"
    assert tested.headers["authorization"] == "Bearer xoxb-secret-token"
    assert all(b"secret" not in one.body and "secret" not in one.path for one in receiver.requests)


@pytest.mark.parametrize(
    ("answer", "kind", "says"),
    [
        ("invalid_auth", Refused, "app-level token (invalid_auth): it is not valid: set a new one"),
        ("not_allowed_token_type", Refused, "it is none of an app: make one under Basic Info"),
        ("missing_scope", Refused, "it lacks the scope connections:write"),
        ("forbidden_team", Refused, "ask an administrator of your Slack workspace"),
        ("internal_error", Unreachable, "Slack answered 200 internal_error"),
        ("something_new", Unreachable, "Slack answered 200 something_new"),
    ],
)
def test_what_an_error_means(receiver, answer, kind, says):
    receiver.answers = [(200, {}, {"ok": False, "error": answer})]
    with pytest.raises(kind) as caught:
        socket_address(settings(receiver), Network(), 0.0)
    assert says in str(caught.value) and "secret-token" not in str(caught.value)


@pytest.mark.parametrize(
    ("answer", "kind", "says", "after"),
    [
        (
            (429, {"Retry-After": "30"}, {"ok": False, "error": "ratelimited"}),
            Unreachable,
            "429",
            30,
        ),
        ((503, {}, b"upstream"), Unreachable, "503", None),
        ((200, {}, {"ok": True}), Unreachable, "no address", None),
        ((302, {"Location": "https://evil.example/"}, b""), Refused, "redirect", None),
        ("drop", Unreachable, "broke before it answered", None),
    ],
)
def test_what_an_answer_means(receiver, answer, kind, says, after):
    receiver.answers = [answer]
    with pytest.raises(kind, match=says) as caught:
        socket_address(settings(receiver), Network(), 0.0)
    assert getattr(caught.value, "after", None) == after
    assert len(receiver.requests) == 1


def test_one_person_is_notified_in_the_thread_where_the_button_is(receiver):
    web = WebSlack(web_client("xoxb-secret-token", receiver.url, Network()), Network())
    receiver.default = (200, {}, {"ok": True, "message_ts": "1.2"})
    web.whisper("C1", "U0MIA", "1.1", "Acknowledged already.")
    web.whisper("C1", "U0MIA", "", "Acknowledged already.")
    within, outside = receiver.requests
    assert within.path == "/chat.postEphemeral"
    assert within.headers["authorization"] == "Bearer xoxb-secret-token"
    told = {"channel": "C1", "user": "U0MIA", "text": "Acknowledged already."}
    assert (within.json, outside.json) == ({**told, "thread_ts": "1.1"}, told)
    receiver.answers = [(200, {}, {"ok": False, "error": "user_not_in_channel"})]
    with pytest.raises(NotSent, match=r"to U0MIA \(user_not_in_channel\)"):
        web.whisper("C1", "U0MIA", "", "Acknowledged already.")


def test_where_a_message_is_and_what_slack_says_where_the_bot_is_not(receiver):
    web = WebSlack(web_client("xoxb-secret-token", receiver.url, Network()), Network())
    link = "https://ghost.slack.example/archives/C1/p135854651500008"
    receiver.answers = [(200, {}, {"ok": True, "channel": "C1", "permalink": link})]
    assert web.permalink("C1", "1358546515.000008") == link
    (asked,) = receiver.requests
    path, _, query = asked.path.partition("?")
    assert path == "/chat.getPermalink"
    assert parse_qs(query or asked.body.decode()) == {
        "channel": ["C1"],
        "message_ts": ["1358546515.000008"],
    }
    assert asked.headers["authorization"] == "Bearer xoxb-secret-token"
    receiver.answers = [(200, {}, {"ok": False, "error": "channel_not_found"})]
    with pytest.raises(NotSent, match=r"where a message is \(channel_not_found\)"):
        web.permalink("C1", "1.1")


def test_a_form_that_slack_does_not_open_says_why(receiver):
    web = WebSlack(web_client("xoxb-secret-token", receiver.url, Network()), Network())
    view = open_form("Cards fail", "{}")
    receiver.answers = [
        (200, {}, {"ok": True}),
        (200, {}, {"ok": False, "error": "expired_trigger_id"}),
    ]
    web.open_form("1.2.a", view)
    (asked,) = receiver.requests
    assert asked.path == "/views.open" and asked.json["trigger_id"] == "1.2.a"
    assert asked.json["view"] == view
    with pytest.raises(NotSent, match=r"expired_trigger_id: .* try again"):
        web.open_form("1.2.a", view)

"""Buttons in Slack, pressed over Socket Mode: the built app's input against a Slack on loopback."""

from __future__ import annotations

import json

import pytest

from .conftest import Office, wait_for
from .socket_slack import APP_TOKEN, STRANGER, SocketSlack, elements


@pytest.fixture
def buttons(fresh: Office) -> Office:
    """Slack with both tokens set; mia responds to incidents, and the app knows her there."""
    fresh.slack.stop()
    fresh.slack = SocketSlack()
    local = fresh.home / "etc/apps/incident_management/local"
    with (local / "inputs.conf").open("a") as file:
        file.write("[incident_slack_socket://slack]\ninterval = 1\n")
    (local / "incident_routing.conf").write_text("[member:mia]\nslack_id = U0MIA\n")
    fresh.standin.splunk.conf.reload()
    fresh.user("mia", "incident_responder")
    fresh.set(
        "slack",
        bot_token="xoxb-test-token",
        app_token=APP_TOKEN,
        channel="#incidents",
        api_url=fresh.slack.url,
    )
    fresh.start_worker()
    return fresh


def slack_of(office: Office) -> SocketSlack:
    assert isinstance(office.slack, SocketSlack)
    return office.slack


def log_of(office: Office) -> str:
    path = office.home / "var/log/splunk/incident_management_slack_socket.log"
    return path.read_text(encoding="utf-8") if path.exists() else ""


def socket_state(office: Office) -> str:
    return str(office.call("GET", "/system/info")["slack_socket"]["state"])


def kinds(office: Office, incident: str) -> list[tuple[str, str]]:
    return [(e["kind"], e["actor"]) for e in office.timeline(incident) if e["actor"] == "mia"]


def test_a_button_pressed_in_slack_is_done_once_and_the_connection_comes_back(buttons: Office):
    slack = slack_of(buttons)
    peer = slack.connection()
    incident = buttons.signal()
    wait_for(lambda: slack.messages)
    laid = elements(slack.messages[0]["blocks"])
    assert [e["text"]["text"] for e in laid] == ["Acknowledge", "Assign to me", "Resolve…"]

    # Nobody whom the app knows: nothing is done, and only that person is told why.
    slack.press(peer, "incident_acknowledge", user=STRANGER)
    (told,) = wait_for(lambda: slack.answers)
    assert told["response_type"] == "ephemeral" and "slack_id = U0STRANGER" in told["text"]

    # Acknowledged, by the user of Splunk who mia is; delivered twice, done and answered once.
    envelope = slack.press(peer, "incident_acknowledge")
    again = {**envelope, "retry_attempt": 1, "retry_reason": "timeout"}
    slack.deliver(peer, envelope["payload"], again=again)
    wait_for(lambda: len(slack.answers) == 2)
    shown = slack.answers[-1]
    assert shown["replace_original"] is True
    assert "Acknowledged by mia" in json.dumps(shown["blocks"])
    assert [e["text"]["text"] for e in elements(shown["blocks"])] == ["Assign to me", "Resolve…"]
    assert buttons.call("GET", f"/incidents/{incident}")["status"] == "in_progress"
    assert kinds(buttons, incident) == [("assigned", "mia"), ("status", "mia")]
    wait_for(lambda: socket_state(buttons) == "connected")

    # The connection breaks, another one is made, and the same press does nothing there.
    peer.drop()
    peer = slack.connection()
    slack.deliver(peer, envelope["payload"], again=again)

    # Slack renews the connection: the next is there before the old one goes.
    peer.send(json.dumps({"type": "disconnect", "reason": "refresh_requested"}))
    peer = slack.connection()
    slack.press(peer, "incident_resolve")
    wait_for(lambda: slack.views)
    slack.send_form(peer, "Rolled the release back <!channel>")
    wait_for(lambda: buttons.call("GET", f"/incidents/{incident}")["status"] == "resolved")
    assert kinds(buttons, incident) == [
        ("assigned", "mia"),
        ("status", "mia"),
        ("status", "mia"),
    ]
    resolution = buttons.call("GET", f"/incidents/{incident}")["resolution"]
    assert resolution.startswith("Rolled the release back")
    wait_for(lambda: len(slack.answers) == 3)

    # No secret in any log, and none of what is as good as one.
    assert slack.sockets.faults == []
    for path in (buttons.home / "var/log/splunk").glob("*"):
        text = path.read_text(encoding="utf-8", errors="replace")
        for secret in (APP_TOKEN, "xoxb-test-token", "/answers/", "ticket="):
            assert secret not in text, f"{secret} is in {path.name}"
    assert log_of(buttons).count('"message": "Connected to Slack."') == 3

    # splunkd stops the input: it says goodbye at once.
    local = buttons.home / "etc/apps/incident_management/local/inputs.conf"
    local.write_text(local.read_text() + "disabled = 1\n")
    buttons.standin.splunk.conf.reload()
    assert peer.over.wait(5) and peer.closed == 1000


def test_a_refused_token_is_one_message_and_is_not_tried_again_at_once(buttons: Office):
    slack = slack_of(buttons)
    peer = slack.connection()
    slack.refuses = "token_revoked"
    peer.drop()
    sentence = "Slack refuses the app-level token (token_revoked): it was revoked: set a new one"
    wait_for(lambda: sentence in buttons.bulletins())
    messages = json.loads(buttons.bulletins())["entry"]
    assert [one["name"] for one in messages] == ["incident_management_slack_socket"]
    asked = slack.opened
    wait_for(lambda: socket_state(buttons) == "refused")
    info = buttons.call("GET", "/system/info")["slack_socket"]
    assert info["detail"].startswith(sentence)
    assert log_of(buttons).count(sentence) == 1 and slack.opened == asked
    assert APP_TOKEN not in log_of(buttons) + buttons.bulletins()

"""Buttons in Slack, pressed over Socket Mode: the built app's input against a Slack on loopback."""

from __future__ import annotations

import json
import os
import signal

import pytest

from tests.fakes.websocket import Peer

from .conftest import Office, wait_for
from .shop import analysed
from .socket_slack import APP_TOKEN, ELSEWHERE, MIA, OMAR, STRANGER, SocketSlack, elements


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
    assert elements(slack.answers[2]["blocks"]) == []
    assert "Resolved by mia" in json.dumps(slack.answers[2]["blocks"])

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
    assert peer.over.wait(30) and peer.closed == 1000


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


def test_a_fix_is_decided_on_by_button_by_whom_may_and_as_it_was_shown(buttons: Office):
    slack = slack_of(buttons)
    buttons.set("remediation", deploy_api_url=buttons.deployer.url, deploy_api_token="deploy-token")
    local = buttons.home / "etc/apps/incident_management/local/incident_routing.conf"
    local.write_text(local.read_text() + "[member:omar]\nslack_id = U0OMAR\n")
    buttons.standin.splunk.conf.reload()
    buttons.user("omar", "incident_approver")
    peer = slack.connection()

    def proposed(incident: str):
        """The plan's id, and the message that asks for a decision."""
        plan = buttons.call("POST", f"/incidents/{incident}/plans")["plan_id"]
        return plan, wait_for(lambda: [m for m in slack.messages if plan in json.dumps(m)])[0]

    def plan_of(plan: str):
        found = buttons.call("GET", f"/plans/{plan}")
        return found["status"], found["approved_by"]

    incident = analysed(buttons)
    plan, message = proposed(incident)
    assert [e["text"]["text"] for e in elements(message["blocks"])] == ["Approve", "Reject"]

    # Who may not is told so, in the thread that the message is in.
    slack.press(peer, "plan_approve", message=message)
    (told,) = wait_for(lambda: slack.whispers)
    assert (told["user"], told["thread_ts"]) == ("U0MIA", message["thread_ts"])
    assert "needs the capability incident_approve, which mia lacks" in told["text"]

    # What was shown of it is what is approved, and nothing else.
    forged = json.loads(json.dumps(message).replace(f"{plan} ", f"{plan} {'0' * 32}"))
    for element in elements(forged["blocks"]):
        element["value"] = element["value"][: len(plan) + 1 + 64]
    slack.press(peer, "plan_approve", user=OMAR, message=forged)
    wait_for(lambda: len(slack.whispers) == 2)
    assert "is not the plan that you reviewed" in slack.whispers[1]["text"]
    assert plan_of(plan) == ("proposed", [])

    slack.press(peer, "plan_approve", user=OMAR, message=message)
    (shown,) = wait_for(lambda: slack.answers)
    assert shown["replace_original"] is True and elements(shown["blocks"]) == []
    assert "Approved by omar" in json.dumps(shown["blocks"])
    assert plan_of(plan) == ("approved", ["omar"]) and buttons.deployer.rollbacks == {}
    decided = [e for e in buttons.timeline(incident) if e["kind"] == "approval"]
    assert [(e["actor"], e["data"]["decision"]) for e in decided] == [("omar", "approved")]

    # The old message still has its buttons in somebody's window: the last word counts.
    slack.press(peer, "plan_reject", user=OMAR, message=message)
    wait_for(lambda: len(slack.answers) == 2)
    assert "Rejected by omar" in json.dumps(slack.answers[1]["blocks"])
    assert plan_of(plan)[0] == "rejected"
    slack.press(peer, "plan_approve", user=OMAR, message=message)
    wait_for(lambda: len(slack.whispers) == 3)
    assert "rejected" in slack.whispers[2]["text"] and plan_of(plan)[0] == "rejected"


def work_by_command(buttons: Office, slack: SocketSlack, peer: Peer, incident: str) -> None:
    """Mia looks at an incident, writes on it, adds a message to it, and opens another one."""
    (first,) = slack.messages
    # Listed, and shown as it stands; who is nobody hears one sentence.
    slack.command(peer, "list")
    (listed,) = wait_for(lambda: slack.answers)
    assert listed["response_type"] == "ephemeral" and incident in listed["text"]
    slack.command(peer, incident, user=STRANGER)
    told = wait_for(lambda: slack.answers[1:])[0]
    assert "slack_id = U0STRANGER" in told["text"]
    slack.command(peer, incident[-6:].lower())
    shown = wait_for(lambda: slack.answers[2:])[0]
    laid = [e["text"]["text"] for e in elements(shown["blocks"])]
    assert laid[:3] == ["Acknowledge", "Assign to me", "Resolve…"]
    slack.command(peer, "ack")
    told = wait_for(lambda: slack.answers[3:])[0]
    assert told["text"] == "Name an incident (INC-…): this is not an incident channel."

    # A note, delivered twice, is one; an update is told to nobody else.
    envelope = slack.command(peer, f"note {incident} Seen | delete &lt;!here&gt;")
    again = {**envelope, "retry_attempt": 1, "retry_reason": "timeout"}
    slack.deliver(peer, envelope["payload"], again=again)
    wait_for(lambda: kinds(buttons, incident) == [("note", "mia")])
    slack.command(peer, f"update {incident}")
    wait_for(lambda: slack.views)
    slack.send_filled(peer, text="Cards fail.", state="identified", next="1h")
    wait_for(lambda: buttons.call("GET", f"/incidents/{incident}")["last_update"])

    # A message of the incident's thread: the incident is chosen already.
    message = {"user": MIA, "text": "CPU &gt; 99", "ts": "1700000060.5", "thread_ts": first["ts"]}
    slack.choose(peer, message)
    view = wait_for(lambda: slack.views[1:])[0]
    assert view["blocks"][0]["element"]["initial_option"]["value"] == incident
    slack.send_filled(peer)
    wait_for(
        lambda: kinds(buttons, incident) == [("note", "mia"), ("update", "mia"), ("note", "mia")]
    )
    notes = [e["data"]["text"] for e in buttons.timeline(incident) if e["kind"] == "note"]
    assert notes[0] == "Seen | delete <!here>"
    assert notes[1].startswith("CPU > 99\n\n(Slack message of mia in #incidents, 2023-11-14")
    assert notes[1].endswith(": https://shop.slack.example/C0000000001)")

    # An incident is opened.
    slack.command(peer, "open Cards are refused")
    wait_for(lambda: slack.views[2:])
    slack.send_filled(peer, severity="high")
    told = wait_for(lambda: slack.whispers[2:])[0]["text"]
    assert told.endswith(": Opened by mia.")
    assert buttons.call("GET", f"/incidents/{told[:19]}")["title"] == "Cards are refused"


def test_people_work_by_command_and_what_a_killed_process_took_is_done_by_the_next(buttons: Office):
    slack = slack_of(buttons)
    peer = slack.connection()
    incident = buttons.signal()
    wait_for(lambda: slack.messages)
    work_by_command(buttons, slack, peer, incident)
    before, asked = kinds(buttons, incident), len(slack.requests)

    # The first answer takes its time, so the second press is acknowledged and waits.
    slack.answering.clear()
    slack.press(peer, "incident_take", user=STRANGER, workspace=ELSEWHERE)
    wait_for(lambda: any(p.startswith("/answers/") for _m, p, _g in slack.requests[asked:]))
    slack.press(peer, "incident_acknowledge")
    assert buttons.call("GET", f"/incidents/{incident}")["status"] == "new"
    os.kill(json.loads(log_of(buttons).splitlines()[-1])["pid"], signal.SIGKILL)
    slack.answering.set()

    slack.connection()
    wait_for(lambda: buttons.call("GET", f"/incidents/{incident}")["status"] == "in_progress")
    wait_for(lambda: len(slack.whispers) == 5)
    told = {one["user"]: one["text"] for one in slack.whispers[3:]}
    assert told["U0MIA"] == f"{incident}: Acknowledged by mia."
    assert f"slack_id = {ELSEWHERE}/{STRANGER}" in told[STRANGER]
    assert kinds(buttons, incident) == [*before, ("assigned", "mia"), ("status", "mia")]
    assert slack.sockets.faults == []
    query = {"query": json.dumps({"purpose": "slack press"}), "output_mode": "json"}
    path = "storage/collections/data/incident_claims"
    wait_for(lambda: json.loads(buttons.admin.get(path, **query).body.read()) == [])

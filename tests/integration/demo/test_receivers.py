"""The receivers take what the app's own senders send, and name what is wrong with the rest."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import boto3
import botocore.config
import botocore.exceptions
import pytest

from incident_management.analysis.citations import holds_quote
from incident_management.analysis.llm.bedrock import BedrockModel
from incident_management.analysis.llm.briefing import ANSWER_SCHEMA, Question
from incident_management.analysis.llm.model import ModelUnavailable
from incident_management.notify.channel import Notification
from incident_management.notify.message import Message
from incident_management.notify.services.pagerduty import PagerDutySender
from incident_management.notify.services.slack import SlackSender
from incident_management.notify.services.teams import TeamsSender
from incident_management.outside.transport import Network
from incident_management.splunk.configuration.settings import Bedrock
from tools.demo.receivers import blocks, card, reader
from tools.demo.receivers.page import page

from .conftest import CREDENTIALS, Receivers


class _Clock:
    def now(self) -> float:
        return 1_795_444_000.0


def notification(identity: str = "n1", event: str = "opened", **changes: Any) -> Notification:
    message = Message(
        event=event,
        headline="Incident opened",
        title="High Error Rate: orders <b>&",
        incident_id="INC-20261123-ABCDEF",
        severity="high",
        status="resolved" if event == "resolved" else "new",
        text="31 lines, more than the 5 that are usual",
        where=["orders", "payments"],
        rules=["High Error Rate"],
        since=1_795_443_000.0,
        events=31,
        team="shop",
        cause="CHG-1006 set db.pool_size to 1",
        quote="QueuePool limit of size 1 overflow 0 reached\nTraceback",
        url="https://localhost:18000/app/incident_management/incident",
        time=1_795_443_600.0,
    )
    fields: dict[str, Any] = {"target": "", "event": event, **changes}
    return Notification(
        id=identity,
        incident_id=message.incident_id,
        channel="slack",
        message=message.to_document(),
        first_sent=1.0,
        **fields,
    )


@pytest.fixture
def slack(receivers: Receivers) -> SlackSender:
    network = Network(ca_file=receivers.ca_file)
    return SlackSender("xoxb-test", "#incidents", f"{receivers.url}/api/", network, _Clock())


@pytest.fixture
def teams(receivers: Receivers) -> TeamsSender:
    url = f"{receivers.url}/workflows/{CREDENTIALS['teams_flow']}/triggers/manual/paths/invoke"
    url += f"?api-version=2016-06-01&sp=%2Ftriggers&sv=1.0&sig={CREDENTIALS['teams_sig']}"
    return TeamsSender(url, Network(ca_file=receivers.ca_file), _Clock())


@pytest.fixture
def pagerduty(receivers: Receivers) -> PagerDutySender:
    network = Network(ca_file=receivers.ca_file)
    return PagerDutySender(CREDENTIALS["pagerduty_key"], receivers.url, network, _Clock())


def test_slack_takes_the_apps_message_and_finds_it_again(
    receivers: Receivers, slack: SlackSender
) -> None:
    first = slack.send(notification("n1"))
    assert first.outcome == "sent", first.detail
    reply = slack.send(notification("n2", "analysis", thread=first.receipt))
    assert reply.outcome == "sent", reply.detail
    assert [entry["problems"] for entry in receivers.record()] == [[], []]

    assert slack.ask(notification("n1")).receipt == first.receipt
    assert slack.ask(notification("n2", thread=first.receipt)).answer == "arrived"
    assert slack.ask(notification("n2")).answer == "missing", "history has no replies"
    assert slack.ask(notification("n3")).answer == "missing"


def test_slack_lets_the_bot_change_its_message_which_is_still_found(
    receivers: Receivers, slack: SlackSender
) -> None:
    first = slack.send(notification("n1")).receipt
    message = Message.from_document(notification("n1").message)
    standing = replace(message, event="standing", status="resolved", headline="Incident resolved")
    delivery = slack.update(first["channel"], first["ts"], standing, "n1")
    assert delivery.outcome == "sent", delivery.detail
    assert slack.ask(notification("n1")).receipt == first
    delivery = slack.update(first["channel"], "1.000000", standing, "n1")
    assert delivery.outcome == "dead" and "message_not_found" in delivery.detail


def test_slack_notes_a_message_that_comes_twice(receivers: Receivers, slack: SlackSender) -> None:
    slack.send(notification("n1"))
    slack.send(notification("n1"))
    assert receivers.last()["problems"] == ["notification n1 was posted before"]


def test_slack_limits_when_told_to(receivers: Receivers, slack: SlackSender) -> None:
    receivers.limit("slack", times=1, retry_after=7)
    delivery = slack.send(notification())
    assert (delivery.outcome, delivery.retry_after) == ("retry", 7.0)
    assert slack.send(notification()).outcome == "sent"
    assert receivers.last()["problems"] == []


def test_slack_refuses_a_wrong_token_and_an_unknown_channel(receivers: Receivers) -> None:
    network = Network(ca_file=receivers.ca_file)
    url = f"{receivers.url}/api/"
    refused = SlackSender("xoxb-other", "#incidents", url, network, _Clock()).send(notification())
    assert "invalid_auth" in refused.detail
    refused = SlackSender("xoxb-test", "#other", url, network, _Clock()).send(notification())
    assert "channel_not_found" in refused.detail


@pytest.mark.parametrize(
    ("wrong", "named"),
    [
        ([{"type": "header", "text": {"type": "plain_text", "text": "x" * 151}}], "too long"),
        ([{"type": "header", "text": {"type": "mrkdwn", "text": "x"}}], "mrkdwn"),
        ([{"type": "section"}], "not valid"),
        ([{"type": "section", "text": {"type": "mrkdwn", "text": "x" * 3001}}], "too long"),
        ([{"type": "divider", "colour": "red"}], "colour"),
        ([{"type": "marquee"}], "marquee"),
        ([{"type": "divider"}] * 51, "50"),
        ([{"type": "divider", "block_id": "a"}] * 2, "twice"),
        ({"type": "divider"}, "not an array"),
    ],
)
def test_wrong_blocks_are_named(wrong: Any, named: str) -> None:
    assert any(named in problem for problem in blocks.problems(wrong)), blocks.problems(wrong)


def test_teams_takes_the_apps_card_once(receivers: Receivers, teams: TeamsSender) -> None:
    assert teams.send(notification()).outcome == "sent"
    assert receivers.last()["problems"] == []
    teams.send(notification())
    assert "was posted before" in receivers.last()["problems"][0]


def test_teams_refuses_a_wrong_signature(receivers: Receivers) -> None:
    url = f"{receivers.url}/workflows/{CREDENTIALS['teams_flow']}/triggers/manual/paths/invoke"
    sender = TeamsSender(f"{url}?sig=guess", Network(ca_file=receivers.ca_file), _Clock())
    assert "401" in sender.send(notification()).detail


@pytest.mark.parametrize(
    ("body", "named"),
    [
        ([{"type": "TextBlock"}], "'text' is a required property"),
        ([{"type": "TextBlock", "text": "x", "size": "gigantic"}], "gigantic"),
        ([{"type": "TextBlock", "text": "x", "colour": "good"}], "colour"),
        ([{"type": "Marquee", "text": "x"}], "Marquee"),
        ([{"type": "Container", "items": [{"type": "FactSet", "facts": [{}]}]}], "title"),
        ([], "non-empty"),
    ],
)
def test_a_wrong_card_is_named(body: Any, named: str) -> None:
    content = {"type": "AdaptiveCard", "version": "1.4", "body": body}
    kind = "application/vnd.microsoft.card.adaptive"
    message = {"type": "message", "attachments": [{"contentType": kind, "content": content}]}
    assert any(named in problem for problem in card.problems(message)), card.problems(message)


def test_pagerduty_follows_an_alert_from_trigger_to_resolve(
    receivers: Receivers, pagerduty: PagerDutySender
) -> None:
    for event in ("opened", "acknowledged", "resolved"):
        assert pagerduty.send(notification(event=event)).outcome == "sent"
        assert receivers.last()["problems"] == []
    assert [entry["message"]["state"] for entry in receivers.record()] == [
        "triggered",
        "acknowledged",
        "resolved",
    ]
    pagerduty.send(notification(event="resolved"))
    assert "was sent before" in receivers.last()["problems"][0]


def test_pagerduty_merges_a_repeated_trigger_only_into_an_open_alert(
    receivers: Receivers, pagerduty: PagerDutySender
) -> None:
    for _time in range(2):
        pagerduty.send(notification(event="opened"))
    first, second = receivers.record()
    assert (first["message"]["merged"], second["message"]["merged"]) == (False, True)
    assert second["problems"] == []

    pagerduty.send(notification(event="resolved"))
    pagerduty.send(notification(event="opened"))
    assert "was sent before" in receivers.last()["problems"][0]


def test_pagerduty_names_what_is_wrong_with_an_event(receivers: Receivers) -> None:
    key = CREDENTIALS["pagerduty_key"]
    good = {"summary": "s", "severity": "critical", "source": "orders"}
    wrong = [
        {"routing_key": "short", "event_action": "trigger", "payload": good},
        {"routing_key": "X" * 32, "event_action": "trigger", "payload": good},
        {"routing_key": key, "event_action": "trigger"},
        {"routing_key": key, "event_action": "resolve"},
        {"routing_key": key, "event_action": "trigger", "payload": {**good, "severity": "high"}},
        {"routing_key": key, "event_action": "trigger", "payload": good, "dedup_key": "x" * 256},
    ]
    with receivers.client() as client:
        for event in wrong:
            assert client.post("/v2/enqueue", json=event).status_code == 400, event
        body = {"routing_key": key, "event_action": "resolve", "dedup_key": "never-opened"}
        assert client.post("/v2/enqueue", json=body).status_code == 202
    assert "no open alert" in receivers.last()["problems"][0]


def converse(receivers: Receivers, secret: str, **arguments: Any) -> Any:
    client = boto3.client(
        "bedrock-runtime",
        endpoint_url=receivers.url,
        region_name=CREDENTIALS["aws_region"],
        aws_access_key_id=CREDENTIALS["aws_access_key_id"],
        aws_secret_access_key=secret,
        verify=receivers.ca_file,
        config=botocore.config.Config(retries={"max_attempts": 0}, proxies={}),
    )
    return client.converse(**arguments)


def test_bedrock_computes_the_signature_again(receivers: Receivers) -> None:
    arguments = {
        "modelId": CREDENTIALS["bedrock_model"],
        "messages": [{"role": "user", "content": [{"text": "evidence"}]}],
    }
    with pytest.raises(botocore.exceptions.ClientError, match="InvalidSignatureException"):
        converse(receivers, "another-key", **arguments)
    with pytest.raises(botocore.exceptions.ClientError, match="answers with a tool only"):
        converse(receivers, CREDENTIALS["aws_secret_access_key"], **arguments)


def test_the_record_holds_no_credentials_and_the_page_escapes(
    receivers: Receivers, slack: SlackSender, teams: TeamsSender, pagerduty: PagerDutySender
) -> None:
    for sender in (slack, teams, pagerduty):
        assert sender.send(notification()).outcome == "sent"
    record = json.dumps(receivers.record())
    for name in ("slack_token", "teams_sig", "pagerduty_key"):
        assert CREDENTIALS[name] not in record
    shown = page(receivers.record())
    assert "High Error Rate: orders &lt;b&gt;&amp;" in shown
    assert "<b>&" not in shown


ORDERS_LINE = """2026-11-23T14:39:56.377+0000 ERROR service=orders shop.service: POST /orders
sqlalchemy.exc.TimeoutError: QueuePool limit of size 1 overflow 0 reached, timeout 0.05"""


def question_of(*events: tuple[str, str, str]) -> Question:
    told = [{"id": one, "kind": kind, "text": text} for one, kind, text in events]
    hypotheses = [{"id": "H1", "cause": "CHG-2 set db.pool_size to 1", "score": 0.8}]
    return Question("Explain.", json.dumps({"events": told, "hypotheses": hypotheses}), 0)


def change_event(change_id: str, diff: str) -> str:
    return json.dumps({"change_id": change_id, "service": "orders", "summary": "s", "diff": diff})


def test_bedrock_answers_the_apps_own_client_from_the_evidence_and_invents_one_claim(
    receivers: Receivers,
) -> None:
    bedrock = Bedrock(
        model_id=CREDENTIALS["bedrock_model"],
        region=CREDENTIALS["aws_region"],
        endpoint_url=receivers.url,
    )
    keys = CREDENTIALS["aws_access_key_id"], CREDENTIALS["aws_secret_access_key"], None
    model = BedrockModel(bedrock, keys, receivers.ca_file)
    changes = {
        "C1": change_event("CHG-1", "-page.size: 20\n+page.size: 50"),
        "C2": change_event("CHG-2", "-db.pool_timeout: 2.0\n+db.pool_timeout: 0.05"),
    }
    asked = question_of(
        *((key, "change", text) for key, text in changes.items()), ("C3", "event", ORDERS_LINE)
    )
    answer = model.ask(asked).content
    assert receivers.last()["problems"] == []

    assert answer["order"] == ["H1"]
    first, second, invented = answer["claims"]
    assert first["citation_id"] == "C2"
    assert holds_quote(changes["C2"], first["quote"])
    assert holds_quote(ORDERS_LINE, second["quote"])
    assert not holds_quote(ORDERS_LINE, invented["quote"])

    receivers.limit("bedrock", times=2, retry_after=1)
    with pytest.raises(ModelUnavailable, match="rate limit"):
        model.ask(asked)


def test_bedrock_finds_no_cause_where_no_change_is(receivers: Receivers) -> None:
    found = reader.read(question_of(("C1", "event", ORDERS_LINE)).document, ANSWER_SCHEMA)
    assert found["cause_found"] is False
    assert found["claims"] == []

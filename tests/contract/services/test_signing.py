"""HTTP channels that are signed, at a receiver that checks as docs/CHANNELS.md tells it to."""

from __future__ import annotations

import base64
import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any, Dict, Set, Tuple

import pytest

from incident_management.incidents.errors import RoutingError
from incident_management.incidents.routing.http_channels import HttpChannel
from incident_management.notify.services.http_call import HttpSender
from incident_management.notify.services.signing import signed
from incident_management.outside.network import NotConfigured
from incident_management.outside.transport import Network
from incident_management.splunk.clock import SystemClock

from .messages import message, notification

GUIDE = Path(__file__).parents[3] / "docs/CHANNELS.md"
KEY = b"\x00\xffa key of twenty-four b"
WHSEC = "whsec_" + base64.b64encode(KEY).decode()
SECRETS = (WHSEC, "any text, \u754c")


class Checking:
    """A receiver that does what the guide says, and answers 409 to an id that it has."""

    def __init__(self, secret: str) -> None:
        (code,) = re.findall(r"```python\n(.+?)```", GUIDE.read_text(encoding="utf-8"), re.DOTALL)
        self._names: Dict[str, Any] = {}
        exec(compile(code, str(GUIDE), "exec"), self._names)
        self._secret = secret
        self.taken: Set[str] = set()

    def respond(self, request: Any) -> Tuple[int, Dict[str, str], Dict[str, str]]:
        if not self.takes(request.headers, request.body):
            return 401, {}, {"error": "no signature of ours"}
        told = request.headers["webhook-id"]
        is_new = told not in self.taken
        self.taken.add(told)
        return 200 if is_new else 409, {}, {}

    def takes(self, headers: Any, body: bytes) -> bool:
        return bool(self._names["is_ours"](self._secret, headers, body))


def sender(receiver: Any, secret: str, **settings: str) -> HttpSender:
    values = {
        "url": f"{receiver.url}/api",
        "body": json.dumps({"text": "{headline}: {title}"}),
        "signing_secret": "******",
        **settings,
    }
    channel = HttpChannel.read("desk", values)
    return HttpSender(channel, {"signing_secret": secret}, Network(), SystemClock())


@pytest.mark.parametrize("secret", SECRETS)
def test_a_receiver_that_checks_signatures_takes_what_is_signed(receiver: Any, secret: str) -> None:
    desk = Checking(secret)
    receiver.respond = desk.respond
    told = notification(replace(message(), title="\u754c \U0001f9e8 <&>"))
    assert sender(receiver, secret).send(told).outcome == "sent"
    assert desk.taken == {told.id}


@pytest.mark.parametrize("other", ["whsec_" + "QUFB" * 8, "any text, \u754d", "another"])
@pytest.mark.parametrize("secret", SECRETS)
def test_a_call_of_another_secret_is_refused_and_no_secret_is_announced(
    receiver: Any, secret: str, other: str
) -> None:
    receiver.respond = Checking(secret).respond
    delivery = sender(receiver, other).send(notification(message()))
    assert delivery.outcome == "dead" and "401" in delivery.detail
    receiver.respond = lambda _request: (401, {}, {"error": f"not signed by {other}."})
    assert other not in sender(receiver, other).send(notification(message())).detail


def test_a_key_that_is_announced_without_what_stands_before_it_is_masked(receiver: Any) -> None:
    key = base64.b64encode(b"a key of twenty-four byt").decode()
    receiver.respond = lambda _request: (401, {}, {"error": f"not signed by {key} at all"})
    assert key not in sender(receiver, f"whsec_{key}").send(notification(message())).detail


@pytest.mark.parametrize("name", ["webhook-id", "webhook-timestamp", "webhook-signature", "body"])
def test_whatever_is_changed_on_the_way_is_refused(receiver: Any, name: str) -> None:
    receiver.answers = [(200, {}, {})]
    sender(receiver, WHSEC).send(notification(message()))
    (request,) = receiver.requests
    headers, body = {key.lower(): text for key, text in request.headers.items()}, request.body
    assert Checking(WHSEC).takes(headers, body)
    if name == "body":
        body = body.replace(b"{", b"{ ", 1)
    elif name == "webhook-timestamp":
        headers[name] = str(int(headers[name]) + 1)
    else:
        headers[name] = headers[name][:-3] + "..."
    assert not Checking(WHSEC).takes(headers, body)
    del headers["webhook-signature"]
    assert not Checking(WHSEC).takes(headers, request.body)


def test_a_replay_is_refused_by_its_age() -> None:
    desk = Checking(WHSEC)
    now = SystemClock().now()
    assert desk.takes(signed(KEY, "a", now, b"{}"), b"{}")
    assert desk.takes(signed(KEY, "a", now - 200, b"{}"), b"{}")
    assert not desk.takes(signed(KEY, "a", now - 400, b"{}"), b"{}")
    assert not desk.takes(signed(KEY, "a", now + 400, b"{}"), b"{}")


@pytest.mark.parametrize("sent", ["", "\u00b2", "9" * 5000, "-1", "1e9", " 1", "nan"])
def test_a_timestamp_of_anybody_else_is_refused_and_breaks_nothing(sent: str) -> None:
    headers = {**signed(KEY, "a", SystemClock().now(), b"{}"), "webhook-timestamp": sent}
    assert Checking(WHSEC).takes(headers, b"{}") is False


def test_a_repeat_has_the_same_id_so_it_is_made_and_counts_once(receiver: Any) -> None:
    desk = Checking(WHSEC)
    receiver.respond = desk.respond
    speaker, told = sender(receiver, WHSEC), notification(message())
    assert speaker.ask(told).answer == "marked"
    assert speaker.send(told).outcome == "sent"
    assert speaker.send(replace(told, is_repeat=True)).outcome == "sent"
    first, second = receiver.requests
    assert first.headers["webhook-id"] == second.headers["webhook-id"] == told.id


def test_nothing_is_sent_unsigned_where_the_secret_can_not_be_had(receiver: Any) -> None:
    with pytest.raises(NotConfigured, match="signing_secret of the channel 'desk' is not in"):
        sender(receiver, "")
    with pytest.raises(NotConfigured, match="not valid base64 after whsec_") as raised:
        sender(receiver, "whsec_no base64!")
    assert "no base64!" not in str(raised.value)
    with pytest.raises(RoutingError, match="headers set Webhook-Id, which the signature sets"):
        sender(receiver, WHSEC, headers=json.dumps({"Webhook-Id": "x"}))
    assert receiver.requests == []


def test_a_channel_without_a_signing_secret_has_no_such_headers(receiver: Any) -> None:
    receiver.answers = [(200, {}, {})]
    sender(receiver, "", signing_secret="").send(notification(message()))
    assert not [one for one in receiver.requests[0].headers if one.startswith("webhook-")]

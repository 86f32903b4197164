"""The line: acknowledges at once, renews before it lets go, waits longer each time, never spins."""

from __future__ import annotations

import json
import logging
import threading
from typing import Any, Callable, Dict, List

import pytest

from incident_management.slack_socket.open_connection import Refused, Unreachable
from incident_management.slack_socket.socket_client import SocketClient, Status
from incident_management.slack_socket.websocket import Broken

HELLO = {"type": "hello", "num_connections": 1}


class FakeWire:
    """A connection; time passes as it is read.

    ``incoming`` are messages, or exceptions to raise. Pings are answered unless it ``is_deaf``.
    """

    def __init__(self, desk: Desk) -> None:
        self.desk = desk
        self.incoming: List[Any] = list(desk.first)
        self.is_deaf = False
        self.sent: List[Dict[str, Any]] = []
        self.pings = 0
        self.is_open = True
        self.heard_at = desk.now

    def receive(self, seconds: float) -> Any:
        if not self.incoming:
            self.desk.now += seconds
            return None
        self.heard_at = self.desk.now
        message = self.incoming.pop(0)
        if isinstance(message, Exception):
            raise message
        return message if isinstance(message, str) else json.dumps(message)

    def send(self, text: str) -> None:
        self.desk.happened.append("acknowledged")
        self.sent.append(json.loads(text))

    def ping(self) -> None:
        self.pings += 1
        self.heard_at = self.heard_at if self.is_deaf else self.desk.now

    def close(self) -> None:
        self.is_open = False


class Desk:
    """A line over fake wires. ``outcomes``: what the next attempts to connect end in."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.first: List[Any] = [HELLO]
        self.wires: List[FakeWire] = []
        self.attempts: List[float] = []
        self.outcomes: List[Exception] = []
        self.taken: List[Any] = []
        self.happened: List[str] = []
        self.room = True
        stop: Any = threading.Event()
        self.stop = stop
        stop.wait = self._wait
        log = logging.getLogger("test.slack_line")
        self.line = SocketClient(
            self._connect, self._take, log, stop, lambda: self.now, lambda: 1.0
        )

    def _connect(self) -> FakeWire:
        self.attempts.append(self.now)
        if self.outcomes:
            raise self.outcomes.pop(0)
        self.wires.append(FakeWire(self))
        return self.wires[-1]

    def _take(self, payload: Any) -> bool:
        self.happened.append("taken")
        self.taken.append(payload)
        return self.room

    def _wait(self, seconds: float) -> bool:
        self.now += seconds or 0.001
        return False

    def steps(self, seconds: float = 0.0, until: Callable[[], bool] = lambda: False) -> int:
        """Step for some time, at least once; returns how many steps that were."""
        end, count = self.now + seconds, 0
        while not until() and (not count or self.now < end):
            self.line.step()
            count += 1
        return count


@pytest.fixture
def desk():
    made = Desk()
    made.steps(1)
    assert made.line.status == Status("connected")
    return made


def envelope(number: int = 1, **more: Any) -> Dict[str, Any]:
    return {"envelope_id": f"e{number}", "type": "interactive", "payload": {"n": number}, **more}


def test_an_envelope_is_taken_and_acknowledged_and_what_is_not_ours_only_acknowledged(desk):
    (wire,) = desk.wires
    wire.incoming += [envelope(), envelope(2, type="events_api"), "no json", "[]", {"type": "odd"}]
    wire.incoming += [envelope(3, type="interactive", retry_attempt=1, retry_reason="timeout")]
    desk.steps(5)
    assert desk.taken == [{"n": 1}, {"n": 3}]
    assert [one["envelope_id"] for one in wire.sent] == ["e1", "e2", "e3"]
    assert all(set(one) == {"envelope_id"} for one in wire.sent)


def test_what_there_is_no_room_for_is_not_acknowledged(desk):
    desk.room = False
    desk.wires[0].incoming.append(envelope())
    desk.steps(2)
    assert desk.wires[0].sent == []


@pytest.mark.parametrize("reason", ["warning", "refresh_requested"])
def test_a_renewed_connection_is_made_before_the_old_one_goes(desk, reason):
    desk.steps(60, until=lambda: desk.now > 1040)
    old = desk.wires[0]
    old.incoming.append({"type": "disconnect", "reason": reason})
    desk.steps(2)
    new = desk.wires[1]
    assert old.is_open and new.is_open
    old.incoming.append(envelope(7))
    desk.steps(2)
    assert old.sent == [{"envelope_id": "e7"}], "what still comes over the old one is taken"
    desk.steps(20)
    assert not old.is_open and new.is_open and len(desk.wires) == 2
    assert desk.line.status == Status("connected")


def test_a_server_that_ends_every_connection_at_once_is_asked_ever_more_slowly():
    desk = Desk()
    desk.first = [HELLO, {"type": "disconnect", "reason": "too_many_websockets"}]
    desk.steps(400)
    gaps = [round(b - a) for a, b in zip(desk.attempts, desk.attempts[1:])]
    assert all(0 <= gap - least <= 1 for gap, least in zip(gaps, [1, 2, 4, 8, 16, 32, 60, 60]))
    assert len([one for one in desk.wires if one.is_open]) <= 2


def test_a_broken_connection_is_made_again_soon_and_a_dead_slack_is_asked_ever_more_slowly(desk):
    desk.steps(40)
    desk.outcomes = [Broken("gone"), Unreachable("no network"), *[Broken("gone")] * 8]
    desk.wires[0].incoming.append(Broken("The connection broke."))
    broke = len(desk.attempts)
    count = desk.steps(300)
    assert desk.attempts[broke] - desk.attempts[0] < 45
    gaps = [round(b - a) for a, b in zip(desk.attempts[broke:], desk.attempts[broke + 1 :])]
    assert gaps[:7] == [2, 4, 8, 16, 32, 60, 60]
    assert count < 300 * 2 + 50, "it must not spin"
    assert desk.line.status.state == "connecting" and desk.line.status.detail == "gone"


def test_slacks_own_word_for_how_long_to_wait_is_kept():
    desk = Desk()
    desk.outcomes = [Unreachable("Slack asks to slow down (429).", 30.0)]
    desk.steps(40)
    assert round(desk.attempts[1] - desk.attempts[0]) == 30


def test_a_refusal_is_reported_once_and_tried_again_after_ten_minutes(caplog):
    desk = Desk()
    desk.outcomes = [Refused("Slack refuses the app-level token.")] * 2
    with caplog.at_level(logging.ERROR):
        count = desk.steps(1400)
    assert desk.line.status == Status("connected") and len(desk.attempts) == 3
    assert [round(b - a) for a, b in zip(desk.attempts, desk.attempts[1:])] == [660, 660]
    assert [r.message for r in caplog.records] == ["Slack refuses the app-level token."]
    assert count < 1400 * 2 + 50


def test_socket_mode_that_is_switched_off_is_a_refusal(desk):
    desk.wires[0].incoming.append({"type": "disconnect", "reason": "link_disabled"})
    desk.steps(5)
    assert desk.line.status.state == "refused"
    assert "Socket Mode is switched off in the Slack app" in desk.line.status.detail
    assert not desk.wires[0].is_open and len(desk.attempts) == 1


def test_silence_is_asked_about_and_then_a_broken_connection(desk):
    (wire,) = desk.wires
    desk.steps(20)
    assert wire.pings == 1
    wire.is_deaf = True
    desk.steps(70, until=lambda: not wire.is_open)
    assert 3 <= wire.pings <= 4 and not wire.is_open
    desk.steps(5)
    assert len(desk.wires) == 2


def test_without_a_hello_it_is_no_connection():
    desk = Desk()
    desk.first = []
    desk.steps(1)
    desk.steps(31, until=lambda: not desk.wires[0].is_open)
    assert not desk.wires[0].is_open and desk.line.status.detail == "Slack did not say hello."


def test_when_it_is_stopped_it_says_goodbye(desk):
    desk.stop.set()
    desk.line.run()
    assert not desk.wires[0].is_open

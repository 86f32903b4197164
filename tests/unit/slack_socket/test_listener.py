"""The input's work: who holds the connection, what administrators see, and that it ends in time."""

from __future__ import annotations

import logging
import threading
import time
from typing import Any, Dict, List

import pytest

from incident_management.slack_socket import listener
from incident_management.slack_socket.lease import Lease, newest
from incident_management.slack_socket.listener import (
    MESSAGE,
    NO_BOT_TOKEN,
    Listener,
    Parts,
)
from incident_management.slack_socket.socket_client import Status
from incident_management.splunk.configuration.settings import Settings, parse
from incident_management.splunk.session import SplunkError
from tests.fakes import FakeStores, ManualClock, Unavailable

TOKENS = {"bot_token": "xoxb-1", "app_token": "xapp-1"}


class FakeLine:
    """Runs until it is stopped, or ends by ``error``; ``take`` takes what is pressed."""

    def __init__(self, take: Any, stop: threading.Event) -> None:
        self.take, self.stop = take, stop
        self.status = Status("connected")
        self.error: Any = None
        self.woken = threading.Event()

    def run(self) -> None:
        while not self.stop.wait(0.005):
            if self.error:
                raise self.error


class Office:
    """One search head's input after another, over the same stores."""

    def __init__(self) -> None:
        self.stores, self.clock = FakeStores(), ManualClock()
        self.stanzas: Dict[str, Dict[str, str]] = {"slack": dict(TOKENS)}
        self.failure: Any = None
        self.lines: List[FakeLine] = []
        self.done: List[Any] = []
        self.kept: List[Any] = []
        self.resumed: Any = lambda: True
        self.slow = threading.Event()
        self.slow.set()
        self.shown: Dict[str, str] = {}
        self.bulletins = 0
        self.dead: set[str] = set()

    def member(self, name: str = "sh1#1", orphaned: Any = lambda: False) -> Listener:
        turn = Lease(self.stores, self.clock, name, self.dead.__contains__, self.clock.now)
        log = logging.getLogger("test.listening")
        return Listener(
            self._settings,
            self._parts,
            turn,
            self,
            log,
            threading.Event(),
            orphaned,
            self.clock.now,
        )

    def turn(self) -> Dict[str, Any]:
        return newest(self.stores) or {}

    def show(self, name: str, sentence: str) -> None:
        self.bulletins += 1
        self.shown[name] = sentence

    def take_away(self, name: str) -> None:
        self.shown.pop(name, None)

    def rounds(self, member: Listener, seconds: int = 16) -> bool:
        """A round a second; tells whether there is still something to do."""
        for _ in range(seconds):
            if not member.round():
                return False
            self.clock.advance(1)
        return True

    def _settings(self) -> Settings:
        if self.failure:
            raise self.failure
        return parse(self.stanzas)

    def _parts(self, _settings: Settings) -> Parts:
        def line(take: Any, stop: threading.Event) -> Any:
            self.lines.append(FakeLine(take, stop))
            return self.lines[-1]

        return Parts(line, self.kept.append, self._act, lambda: self.resumed())

    def _act(self, payload: Any) -> bool:
        self.slow.wait(10)
        if payload == "bad":
            raise ZeroDivisionError
        self.done.append(payload)
        return True


@pytest.fixture
def office():
    made = Office()
    yield made
    for line in made.lines:
        line.stop.set()


def soon(what: Any) -> None:
    end = time.monotonic() + 60
    while not what():
        assert time.monotonic() < end
        time.sleep(0.002)


def test_without_an_app_level_token_there_is_nothing_to_do(office):
    office.stanzas = {"slack": {"bot_token": "xoxb-1"}}
    assert office.member().round() is False and office.lines == []
    assert office.stores.calls == 0


def test_what_is_pressed_is_acted_on_and_how_it_is_is_written_down(office):
    one = office.member()
    assert office.rounds(one)
    (line,) = office.lines
    assert line.take("press") is True
    assert office.kept == ["press"], "before it is acknowledged"
    soon(lambda: office.done == ["press"])
    assert office.turn()["value"]["state"] == "connected"


def test_only_one_member_has_a_connection_and_another_follows_it(office):
    one, two = office.member(), office.member("sh2#1")
    assert office.rounds(one) and office.rounds(two)
    assert len(office.lines) == 1
    one._leave()
    assert office.rounds(two) and len(office.lines) == 2
    assert office.turn()["holder"] == "sh2#1"


def test_who_was_overtaken_hangs_up(office):
    one, two = office.member(), office.member("sh2#1")
    office.rounds(one)
    office.rounds(two, 1)
    office.dead.add("sh1#1")
    office.rounds(two, 16)
    office.rounds(one, 1)
    assert office.lines[0].stop.is_set() and not office.lines[1].stop.is_set()


def test_a_refused_token_is_one_message_until_it_is_accepted(office):
    one = office.member()
    office.rounds(one)
    office.lines[0].status = Status("refused", "Slack refuses the token: set a new one.")
    office.rounds(one, 40)
    assert office.shown == {
        MESSAGE: "Buttons in Slack do not work: Slack refuses the token: set a new one."
    }
    assert office.bulletins == 1 and office.turn()["value"]["state"] == "refused"
    # Another member only waits for its turn, and takes no message away.
    office.rounds(office.member("sh2#1"), 20)
    assert office.shown
    office.lines[0].status = Status("connected")
    office.rounds(one, 2)
    assert office.shown == {}


def test_another_token_is_used_at_the_next_look_and_none_ends_it(office):
    one = office.member()
    office.rounds(one)
    office.stanzas["slack"]["app_token"] = "xapp-2"
    office.rounds(one)
    assert len(office.lines) == 2 and office.lines[0].stop.is_set()
    office.stanzas["slack"]["channel"] = "#ops"
    del office.stanzas["slack"]["app_token"]
    assert not office.rounds(one)


@pytest.mark.parametrize(
    ("stanzas", "says", "shown"),
    [
        ({"slack": {"app_token": "xapp-1"}}, NO_BOT_TOKEN, True),
        (
            {"slack": {**TOKENS, "app_token": "xoxb-2"}},
            "app_token does not begin with xapp-",
            False,
        ),
        ({"slack": TOKENS, "network": {"ca_file": "/nowhere"}}, "can't be read as PEM", False),
        (
            {"slack": TOKENS, "proxy": {"proxy_enabled": "1", "proxy_type": "socks5"}},
            "proxy",
            False,
        ),
    ],
)
def test_what_is_missing_is_one_sentence_and_nothing_is_tried(office, stanzas, says, shown):
    """What the worker shows already, a malformed setting, is not shown twice."""
    office.stanzas = stanzas
    one = office.member()
    assert office.rounds(one, 40) and office.lines == []
    value = office.turn()["value"]
    assert value["state"] == "waiting" and says in value["detail"]
    assert bool(office.shown) is shown and office.bulletins <= 1
    office.stanzas = {"slack": dict(TOKENS)}
    office.rounds(one)
    assert len(office.lines) == 1 and office.shown == {}


def test_splunkd_that_does_not_answer_leaves_the_connection_and_is_reported_once(office, caplog):
    one = office.member()
    office.rounds(one)
    office.failure = Unavailable()
    assert office.rounds(one, 60)
    assert not office.lines[0].stop.is_set()
    assert caplog.text.count("splunkd can't be asked just now") == 1


def test_a_session_that_has_ended_ends_the_process(office):
    one = office.member()
    office.rounds(one)
    office.failure = SplunkError(401, "Unauthorized")
    assert office.rounds(one) is False


def test_without_splunkd_it_ends(office):
    assert office.member(orphaned=lambda: True).round() is False


@pytest.mark.parametrize("which", ["line", "actor"])
def test_a_thread_that_ends_by_an_error_ends_the_process(office, which, caplog):
    one = office.member()
    office.rounds(one)
    if which == "line":
        office.lines[0].error = ZeroDivisionError()
    else:
        office.lines[0].take("bad")
    soon(lambda: "ended by an error" in caplog.text)
    with pytest.raises(RuntimeError, match=f"The thread 'slack {which}' ended by an error"):
        one.round()


def test_when_it_is_stopped_what_was_acknowledged_is_done_and_the_turn_given_back(office):
    one = office.member()
    office.rounds(one)
    office.slow.clear()
    assert all(office.lines[0].take(n) for n in range(5))
    threading.Timer(0.05, office.slow.set).start()
    one._stop.set()
    one.run()
    assert office.done == [0, 1, 2, 3, 4] and office.lines[0].stop.is_set()
    assert office.turn()["value"]["released"] is True


@pytest.mark.parametrize(
    ("last_press", "hours"),
    [(None, 24.0), (23.0, 24.0), (23.8, 24.3), ("always", 36.0), ("more than is taken", 36.0)],
)
def test_it_begins_anew_once_a_day_but_not_while_buttons_are_in_use(office, last_press, hours):
    one, began = office.member(), office.clock.now()
    if last_press == "more than is taken":
        office.slow.clear()

    def wait(_seconds: float) -> bool:
        office.clock.advance(60)
        now = (office.clock.now() - began) / 3600
        if now > 35.9:
            office.slow.set()
        if isinstance(last_press, str) or (last_press and abs(now - last_press) < 0.01):
            office.lines[0].take("press")
        return False

    one._stop.wait = wait
    one.run()
    assert (office.clock.now() - began) / 3600 == pytest.approx(hours, abs=0.05)
    assert office.turn()["value"]["released"] is True


def test_too_many_presses_at_once_are_not_taken(office):
    one = office.member()
    office.rounds(one)
    office.slow.clear()
    taken = [office.lines[0].take(n) for n in range(110)]
    assert taken[:100] == [True] * 100 and taken[-1] is False
    assert len(office.kept) == sum(taken), "nobody would do what was refused"
    office.slow.set()


def test_what_an_earlier_process_left_is_tried_until_it_is_done(office, monkeypatch, caplog):
    monkeypatch.setattr(listener, "RESUME_SECONDS", 0.01)
    answers: List[Any] = [Unavailable(), False, True]

    def resumed() -> bool:
        answer = answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return bool(answer)

    office.resumed = resumed
    office.rounds(office.member())
    soon(lambda: answers == [])
    assert caplog.text.count("What was pressed before can't be read just now") == 1
    assert office.lines[0].take("press") is True
    soon(lambda: office.done == ["press"])

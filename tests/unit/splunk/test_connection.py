"""One connection for many requests: when it is used again, when not, and what is sent twice."""

import json
import socket
import threading

import pytest

from incident_management.splunk.session import Session, SplunkError

ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n%s\r\n{}"


class Keeper:
    """A splunkd that keeps connections; ``heard`` has the requests of each connection.

    ``answers`` are those to the next requests; one that is not whole cuts the connection.
    ``ends`` closes a connection after that many answers, without a word.
    """

    def __init__(self, ends=None):
        self.heard = []
        self.answers = []
        self.ends = ends
        self.ended = threading.Event()
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.uri = f"http://127.0.0.1:{self._socket.getsockname()[1]}"
        self._thread = threading.Thread(target=self._serve)
        self._thread.start()

    def _serve(self):
        while True:
            try:
                connection, _peer = self._socket.accept()
            except OSError:
                return
            requests: list[str] = []
            self.heard.append(requests)
            with connection, connection.makefile("rb") as lines:
                self._talk(connection, lines, requests)
            self.ended.set()

    def _talk(self, connection, lines, requests):
        while len(requests) != self.ends:
            first = lines.readline()
            if not first:
                return
            length = 0
            while (line := lines.readline().strip().lower()) != b"":
                if line.startswith(b"content-length:"):
                    length = int(line.partition(b":")[2])
            body = lines.read(length)
            requests.append((first.split()[0].decode(), body.decode()))
            answer = self.answers.pop(0) if self.answers else ANSWER % b""
            connection.sendall(answer)
            if b"\r\n\r\n{}" not in answer or b"close" in answer:
                return

    def stop(self):
        self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()
        self._thread.join()


@pytest.fixture
def keeper():
    made = []

    def make(**options):
        made.append(Keeper(**options))
        return made[-1]

    yield make
    for one in made:
        one.stop()


def methods(keeper):
    return [[method for method, _body in requests] for requests in keeper.heard]


def test_requests_inside_share_a_connection_and_those_outside_do_not(keeper):
    splunkd = keeper()
    session = Session(splunkd.uri, "k")
    with session.kept_open():
        session.get("x")
        session.post("y", json_body={"a": [1]})
        session.delete("z")
    session.get("x")

    assert methods(splunkd) == [["GET", "POST", "DELETE"], ["GET"]]
    assert json.loads(splunkd.heard[0][1][1]) == {"a": [1]}


def test_a_connection_that_was_closed_meanwhile_is_replaced_and_nothing_is_sent_twice(keeper):
    splunkd = keeper(ends=1)
    session = Session(splunkd.uri, "k")
    with session.kept_open():
        for number in range(3):
            session.post("x", json_body=number)
            assert splunkd.ended.wait(10)
            splunkd.ended.clear()

    assert splunkd.heard == [[("POST", "0")], [("POST", "1")], [("POST", "2")]]


def test_an_answer_that_says_so_is_the_last_of_its_connection(keeper):
    splunkd = keeper()
    splunkd.answers = [ANSWER % b"Connection: close\r\n"]
    session = Session(splunkd.uri, "k")
    with session.kept_open():
        session.get("x")
        session.get("x")

    assert methods(splunkd) == [["GET"], ["GET"]]


@pytest.mark.parametrize("answer", [b"", b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n{"])
def test_a_request_that_may_have_been_carried_out_is_not_sent_again(keeper, pauses, answer):
    splunkd = keeper()
    splunkd.answers = [ANSWER % b"", answer]
    session = Session(splunkd.uri, "k", sleep=pauses.append)
    with session.kept_open():
        session.post("x", json_body=0)
        with pytest.raises(SplunkError, match="No answer") as caught:
            session.post("x", json_body=1)
        session.post("x", json_body=2)

    assert caught.value.status == 504
    assert splunkd.heard == [[("POST", "0"), ("POST", "1")], [("POST", "2")]]
    assert pauses == []


def test_a_503_is_tried_again_on_the_same_connection(keeper, pauses):
    splunkd = keeper()
    splunkd.answers = [b"HTTP/1.1 503 Busy\r\nContent-Length: 2\r\n\r\n{}"]
    session = Session(splunkd.uri, "k", sleep=pauses.append)
    with session.kept_open():
        assert session.get("x") == {}

    assert methods(splunkd) == [["GET", "GET"]]
    assert len(pauses) == 1

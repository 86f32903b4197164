"""One connection for many requests: when it is used again, when not, and what is sent twice."""

import json

import pytest

from incident_management.splunk.session import Session, SplunkError
from tests.unit.splunk.keeper import ANSWER


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
def test_a_request_that_may_have_been_executed_is_not_sent_again(keeper, pauses, answer):
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

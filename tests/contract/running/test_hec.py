"""The HTTP Event Collector, over HTTP."""

import asyncio
import gzip
import json
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest

from tests.contract.running.fakes import NOON
from tools.splunkd_lite.errors import SplunkdError
from tools.splunkd_lite.inputs.hec import HecServer

AUTH = {"Authorization": "Splunk t0k"}
CHANNEL = {"X-Splunk-Request-Channel": "FE0ECFAD-13D5-401B-847D-77833BD77131"}


@pytest.fixture
def hec(splunk):
    splunk.conf.confs["inputs"] = {
        "http": {"disabled": "0"},
        "http://demo": {"token": "t0k", "index": "shop", "sourcetype": "demo"},
        "http://acked": {"token": "acked", "useACK": "1"},
        "http://off": {"token": "off", "disabled": "1"},
        "http://few": {"token": "few", "indexes": "shop"},
        "http://url": {"token": "url", "allowQueryStringAuth": "true"},
    }
    splunk.hec = HecServer(splunk)
    return splunk.hec.app()


def call(app, method, path, **about):
    """One request to the collector, without a socket.

    In a thread of its own, because a browser test before this one leaves an event loop running.
    """

    async def go():
        transport = httpx.ASGITransport(app)
        async with httpx.AsyncClient(transport=transport, base_url="http://hec") as client:
            return await client.request(method, path, **about)

    with ThreadPoolExecutor(1) as thread:
        return thread.submit(asyncio.run, go()).result()


def send(hec, body, headers=AUTH, path="/services/collector/event"):
    content = body if isinstance(body, (str, bytes)) else json.dumps(body)
    answer = call(hec, "POST", path, content=content, headers=headers)
    return answer.status_code, answer.json()


def test_an_event_is_indexed_with_its_own_metadata_or_the_tokens(splunk, hec):
    body = {"event": {"a": 1, "b": "é"}, "time": NOON, "host": "h", "fields": {"env": "prod"}}
    assert send(hec, body) == (200, {"text": "Success", "code": 0})
    assert splunk.indexes.events == [
        {
            "_raw": '{"a":1,"b":"é"}', "_time": NOON, "host": "h", "source": "http:demo",
            "sourcetype": "demo", "index": "shop", "env": "prod",
        }
    ]  # fmt: skip


@pytest.mark.parametrize("path", ["", "/event", "/event/1.0"])
def test_events_may_follow_each_other_in_one_body(splunk, hec, path):
    body = '{"event":"a"}{"event":"b"} \n {"event":"c"}'
    assert send(hec, body, path="/services/collector" + path)[0] == 200
    assert [event["_raw"] for event in splunk.indexes.events] == ["a", "b", "c"]


CODES = [
    ('{"event":"a"}', {"Authorization": "Splunk nope"}, 403, 4),
    ('{"event":"a"}', {"Authorization": "Splunk off"}, 403, 1),
    ('{"event":"a"}', {}, 401, 2),
    ('{"event":"a"}', {"Authorization": "Bearer t0k"}, 401, 3),
    ("", AUTH, 400, 5),
    ('{"event":', AUTH, 400, 6),
    ('{"event":"a","nope":1}', AUTH, 400, 6),
    ('{"event":"a","time":"soon"}', AUTH, 400, 6),
    ('{"event":"a","time":NaN}', AUTH, 400, 6),
    ('{"event":"a","index":"nope"}', AUTH, 400, 7),
    ('{"event":"a","index":"main"}', {"Authorization": "Splunk few"}, 400, 7),
    ('{"host":"h"}', AUTH, 400, 12),
    ('{"event":""}', AUTH, 400, 13),
    ('{"event":"a","fields":{"x":{}}}', AUTH, 400, 15),
    ('{"event":"a"}', {"Authorization": "Splunk acked"}, 400, 10),
    ('{"event":"a"}', {"Authorization": "Splunk acked", "X-Splunk-Request-Channel": "x"}, 400, 11),
]


@pytest.mark.parametrize(("body", "headers", "status", "code"), CODES)
def test_each_refusal_has_its_documented_code(splunk, hec, body, headers, status, code):
    answer = send(hec, body, headers)
    assert (answer[0], answer[1]["code"]) == (status, code)
    assert splunk.indexes.events == []


def test_a_malformed_event_is_named_and_those_before_it_are_kept(splunk, hec):
    status, answer = send(hec, '{"event":"a"}{"event":"b"}{"event":""}{"event":"d"}')
    assert (status, answer["code"], answer["invalid-event-number"]) == (400, 13, 2)
    assert [event["_raw"] for event in splunk.indexes.events] == ["a", "b"]


def test_raw_text_is_broken_and_timed_by_props(splunk, hec):
    splunk.conf.confs["props"] = {"demo": {"SHOULD_LINEMERGE": "0"}}
    body = "2026-01-01T12:00:00Z one\ntwo\n"
    path = "/services/collector/raw?host=h&source=s"
    assert send(hec, body, path=path)[0] == 200
    assert [(e["_raw"], e["_time"], e["host"], e["source"]) for e in splunk.indexes.events] == [
        ("2026-01-01T12:00:00Z one", NOON, "h", "s"), ("two", NOON, "h", "s"),
    ]  # fmt: skip


def test_acknowledgements_are_reported_once(hec):
    headers = {"Authorization": "Splunk acked", **CHANNEL}
    assert send(hec, {"event": "a"}, headers)[1]["ackId"] == 0
    assert send(hec, {"event": "b"}, headers)[1]["ackId"] == 1
    ask = "/services/collector/ack"
    assert send(hec, {"acks": [0, 1, 2]}, headers, ask)[1] == {
        "acks": {"0": True, "1": True, "2": False}
    }
    assert send(hec, {"acks": [0]}, headers, ask)[1] == {"acks": {"0": False}}
    assert send(hec, {"acks": [0]}, {**AUTH, **CHANNEL}, ask)[1]["code"] == 14


def test_basic_authentication_and_gzip_are_taken(splunk, hec):
    body = gzip.compress(b'{"event":"a"}')
    headers = {"Authorization": "Basic eDp0MGs=", "Content-Encoding": "gzip"}
    assert send(hec, body, headers)[0] == 200
    assert send(hec, b"junk", headers)[1]["code"] == 6


@pytest.mark.parametrize(
    ("headers", "path", "status", "code"),
    [
        ({}, "", 200, 17),
        (AUTH, "", 200, 17),
        ({"Authorization": "Splunk nope"}, "", 400, 21),
        ({"Authorization": "Splunk off"}, "", 400, 22),
        ({}, "?token=url", 200, 17),
        ({}, "?token=t0k", 400, 16),
    ],
)
def test_health(hec, headers, path, status, code):
    answer = call(hec, "GET", f"/services/collector/health{path}", headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (status, code)


@pytest.mark.parametrize(
    ("query", "status", "code"),
    [("t0k", 400, 16), ("nope", 403, 4), ("off", 403, 1), ("", 401, 2), ("url", 200, 0)],
)
def test_a_token_in_the_url_is_taken_only_where_the_token_allows_it(hec, query, status, code):
    answer = send(hec, {"event": "a"}, {}, f"/services/collector/event?token={query}")
    assert (answer[0], answer[1]["code"]) == (status, code)


def test_a_full_disk_is_busy_and_unhealthy_until_a_write_succeeds(splunk, hec, monkeypatch):
    def full(index, events):
        raise SplunkdError(507, "The disk is full.")

    with monkeypatch.context() as patch:
        patch.setattr(splunk.indexes, "write", full)
        assert send(hec, {"event": "a"}) == (503, {"text": "Server is busy", "code": 9})
    assert call(hec, "GET", "/services/collector/health").json()["code"] == 18
    assert send(hec, {"event": "a"})[0] == 200
    assert call(hec, "GET", "/services/collector/health").json()["code"] == 17


def test_a_collector_that_stops_says_so(splunk, hec):
    splunk.hec.stop()
    assert send(hec, {"event": "a"})[1]["code"] == 23
    assert call(hec, "GET", "/services/collector/health").json()["code"] == 23


def test_a_channel_with_too_many_unasked_acknowledgements_takes_no_more(hec, monkeypatch):
    monkeypatch.setattr("tools.splunkd_lite.inputs.hec_ack.MAX_WAITING", 2)
    headers = {"Authorization": "Splunk acked", **CHANNEL}
    assert [send(hec, {"event": "a"}, headers)[0] for _ in range(3)] == [200, 200, 429]
    assert send(hec, {"event": "a"}, headers)[1]["code"] == 27
    send(hec, {"acks": [0]}, headers, "/services/collector/ack")
    assert send(hec, {"event": "a"}, headers)[1]["ackId"] == 2


def test_a_body_that_is_too_large_is_413(hec, monkeypatch):
    monkeypatch.setattr("tools.splunkd_lite.inputs.hec.MAX_BODY_BYTES", 100)
    assert send(hec, {"event": "a" * 200})[0] == 413


def test_events_are_edited_and_routed_by_the_props_of_each(splunk, hec):
    splunk.conf.confs["props"] = {"demo": {"SEDCMD-a": "s/secret/xxx/"}, "d": {"TRANSFORMS-a": "t"}}
    splunk.conf.confs["transforms"] = {
        "t": {"REGEX": "drop", "DEST_KEY": "queue", "FORMAT": "nullQueue"}
    }
    body = [{"event": "a secret"}, {"event": "drop", "sourcetype": "d"},
            {"event": "drop", "sourcetype": "e"}]  # fmt: skip
    assert send(hec, "".join(json.dumps(each) for each in body))[0] == 200
    assert [event["_raw"] for event in splunk.indexes.events] == ["a xxx", "drop"]


def test_the_whole_collector_can_be_switched_off(splunk, hec):
    splunk.conf.confs["inputs"]["http"] = {"disabled": "1"}
    assert send(hec, {"event": "a"})[1]["code"] == 1

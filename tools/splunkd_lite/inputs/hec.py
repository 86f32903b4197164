"""The HTTP Event Collector.

Sources: "Set up and use HTTP Event Collector", "Format events for HTTP Event Collector", "About
HTTP Event Collector Indexer Acknowledgment" and "Troubleshoot HTTP Event Collector" (the codes) in
Getting Data In; inputs.conf.spec 10.0, ``[http]`` and ``[http://<name>]``.
"""

from __future__ import annotations

import base64
import binascii
import hmac
import json
import math
import uuid
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from tools.splunkd_lite.errors import SplunkdError
from tools.splunkd_lite.runners.errors import RunnerError
from tools.splunkd_lite.runners.settings import names, truthy

from .breaking import break_events, text_of_span
from .hec_ack import AckChannels
from .indextime import Edits, store
from .props import props_for
from .timestamps import find_time

__all__ = ["HecServer"]

MAX_BODY_BYTES = 64 * 1024 * 1024
_TEXTS = {
    0: (200, "Success"), 1: (403, "Token disabled"), 2: (401, "Token is required"),
    3: (401, "Invalid authorization"), 4: (403, "Invalid token"), 5: (400, "No data"),
    6: (400, "Invalid data format"), 7: (400, "Incorrect index"),
    8: (500, "Internal server error"), 9: (503, "Server is busy"),
    10: (400, "Data channel is missing"), 11: (400, "Invalid data channel"),
    12: (400, "Event field is required"), 13: (400, "Event field cannot be blank"),
    14: (400, "ACK is disabled"), 15: (400, "Error in handling indexed fields"),
    16: (400, "Query string authorization is not enabled"), 17: (200, "HEC is healthy"),
    18: (503, "HEC is unhealthy, queues are full"),
    19: (503, "HEC is unhealthy, ack service unavailable"),
    20: (503, "HEC is unhealthy, queues are full, ack service unavailable"),
    21: (400, "Invalid token"), 22: (400, "Token disabled"), 23: (503, "Server is shutting down"),
    24: (200, "HEC queue is approaching capacity"),
    25: (200, "HEC ack channel is approaching capacity"),
    26: (429, "HEC queue is at capacity"), 27: (429, "HEC ack channel is at capacity"),
}  # fmt: skip
# What cannot happen here: there is no queue before the index, and acknowledgements need no service
# of their own, so 19, 20 and 24 to 26 are never answered; 18 is when the disk is full.
_EVENT_KEYS = {"event", "time", "host", "source", "sourcetype", "index", "fields"}


class _TooLarge(Exception):
    """The body is larger than ``max_content_length``."""


class _Refusal(Exception):
    """An answer with one of the collector's codes."""

    def __init__(self, code: int, number: int | None = None) -> None:
        super().__init__(_TEXTS[code][1])
        self.code = code
        self.number = number


@dataclass(frozen=True)
class _Token:
    """One ``[http://<name>]`` stanza."""

    name: str
    settings: Mapping[str, str]

    @property
    def acknowledges(self) -> bool:
        return truthy(self.settings.get("useACK"), False, f"useACK in [http://{self.name}]")

    def index(self, asked: str | None) -> str:
        """The index to write to; one that the token may not write to is refused."""
        allowed = names(self.settings.get("indexes"))
        index = asked or self.settings.get("index") or (allowed[0] if allowed else "main")
        if allowed and index not in allowed:
            raise _Refusal(7)
        return "main" if index == "default" else index


class HecServer:
    """The collector's endpoints, for the tokens of inputs.conf."""

    def __init__(self, splunk: Any) -> None:
        self._splunk = splunk
        self._acks = AckChannels()
        self._full = False  # the last write found the disk full
        self._stopping = False

    def stop(self) -> None:
        """From now on everything is answered with code 23."""
        self._stopping = True

    def app(self) -> Starlette:
        """The collector as an ASGI application."""
        base = "/services/collector"
        handlers = {
            ("POST", ("", "/event", "/event/1.0")): self._take_events,
            ("POST", ("/raw", "/raw/1.0")): self._take_raw,
            ("POST", ("/ack", "/ack/1.0")): self._tell_acks,
            ("GET", ("/health", "/health/1.0")): self._health,
        }
        routes = [
            Route(base + tail, self._endpoint(handler), methods=[method])
            for (method, tails), handler in handlers.items()
            for tail in tails
        ]
        return Starlette(routes=routes)

    def _endpoint(self, handler: Any) -> Any:
        async def serve(request: Request) -> JSONResponse:
            body = await request.body()
            answer: JSONResponse = await run_in_threadpool(self._guarded, handler, request, body)
            return answer

        return serve

    def _guarded(self, handler: Any, request: Request, body: bytes) -> JSONResponse:
        try:
            if self._stopping:
                raise _Refusal(23)
            answer: JSONResponse = handler(request, body)
            return answer
        except _Refusal as refusal:
            extra = {} if refusal.number is None else {"invalid-event-number": refusal.number}
            return _reply(refusal.code, **extra)
        except _TooLarge:
            text = f"Content-Length is too large (maximum is {MAX_BODY_BYTES})"
            return JSONResponse({"text": text}, status_code=413)
        except SplunkdError as error:
            self._splunk.log("HttpInputDataHandler", "ERROR", error.text)
            self._full = error.status == 507
            return _reply(9 if self._full else 8)
        except RunnerError as error:
            self._splunk.log("HttpInputDataHandler", "ERROR", str(error))
            return _reply(8)

    def _health(self, request: Request, body: bytes) -> JSONResponse:
        """No token is needed; one that is given must be good (codes 21 and 22)."""
        try:
            if "authorization" in request.headers or "token" in request.query_params:
                self._token(request)
        except _Refusal as refusal:
            raise _Refusal({4: 21, 1: 22}.get(refusal.code, refusal.code)) from refusal
        return _reply(18 if self._full else 17)

    def _take_events(self, request: Request, body: bytes) -> JSONResponse:
        """JSON objects one after the other. Those before a malformed one are indexed."""
        token = self._token(request)
        channel = self._room(token, self._channel(request, token))
        text = _unpacked(request, body).decode("utf-8", "replace")
        if not text.strip():
            raise _Refusal(5)
        batch: list[tuple[str, dict[str, Any]]] = []
        try:
            for number, item in enumerate(_objects(text)):
                batch.append(self._event(token, item, number))
        finally:
            self._write(batch)
        return self._accepted(token, channel)

    def _take_raw(self, request: Request, body: bytes) -> JSONResponse:
        """Text, broken into events as props.conf says."""
        token = self._token(request)
        channel = self._room(token, self._channel(request, token))
        data = _unpacked(request, body)
        if not data.strip():
            raise _Refusal(5)
        meta = self._meta(token, dict(request.query_params), "httpevent")
        index = self._index(token, request.query_params.get("index"))
        props = props_for(self._splunk.conf, meta["source"], meta["sourcetype"], meta["host"])
        previous, batch = self._splunk.clock.now(), []
        for span in break_events(data, props, final=True):
            line = text_of_span(data, span, props)
            found = find_time(line, props)
            previous = previous if found is None else found
            batch.append((index, {**meta, "_raw": line, "_time": previous}))
        store(self._splunk, batch, props.edits)
        self._full = False
        return self._accepted(token, channel)

    def _write(self, batch: list[tuple[str, dict[str, Any]]]) -> None:
        """Store events that came with their own metadata, each as its props say."""
        known: dict[tuple[str, str, str], Edits] = {}

        def edits(event: Mapping[str, Any]) -> Edits:
            key = (event["source"], event["sourcetype"], event["host"])
            if key not in known:
                known[key] = props_for(self._splunk.conf, *key).edits
            return known[key]

        store(self._splunk, batch, edits)
        self._full = False

    def _channel(self, request: Request, token: _Token) -> str | None:
        """The channel's GUID, which only tokens with acknowledgement need."""
        header = request.headers.get("x-splunk-request-channel")
        channel = header or request.query_params.get("channel")
        if channel is None:
            if token.acknowledges:
                raise _Refusal(10)
            return None
        try:
            uuid.UUID(channel)
        except ValueError as error:
            raise _Refusal(11) from error
        return str(channel).lower()

    def _room(self, token: _Token, channel: str | None) -> str | None:
        """The channel again, if it takes another acknowledgement."""
        if token.acknowledges and self._acks.full(token.name, channel or ""):
            raise _Refusal(27)
        return channel

    def _tell_acks(self, request: Request, body: bytes) -> JSONResponse:
        token = self._token(request)
        if not token.acknowledges:
            raise _Refusal(14)
        channel = self._channel(request, token)
        try:
            asked = json.loads(body)["acks"]
            numbers = [int(number) for number in asked]
        except (ValueError, KeyError, TypeError) as error:
            raise _Refusal(6) from error
        told = self._acks.take(token.name, channel or "", numbers)
        return JSONResponse({"acks": {str(number): done for number, done in told.items()}})

    def _accepted(self, token: _Token, channel: str | None) -> JSONResponse:
        """By now the events are on disk, so an acknowledgement is true from the start."""
        if not token.acknowledges:
            return _reply(0)
        return _reply(0, ackId=self._acks.note(token.name, channel or ""))

    def _token(self, request: Request) -> _Token:
        given = self._given_token(request)
        stanzas = self._splunk.conf.stanzas("inputs")
        if truthy(stanzas.get("http", {}).get("disabled"), False, "disabled in [http]"):
            raise _Refusal(1)
        for name, settings in stanzas.items():
            known = settings.get("token", "")
            if not name.startswith("http://") or not known:
                continue
            if hmac.compare_digest(known.encode(), given.encode()):
                if truthy(settings.get("disabled"), False, f"disabled in [{name}]"):
                    raise _Refusal(1)
                where = f"allowQueryStringAuth in [{name}]"
                if "authorization" not in request.headers and not truthy(
                    settings.get("allowQueryStringAuth"), False, where
                ):
                    raise _Refusal(16)
                return _Token(name[len("http://") :], settings)
        raise _Refusal(4)

    def _given_token(self, request: Request) -> str:
        header = request.headers.get("authorization", "")
        scheme, _, rest = header.partition(" ")
        if scheme.lower() == "splunk" and rest.strip():
            return rest.strip()
        if scheme.lower() == "basic":
            try:
                return base64.b64decode(rest, validate=True).decode().partition(":")[2]
            except (binascii.Error, UnicodeDecodeError) as error:
                raise _Refusal(3) from error
        if header:
            raise _Refusal(3)
        return self._of_query(request)

    def _of_query(self, request: Request) -> str:
        """A token in the URL, which is taken where ``allowQueryStringAuth`` says so.

        As measured on a real splunkd and published, a bad token is told of before the setting is.
        """
        given = str(request.query_params.get("token") or "")
        if not given:
            raise _Refusal(2)
        return given

    def _event(self, token: _Token, item: Any, number: int) -> tuple[str, dict[str, Any]]:
        if not isinstance(item, dict) or set(item) - _EVENT_KEYS:
            raise _Refusal(6, number)
        if "event" not in item or item["event"] is None:
            raise _Refusal(12, number)
        if item["event"] == "":
            raise _Refusal(13, number)
        meta = self._meta(token, item, "httpevent")
        fields = item.get("fields") or {}
        if not isinstance(fields, dict) or any(isinstance(v, dict) for v in fields.values()):
            raise _Refusal(15, number)
        try:
            moment = self._splunk.clock.now() if "time" not in item else float(item["time"])
            if not math.isfinite(moment):
                raise ValueError("not a time")
            index = self._index(token, item.get("index"))
        except (TypeError, ValueError) as error:
            raise _Refusal(6, number) from error
        except _Refusal as refusal:
            raise _Refusal(refusal.code, number) from refusal
        event = item["event"]
        if not isinstance(event, str):
            event = json.dumps(event, ensure_ascii=False, separators=(",", ":"))
        return index, {**fields, **meta, "_raw": event, "_time": moment}

    def _index(self, token: _Token, asked: str | None) -> str:
        index = token.index(asked)
        if index not in self._splunk.indexes.names():
            raise _Refusal(7)
        return index

    def _meta(self, token: _Token, item: Mapping[str, Any], sourcetype: str) -> dict[str, str]:
        defaults = {
            "host": self._splunk.server_name,
            "source": f"http:{token.name}",
            "sourcetype": sourcetype,
        }
        return {
            key: str(item.get(key) or token.settings.get(key) or default)
            for key, default in defaults.items()
        }


def _objects(text: str) -> Iterator[Any]:
    """JSON values that follow each other, with or without space between."""
    decoder, at, number = json.JSONDecoder(), 0, 0
    while at < len(text):
        if text[at].isspace():
            at += 1
            continue
        try:
            value, at = decoder.raw_decode(text, at)
        except (ValueError, RecursionError) as error:
            raise _Refusal(6, number) from error
        if isinstance(value, list):  # one array of events is taken, too
            yield from value
        else:
            yield value
        number += 1


def _unpacked(request: Request, body: bytes) -> bytes:
    if request.headers.get("content-encoding", "").lower() == "gzip":
        unpacker = zlib.decompressobj(zlib.MAX_WBITS | 16)
        try:
            body = unpacker.decompress(body, MAX_BODY_BYTES + 1)
        except zlib.error as error:
            raise _Refusal(6) from error
    if len(body) > MAX_BODY_BYTES:
        raise _TooLarge
    return body


def _reply(code: int, **extra: Any) -> JSONResponse:
    status, text = _TEXTS[code]
    return JSONResponse({"text": text, "code": code, **extra}, status_code=status)

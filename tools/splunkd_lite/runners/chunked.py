"""Custom search commands that speak the chunked (version 2) protocol.

Protocol facts: recordings of a real splunkd, and what Splunk's support published about the fields
of the ``getinfo`` reply (community.splunk.com, "metadata fields of the custom search command"):
``type`` (default ``streaming``), ``generating``, ``required_fields``, ``maxwait``, ``finished``,
``error``, ``inspector.messages``. Settings: commands.conf.spec of Splunk 9.3 to 10.4; by it
``maxchunksize`` limits what the command may answer, and 0 is no limit.
"""

from __future__ import annotations

import itertools
import re
import select
import threading
import time
from collections.abc import Iterable, Iterator, Mapping
from typing import Any
from urllib.parse import quote

from tools.splunkd_lite.version import VERSION

from .chunk_codec import (
    MAX_CHUNK_BYTES,
    decode_body,
    encode_body,
    frame,
    read_chunk,
    unquote_argument,
)
from .errors import CommandFailed, ProcessFailed
from .process import AppProcess, script_path

__all__ = ["COMMAND_TYPES", "ChunkedCommand", "execute_protocol"]

COMMAND_TYPES = ("streaming", "stateful", "events", "reporting")
MAX_CHUNK_ROWS = 50_000
TOKEN_TTL_SECONDS = 3600.0
_SETTINGS = {
    "chunked", "filename", "is_risky", "maxwait", "maxchunksize", "python.version",
    "python.required", "run_in_preview", "disabled", "type",
}  # fmt: skip
_BUILT_IN_DEFAULTS = {"generating", "streaming", "retainsevents", "supports_multivalues"}


class ChunkedCommand:
    """One command of ``commands.conf`` with ``chunked = true``."""

    def __init__(
        self,
        splunk: Any,
        name: str,
        stanza: Mapping[str, str],
        app: str,
        chunk_rows: int = MAX_CHUNK_ROWS,
    ) -> None:
        """``stanza``: its settings; ``app``: the app it stands in; ``chunk_rows``: sent at once.

        Raises:
            CommandFailed: the stanza asks for what the protocol, or this stand-in, does not do.
        """
        self.name = name
        self.app = app
        self._splunk = splunk
        self._stanza = dict(stanza)
        self._chunk_rows = chunk_rows
        self.generating: bool | None = None
        self.type: str | None = None
        _check_stanza(name, stanza)

    def run(
        self, args: list[str], rows: Iterable[Mapping[str, Any]] | None, context: Any
    ) -> Iterator[dict[str, Any]]:
        """Run the command over ``rows``; None means that it starts the pipeline.

        ``args`` are its tokens as written, quotes kept. Messages go to ``context.message``.

        Raises:
            CommandFailed: as the command said, or how it broke the protocol. The process has ended.
        """
        for _ in range(self._splunk.command_rehearsals):
            self.probe(args, context)
        process = self._start()
        exchange = self._exchange(process, context)
        try:
            yield from self._converse(process, exchange, args, rows, context)
        except ProcessFailed as error:
            said = " ".join(exchange.errors) or f"{error}."
            raise CommandFailed(f"Error in '{self.name}' command: {said}") from error
        finally:
            process.end()

    def _exchange(self, process: AppProcess, context: Any) -> _Exchange:
        maxwait = float(self._stanza.get("maxwait", "0"))
        max_bytes = int(self._stanza.get("maxchunksize", "0")) or MAX_CHUNK_BYTES
        return _Exchange(process, maxwait, max_bytes, context.cancelled)

    def _start(self) -> AppProcess:
        filename = self._stanza.get("filename", f"{self.name}.py")
        extra = [v for k, v in sorted(self._stanza.items()) if k.startswith("command.arg.")]
        try:
            script = script_path(self._splunk, self.app, filename)
            label = f"command '{self.name}'"
            arguments = [str(script), *extra]
            return AppProcess(self._splunk, arguments, "ChunkedExternProcessor", label)
        except ProcessFailed as error:
            raise CommandFailed(f"Error in '{self.name}' command: {error}") from error

    def _converse(
        self,
        process: AppProcess,
        exchange: _Exchange,
        args: list[str],
        rows: Iterable[Mapping[str, Any]] | None,
        context: Any,
    ) -> Iterator[dict[str, Any]]:
        info = self._splunk_info(args, context)
        reply, _ = self._ask(exchange, info, b"", context)
        self._accept_getinfo(reply, rows)
        if reply.get("finished"):
            return
        if self.generating:
            yield from self._generate(exchange, context)
        else:
            rows = self._before(reply, rows or (), context)
            yield from self._process_rows(exchange, rows, context)
        process.close_stdin()
        status = process.wait(10.0)
        if status not in (0, None):
            raise ProcessFailed(
                f"External search command exited unexpectedly with non-zero error code {status}"
            )

    def _splunk_info(self, args: list[str], context: Any) -> dict[str, Any]:
        token = self._splunk.access.token_for(context.user, TOKEN_TTL_SECONDS)
        return {
            "action": "getinfo",
            "preview": False,
            "streaming_command_will_restart": False,
            "searchinfo": {
                "args": [unquote_argument(arg) for arg in args],
                "raw_args": list(args),
                "dispatch_dir": str(context.dispatch_dir),
                "sid": str(context.sid),
                "app": str(context.app),
                "owner": _user_name(context.user),
                "username": _user_name(context.user),
                "session_key": token,
                "splunkd_uri": str(self._splunk.mgmt_uri),
                "splunk_version": VERSION,
                "search": quote(str(context.search), safe=""),
                "command": self.name,
                "maxresultrows": MAX_CHUNK_ROWS,
                "earliest_time": _time_text(context.earliest),
                "latest_time": _time_text(context.latest),
            },
        }

    def _accept_getinfo(self, reply: dict[str, Any], rows: object) -> None:
        self.type = str(reply.get("type", "streaming"))
        self.generating = bool(reply.get("generating", False))
        if self.type not in COMMAND_TYPES:
            raise ProcessFailed(f"its getinfo reply has type '{self.type}', which does not exist")
        required = reply.get("required_fields")
        if required and "*" not in required and self.type != "reporting":
            raise ProcessFailed("its required_fields (selected fields) are not supported here")
        if self.generating and rows is not None:
            raise ProcessFailed("This command must be the first command of a search")
        if not self.generating and rows is None:
            raise ProcessFailed("it is not a generating command and so cannot start a search")

    def _before(
        self, reply: dict[str, Any], rows: Iterable[Mapping[str, Any]], context: Any
    ) -> Iterable[Mapping[str, Any]]:
        """Run the map step of a reporting command, where it has a streaming one.

        splunklib names one in every ReportingCommand's reply; in a class without a map method that
        step says of itself that it is ``reporting``, so it can't run ahead and is skipped.
        """
        words = re.findall(r'(?:[^\s"]|"(?:[^"\\]|\\.)*")+', str(reply.get("streaming_preop", "")))
        if not words:
            return rows
        if words[0] != self.name:
            raise ProcessFailed(f"its streaming_preop starts with '{words[0]}', not with itself")
        step = ChunkedCommand(self._splunk, self.name, self._stanza, self.app, self._chunk_rows)
        if step.probe(words[1:], context) == "reporting":
            return rows
        return step.run(words[1:], rows, context)

    def probe(self, args: list[str], context: Any) -> str:
        """Start the command for its ``getinfo`` only; its type.

        Raises:
            CommandFailed: as for :meth:`run`.
        """
        process = self._start()
        exchange = self._exchange(process, context)
        try:
            reply, _ = self._ask(exchange, self._splunk_info(args, context), b"", context)
        except ProcessFailed as error:
            raise CommandFailed(f"Error in '{self.name}' command: {error}.") from error
        finally:
            process.end()
        self.generating = bool(reply.get("generating", False))
        self.type = str(reply.get("type", "streaming"))
        return self.type

    def _generate(self, exchange: _Exchange, context: Any) -> Iterator[dict[str, Any]]:
        """Send empty ``execute`` chunks until the command says that it has finished."""
        while True:
            request = {"action": "execute", "finished": False}
            reply, body = self._ask(exchange, request, b"", context)
            yield from decode_body(body)
            if reply.get("finished"):
                return

    def _process_rows(
        self, exchange: _Exchange, rows: Iterable[Mapping[str, Any]], context: Any
    ) -> Iterator[dict[str, Any]]:
        """Send the rows chunk by chunk, then ask until the command has said all that it holds."""
        for chunk, last in _chunks(rows, self._chunk_rows):
            request = {"action": "execute", "finished": last}
            reply, answer = self._ask(exchange, request, encode_body(chunk), context)
            yield from decode_body(answer)
            if reply.get("finished"):
                return
        while not reply.get("finished"):
            request = {"action": "execute", "finished": True}
            reply, answer = self._ask(exchange, request, b"", context)
            yield from decode_body(answer)

    def _ask(
        self, exchange: _Exchange, request: dict[str, Any], body: bytes, context: Any
    ) -> tuple[dict[str, Any], bytes]:
        answer = exchange.ask(request, body)
        for level, text in (answer[0].get("inspector") or {}).get("messages") or []:
            context.message(str(level).upper(), str(text))
            if str(level).upper() in ("ERROR", "FATAL"):
                exchange.errors.append(str(text))
        if answer[0].get("error"):
            raise CommandFailed(f"Error in '{self.name}' command: {answer[0]['error']}")
        return answer


class _Exchange:
    """One question and its answer at a time, with the command's limits and the cancellation.

    Writing happens in a thread of its own, so a command that answers before it has read all of its
    input cannot make both sides wait for each other.
    """

    POLL_SECONDS = 0.2

    def __init__(self, process: AppProcess, maxwait: float, max_bytes: int, cancelled: Any) -> None:
        """``maxwait``: seconds for an answer, 0 for no limit; ``max_bytes``: of an answer."""
        self.errors: list[str] = []
        self._process = process
        self._maxwait = maxwait
        self._max_bytes = max_bytes
        self._cancelled = cancelled
        self._buffer = b""
        self._deadline: float | None = None

    def ask(self, request: dict[str, Any], body: bytes) -> tuple[dict[str, Any], bytes]:
        """Send a chunk and read the next one.

        Raises:
            ProcessFailed: no answer within its limits, the command ended, or broke the protocol.
        """
        self._deadline = time.monotonic() + self._maxwait if self._maxwait else None
        message = frame(request, body)
        writer = threading.Thread(target=self._send, args=(message,), daemon=True)
        writer.start()
        answer = read_chunk(self, self._max_bytes)
        if answer is None:
            status = self._process.wait(2.0)
            raise ProcessFailed(
                f"External search command exited unexpectedly with non-zero error code {status}"
                if status
                else "it ended without answering"
            )
        writer.join()
        return answer

    def readline(self) -> bytes:
        """The next line, or b"" at the end of the stream."""
        while b"\n" not in self._buffer:
            if not self._fill():
                line, self._buffer = self._buffer, b""
                return line
        line, self._buffer = self._buffer.split(b"\n", 1)
        return line + b"\n"

    def read(self, size: int) -> bytes:
        """``size`` bytes, or fewer at the end of the stream."""
        parts, have = [self._buffer], len(self._buffer)
        self._buffer = b""
        while have < size and self._fill():
            parts.append(self._buffer)
            have += len(self._buffer)
            self._buffer = b""
        data = b"".join(parts)
        self._buffer = data[size:]
        return data[:size]

    def _send(self, message: bytes) -> None:
        try:
            self._process.stdin.write(message)
            self._process.stdin.flush()
        except (BrokenPipeError, ValueError):
            return  # the command has ended; the reader finds its end and says so

    def _fill(self) -> bool:
        """Add what there is to the buffer; False at the end of the stream."""
        stream = self._process.stdout
        while not select.select([stream], [], [], self.POLL_SECONDS)[0]:
            if self._cancelled():
                raise ProcessFailed("the search was cancelled")
            if self._deadline is not None and time.monotonic() > self._deadline:
                raise ProcessFailed(f"it produced nothing for {self._maxwait:g} seconds (maxwait)")
        data = stream.read1(1 << 20)  # type: ignore[attr-defined]
        self._buffer += data
        return bool(data)


def execute_protocol(requests: bytes, process: AppProcess) -> bytes:
    """Replay raw bytes into a command and return all that it wrote (for recordings)."""
    writer = threading.Thread(target=_write_all, args=(process, requests), daemon=True)
    writer.start()
    output = process.stdout.read()
    writer.join()
    process.wait(10.0)
    return output


def _write_all(process: AppProcess, data: bytes) -> None:
    try:
        process.stdin.write(data)
    except BrokenPipeError:
        return
    process.close_stdin()


def _chunks(
    rows: Iterable[Mapping[str, Any]], size: int
) -> Iterator[tuple[list[Mapping[str, Any]], bool]]:
    """Lists of ``size`` rows, and whether each is the last; no rows give one empty, last list."""
    source = iter(rows)
    chunk = list(itertools.islice(source, size))
    while True:
        following = list(itertools.islice(source, size))
        yield chunk, not following
        if not following:
            return
        chunk = following


def _check_stanza(name: str, stanza: Mapping[str, str]) -> None:
    if not _is_true(stanza.get("chunked", "false")):
        raise CommandFailed(
            f"Command '{name}' is not chunked: this stand-in runs version 2 commands only; "
            "set chunked = true in commands.conf."
        )
    for setting in stanza:
        known = setting in _SETTINGS or setting.startswith("command.arg.")
        if not known and setting not in _BUILT_IN_DEFAULTS:
            raise CommandFailed(
                f"Command '{name}' sets '{setting}' in commands.conf, which a chunked command "
                "does not honour: remove it."
            )


def _is_true(value: str) -> bool:
    return value.strip().lower() in ("1", "true", "t", "yes", "y")


def _user_name(user: Any) -> str:
    return str(getattr(user, "name", user))


def _time_text(value: float | None) -> str:
    """``0`` stands for an open end, as recorded for an all-time search."""
    return "0" if value is None else f"{value:.3f}".rstrip("0").rstrip(".")

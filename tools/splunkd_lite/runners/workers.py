"""Processes that serve many requests, a few of them for each kind of request."""

from __future__ import annotations

import json
import select
import struct
import threading
import time
from collections.abc import Callable, Sequence
from typing import Any

from .errors import ProcessFailed
from .process import AppProcess

__all__ = ["WorkerPool", "WorkerPools"]

REQUEST_TIMEOUT_SECONDS = 120.0
START_TIMEOUT_SECONDS = 60.0
MAX_WORKERS = 4
MAX_MESSAGE_BYTES = 256 * 1024 * 1024


class _Worker:
    """One process, with one request at a time."""

    def __init__(
        self,
        splunk: Any,
        arguments: Sequence[str],
        component: str,
        label: str,
        environment: dict[str, str] | None,
    ) -> None:
        """Start it and wait until it says that it is ready.

        Raises:
            ProcessFailed: it could not load what it is to run; the text has its words.
        """
        self._process = AppProcess(splunk, arguments, component, label, environment)
        self._buffer = b""
        try:
            hello = self._read(time.monotonic() + START_TIMEOUT_SECONDS)
        except ProcessFailed:
            self.end()
            raise
        if "failed" in hello:
            self.end()
            raise ProcessFailed(f"{label} could not be loaded: {hello['failed']['text']}")

    def alive(self) -> bool:
        return self._process.running()

    def ask(self, message: dict[str, Any]) -> dict[str, Any]:
        """Send one message and wait for its answer.

        Raises:
            ProcessFailed: the process ended, or took longer than two minutes.
        """
        body = json.dumps(message).encode()
        writer = threading.Thread(target=self._send, args=(body,), daemon=True)
        writer.start()
        return self._read(time.monotonic() + REQUEST_TIMEOUT_SECONDS)

    def end(self) -> None:
        self._process.end(grace=0.5)

    def _send(self, body: bytes) -> None:
        try:
            self._process.stdin.write(struct.pack(">I", len(body)) + body)
            self._process.stdin.flush()
        except (BrokenPipeError, ValueError):
            return  # the reader finds the end of the process and says so

    def _read(self, deadline: float) -> dict[str, Any]:
        (size,) = struct.unpack(">I", self._exactly(4, deadline))
        if size > MAX_MESSAGE_BYTES:
            raise ProcessFailed(f"{self._process.label} answered with {size} bytes")
        answer = json.loads(self._exactly(size, deadline))
        return answer if isinstance(answer, dict) else {}

    def _exactly(self, size: int, deadline: float) -> bytes:
        stream = self._process.stdout
        parts, have = [self._buffer], len(self._buffer)
        while have < size:
            left = deadline - time.monotonic()
            if left <= 0 or not select.select([stream], [], [], left)[0]:
                raise ProcessFailed(f"{self._process.label} did not answer in time")
            data = stream.read1(1 << 20)  # type: ignore[attr-defined]
            if not data:
                tail = self._process.stderr_tail[-1:] or [""]
                raise ProcessFailed(f"{self._process.label} ended without answering. {tail[0]}")
            parts.append(data)
            have += len(data)
        joined = b"".join(parts)
        self._buffer = joined[size:]
        return joined[:size]


class WorkerPool:
    """Up to four processes with the same arguments, started when first needed."""

    def __init__(
        self,
        splunk: Any,
        arguments: Sequence[str],
        component: str,
        label: str,
        reuse: bool = True,
        environment: dict[str, str] | None = None,
    ) -> None:
        """``reuse``: whether a process serves more than one request; ``environment``: its own."""
        self._splunk = splunk
        self._arguments = list(arguments)
        self._component = component
        self._label = label
        self._reuse = reuse
        self._environment = environment
        self._idle: list[_Worker] = []
        self._all: set[_Worker] = set()
        self._places = threading.BoundedSemaphore(MAX_WORKERS)
        self._lock = threading.Lock()

    def ask(self, message: dict[str, Any]) -> dict[str, Any]:
        """Have a process answer a message. A process that fails is ended and not used again.

        Raises:
            ProcessFailed: no process could be started, or the one asked failed.
        """
        if not self._places.acquire(timeout=REQUEST_TIMEOUT_SECONDS):
            raise ProcessFailed(f"all {MAX_WORKERS} processes of {self._label} are busy")
        try:
            worker = self._take()
            try:
                answer = worker.ask(message)
            except ProcessFailed:
                self._drop(worker)
                raise
            if "failed" in answer:
                self._drop(worker)
                raise ProcessFailed(f"{self._label} could not load it: {answer['failed']['text']}")
            if self._reuse and "error" not in answer:
                with self._lock:
                    self._idle.append(worker)
            else:
                self._drop(worker)
            return answer
        finally:
            self._places.release()

    def stop(self) -> None:
        """End the processes."""
        with self._lock:
            workers = list(self._all)
        for worker in workers:
            self._drop(worker)

    def _take(self) -> _Worker:
        while True:
            with self._lock:
                worker = self._idle.pop() if self._idle else None
            if worker is None:
                worker = _Worker(
                    self._splunk, self._arguments, self._component, self._label, self._environment
                )
                with self._lock:
                    self._all.add(worker)
                return worker
            if worker.alive():
                return worker
            self._drop(worker)

    def _drop(self, worker: _Worker) -> None:
        worker.end()
        with self._lock:
            self._all.discard(worker)
            if worker in self._idle:
                self._idle.remove(worker)


class WorkerPools:
    """A pool for each stanza of restmap.conf, made when it is first asked."""

    def __init__(self) -> None:
        self._pools: dict[str, WorkerPool] = {}
        self._lock = threading.Lock()

    def of(self, stanza: str, make: Callable[[], WorkerPool]) -> WorkerPool:
        """The stanza's pool. Raises what ``make`` raises, which is called for the first request."""
        with self._lock:
            if stanza not in self._pools:
                self._pools[stanza] = make()
            return self._pools[stanza]

    def stop(self) -> None:
        """End all processes."""
        with self._lock:
            pools, self._pools = list(self._pools.values()), {}
        for pool in pools:
            pool.stop()

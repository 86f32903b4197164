"""Cache the executors' facts for requests that only show a plan.

Everyone who may read incidents may open a plan as often as they like, and each view asks the plan's
service with the app's token. Views within two seconds therefore share one request. Decisions and
actions always ask again, and refresh the cache.
"""

from __future__ import annotations

import threading
import time
from typing import Any, Callable, Dict, Mapping, Optional, Tuple

from .executors.executor import Executor, ExecutorError, Executors, Outcome

__all__ = ["FactsCache"]

FRESH_SECONDS = 2.0
# The maximum number of cached answers; beyond it, all are dropped.
MOST = 200

_Told = Tuple[float, Optional[Dict[str, Any]], Optional[ExecutorError]]


class FactsCache:
    """Remembers the executors' facts, in one process."""

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        self._now = now
        self._told: Dict[Tuple[Any, ...], _Told] = {}
        self._lock = threading.Lock()

    def wrap(self, executors: Executors, allow_cached: bool) -> Executors:
        """Return the executors; with ``allow_cached``, their facts may be ``FRESH_SECONDS`` old."""

        def one(name: str) -> Callable[[], Executor]:
            return lambda: _CachedExecutor(self, name, executors[name](), allow_cached)

        return {name: one(name) for name in executors}

    def facts(
        self, name: str, executor: Executor, arguments: Mapping[str, str], allow_cached: bool
    ) -> Dict[str, Any]:
        """Return an executor's facts, from the cache if allowed. Raises ExecutorError."""
        key = (name, *sorted(arguments.items()))
        began, facts, error = self._told.get(key, (float("-inf"), None, None))
        if not allow_cached or self._now() - began > FRESH_SECONDS:
            facts, error = None, None
            try:
                facts = dict(executor.facts(arguments))
            except ExecutorError as raised:
                error = raised
            with self._lock:
                if len(self._told) >= MOST:
                    self._told.clear()
                self._told[key] = (self._now(), facts, error)
        if error is not None:
            raise error
        return dict(facts or {})


class _CachedExecutor:
    """An executor whose facts go through :class:`FactsCache`."""

    def __init__(
        self, cache: FactsCache, name: str, executor: Executor, allow_cached: bool
    ) -> None:
        self._cache = cache
        self._name = name
        self._executor = executor
        self._looking = allow_cached

    def address(self, arguments: Mapping[str, str]) -> str:
        return self._executor.address(arguments)

    def facts(self, arguments: Mapping[str, str]) -> Dict[str, Any]:
        return self._cache.facts(self._name, self._executor, arguments, self._looking)

    def execute(self, arguments: Mapping[str, str], request_id: str) -> Outcome:
        return self._executor.execute(arguments, request_id)

    def settle(self, arguments: Mapping[str, str], request_id: str) -> Outcome:
        return self._executor.settle(arguments, request_id)

    def preview(self, arguments: Mapping[str, str], request_id: str) -> Dict[str, Any]:
        return self._executor.preview(arguments, request_id)

    def dry_run(self, arguments: Mapping[str, str], request_id: str) -> Outcome:
        return self._executor.dry_run(arguments, request_id)

"""What routes need from outside: the real backend calls splunkd, tests pass a fake."""

from __future__ import annotations

import hashlib
import time
from typing import (
    TYPE_CHECKING,
    Any,
    Callable,
    Dict,
    FrozenSet,
    Mapping,
    Optional,
    Protocol,
    Sequence,
    Tuple,
)

from ..incidents.grouping import Topology
from ..incidents.routing import Routing
from ..incidents.routing.values import user_name
from ..incidents.story import StoryCache
from ..ports import Clock, Searcher, Stores
from ..splunk.clock import SystemClock
from ..splunk.configuration.topology import TopologyLookup
from ..splunk.kv.replica import Replica, stores_of
from .incident_count import IncidentCount

if TYPE_CHECKING:
    from ..remediation.raising_search import RaisingSearch

__all__ = ["Backend", "SplunkBackend"]

CAPABILITY_SECONDS = 30.0
CONFIGURATION_SECONDS = 10.0
WHO_HAS_SECONDS = 60.0
CACHED_TOKENS = 1000


class Backend(Protocol):
    """Provides what a request needs; sessions are opaque to the routes."""

    clock: Clock
    started_at: float
    remembered: StoryCache
    opened: IncidentCount

    def session(self, raw: Mapping[str, Any], system: bool) -> Any: ...

    def capabilities(self, session: Any) -> Tuple[str, FrozenSet[str]]:
        """Return the name and the capabilities of a session's user."""

    def who_has(self, session: Any, capability: str) -> Optional[Sequence[str]]:
        """Return the users who have a capability; None if that is unknown."""

    def has_capability(self, session: Any, user: str, capability: str) -> bool:
        """Tell whether a user has a capability now. Raises SplunkError."""

    def stores(self, session: Any) -> Stores: ...

    def searcher(self, session: Any) -> Searcher: ...

    def settings(self, session: Any) -> Any: ...
    def follow_up_systems(self, session: Any) -> Mapping[str, bool]: ...

    def routing(self, session: Any) -> Routing: ...

    def problems(self, session: Any) -> Sequence[str]:
        """Return one sentence for each configuration error. Raises SplunkError."""

    def topology(self, session: Any) -> Topology: ...

    def raising(self, session: Any) -> RaisingSearch:
        """Return what reruns the search that raised an incident."""


class SplunkBackend:
    """Calls the splunkd that sent the request; lives as long as the handler's process."""

    def __init__(
        self, clock: Optional[Clock] = None, monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        self.clock: Clock = clock or SystemClock()
        self.started_at = self.clock.now()
        self.remembered = StoryCache(monotonic=monotonic)
        self.opened = IncidentCount(self.clock)
        self._monotonic = monotonic
        self._users: Dict[str, Tuple[float, Tuple[str, FrozenSet[str]]]] = {}
        self._who_has: Dict[str, Tuple[float, Optional[Sequence[str]]]] = {}
        self._routing: Optional[Tuple[float, Routing]] = None
        self._topology = TopologyLookup(monotonic)
        self._replica = Replica(self.clock)
        self._problems: Optional[Tuple[float, Sequence[str]]] = None

    def session(self, raw: Mapping[str, Any], system: bool) -> Any:
        from ..splunk.session import Session

        return Session.from_request(raw, system=system)

    def capabilities(self, session: Any) -> Tuple[str, FrozenSet[str]]:
        """Return the user and capabilities of a token; cached for at most 30 seconds.

        ``authentication/current-context``: "Access endpoint descriptions" in Splunk's REST API
        Reference.
        """
        mark = hashlib.sha256(str(session.token).encode("utf-8")).hexdigest()
        now = self._monotonic()
        known = self._users.get(mark)
        if known is not None and now - known[0] < CAPABILITY_SECONDS:
            return known[1]
        answer = session.get("/services/authentication/current-context")
        content = answer["entry"][0]["content"]
        name = user_name(str(content.get("username", "")))
        found = (name, frozenset(content.get("capabilities") or ()))
        if len(self._users) >= CACHED_TOKENS:
            self._users.clear()
        self._users[mark] = (now, found)
        return found

    def who_has(self, session: Any, capability: str) -> Optional[Sequence[str]]:
        """Return who has a capability, people of the routing first; cached for a minute.

        For display only: it shows who could act, and authorizes nothing.
        """
        from ..splunk.session import SplunkError
        from ..splunk.users import who_has

        now = self._monotonic()
        known = self._who_has.get(capability)
        if known is not None and now - known[0] < WHO_HAS_SECONDS:
            return known[1]
        at_work = self.routing(session).people()
        try:
            names = who_has(session, capability)
        except SplunkError:
            names = None
        found = names and sorted(names, key=lambda name: (name not in at_work, name))
        self._who_has[capability] = (now, found)
        return found

    def has_capability(self, session: Any, user: str, capability: str) -> bool:
        from ..splunk.users import has_capability

        return has_capability(session, user, capability)

    def stores(self, session: Any) -> Stores:
        return stores_of(session, self._replica)

    def searcher(self, session: Any) -> Searcher:
        from ..splunk.searching.search import SplunkSearcher

        return SplunkSearcher(session)

    def settings(self, session: Any) -> Any:
        from ..splunk.configuration import settings

        return settings.load(session)

    def follow_up_systems(self, session: Any) -> Mapping[str, bool]:
        from ..splunk.configuration import conf, settings

        return settings.follow_up_systems(conf.load(session, settings.CONF))

    def routing(self, session: Any) -> Routing:
        """Read incident_routing.conf and the log level; cached for 10 seconds."""
        from ..splunk import log
        from ..splunk.configuration import conf, settings

        now = self._monotonic()
        if self._routing is None or now - self._routing[0] >= CONFIGURATION_SECONDS:
            logging = conf.load(session, settings.CONF).get("logging", {})
            log.get("rest", logging.get("loglevel", "INFO"))
            routing = Routing.from_stanzas(conf.load_with_disabled(session, "incident_routing"))
            for problem in routing.problems:
                log.get("rest").error(problem)
            self._routing = (now, routing)
        return self._routing[1]

    def problems(self, session: Any) -> Sequence[str]:
        """Check all configuration; cached for 10 seconds."""
        # Imported here: with its executors it is two fifths of a handler's imports.
        from ..remediation.catalogue import Catalogue
        from ..splunk.configuration import conf

        now = self._monotonic()
        if self._problems is None or now - self._problems[0] >= CONFIGURATION_SECONDS:
            known = self.settings(session)
            self._topology.read(session)
            actions = Catalogue.from_stanzas(conf.load(session, "incident_actions"))
            found = (
                *known.problems.values(),
                *self.routing(session).problems,
                *actions.problems.values(),
                *([self._topology.problem] if self._topology.problem else []),
                *(text for file in conf.OWN for text in conf.from_other_apps(session, file)),
            )
            self._problems = (now, found)
        return self._problems[1]

    def raising(self, session: Any) -> RaisingSearch:
        from ..detection.monitors.inputs import monitors_of
        from ..detection.monitors.registry import known_monitors
        from ..rerun.raising import raising_of

        stores, now = self.stores(session), self.clock.now()
        return raising_of(
            session, stores, lambda: known_monitors(stores, now, monitors_of(session))
        )

    def topology(self, session: Any) -> Topology:
        from ..splunk import log

        found = self._topology.read(session)
        if self._topology.problem:
            log.get("rest").error(self._topology.problem)
        return found

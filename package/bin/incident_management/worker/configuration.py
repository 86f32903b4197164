"""The configuration of the worker's duties: settings, routing, catalogue and topology."""

from __future__ import annotations

import time
from typing import Callable, Dict, Mapping, Tuple

from ..incidents.grouping import Topology
from ..incidents.routing import Routing
from ..incidents.routing.http_channels import HttpChannel
from ..remediation.catalogue import Catalogue
from ..splunk import log
from ..splunk.configuration import conf, settings
from ..splunk.configuration.channel_secrets import secrets_of
from ..splunk.configuration.settings import Settings, SettingsError
from ..splunk.configuration.topology import TopologyLookup
from ..splunk.session import Session

__all__ = ["Configuration"]

REFRESH_SECONDS = 15.0
# A missing setting does not cause another read this soon after the last one.
JUST_NOW_SECONDS = 1.0


class Configuration:
    """All configuration, read again every 15 seconds.

    ``own_channels``: those of ``routing``, each with the secrets read together with it: a new
    secret does not go to an old address. ``is_read``: False until the first read; duties that
    depend on it do nothing before.
    """

    def __init__(self, session: Session, monotonic: Callable[[], float] = time.monotonic) -> None:
        self.settings = Settings()
        self.routing = Routing()
        self.own_channels: Dict[str, Tuple[HttpChannel, Mapping[str, str]]] = {}
        self.catalogue = Catalogue({}, {})
        self.is_read = False
        self._session = session
        self._monotonic = monotonic
        self._topology = TopologyLookup()
        self._read_at = float("-inf")

    def refresh(self) -> Mapping[str, int]:
        """Read all configuration if it is time. Raises SettingsError for malformed values.

        Well-formed values are applied before that.
        """
        if self._monotonic() - self._read_at >= REFRESH_SECONDS:
            self._read()
        problems = [
            *self.settings.problems.values(),
            *self.routing.problems,
            *self.catalogue.problems.values(),
            *([self._topology.problem] if self._topology.problem else []),
        ]
        if problems:
            raise SettingsError(" ".join(problems))
        return {}

    def read_again(self) -> bool:
        """Read all configuration, unless that was done just now; return whether it was read."""
        if self._monotonic() - self._read_at < JUST_NOW_SECONDS:
            return False
        self._read()
        return True

    def topology(self) -> Topology:
        """Return the dependencies between services, read again if it is time."""
        return self._topology.read(self._session)

    def _read(self) -> None:
        routing = Routing.from_stanzas(conf.load_with_disabled(self._session, "incident_routing"))
        own = routing.own_channels
        secrets = secrets_of(self._session, own.values())
        self.own_channels = {name: (own[name], secrets[name]) for name in own}
        self.routing = routing
        self.catalogue = Catalogue.from_stanzas(conf.load(self._session, "incident_actions"))
        self.settings = settings.load(self._session)
        log.set_level("worker", self.settings.loglevel)
        self._read_at = self._monotonic()
        self.is_read = True

"""The rounds on monitors: the roster, and what prevents monitors from judging."""

from __future__ import annotations

from functools import partial
from typing import Mapping

from ...detection.monitors.inputs import monitors_of
from ...splunk.bulletin import Bulletin
from ..monitors.app_off import record_app_off
from ..monitors.roster import MonitorRoster
from ..monitors.troubles import MonitorMessages
from ..reconciling.alerts import SplunkAlerts
from .shared import Shared

__all__ = ["Monitors"]


class Monitors:
    """The rounds on monitors; ``roster`` has the monitors of all members."""

    def __init__(self, shared: Shared) -> None:
        self._shared = shared
        stores, clock, holder = shared.stores, shared.clock, shared.holder
        self._own = partial(monitors_of, shared.session)
        self.roster = MonitorRoster(stores, clock, holder, self._own)
        bulletin = Bulletin(shared.session)
        self._messages = MonitorMessages(stores, clock, holder, bulletin, self.roster)

    def sign(self) -> Mapping[str, int]:
        """Sign for the monitors of this member, and record whether the app was off."""
        shared = self._shared
        started = SplunkAlerts(shared.session).splunkd_started
        record_app_off(shared.stores, shared.clock, shared.holder, self._own, started)
        return self.roster.sign()

    def show_troubles(self) -> Mapping[str, int]:
        """Show in Splunk Web what prevents monitors from judging."""
        return self._messages.run()

"""The rounds of fixes: interrupted runs, verification, and expired plans."""

from __future__ import annotations

from functools import partial
from typing import Mapping, Optional

from ...processes import has_ended, process_name
from ...remediation import approval, interrupted_runs
from ...remediation.context import Context
from ...remediation.executors.factory import executors
from ...remediation.verify import Verifier
from ...rerun.raising import raising_of
from ...splunk.searching.search import SplunkSearcher
from ...splunk.users import has_capability
from ..monitors.roster import MonitorRoster
from .shared import Shared

__all__ = ["Fixes"]


class Fixes:
    """The rounds on fixes. An instance lives as long as its process.

    Args:
        roster: the monitors of all members, as one may have raised the incident of a fix.
    """

    def __init__(self, shared: Shared, roster: MonitorRoster) -> None:
        self._shared = shared
        self._roster = roster
        self._verifier: Optional[Verifier] = None

    def settle(self) -> Mapping[str, int]:
        """End the runs that were interrupted."""
        return {
            "runs_settled": interrupted_runs.settle_all(
                self._context(), failed=self._shared.report_trouble
            )
        }

    def verify(self) -> Mapping[str, int]:
        """Verify fixes by the searches and monitors that raised their incidents."""
        shared = self._shared
        if self._verifier is None:
            raising = raising_of(shared.session, shared.stores, self._roster.all)
            searcher = SplunkSearcher(shared.session)
            self._verifier = Verifier(self._context(), searcher, raising)
        self._verifier.use(self._context())
        return {"plans_verified": self._verifier.run(failed=shared.report_trouble)}

    def expire(self) -> Mapping[str, int]:
        """Expire plans whose time is over."""
        return {"plans_expired": approval.expire_plans(self._context())}

    def _context(self) -> Context:
        shared, config = self._shared, self._shared.config
        known = executors(lambda: config.settings)
        may = partial(has_capability, shared.session)
        return Context(
            shared.stores, shared.clock, config.catalogue, known, may, process_name(), has_ended
        )

"""What makes an instance a member of a search head cluster.

Sources: "Search head clustering architecture", "Control search concurrency on search head
clusters" (the captain allocates each scheduled search to the member with the least load) and
"Configuration updates that the cluster replicates" in Distributed Search. Members share what a
real cluster replicates: KV store, conf changes, accounts, the scheduler's records and throttling,
fired alerts, search artifacts; and, as its indexers would, the indexes.
"""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any, Sequence

from tools.splunkd_lite.cluster.confsync import ConfSync
from tools.splunkd_lite.cluster.membership import ClusterOptions, Membership
from tools.splunkd_lite.errors import SplunkdError
from tools.splunkd_lite.state import StateStore

if TYPE_CHECKING:
    from tools.splunkd_lite.core import Splunk

__all__ = ["SHARED_SHELVES", "ClusterMember"]

SHARED_SHELVES = frozenset({"alert_counts", "scheduler", "suppressions", "tokens"})
_SECRET = "splunk.secret"


class ClusterMember:
    """This instance's part in its cluster."""

    def __init__(self, splunk: Splunk, options: ClusterOptions) -> None:
        self._splunk = splunk
        self.options = options
        self.label = options.label
        self.membership = Membership(options, splunk.guid, splunk.home)
        self.state = StateStore(options.folder / "state.sqlite")
        shelf = splunk.state("conf_replication")
        self._conf = ConfSync(options.folder, self.label, splunk.conf, splunk.access, shelf)
        _share_secret(options.folder, splunk.home)
        self._faults = self.state.shelf("kv_faults")
        self._allocation = self.state.shelf("allocation")

    def start(self) -> None:
        """Join, take over what was missed, and keep in touch."""
        self._splunk.kv.faults.majority = self.membership.has_majority
        self._splunk.kv.faults.is_captain = lambda: self.membership.is_captain
        self._beat()
        self.membership.start(self._splunk.mgmt_uri, self._beat)

    def stop(self) -> None:
        self.membership.stop()
        self._conf.close()
        self.state.close()

    def set_faults(self, settings: dict[str, Any]) -> None:
        """Switch faults of the KV store on or off for all members, at their next heartbeat."""
        self._faults.set("all", settings)
        self._splunk.kv.faults.set(settings)

    def pull(self) -> int:
        """Apply the other members' conf changes now and return how many there were."""
        return self._conf.pull()

    def allocate(self, searches: Sequence[str]) -> frozenset[str]:
        """Ids of the scheduled searches that are this member's to run.

        The captain gives those without a member that is up to the member with the fewest. Without
        a captain nothing is scheduled.
        """
        captain = self.membership.captain
        if captain is None:
            return frozenset()
        held = self._allocation.items()
        if captain.label == self.label:
            up = self.membership.up()
            load = {label: sum(held.get(each) == label for each in searches) for label in up}
            for each in searches if up else []:
                if held.get(each) not in load:
                    held[each] = min(up, key=lambda label: (load[label], label))
                    load[held[each]] += 1
                    self._allocation.set(each, held[each])
        return frozenset(each for each in searches if held.get(each) == self.label)

    def is_up(self, label: str) -> bool:
        return label in self.membership.up()

    def dispatch_folder(self, sid: str) -> Path | None:
        """Where another member keeps that search's artifact."""
        for member in self.membership.members():
            folder = Path(member.home) / "var/run/splunk/dispatch" / sid
            if member.label != self.label and (folder / "info.json").exists():
                return folder
        return None

    def _beat(self) -> None:
        try:
            self._splunk.kv.faults.set(self._faults.get("all", {}))
            self.pull()
        except (SplunkdError, OSError) as error:
            self._splunk.log("SHCMember", "ERROR", f"Conf replication failed: {error}")


def _share_secret(folder: Path, home: Path) -> None:
    """All members encrypt with one ``splunk.secret``: the first member's."""
    own, shared = home / "etc" / "auth" / _SECRET, folder / _SECRET
    if not own.exists():
        from tools.splunkd_lite.passwords import make_key

        make_key(own)
    try:
        os.link(own, shared)
    except FileExistsError:
        if own.read_bytes() != shared.read_bytes():
            own.unlink()
            shutil.copy2(shared, own)

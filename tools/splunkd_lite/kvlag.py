"""What a member of a cluster reads that is behind its KV store captain.

Source: "KV store captain" in the Splexicon: the captain takes the writes, and "the KV store keeps
read requests local". A member's copy follows the captain's log in its order ("Replica Set Oplog" in
MongoDB's manual), and a read sees one state of all documents ("Replica Set Data Synchronization").
"""

from __future__ import annotations

import time
from collections import defaultdict
from typing import Mapping

from tools.splunkd_lite.kvdocs import Documents
from tools.splunkd_lite.kvlog import ChangeLog

__all__ = ["Behind"]

Collection = tuple[str, str, str]  # app, owner, name


class Behind:
    """Documents as they were some seconds ago; as they were at the start at the earliest."""

    def __init__(self, now: Mapping[Collection, Documents], log: ChangeLog) -> None:
        """``now``: all documents, up to the newest change that the log's reader knows."""
        self._documents = defaultdict(Documents, {k: each.copy() for k, each in now.items()})
        self._log = log
        self._seq = log.seq

    def follow(self, lag: float) -> None:
        """Take over what was written up to ``lag`` seconds ago.

        Raises LookupError when it is too far behind for what the log keeps.
        """
        for seq, (*where, key, body) in self._log.since(self._seq, time.time() - lag):
            documents = self._documents[where[0], where[1], where[2]]
            if body is None:
                documents.pop(key)
            else:
                documents.put(key, body)
            self._seq = seq

    def of(self, where: Collection) -> Documents:
        return self._documents[where]

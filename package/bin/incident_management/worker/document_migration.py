"""Migrates incident documents from the collection that earlier versions used.

The sweep (:mod:`.document_sweep`) could rebuild each from its timeline, but only 3,000 a minute and
the newest last. Until then an incident would be missing in lists, and its deadlines would not run.
"""

from __future__ import annotations

from typing import Callable, Mapping

from ..incidents.stores import chunks
from ..ports import Collection, Document
from ..splunk.kv.store import KvCollection
from ..splunk.session import Session, SplunkError

__all__ = ["LEGACY_COLLECTION", "migrate_documents", "migrate_if_ours"]

LEGACY_COLLECTION = "incidents"
"""The stanza of collections.conf. Alert Manager has one of the same name, which splunkd may use."""

DOCUMENTS_AT_ONCE = 1000
_NOT_CARRIED = (
    "Incident documents of an earlier version can't be moved; the move is retried. Meanwhile they "
    "are rebuilt from the timelines, 3,000 a minute: {}"
)
# Limits all queries, so that no document of another app is read or deleted.
_OURS: Document = {"$and": [{"_key": {"$gte": "INC-"}}, {"_key": {"$lt": "INC."}}]}


def migrate_if_ours(
    session: Session, incidents: Collection, report_trouble: Callable[[str, str], None]
) -> Mapping[str, int]:
    """Migrate the former collection; report through ``tell`` if it is another app's.

    In that case the worker continues, and nothing is lost. Raises SplunkError if no collection can
    be reached.
    """
    try:
        return {
            "incidents_carried_over": migrate_documents(
                KvCollection(session, LEGACY_COLLECTION), incidents
            )
        }
    except SplunkError as error:
        if error.status in (0, 503):
            raise
        report_trouble("carry over", _NOT_CARRIED.format(error.message))
        return {}


def migrate_documents(former: Collection, incidents: Collection) -> int:
    """Move the documents of ``former``, the newest first; existing ones in ``incidents`` stay.

    Returns how many documents were there. After a kill, or if another member does the same, the
    rest is moved. A document written meanwhile may be replaced by the older one: as that lacks an
    entry, it is rebuilt (:mod:`.stale_documents`).
    """
    keys = sorted(former.keys(_OURS), reverse=True)
    for some in chunks(keys, DOCUMENTS_AT_ONCE):
        span: Document = {"_key": {"$gte": some[-1], "$lte": some[0]}}
        known = set(incidents.keys(span))
        incidents.save([one for one in former.find(span) if one["_key"] not in known])
        former.delete_matching(span)
    return len(keys)

"""The rounds that rebuild incidents' documents from their timelines."""

from __future__ import annotations

from typing import Mapping

from ...installed import build_number
from ..audit_index import AuditIndex
from ..document_migration import migrate_if_ours
from ..document_sweep import sweep_documents
from ..stale_documents import refresh_stale
from .shared import Shared

__all__ = ["Documents"]


class Documents:
    """The rounds on documents; ``audit_index`` returns entries that the KV store has lost."""

    def __init__(self, shared: Shared, audit_index: AuditIndex) -> None:
        self._shared = shared
        self._audit_index = audit_index
        self._build = build_number()

    def migrate(self) -> Mapping[str, int]:
        """Migrate the documents of an earlier version from their former collection."""
        shared = self._shared
        return migrate_if_ours(shared.session, shared.stores.incidents, shared.report_trouble)

    def refresh(self) -> Mapping[str, int]:
        """Refresh documents that lack recent entries."""
        return refresh_stale(self._shared.stores, self._shared.clock)

    def renew(self) -> Mapping[str, int]:
        """Rebuild the documents of another version of the app, some in each round."""
        shared, indexed = self._shared, self._audit_index.entries
        return sweep_documents(
            shared.stores, shared.clock, self._build, indexed, shared.report_trouble
        )

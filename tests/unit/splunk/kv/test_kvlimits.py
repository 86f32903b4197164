"""The limits that an administrator gave the KV store."""

from typing import Any

import pytest

from incident_management.splunk.kv import limits
from incident_management.splunk.kv.limits import KvLimits, limits_of

LIMITS = "/services/configs/conf-limits/kvstore"


def told(**settings: Any) -> tuple[int, Any]:
    return 200, {"entry": [{"name": "kvstore", "content": settings}]}


@pytest.fixture(autouse=True)
def nothing_known(monkeypatch):
    monkeypatch.setattr(limits, "_known", {})


def test_they_are_read_once_and_the_rest_is_splunks(splunkd, session):
    splunkd.answers = [told(max_rows_per_query="600", max_size_per_result_mb="0.5", other="x")]

    expected = KvLimits(rows=600, bytes=500_000)
    assert limits_of(session) == limits_of(session) == expected
    assert [path for _method, path, *_more in splunkd.seen] == [LIMITS]


@pytest.mark.parametrize("value", ["", "many", "0", "-1", None])
def test_what_is_no_limit_counts_as_none_set(splunkd, session, value):
    splunkd.answers = [told(max_documents_per_batch_save=value)]
    assert limits_of(session) == KvLimits()


@pytest.mark.parametrize("answer", [(200, []), (200, {"entry": []}), (200, "")])
def test_an_answer_without_the_stanza_reports_none(splunkd, session, answer):
    splunkd.answers = [answer]
    assert limits_of(session) == KvLimits()


def test_where_they_may_not_be_read_splunks_own_are_taken_and_asked_for_again(splunkd, session):
    """Whoever may not read them does not settle it for the system's sessions in the process."""
    splunkd.answers = [(403, {"messages": []}), told(max_rows_per_query="600")]

    assert limits_of(session) == KvLimits()
    assert limits_of(session).rows == 600

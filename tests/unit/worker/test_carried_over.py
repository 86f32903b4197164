"""Documents that an earlier version had in another collection."""

from __future__ import annotations

import pytest

from incident_management.splunk.session import SplunkError
from incident_management.worker.document_migration import migrate_documents
from tests.fakes.stores import FakeCollection


def documents(count: int, title: str = "old") -> list:
    return [{"_key": f"INC-20261130-{n:06}", "title": title} for n in range(count)]


@pytest.fixture
def former():
    made = FakeCollection("former")
    made.save(documents(2500))
    return made


@pytest.fixture
def incidents():
    return FakeCollection("incidents")


def keys(collection):
    return sorted(collection.documents)


def test_all_are_moved_once(former, incidents):
    assert migrate_documents(former, incidents) == 2500
    assert (keys(former), len(keys(incidents))) == ([], 2500)
    assert migrate_documents(former, incidents) == 0


def test_the_newest_come_first(former, incidents):
    former.fail_after(2)
    with pytest.raises(SplunkError):
        migrate_documents(former, incidents)
    assert keys(incidents) == [one["_key"] for one in documents(2500)][1500:]


def test_what_was_written_since_the_upgrade_stays(former, incidents):
    newer = documents(1, "new")[0]
    incidents.save([newer])
    migrate_documents(former, incidents)
    assert incidents.get(newer["_key"]) == newer


def test_nothing_of_another_app_is_moved_or_deleted(former, incidents):
    theirs = [{"_key": key} for key in ("5f0c", "INC", "INC.1", "INB-1", "inc-1", "zz")]
    former.save(theirs)
    migrate_documents(former, incidents)
    assert keys(former) == sorted(one["_key"] for one in theirs)
    assert len(keys(incidents)) == 2500


@pytest.mark.parametrize("calls", range(7))
def test_after_a_kill_the_rest_is_moved(former, incidents, calls):
    former.fail_after(calls)
    incidents.fail_after(max(calls - 1, 0))
    with pytest.raises(SplunkError):
        migrate_documents(former, incidents)
    assert len({*keys(former), *keys(incidents)}) == 2500
    former.heal()
    incidents.heal()
    migrate_documents(former, incidents)
    assert (keys(former), len(keys(incidents))) == ([], 2500)


def test_two_members_at_once_lose_nothing(former, incidents):
    at_work = False

    def other(verb, _name):
        nonlocal at_work
        if verb == "save" and not at_work:
            at_work = True
            migrate_documents(former, incidents)

    incidents.before = other
    migrate_documents(former, incidents)
    assert (keys(former), len(keys(incidents))) == ([], 2500)

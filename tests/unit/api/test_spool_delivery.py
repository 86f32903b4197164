"""What alert actions kept on a search head without a worker goes on from its REST API."""

import json

import pytest

from incident_management.api.intake.spool_delivery import SpoolDelivery
from incident_management.incidents.errors import Contended
from incident_management.splunk import spool
from incident_management.splunk.session import SplunkError
from tests.fakes.api import FakeApi

RAW = {"system_authtoken": "system", "session": {"authtoken": "ann"}}
SIGNALS = "/services/incident_management/v1/signals"
NOTIFICATIONS = "/services/incident_management/v1/notifications"
FINDING = {"rule": "Backup failed", "entity": "nas-1", "severity": "high", "run": "1"}


@pytest.fixture
def api(monkeypatch, tmp_path) -> FakeApi:
    monkeypatch.setenv("SPLUNK_HOME", str(tmp_path))
    api = FakeApi()
    user = {"content": {"capabilities": ["incident_signal"]}}
    api.answers["authentication/users/mia"] = {"entry": [user]}
    api.answers["conf-incident_management_settings"] = {"entry": []}
    return api


@pytest.fixture
def kept(api) -> SpoolDelivery:
    return SpoolDelivery(api, monotonic=api.clock.now)


def keep(api, path=SIGNALS, body=None, actor="mia"):
    return spool.put(path, body or {"signals": [FINDING]}, actor, api.clock.now())


def test_what_no_worker_took_is_executed_after_the_next_request(api, kept):
    keep(api)
    keep(api, NOTIFICATIONS, {"channel": "slack", "message": "Disk is full", "id": "1"})
    api.clock.advance(120)
    kept.deliver_old(RAW)

    assert [one["entity"] for one in api.stores_value.signals.all()] == ["nas-1"]
    assert [one["channel"] for one in api.stores_value.outbox.all()] == ["slack"]
    assert list(spool.folder().iterdir()) == []


def test_a_worker_on_this_search_head_has_its_time(api, kept):
    file = keep(api)
    api.clock.advance(119)
    kept.deliver_old(RAW)
    assert file.exists() and api.stores_value.signals.all() == []

    api.clock.advance(29)
    kept.deliver_old(RAW)
    assert file.exists(), "the folder is read every 30 seconds"
    api.clock.advance(1)
    kept.deliver_old(RAW)
    assert not file.exists()


def test_who_may_not_send_signals_is_refused_here_as_well(api, kept):
    api.answers["authentication/users/mallory"] = {"entry": [{"content": {"capabilities": []}}]}
    file = keep(api, actor="mallory")
    api.clock.advance(120)
    kept.deliver_old(RAW)

    assert api.stores_value.signals.all() == []
    assert file.with_suffix(".bad").exists()


def test_what_the_kv_store_can_not_take_stays(api, kept, monkeypatch):
    file = keep(api)
    api.clock.advance(120)
    with monkeypatch.context() as down:
        down.setattr(api, "topology", unavailable)
        kept.deliver_old(RAW)
    assert file.exists()

    api.clock.advance(30)
    kept.deliver_old(RAW)
    assert not file.exists()


@pytest.mark.parametrize("written_at", ["soon", [1], {}, True])
def test_a_file_of_no_known_time_is_executed(api, kept, written_at):
    """The process of the API would end after each answer, and what is behind that file wait."""
    broken = keep(api)
    broken.write_text(
        json.dumps({**json.loads(broken.read_text()), "written_at": written_at}), encoding="utf-8"
    )
    api.clock.advance(120)
    kept.deliver_old(RAW)
    assert list(spool.folder().iterdir()) == []
    assert len(api.stores_value.signals.all()) == 1


def test_what_nobody_expected_ends_no_process(api, kept, monkeypatch):
    """Ingest raises Contended in a storm; a folder that splunkd's user may not read: OSError."""
    file = keep(api)
    api.clock.advance(120)
    for error in (Contended("Too many writers."), KeyError("entry"), PermissionError("spool")):
        with monkeypatch.context() as broken:
            broken.setattr(spool, "pending", raising(error))
            kept.deliver_old(RAW)
        api.clock.advance(30)
    kept.deliver_old(RAW)
    assert not file.exists()


def test_another_process_that_was_there_first_keeps_nothing_waiting(api, kept, monkeypatch):
    """Each process of the API looks, and on a busy machine the worker, too."""
    api.answers["authentication/users/mallory"] = {"entry": [{"content": {"capabilities": []}}]}
    refused = keep(api, actor="mallory")
    api.clock.advance(1)
    file = keep(api)
    api.clock.advance(120)
    both = list(spool.pending())
    refused.replace(refused.with_suffix(".bad"))
    monkeypatch.setattr(spool, "pending", lambda: iter(both))
    kept.deliver_old(RAW)
    assert not file.exists()
    assert refused.with_suffix(".bad").exists()


def test_a_nul_in_a_kept_request_is_shown_as_in_one_that_arrived(api, kept):
    """The same finding, so that what was sent and kept is one signal."""
    body = {"signals": [{**FINDING, "entity": "a\0b"}]}
    keep(api, body=body)
    api.call("POST", "/signals", body, user="mia")
    api.clock.advance(120)
    kept.deliver_old(RAW)
    (signal,) = api.stores_value.signals.all()
    assert signal["entity"] == "a\N{REPLACEMENT CHARACTER}b"


def raising(error):
    def fail(*_arguments):
        raise error

    return fail


def unavailable(_session):
    raise SplunkError(503, "KV Store is initializing.")

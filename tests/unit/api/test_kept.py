"""What alert actions kept on a search head without a worker goes on from its REST API."""

import pytest

from incident_management.api.kept import KeptHere
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
def kept(api) -> KeptHere:
    return KeptHere(api, monotonic=api.clock.now)


def keep(api, path=SIGNALS, body=None, actor="mia"):
    return spool.put(path, body or {"signals": [FINDING]}, actor, api.clock.now())


def test_what_no_worker_took_is_carried_out_after_the_next_request(api, kept):
    keep(api)
    keep(api, NOTIFICATIONS, {"channel": "slack", "message": "Disk is full", "id": "1"})
    api.clock.advance(120)
    kept.carry_out(RAW)

    assert [one["entity"] for one in api.stores_value.signals.all()] == ["nas-1"]
    assert [one["channel"] for one in api.stores_value.outbox.all()] == ["slack"]
    assert list(spool.folder().iterdir()) == []


def test_a_worker_on_this_search_head_has_its_time(api, kept):
    file = keep(api)
    api.clock.advance(119)
    kept.carry_out(RAW)
    assert file.exists() and api.stores_value.signals.all() == []

    api.clock.advance(29)
    kept.carry_out(RAW)
    assert file.exists(), "the folder is read every 30 seconds"
    api.clock.advance(1)
    kept.carry_out(RAW)
    assert not file.exists()


def test_who_may_not_send_signals_is_refused_here_as_well(api, kept):
    api.answers["authentication/users/mallory"] = {"entry": [{"content": {"capabilities": []}}]}
    file = keep(api, actor="mallory")
    api.clock.advance(120)
    kept.carry_out(RAW)

    assert api.stores_value.signals.all() == []
    assert file.with_suffix(".bad").exists()


def test_what_the_kv_store_can_not_take_stays(api, kept, monkeypatch):
    file = keep(api)
    api.clock.advance(120)
    with monkeypatch.context() as down:
        down.setattr(api, "topology", unavailable)
        kept.carry_out(RAW)
    assert file.exists()

    api.clock.advance(30)
    kept.carry_out(RAW)
    assert not file.exists()


def unavailable(_session):
    raise SplunkError(503, "KV Store is initializing.")

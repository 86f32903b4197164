"""The real backend: who a caller is, and what is remembered for how long."""

from types import SimpleNamespace

import pytest

from incident_management.api.backend import SplunkBackend
from incident_management.splunk import conf, log
from tests.fakes import ManualClock


class FakeSession:
    """Answers current-context and conf files; counts."""

    def __init__(self, token="t1", capabilities=("incident_read",)):
        self.token = token
        self.content = {"username": "ann", "capabilities": list(capabilities)}
        self.routing = {"team:a": {}, "rule:default": {"team": "a"}}
        self.asked = []

    def get(self, path, **_query):
        self.asked.append(path)
        if path.endswith("current-context"):
            return {"entry": [{"content": self.content}]}
        stanzas = self.routing if path.endswith("incident_routing") else {}
        return {"entry": [{"name": name, "content": c} for name, c in stanzas.items()]}


@pytest.fixture
def time():
    return ManualClock(1000.0)


@pytest.fixture
def backend(time, monkeypatch, tmp_path):
    monkeypatch.setenv("SPLUNK_HOME", str(tmp_path))
    monkeypatch.setattr(log, "get", lambda *_a: SimpleNamespace(error=lambda *_b: None))
    return SplunkBackend(clock=time, monotonic=time.now)


def test_a_lost_capability_is_noticed_within_30_seconds(backend, time):
    session = FakeSession()
    assert backend.capabilities(session) == ("ann", frozenset({"incident_read"}))
    session.content["capabilities"] = []
    time.advance(29)
    backend.capabilities(session)
    assert len(session.asked) == 1
    time.advance(1)
    assert backend.capabilities(session) == ("ann", frozenset())


def test_another_token_is_another_user(backend):
    backend.capabilities(FakeSession("t1"))
    other = FakeSession("t2", capabilities=())

    assert backend.capabilities(other) == ("ann", frozenset())


def test_tokens_are_not_kept_and_the_memory_is_bounded(backend):
    for number in range(2500):
        backend.capabilities(FakeSession(f"secret-token-{number}"))

    assert len(backend._users) <= 1000
    assert not any("secret" in mark for mark in backend._users)


def test_a_changed_routing_file_takes_effect_within_10_seconds(backend, time):
    session = FakeSession()
    assert backend.routing(session).decide("low", ["x"], ["r"]).team == "a"
    session.routing["rule:1"] = {"team": "b"}
    session.routing["team:b"] = {}
    time.advance(9)
    assert backend.routing(session).decide("low", ["x"], ["r"]).team == "a"
    time.advance(1)
    assert backend.routing(session).decide("low", ["x"], ["r"]).team == "b"


def test_the_topology_follows_its_file(backend, tmp_path):
    folder = tmp_path / "etc/apps/incident_management/lookups"
    folder.mkdir(parents=True)
    assert list(backend.topology().related("shop")) == ["shop"]
    (folder / "incident_topology.csv").write_text("service,depends_on\nshop,payments\n")
    assert set(backend.topology().related("shop")) == {"shop", "payments"}


def test_a_lookup_that_is_too_large_or_no_text_does_not_stop_ingest(backend, tmp_path, monkeypatch):
    folder = tmp_path / "etc/apps/incident_management/lookups"
    folder.mkdir(parents=True)
    (folder / "incident_topology.csv").write_bytes(b"service,depends_on\n\xff\xfe,x\n")
    assert backend.topology().depends_on == {}
    monkeypatch.setattr(conf, "LOOKUP_BYTES", 5)
    assert backend.topology().depends_on == {}

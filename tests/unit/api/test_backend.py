"""The real backend: who a caller is, and what is remembered for how long."""

from types import SimpleNamespace
from typing import Any

import pytest

from incident_management.api.backend import SplunkBackend
from incident_management.splunk import log
from incident_management.splunk.configuration import conf
from incident_management.splunk.session import SplunkError
from tests.fakes import ManualClock


class FakeSession:
    """Answers current-context and conf files; counts."""

    def __init__(self, token="t1", capabilities=("incident_read",)):
        self.token = token
        self.content = {"username": "ann", "capabilities": list(capabilities)}
        self.routing = {"team:a": {}, "rule:default": {"team": "a"}}
        self.asked = []
        self.people: Any = {}
        self.lookup = {"content": {"filename": "incident_topology.csv"}}

    def get(self, path, **_query):
        self.asked.append(path)
        if path.endswith("current-context"):
            return {"entry": [{"content": self.content}]}
        if path.endswith("conf-transforms/incident_topology"):
            return {"entry": [self.lookup]}
        if path.endswith("authorization/roles"):
            return {"entry": [{"name": "boss", "content": {"capabilities": ["incident_approve"]}}]}
        if path.endswith("authentication/users"):
            if self.people is None:
                raise SplunkError(503, "")
            return {"entry": [{"name": n, "content": {"roles": r}} for n, r in self.people.items()]}
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


def test_who_may_approve_is_asked_once_a_minute_and_who_is_in_a_team_comes_first(backend, time):
    session = FakeSession()
    session.routing["team:a"] = {"members": "zoe"}
    session.people = {"admin": ["boss"], "omar": ["boss"], "zoe": ["boss"], "vic": ["user"]}
    assert backend.who_has(session, "incident_approve") == ["zoe", "admin", "omar"]
    session.people = {}
    time.advance(59)
    assert backend.who_has(session, "incident_approve") == ["zoe", "admin", "omar"]
    time.advance(1)
    assert backend.who_has(session, "incident_approve") == []
    session.people = None
    time.advance(60)
    assert backend.who_has(session, "incident_approve") is None, "splunkd did not say"


def test_a_user_is_one_whatever_case_the_login_has(backend):
    session = FakeSession()
    session.content["username"] = "Jane.Doe@corp"
    assert backend.capabilities(session)[0] == "jane.doe@corp"


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


@pytest.fixture
def lookups(tmp_path):
    folder = tmp_path / "etc/apps/incident_management/lookups"
    folder.mkdir(parents=True)
    (folder / "incident_topology.csv").write_text("service,depends_on\n")
    return folder


def test_the_topology_follows_its_file(backend, lookups):
    session = FakeSession()
    assert list(backend.topology(session).related("shop")) == ["shop"]
    (lookups / "incident_topology.csv").write_text("service,depends_on\nshop,payments\n")
    assert set(backend.topology(session).related("shop")) == {"shop", "payments"}
    assert len(session.asked) == 1, "where the file is, is remembered"


@pytest.mark.parametrize("app", ["incident_management", "search", "system"])
def test_the_topology_is_the_file_that_the_lookups_definition_names(backend, time, tmp_path, app):
    folder = tmp_path / "etc" / ("system" if app == "system" else f"apps/{app}") / "lookups"
    folder.mkdir(parents=True)
    (folder / "ours.csv").write_text("service,depends_on\nshop,payments\n")
    session = FakeSession()
    session.lookup = {"acl": {"app": app}, "content": {"filename": "ours.csv"}}
    assert set(backend.topology(session).related("shop")) == {"shop", "payments"}
    assert not any("Grouping" in problem for problem in backend.problems(session))


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ({"filename": "gone.csv"}, "names gone.csv, which is not in the folder lookups of the app"),
        ({"external_type": "kvstore", "collection": "x"}, "names no file; grouping reads a CSV"),
    ],
)
def test_a_topology_that_can_not_be_read_is_reported(backend, lookups, content, says):
    session = FakeSession()
    session.lookup = {"content": content}
    assert backend.topology(session).depends_on == {}
    (problem,) = backend.problems(session)
    assert problem.startswith("Grouping continues without the topology: ") and says in problem


def test_a_lookup_that_is_too_large_or_no_text_does_not_stop_ingest(backend, lookups, monkeypatch):
    session = FakeSession()
    (lookups / "incident_topology.csv").write_bytes(b"service,depends_on\n\xff\xfe,x\n")
    assert backend.topology(session).depends_on == {}
    monkeypatch.setattr(conf, "LOOKUP_BYTES", 5)
    assert backend.topology(session).depends_on == {}


def test_a_splunkd_that_can_not_be_asked_does_not_stop_ingest(backend, lookups, monkeypatch):
    def refuse(_session, _path, **_query):
        raise SplunkError(503, "busy")

    monkeypatch.setattr(FakeSession, "get", refuse)
    assert backend.topology(FakeSession()).depends_on == {}


def test_a_stanza_of_another_app_is_not_read_from_the_apps_own_files():
    def get(path, **_query):
        own = {"name": "team:a", "content": {}, "acl": {"app": "incident_management"}}
        system = {"name": "team:s", "content": {}, "acl": {"app": "system"}}
        other = {"name": "member:bo", "content": {"slack_id": "U1"}, "acl": {"app": "search"}}
        return {"entry": [own, system, other]}

    session: Any = SimpleNamespace(get=get)
    assert list(conf.load(session, "incident_routing")) == ["team:a", "team:s"]
    # Inputs are any app's: a monitor may be one.
    assert list(conf.load(session, "inputs")) == ["team:a", "team:s", "member:bo"]

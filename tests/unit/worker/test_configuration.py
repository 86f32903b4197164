"""The worker reads its configuration again in time, and reports malformed values."""

from __future__ import annotations

import pytest

from incident_management.splunk.configuration.settings import SettingsError
from incident_management.splunk.session import SplunkError
from incident_management.worker.configuration import REFRESH_SECONDS, Configuration
from tests.fakes import ManualClock

ROUTING = "incident_routing"


class ConfSession:
    """Returns conf files by name, and counts how often the routing was read."""

    def __init__(self):
        self.confs = {ROUTING: {"general": {"reopen_window": "2h"}}}
        self.reads = 0
        self.down = False

    def get(self, path, **_query):
        if self.down:
            raise SplunkError(503, "down")
        name = path.rpartition("conf-")[2]
        self.reads += name == ROUTING
        stanzas = self.confs.get(name, {})
        return {"entry": [{"name": stanza, "content": of} for stanza, of in stanzas.items()]}


@pytest.fixture
def session():
    return ConfSession()


@pytest.fixture
def clock():
    return ManualClock(1000.0)


@pytest.fixture
def configuration(session, clock):
    return Configuration(session, clock.now)


def test_it_is_read_at_once_and_again_after_15_seconds(configuration, session, clock):
    assert not configuration.is_read
    assert configuration.refresh() == {}
    assert configuration.is_read and configuration.routing.reopen_window == 7200.0
    session.confs[ROUTING]["general"]["reopen_window"] = "3h"
    clock.advance(REFRESH_SECONDS - 0.1)
    configuration.refresh()
    assert configuration.routing.reopen_window == 7200.0
    clock.advance(0.1)
    configuration.refresh()
    assert configuration.routing.reopen_window == 10800.0


def test_malformed_values_are_reported_each_time_and_affect_nothing_else(configuration, session):
    session.confs["incident_management_settings"] = {"lifecycle": {"resolve_after": "soon"}}
    for _turn in range(2):
        with pytest.raises(SettingsError, match="resolve_after is 'soon'"):
            configuration.refresh()
    assert session.reads == 1
    assert configuration.is_read and configuration.routing.reopen_window == 7200.0


def test_a_missing_setting_is_searched_for_again_but_not_many_times_a_second(
    configuration, session, clock
):
    assert configuration.read_again()
    assert not configuration.read_again()
    clock.advance(1.0)
    assert configuration.read_again()
    assert session.reads == 2


def test_while_splunkd_is_down_what_is_known_holds(configuration, session, clock):
    configuration.refresh()
    session.down = True
    clock.advance(60)
    with pytest.raises(SplunkError):
        configuration.refresh()
    assert configuration.is_read and configuration.routing.reopen_window == 7200.0

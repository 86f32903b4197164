"""Saved searches and what follows from them, through the SDK."""

from __future__ import annotations

import json
import time

import pytest
import splunklib.client
from splunklib.binding import HTTPError

from tests.standin import StandIn
from tools.splunkd_lite.clock import ManualClock

ALERT = {
    "cron_schedule": "*/5 * * * *",
    "is_scheduled": "1",
    "counttype": "number of events",
    "relation": "greater than",
    "quantity": "0",
    "alert.track": "1",
}


@pytest.fixture
def alert(service: splunklib.client.Service) -> splunklib.client.SavedSearch:
    return service.saved_searches.create("Late", "| makeresults", **ALERT)


def test_create_change_and_delete(service: splunklib.client.Service) -> None:
    search = service.saved_searches.create("One", "search index=desk", description="first")
    assert "One" in service.saved_searches
    search.update(description="second", is_scheduled="1", cron_schedule="0 * * * *").refresh()
    assert (search["description"], search["is_scheduled"]) == ("second", "1")
    with pytest.raises(HTTPError) as refused:
        service.saved_searches.create("One", "search index=desk")
    assert refused.value.status == 409
    service.saved_searches.delete("One")
    assert "One" not in service.saved_searches


def test_dispatch_and_history(
    service: splunklib.client.Service, alert: splunklib.client.SavedSearch
) -> None:
    assert alert.history() == []
    jobs = [alert.dispatch() for _ in range(3)]
    for job in jobs:
        while not job.is_done():
            time.sleep(0.01)
    assert {each.sid for each in alert.history()} == {each.sid for each in jobs}
    jobs[0].cancel()
    assert {each.sid for each in alert.history()} == {each.sid for each in jobs[1:]}


def test_arguments_fill_the_search(service: splunklib.client.Service) -> None:
    search = service.saved_searches.create("Arg", '| makeresults | eval x="$args.colour$"')
    job = search.dispatch(**{"args.colour": "green"})
    while not job.is_done():
        time.sleep(0.01)
    assert json.loads(job.results(output_mode="json").read())["results"][0]["x"] == "green"


def test_a_suppression_that_is_asked_for_silences_the_scheduler(
    standin: StandIn, clock: ManualClock, alert: splunklib.client.SavedSearch
) -> None:
    scheduler = standin.splunk.services.use_scheduler()
    assert alert.suppressed == 0
    alert.suppress(3600)
    assert alert.suppressed == 3600
    clock.advance(600)
    scheduler.tick(clock.now())
    assert standin.splunk.alerts.all("Late") == []
    assert alert.suppressed == 3000
    alert.unsuppress()
    assert alert.suppressed == 0
    clock.advance(300)
    scheduler.tick(clock.now())
    assert len(standin.splunk.alerts.all("Late")) == 1


def test_throttling_shows_as_suppression_and_an_acknowledgement_lifts_it(
    standin: StandIn, clock: ManualClock, alert: splunklib.client.SavedSearch
) -> None:
    scheduler = standin.splunk.services.use_scheduler()
    alert.update(**{"alert.suppress": "1", "alert.suppress.period": "1h"})
    for _ in range(3):
        clock.advance(300)
        scheduler.tick(clock.now())
    assert len(standin.splunk.alerts.all("Late")) == 1
    assert 2500 < alert.suppressed <= 3600
    alert.acknowledge()
    assert alert.suppressed == 0
    clock.advance(300)
    scheduler.tick(clock.now())
    assert len(standin.splunk.alerts.all("Late")) == 2


def test_fired_alerts_are_listed(
    standin: StandIn,
    service: splunklib.client.Service,
    clock: ManualClock,
    alert: splunklib.client.SavedSearch,
) -> None:
    scheduler = standin.splunk.services.use_scheduler()
    assert "Late" not in [group.name for group in service.fired_alerts]
    clock.advance(300)
    scheduler.tick(clock.now())
    assert {group.name: group.count for group in service.fired_alerts} == {"-": 1, "Late": 1}
    assert alert.refresh().alert_count == 1


def test_scheduled_times(alert: splunklib.client.SavedSearch) -> None:
    times = alert.scheduled_times("now", "+1h")
    assert len(times) == 12
    seconds = [each.timestamp() for each in times]
    assert {b - a for a, b in zip(seconds, seconds[1:], strict=False)} == {300}

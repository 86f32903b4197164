"""Saved searches and what follows from them, through the SDK."""

from __future__ import annotations

import json
import time

import pytest
import splunklib.client
from splunklib.binding import HTTPError

from tests.contract.sdk.covering import covers
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


@covers("SavedSearches.create", "SavedSearch.update", "Collection.delete", "Entity.refresh")
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


@covers("SavedSearch.dispatch", "SavedSearch.history", "Job.is_done", "Job.cancel")
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


@covers("SavedSearch.suppress", "SavedSearch.suppressed", "SavedSearch.unsuppress")
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


@covers("SavedSearch.acknowledge")
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


@covers("Service.fired_alerts", "AlertGroup.count", "SavedSearch.alert_count")
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


@covers("SavedSearch.scheduled_times")
def test_scheduled_times(alert: splunklib.client.SavedSearch) -> None:
    times = alert.scheduled_times("now", "+1h")
    assert len(times) == 12
    seconds = [each.timestamp() for each in times]
    assert {b - a for a, b in zip(seconds, seconds[1:], strict=False)} == {300}


CONDITIONS = [
    ("number of events", "greater than", "5", ("greater than", "5")),
    ("number of hosts", "not equal to", "0", ("not equal to", "0")),
    ("number of sources", "rises by", "3", ("rises by", "3")),
    ("number of events", "drops by perc", "20", ("drops by", "20%")),
    ("number of events", "rises by perc", "50%", ("rises by", "50%")),
]


@pytest.mark.parametrize(("kind", "comparator", "threshold", "stored"), CONDITIONS)
def test_an_alerts_condition_by_its_names_of_the_rest_api(
    service: splunklib.client.Service,
    kind: str,
    comparator: str,
    threshold: str,
    stored: tuple[str, str],
) -> None:
    """REST API Reference 9.4, "Search endpoints", saved/searches."""
    made = service.saved_searches.create(
        "Cond",
        "search index=desk",
        alert_type=kind,
        alert_comparator=comparator,
        alert_threshold=threshold,
    )
    conf = service.confs["savedsearches"]["Cond"]
    assert (conf["counttype"], conf["relation"], conf["quantity"]) == (kind, *stored)
    assert (made["alert_type"], made["alert_comparator"]) == (kind, comparator)
    assert made["alert_threshold"] == stored[1]
    made.update(alert_type="always", alert_comparator="", alert_threshold="").refresh()
    assert made["alert_type"] == "always"


def test_an_alert_without_a_condition_is_shown_as_always(
    service: splunklib.client.Service,
) -> None:
    assert service.saved_searches.create("Plain", "search x")["alert_type"] == "always"


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ({"alert_type": "number of moons"}, "alert_type"),
        ({"alert_comparator": "doubles"}, "alert_comparator"),
        ({"alert_threshold": "many"}, "alert_threshold"),
        ({"alert.suppress": "1", "alert.digest_mode": "0"}, "alert.suppress.fields"),
        ({"schedule_window": "a while"}, "schedule_window"),
    ],
)
def test_a_condition_that_does_not_exist_is_refused(
    service: splunklib.client.Service, settings: dict[str, str], says: str
) -> None:
    with pytest.raises(HTTPError, match=f"HTTP 400.*{says}"):
        service.saved_searches.create("Odd", "search x", **settings)
    assert "Odd" not in service.saved_searches


def test_the_next_scheduled_time_is_reported_and_never_taken(
    service: splunklib.client.Service, clock: ManualClock, alert: splunklib.client.SavedSearch
) -> None:
    expected = time.strftime("%Y-%m-%d %H:%M:%S UTC", time.gmtime((clock.now() // 300 + 1) * 300))
    assert alert["next_scheduled_time"] == expected
    alert.update(next_scheduled_time="1999-01-01 00:00:00 UTC").refresh()
    assert alert["next_scheduled_time"] == expected
    alert.disable()
    assert not alert.refresh()["next_scheduled_time"]

"""What the health of detections is counted from: the signals of all of them."""

from __future__ import annotations

from typing import Any, Dict, List, Tuple

import pytest

from incident_management.detection.health.measures import DAY
from incident_management.detection.health.report import HealthReport
from incident_management.incidents.errors import NotFound
from incident_management.incidents.upkeep.signal_counts import count_hours
from incident_management.worker.monitors.roster import MonitorRoster
from incident_management.worker.monitors.troubles import TroubleBook
from tests.fakes import FakeStores, ManualClock

NOW = 1_700_000_000.0


class Splunkd:
    """Saved searches that open incidents, by name and app."""

    def __init__(self, *searches: Tuple[str, str]) -> None:
        self.searches = searches

    def get(self, path: str, **query: Any) -> Any:
        if path != "/servicesNS/-/-/saved/searches":
            return {"entry": []}
        content = {"action.open_incident": "1", "is_scheduled": "1", "search": "index=main"}
        return {
            "entry": [
                {"name": name, "content": content, "acl": {"app": app, "sharing": "app"}}
                for name, app in self.searches
            ]
        }


class Place:
    def __init__(self, *searches: Tuple[str, str]) -> None:
        self.stores = FakeStores()
        self.session: Any = Splunkd(*searches)

    def find(
        self, rule: str, app: str, times: int = 1, ago: float = 1.0, feedback: str = ""
    ) -> None:
        """Signals of one detection, each of which opened an incident."""
        for number in range(times):
            identity = f"{rule}-{app}-{number}"
            at = NOW - ago * DAY
            self.stores.signals.insert(
                {
                    "_key": identity,
                    "rule": rule,
                    "app": app,
                    "incident_id": identity,
                    "received_at": at,
                }
            )
            self.stores.incidents.insert(
                {
                    "_key": identity,
                    "id": identity,
                    "rules": [rule],
                    "search": {},
                    "opened_at": at,
                    "updated_at": NOW,
                    "feedback": feedback,
                }
            )

    def report(self) -> HealthReport:
        return HealthReport(self.session, self.stores, NOW)

    def shown(self) -> Dict[Tuple[str, str], Tuple[int, int]]:
        """Signals and incidents of 30 days, by name and app."""
        return {
            (one["name"], one["app"]): (one["month"]["signals"], one["month"]["incidents"])
            for one in self.report().all()
        }


def test_two_detections_of_one_name_in_two_apps_have_figures_of_their_own():
    place = Place(("Errors", "shop"), ("Errors", "bank"))
    place.find("Errors", "shop", 3, feedback="false_positive")
    place.find("Errors", "bank", 5, feedback="true_positive")

    assert place.shown() == {("Errors", "shop"): (3, 3), ("Errors", "bank"): (5, 5)}
    bank, shop = (place.report().one("Errors", app) for app in ("bank", "shop"))
    assert bank["feedback"]["precision"] == 1.0 and shop["feedback"]["precision"] == 0.0
    assert (bank["month"]["signals"], shop["month"]["signals"]) == (5, 3)


def test_a_rule_of_a_client_has_the_name_of_a_saved_search_but_not_its_figures():
    place = Place(("Errors", "shop"))
    place.find("Errors", "datadog", 4)
    place.find("Errors", "shop", 1)

    assert place.shown() == {("Errors", "shop"): (1, 1), ("Errors", "datadog"): (4, 4)}


def test_the_figures_are_the_same_once_the_worker_has_counted():
    place = Place(("Errors", "shop"), ("Slow", "shop"))
    place.find("Errors", "shop", 3, ago=0.5)
    place.find("Errors", "datadog", 4, ago=8)
    place.find("Slow", "shop", 2, ago=20)

    before = place.report().all()
    while count_hours(place.stores, ManualClock(NOW))["hours_counted"]:
        pass
    assert place.report().all() == before


def test_what_names_no_app_counts_for_the_saved_search_of_its_name():
    place = Place(("Errors", "shop"))
    place.find("Errors", "", 2)

    assert place.shown() == {("Errors", "shop"): (2, 2)}
    assert place.report().one("Errors")["month"]["signals"] == 2


def test_more_detections_cost_no_more_requests():
    """It took three requests for each: of 300 detections, seconds of a page that shows them."""

    def asked(detections: int) -> int:
        place = Place(*((f"Rule {number}", "shop") for number in range(detections)))
        for number in range(0, detections, 2):
            place.find(f"Rule {number}", "shop", 2)
        asked_before = place.stores.signals.calls
        place.report().all()
        return place.stores.signals.calls - asked_before

    # Two for all, and one for each ten that found nothing for a month.
    assert (asked(20), asked(100)) == (2 + 1, 2 + 5)


def test_signals_are_read_page_by_page_and_each_counts_once(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("incident_management.incidents.upkeep.signal_counts.PAGE", 5)
    place = Place(("Errors", "shop"))
    place.find("Errors", "shop", 3, ago=2)
    days: List[float] = [0.5, 0.5, 0.5, 3, 3, 9, 10, 29.9, 30.1]
    for number, ago in enumerate(days):
        place.stores.signals.insert(
            {
                "_key": f"more-{number}",
                "rule": "Errors",
                "app": "shop",
                "received_at": NOW - ago * DAY,
            }
        )
    (health,) = place.report().all()
    assert (health["week"]["signals"], health["month"]["signals"]) == (8, 11)


def test_a_detection_that_is_silent_for_long_is_distinguished_from_one_that_never_fired():
    place = Place(*((f"Rule {number}", "shop") for number in range(25)))
    place.find("Rule 3", "shop", 2, ago=40)
    place.find("Rule 19", "shop", 1, ago=50)

    states = {one["name"]: one["state"] for one in place.report().all()}
    assert {name for name, state in states.items() if state == "silent"} == {"Rule 3", "Rule 19"}
    assert set(states.values()) == {"silent", "never_fired"}


def test_monitors_are_listed_with_what_keeps_them_from_judging():
    """One that never found anything was in no list, and one that can't judge looked well."""
    place = Place(("Errors", "shop"))
    clock = ManualClock(NOW - 60)
    own: Dict[str, Dict[str, Any]] = {"traffic": {}, "orders": {}, "quiet": {}}
    MonitorRoster(place.stores, clock, "sh1", lambda: own).sign()
    TroubleBook(place.stores, clock).note("orders", "sh1", "splunkd refused the search.")
    place.find("traffic", "incident_management", 2)
    place.find("orders", "incident_management", 1)

    found = {one["name"]: one for one in place.report().all()}
    assert {name: one["state"] for name, one in found.items()} == {
        "traffic": "ok",
        "orders": "failing",
        "quiet": "never_fired",
        "Errors": "never_fired",
    }
    assert found["orders"]["why"] == "splunkd refused the search."
    assert '| incidentbacktest monitor="quiet"' in found["quiet"]["why"]
    assert "threshold" not in found["quiet"]["why"], "not each monitor has one"
    assert found["orders"]["app"] == found["quiet"]["app"] == "incident_management"
    assert place.report().one("orders")["state"] == "failing"
    assert place.report().one("quiet")["state"] == "never_fired"
    with pytest.raises(NotFound):
        place.report().one("nothing")


def test_a_saved_search_with_the_name_of_a_monitor_has_a_health_of_its_own():
    place = Place(("orders", "shop"))
    clock = ManualClock(NOW)
    MonitorRoster(place.stores, clock, "sh1", lambda: {"orders": {}}).sign()
    TroubleBook(place.stores, clock).note("orders", "sh1", "splunkd refused the search.")

    states = {(one["name"], one["app"]): one["state"] for one in place.report().all()}
    assert states[("orders", "shop")] == "never_fired"
    assert states[("orders", "incident_management")] == "failing"

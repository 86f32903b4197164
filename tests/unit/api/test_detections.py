"""``/detections``: each rule's health."""

import pytest

from incident_management.detection.health.enabled import note_enabled
from incident_management.detection.health.report import HealthReport
from incident_management.incidents.signal import Signal
from incident_management.splunk.searching.detections import SavedDetection
from tests.fakes.api import FakeApi

DAY = 86400.0
SEARCH = "index=main error | stats count by host | where count > `my_limit`"


@pytest.fixture
def api():
    made = FakeApi()
    made.answers = {
        "/saved/searches": {
            "entry": [saved("Errors"), saved("Resting", disabled="1"), saved("Report", action="0")]
        },
        "/conf-macros/my_limit": {"entry": [{"name": "my_limit", "content": {"definition": "5"}}]},
        "/history": {"entry": []},
        "/scheduled_times": {"entry": [{"content": {"scheduled_times": []}}]},
    }
    return made


def saved(name, disabled="0", action="1"):
    return {
        "name": name,
        "acl": {"app": "shop", "owner": "ann", "sharing": "app"},
        "content": {
            "search": SEARCH,
            "is_scheduled": "1",
            "disabled": disabled,
            "action.open_incident": action,
            "action.open_incident.param.dedup_fields": "host",
        },
    }


def fire(api, number, count, feedback="", rule="Errors"):
    """One signal of its own problem, and what somebody said of its incident."""
    signal = Signal.create(
        rule=rule,
        app="shop",
        entity=f"web-{number}",
        severity="high",
        first_time=api.clock.now(),
        last_time=api.clock.now(),
        run=f"run {number}",
        received_at=api.clock.now(),
        group=False,
        rows=[{"host": f"web-{number}", "count": str(count)}],
    )
    given = {
        name: getattr(signal, name)
        for name in ("rule", "app", "entity", "severity", "rows", "group", "first_time")
    }
    status, answer = api.call("POST", "/signals", {"signals": [given]})
    assert status < 300, answer
    incident = api.stores_value.signals.find({"entity": f"web-{number}"})[0]["incident_id"]
    if feedback:
        api.call("POST", f"/incidents/{incident}/resolve", {"feedback": feedback})
    api.clock.advance(3600)
    return incident


def report(api, name="Errors", **query):
    status, answer = api.call("GET", f"/detections/{name}/health", query=query)
    assert status == 200, answer
    return answer


def test_the_list_has_every_search_that_opens_incidents_and_every_rule_that_did(api):
    fire(api, 1, 9)
    fire(api, 2, 9, rule="a monitor")
    _, answer = api.call("GET", "/detections")
    shown = {one["name"]: (one["source"], one["state"]) for one in answer["detections"]}
    assert shown == {
        "Errors": ("saved_search", "ok"),
        "Resting": ("saved_search", "disabled"),
        "a monitor": ("other", "ok"),
    }


def test_a_noisy_detection_is_named_with_the_setting_that_would_have_calmed_it(api):
    for number in range(12):
        fire(api, number, 6 + number % 3, "false_positive")
    for number in range(12, 14):
        fire(api, number, 30, "true_positive")

    health = report(api)
    assert health["feedback"]["true_positive"] == 2
    assert health["feedback"]["precision"] == 0.143
    assert health["noisy"], health
    assert "2 were true, 12 false and 0 duplicates." in health["why_noisy"]
    calmed = health["calmed_by"]
    assert calmed["change"] == "the definition of the macro my_limit from 5 to 8"
    assert (calmed["kept_true"], calmed["dropped_unwanted"]) == (2, 12)
    session = api.session({"system_authtoken": "system"}, True)
    report_of = HealthReport(session, api.stores_value, api.clock.now())
    assert report_of.calming(["Errors", "Resting", "gone"]) == {"Errors": calmed["sentence"]}
    assert report_of.calming(["Resting"]) == {}


def test_a_quiet_one_is_not_noisy_and_the_limit_can_be_given(api):
    for number in range(3):
        fire(api, number, 9)
    assert report(api)["noisy"] is False
    assert report(api, pages_per_day="0.2")["noisy"] is True


def run_of(due, **content):
    sid = f"scheduler__ann__shop__RMD5abc_at_{due:.0f}_1"
    return {"name": sid, "content": {"sid": sid, "isDone": "1", **content}}


def test_what_its_runs_cost(api):
    due = [api.clock.now() - 600 * n for n in range(1, 4)]
    api.answers["/history"] = {
        "entry": [run_of(t, runDuration=n, scanCount=10 * n) for n, t in enumerate(due, 1)]
    }
    api.answers["/scheduled_times"] = {"entry": [{"content": {"scheduled_times": due}}]}
    health = report(api)
    assert health["state"] == "never_fired"
    assert health["runs"] == {
        "known": 3,
        "failed": 0,
        "mean_seconds": 2.0,
        "longest_seconds": 3.0,
        "seconds_per_day": 6.0,
        "mean_events_scanned": 20,
    }


def test_a_search_that_fails_says_why(api):
    messages = [{"type": "ERROR", "text": "Unknown search command 'satts'."}]
    ran = run_of(api.clock.now() - 300, isFailed="1", messages=messages)
    api.answers["/history"] = {"entry": [ran]}
    health = report(api)
    assert (health["state"], health["runs"]["failed"]) == ("failing", 1)
    assert "Unknown search command 'satts'." in health["why"]


def look(api, disabled="0"):
    """The worker's look at which detections are enabled."""
    content = saved("Errors", disabled)["content"]
    note_enabled(
        api.stores_value, api.clock, [SavedDetection("Errors", "shop", "nobody", SEARCH, content)]
    )


def schedule(api, *, every=300.0):
    """The runs that were due lately; returns when."""
    now = api.clock.now()
    due = [now - seconds for seconds in (3 * every, 2 * every, every)]
    api.answers["/scheduled_times"] = {"entry": [{"content": {"scheduled_times": due}}]}
    return due


def test_a_schedule_that_is_skipped_is_reported(api):
    look(api)
    for _look in range(5):
        api.clock.advance(300)
        look(api)
    due = schedule(api)
    api.answers["/history"] = {"entry": [run_of(due[2])]}
    assert report(api)["state"] == "new"  # the last one ran
    api.answers["/history"] = {"entry": [run_of(due[0])]}
    assert report(api)["state"] == "skipped"


def test_what_was_due_before_it_was_enabled_was_not_skipped(api):
    look(api, disabled="1")
    api.clock.advance(3600)
    look(api)
    api.clock.advance(400)
    look(api)
    schedule(api)
    assert report(api)["state"] == "new", "one run since: too few to tell"
    for _look in range(2):
        api.clock.advance(300)
        look(api)
    schedule(api)
    assert report(api)["state"] == "skipped"


def test_nobody_knows_whether_it_was_on_while_nobody_looked(api):
    schedule(api)
    assert report(api)["state"] == "never_fired", "no worker has looked yet"
    look(api)
    api.clock.advance(86_400)
    look(api)
    schedule(api)
    found = report(api)
    assert (found["state"], found["why"][:27]) == ("new", "The detection was enabled l")


def test_a_name_that_nobody_knows_is_not_found(api):
    status, problem = api.call("GET", "/detections/Nobody/health")
    assert status == 404
    assert "Nobody" in problem["detail"]


def test_a_name_with_a_slash_is_found(api):
    """A client writes it as %2F; the path comes decoded."""
    api.answers["/saved/searches"]["entry"].append(saved("4xx/5xx"))
    fire(api, 1, 20, rule="4xx/5xx")
    status, answer = api.call("GET", "/detections/4xx/5xx/health")

    assert (status, answer["name"]) == (200, "4xx/5xx")
    assert api.call("GET", "/detections/4xx/5xx")[0] == 404


def test_a_restart_makes_no_detection_new(api):
    """Nobody looked meanwhile; what never fired for months is not to hide for a week each time."""
    look(api)
    for _week in range(3):
        api.clock.advance(7 * 86_400)
        look(api)
    assert report(api)["state"] == "never_fired"
    look(api, disabled="1")
    api.clock.advance(120)
    look(api)
    assert report(api)["state"] == "new"


def test_what_opens_again_pages_again_and_of_what_is_closed_nothing_is_read(api):
    again, closed = fire(api, 1, 9, "true_positive"), fire(api, 2, 9, "true_positive")
    api.call("POST", f"/incidents/{again}/reopen", {"reason": "It is back."})
    api.call("POST", f"/incidents/{closed}/close", {})
    read, find = [], api.stores_value.timeline.find

    def watched(*of, **more):
        read.append(find(*of, **more))
        return read[-1]

    api.stores_value.timeline.find = watched
    assert report(api)["week"]["pages"] == 3
    assert [(len(found), "data" in found[0]) for found in read] == [(1, False)]

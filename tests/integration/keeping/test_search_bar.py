"""What the search bar and the event menu offer."""

from __future__ import annotations

import re

from tools.splunkd_lite.conffile import read

from .conftest import APP, Place


def action(place: Place, name: str, **tokens: str) -> str:
    """A workflow action's search as Splunk Web makes it: tokens are put in as they are."""
    folder = place.standin.splunk.home / "etc" / "apps" / APP
    settings = read(folder / "default" / "workflow_actions.conf")[name]
    assert settings["type"] == "search"
    return re.sub(r"\$([@\w]+)\$", lambda found: tokens[found[1]], settings["search.search_string"])


def events(place: Place, raw: str) -> str:
    """Index an event, search it as a person does, and return the search's id."""
    place.standin.index(
        "main", [{"_time": 1_700_000_000, "_raw": raw, "host": "web-1", "sourcetype": "app"}]
    )
    job = place.admin.jobs.create("search index=main host=web-1", exec_mode="blocking")
    return str(job.sid)


def test_an_event_opens_an_incident(still: Place) -> None:
    sid = events(still, "ERROR pool exhausted\n  at line 3")
    (row,) = still.search(
        action(still, "incident_management_open", **{"@sid": sid, "@offset": "0"})
    )

    incident = still.call("GET", f"/incidents/{row['incident']}")
    assert (row["what"], incident["title"]) == ("opened", "ERROR pool exhausted")
    assert incident["entities"] == ["web-1"]
    assert incident["rules"] == ["Opened from an event"]


def test_the_same_event_opens_one_incident(still: Place) -> None:
    rows: list[dict[str, object]] = []
    for _search in range(2):
        job = still.admin.jobs.create("search index=main host=web-1", exec_mode="blocking")
        sid = events(still, "ERROR once") if not rows else str(job.sid)
        rows += still.search(f'| openincident sid="{sid}" offset=0')

    assert [row["what"] for row in rows] == ["opened", "known"]
    assert rows[0]["incident"] == rows[1]["incident"]


def test_what_stands_in_an_event_never_becomes_a_command(still: Place) -> None:
    sid = events(still, 'ERROR" | outputlookup evil.csv | makeresults "')
    spl = action(still, "incident_management_open", **{"@sid": sid, "@offset": "0"})

    assert "outputlookup" not in spl
    (row,) = still.search(spl)
    assert row["title"] == 'ERROR" | outputlookup evil.csv | makeresults "'


def test_a_place_without_an_event_is_refused_in_one_sentence(still: Place) -> None:
    sid = events(still, "ERROR once")
    job = still.standin.splunk.jobs.dispatch(
        f'| openincident sid="{sid}" offset=7', "admin", app=APP, earliest="-24h", latest="now"
    )

    assert any("has no event at 7" in text for _, text in job.messages)


def test_analyze_is_offered_on_the_apps_own_events_alone(still: Place) -> None:
    folder = still.standin.splunk.home / "etc" / "apps" / APP
    settings = read(folder / "default" / "workflow_actions.conf")["incident_management_analyze"]

    assert settings["eventtypes"] == "incident_management_audit"
    spl = action(still, "incident_management_analyze", incident_id="INC-20260101-0A1B2C")
    assert spl == '| aianalyze incident="INC-20260101-0A1B2C"'


def test_incidents_signals_and_timeline_are_lookups(still: Place) -> None:
    incident = still.raise_signal()

    (row,) = still.search("| inputlookup incidents | table id status severity pinned")
    assert (row["id"], row["severity"]) == (incident, "high")
    (row,) = still.search("| inputlookup incident_signals | table incident_id rule entity")
    assert row == {"incident_id": incident, "rule": "High Error Rate", "entity": "checkout"}
    rows = still.search("| inputlookup incident_timeline | sort seq | table incident_id kind")
    assert [row["kind"] for row in rows] == ["opened", "routed"]


def test_macros_show_what_is_open_and_one_story(still: Place) -> None:
    first, second = still.raise_signal("checkout"), still.raise_signal("orders")
    still.call("POST", f"/incidents/{first}/resolve")

    assert [row["id"] for row in still.search("| `incidents_open` | table id")] == [second]
    rows = still.search(f"| `incident({first})` | table kind data.to")
    assert [row["kind"] for row in rows] == ["opened", "routed", "status"]
    assert rows[-1]["data.to"] == "resolved"


def test_pinning_shows_on_the_incident_and_on_its_timeline(still: Place) -> None:
    incident = still.raise_signal()
    pinned = still.call("POST", f"/incidents/{incident}/pin", {"pinned": True, "reason": "unsure"})

    assert pinned["pinned"] is True
    kinds = [e["kind"] for e in still.call("GET", f"/incidents/{incident}/timeline")["entries"]]
    assert kinds == ["opened", "routed", "pinned"]
    assert still.call("POST", f"/incidents/{incident}/pin", {"pinned": False})["pinned"] is False

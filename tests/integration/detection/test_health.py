"""A detection's health through the stand-in: the command's rows and the API say the same."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.integration.api.conftest import Client
from tests.integration.detection.conftest import APP_NAME
from tests.standin import StandIn, start_standin

RULE = "High Error Rate"


def signal(number: int, count: int) -> dict[str, Any]:
    """A finding of its own problem, an hour after the one before."""
    at = time.time() - 86_400 + number * 3600
    return {
        "rule": RULE,
        "app": APP_NAME,
        "entity": f"web-{number}",
        "severity": "high",
        "first_time": at,
        "last_time": at,
        "group": False,
        "rows": [{"entity": f"web-{number}", "count": str(count)}],
    }


@pytest.fixture(scope="module")
def client(app_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Client]:
    """Eight false incidents of 6 to 8 events and one true of 40, all of one shipped detection."""
    with start_standin(tmp_path_factory.mktemp("health"), apps=[app_folder], https=False) as one:
        client = Client(one)
        sizes = [6, 7, 8, 6, 7, 8, 6, 7, 40]
        sent = [signal(number, size) for number, size in enumerate(sizes)]
        assert client("POST", "/signals", json={"signals": sent}).status_code < 300
        listed = client("GET", "/incidents").json()
        incidents = listed.get("incidents") or listed["items"]
        assert len(incidents) == len(sizes)
        for incident in incidents:
            true = "web-8" in incident["entities"]
            feedback = {"feedback": "true_positive" if true else "false_positive"}
            reply = client("POST", f"/incidents/{incident['id']}/resolve", json=feedback)
            assert reply.status_code == 200, reply.text
        yield client


def search(standin: StandIn, spl: str, user: str = "admin") -> list[dict[str, Any]]:
    job = standin.splunk.jobs.dispatch(spl, user, APP_NAME, "-24h", "now")
    assert job.state == "DONE", job.messages
    return list(job.rows)


def test_the_api_names_the_setting_that_would_have_calmed_a_noisy_detection(
    client: Client,
) -> None:
    health = client("GET", f"/detections/{RULE}/health").json()
    assert health["noisy"] is True, health
    assert health["feedback"]["precision_high"] < 0.5
    macro = "incident_high_error_rate_threshold"
    assert health["calmed_by"]["change"] == f"the definition of the macro {macro} from 5 to 8"
    assert health["calmed_by"]["dropped_unwanted"] == 8


def test_the_list_holds_all_shipped_detections(client: Client) -> None:
    listed = {one["name"]: one for one in client("GET", "/detections").json()["detections"]}
    assert len(listed) >= 12
    assert listed[RULE]["source"] == "saved_search"
    assert listed["AWS CloudTrail Errors"]["state"] == "disabled"


def test_the_command_gives_the_same_as_rows(client: Client) -> None:
    rows = search(client.standin, "| incidentdetections | where noisy=1 | table name calmed_by")
    health = client("GET", f"/detections/{RULE}/health").json()
    assert rows == [{"name": RULE, "calmed_by": health["calmed_by"]["sentence"]}]


def test_who_may_only_read_incidents_sees_it(client: Client) -> None:
    user = client.standin.add_user("reader", "incident_viewer")
    rows = search(client.standin, "| incidentdetections | table name week_pages", user)
    assert {"name": RULE, "week_pages": "9"} in [
        {name: str(value) for name, value in row.items()} for row in rows
    ]


def test_who_may_not_read_incidents_is_informed_which_role_may(client: Client) -> None:
    user = client.standin.add_user("passer-by", "user")
    job = client.standin.splunk.jobs.dispatch("| incidentdetections", user, APP_NAME, "-24h", "now")
    assert job.state == "FAILED"
    assert "your role may not read incidents; the role incident_viewer may." in str(job.messages)


def test_an_option_that_is_wrong_is_named(client: Client) -> None:
    job = client.standin.splunk.jobs.dispatch(
        "| incidentdetections pages_per_day=many", "admin", APP_NAME, "-24h", "now"
    )
    assert job.state == "FAILED"
    assert "pages_per_day" in str(job.messages)


def test_a_monitor_is_not_told_to_set_what_only_saved_searches_have(client: Client) -> None:
    sent = [{**signal(number, 6), "rule": "checkout_traffic"} for number in range(5)]
    assert client("POST", "/signals", json={"signals": sent}).status_code < 300
    listed = client("GET", "/incidents").json()
    for incident in listed.get("incidents") or listed["items"]:
        if incident["rules"] == ["checkout_traffic"]:
            feedback = {"feedback": "false_positive"}
            assert (
                client("POST", f"/incidents/{incident['id']}/resolve", json=feedback).status_code
                == 200
            )
    health = client("GET", "/detections/checkout_traffic/health").json()
    assert (health["source"], health["noisy"], health["calmed_by"]) == ("other", True, None)


def test_what_was_proposed_and_set_is_not_noisy_any_more(client: Client) -> None:
    """It was told to be noisy for a month, and that it should be set to wait as well."""
    macro = "incident_high_error_rate_threshold"
    conf = client.standin.splunk.conf
    conf.write("macros", macro, {"definition": "8"}, APP_NAME, create=False)
    health = client("GET", f"/detections/{RULE}/health").json()
    assert (health["noisy"], health["why_noisy"], health["calmed_by"]) == (False, "", None)
    assert health["feedback"]["false_positive"] == 8

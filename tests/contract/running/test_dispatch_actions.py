"""``saved/searches/{name}/dispatch`` with ``trigger_actions``, through the SDK, with a real action.

Source: "Search endpoints" in the REST API Reference 9.4 (help.splunk.com),
``saved/searches/{name}/dispatch`` and ``…/acknowledge``; savedsearches.conf.spec, ``dispatchAs``.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.contract.running.fakes import NOON
from tests.contract.running.tiny_app import make_app
from tests.standin import StandIn, start_standin
from tools.splunkd_lite.clock import ManualClock
from tools.splunkd_lite.errors import SplunkdError
from tools.splunkd_lite.resultsfile import read_results

BROKEN = {"web1": 3, "web2": 1}


@pytest.fixture
def standin(tmp_path: Path) -> Iterator[StandIn]:
    clock = ManualClock(NOON)
    with start_standin(tmp_path, [make_app(tmp_path / "source")], clock=clock) as running:
        events = [
            {"_raw": f"error {n}", "_time": NOON - 60 + n, "host": host}
            for host, count in BROKEN.items()
            for n in range(count)
        ]
        running.index("shop", events)
        yield running


def paged(standin: StandIn) -> list[dict[str, Any]]:
    standin.splunk.services.dispatched.wait()
    path = standin.splunk.home / "var/paged.jsonl"
    return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


def test_a_dispatched_search_alerts_and_acts_like_a_scheduled_one(standin: StandIn) -> None:
    search = standin.service(app="tiny").saved_searches["High"]
    job = search.dispatch(trigger_actions=True)
    [payload] = paged(standin)
    assert payload["sid"] == job.sid
    assert payload["configuration"] == {"who": "web1 has 3"}
    assert payload["acting_as"] == "splunk-system-user"
    [fired] = standin.splunk.alerts.all("High")
    assert (fired.sid, fired.severity, fired.trigger_time) == (job.sid, 4, NOON)
    assert int(job.refresh()["ttl"]) >= 24 * 3600, "results are kept while the alert is listed"


def test_each_dispatch_is_an_alert_of_its_own(standin: StandIn) -> None:
    search = standin.service(app="tiny").saved_searches["High"]
    sids = {search.dispatch(trigger_actions=True).sid for _ in range(2)}
    assert {each["sid"] for each in paged(standin)} == sids
    assert {fired.sid for fired in standin.splunk.alerts.all("High")} == sids


def test_without_trigger_actions_nothing_alerts(standin: StandIn) -> None:
    job = standin.service(app="tiny").saved_searches["High"].dispatch()
    standin.splunk.jobs.get(job.sid).wait(10)
    assert paged(standin) == []
    assert standin.splunk.alerts.all("High") == []


@pytest.mark.parametrize(
    "settings", [{"alert_condition": "search count > 3"}, {"search": "index=shop | nope"}]
)
def test_a_condition_that_is_not_met_or_a_search_that_fails_alerts_nobody(
    standin: StandIn, settings: dict[str, str]
) -> None:
    standin.splunk.conf.write("savedsearches", "High", settings, "tiny", create=False)
    search = standin.service(app="tiny").saved_searches["High"]
    if "search" in settings:
        with pytest.raises(Exception, match="nope"):
            search.dispatch(trigger_actions=True)
    else:
        search.dispatch(trigger_actions=True)
    assert paged(standin) == []


def test_throttling_holds_for_dispatched_alerts_too(standin: StandIn) -> None:
    search = standin.service(app="tiny").saved_searches["High"]
    search.update(**{"alert.suppress": "1", "alert.suppress.period": "1h"})
    for _ in range(2):
        search.dispatch(trigger_actions=True)
        standin.splunk.services.dispatched.wait()
    assert len(paged(standin)) == 1
    assert search.suppressed == 3600


def test_an_acknowledged_key_may_alert_again_while_the_others_stay_silent(
    standin: StandIn,
) -> None:
    service = standin.service(app="tiny", owner="nobody")
    service.saved_searches.create(
        "Each",
        "index=shop error | stats count by host | sort host",
        **{
            "alert.suppress": "1", "alert.suppress.period": "1h", "alert.suppress.fields": "host",
            "alert.digest_mode": "0", "action.page": "1",
            "action.page.param.who": "$result.host$", "alert.track": "1",
            "dispatch.earliest_time": "-5m", "dispatch.latest_time": "now",
        },
    )  # fmt: skip
    search = service.saved_searches["Each"]

    def told() -> list[str]:
        search.dispatch(trigger_actions=True)
        return [each["configuration"]["who"] for each in paged(standin)]

    assert told() == ["web1", "web2"]
    assert told() == ["web1", "web2"]
    assert suppression(search, "web1") == ("1", "3600")
    search.post("acknowledge", key="web2")
    assert suppression(search, "web2") == ("0", "0")
    assert told() == ["web1", "web2", "web2"]
    search.post("suppress", key="web2", expiration="0")
    search.post("suppress", key="web1", expiration="30m")
    assert suppression(search, "web1") == ("1", "1800")
    assert told() == ["web1", "web2", "web2", "web2"]


def suppression(search: Any, key: str) -> tuple[str, str]:
    body = search.get("suppress", key=key, output_mode="json").body.read()
    content = json.loads(body)["entry"][0]["content"]
    return str(int(content["suppressed"])), str(content["expiration"])


@pytest.mark.parametrize(("way", "runs_as"), [("owner", "owen"), ("user", "ulla")])
def test_a_shared_search_runs_as_its_owner_or_as_who_asks(
    standin: StandIn, way: str, runs_as: str
) -> None:
    for name in ("owen", "ulla"):
        standin.add_user(name, "user")
    service = standin.service(app="tiny", owner="nobody")
    service.saved_searches.create("Whose", "| makeresults | words field=_time", dispatchAs=way)
    admin = standin.service(app="tiny", owner="nobody").saved_searches["Whose"]
    admin.acl_update(sharing="app", owner="owen", **{"perms.read": "*", "perms.write": "admin"})
    job = standin.service("ulla", app="tiny").saved_searches["Whose"].dispatch()
    standin.splunk.jobs.get(job.sid).wait(10)
    [row] = json.loads(job.results(output_mode="json").read())["results"]
    assert row["by"] == runs_as


def test_sendalert_runs_an_action_for_what_a_search_has_found(standin: StandIn) -> None:
    """ "sendalert" in the Search Reference 9.4."""
    rows = standin.search(
        "search index=shop | stats count by host | sort host"
        ' | sendalert page results_link="https://x/y" param.who="$result.host$ of $job.sid$"'
        " | table host",
        app="tiny",
        earliest=NOON - 300,
    )
    assert rows == [{"host": "web1"}, {"host": "web2"}]
    [payload] = paged(standin)
    assert payload["configuration"] == {"who": f"web1 of {payload['sid']}"}
    assert (payload["results_link"], payload["acting_as"]) == ("https://x/y", "admin")
    fields, found = read_results(Path(payload["results_file"]))
    assert (fields, [row["host"] for row in found]) == (["host", "count"], ["web1", "web2"])


@pytest.mark.parametrize(
    ("spl", "says"),
    [
        ("| makeresults | sendalert nope", "There is no alert action 'nope'"),
        ("| makeresults | sendalert page results_path=/no/such", "no results file /no/such"),
    ],
)
def test_a_sendalert_that_fails_fails_its_search(standin: StandIn, spl: str, says: str) -> None:
    job = standin.splunk.jobs.dispatch(spl, "admin", "tiny", scheduled=False)
    assert job.state == "FAILED"
    assert any(says in text for _, text in job.messages)


def test_sendalert_needs_its_capability(standin: StandIn) -> None:
    standin.splunk.conf.write(
        "authorize", "role_searcher", {"search": "enabled"}, "system", create=True
    )
    standin.add_user("ulla", "searcher")
    job = standin.splunk.jobs.dispatch(
        "| makeresults | sendalert page", "ulla", "tiny", scheduled=False
    )
    assert job.state == "FAILED"
    assert any("run_sendalert" in text for _, text in job.messages)


@pytest.mark.parametrize("spl", ["| makeresults | sendalert", "| makeresults | sendalert page x=1"])
def test_a_sendalert_without_an_action_or_with_odd_options_does_not_parse(
    standin: StandIn, spl: str
) -> None:
    with pytest.raises(SplunkdError, match="sendalert"):
        standin.splunk.jobs.dispatch(spl, "admin", "tiny", scheduled=False)

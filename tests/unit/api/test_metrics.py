"""Figures, drills and subscriptions."""

import pytest

from incident_management.incidents.routing import Routing
from incident_management.incidents.upkeep import retention
from incident_management.splunk.session import SplunkError
from tests.fakes.api import FakeApi


@pytest.fixture
def api() -> FakeApi:
    made = FakeApi()
    made.routing_value = Routing.from_stanzas(
        {'team:ops "a"': {"members": "ann, bob"}, "rule:default": {"team": 'ops "a"'}}
    )
    return made


def opened(api, **fields):
    status, incident = api.call("POST", "/incidents", {"title": "Slow", **fields})
    assert status == 201, incident
    return f"/incidents/{incident['id']}"


def test_stats_say_what_is_open_and_how_fast_people_were(api):
    first = opened(api, severity="high")
    api.clock.advance(60)
    api.call("POST", f"{first}/acknowledge")
    api.clock.advance(60)
    api.call("POST", f"{first}/resolve")
    opened(api, severity="low")
    api.clock.advance(1)
    status, stats = api.call("GET", "/stats")

    assert status == 200
    assert (stats["opened"], stats["resolved"], stats["truncated"]) == (2, 1, False)
    assert stats["open"] == {
        "by_status": {"new": 1},
        "by_severity": {"low": 1},
        "by_team": {'ops "a"': 1},
        "by_sla_status": {"": 1},
    }
    assert stats["seconds_to_acknowledge"] == {"count": 1, "mean": 60.0, "median": 60.0}
    assert stats["seconds_to_resolve"] == {"count": 1, "mean": 120.0, "median": 120.0}


def test_stats_of_nothing(api):
    _, stats = api.call("GET", "/stats")
    assert (stats["opened"], stats["seconds_to_resolve"]) == (0, None)


def test_metrics_are_read_by_prometheus_own_parser(api):
    parser = pytest.importorskip("prometheus_client.parser")
    opened(api, severity="high")
    api.clock.advance(5)
    status, text = api.call("GET", "/metrics")

    assert status == 200
    assert api.headers["Content-Type"].startswith("text/plain; version=0.0.4")
    families = {one.name: one for one in parser.text_string_to_metric_families(text)}
    (sample,) = families["incident_management_open_incidents"].samples
    assert sample.labels == {"status": "new", "severity": "high", "team": 'ops "a"'}
    assert sample.value == 1
    assert families["incident_management_uptime_seconds"].samples[0].value == 5
    states = [s.labels["state"] for s in families["incident_management_notifications"].samples]
    assert states == ["pending", "sending", "gathered", "dead", "unconfirmed"]


def test_large_counts_are_reported_to_the_last_one(api):
    totals = {"_key": retention.TOTALS, "value": {"signals": 1_234_567}}
    api.stores_value.claims.save([totals])
    _, text = api.call("GET", "/metrics")
    name = "incident_management_deleted_by_age_total"
    assert f"# TYPE {name} counter" in text
    assert f'{name}{{what="signals"}} 1234567\n' in text


def test_metrics_count_incidents_by_detection_and_verdict(api):
    made = opened(api)
    opened(api)
    api.call("POST", f"{made}/resolve", {"feedback": "false_positive"})
    _, text = api.call("GET", "/metrics")
    name = "incident_management_detection_incidents_day"
    (rule,) = {line.split('"')[1] for line in text.splitlines() if line.startswith(name)}
    assert f'{name}{{detection="{rule}",feedback="false_positive"}} 1' in text
    assert f'{name}{{detection="{rule}",feedback="none"}} 1' in text


def test_teams_and_their_load(api):
    opened(api)
    _, answer = api.call("GET", "/teams")
    (team,) = answer["teams"]
    assert (team["name"], team["members"], team["open_incidents"]) == ('ops "a"', ["ann", "bob"], 1)


def test_a_simulated_incident_goes_the_real_way_and_is_marked(api):
    status, first = api.call("POST", "/simulate-incident", {"severity": "high"})
    _, second = api.call("POST", "/simulate-incident")

    assert (status, first["what"]) == (201, "opened")
    assert first["incident_id"] != second["incident_id"]
    _, incident = api.call("GET", f"/incidents/{first['incident_id']}")
    assert incident["title"].startswith("[Test] ")
    assert (incident["severity"], incident["rules"]) == ("high", ["Simulated incident"])
    assert (incident["signals"], incident["team"]) == (1, 'ops "a"')


def test_a_detection_is_run_with_its_actions_by_the_caller(api):
    status, answer = api.call("POST", "/trigger-detection", {"name": "High Error Rate/x"})
    assert (status, answer) == (202, {"sid": "fake"})
    path = "/servicesNS/nobody/incident_management/saved/searches/High%20Error%20Rate%2Fx/dispatch"
    assert api.posted == [(path, {"trigger_actions": "1"})]


@pytest.mark.parametrize(("given", "answered"), [(404, 404), (403, 403), (400, 400), (500, 502)])
def test_a_detection_that_cannot_be_run_is_reported(api, monkeypatch, given, answered):
    def refuse(*_arguments, **_more):
        raise SplunkError(given, "splunkd says no.")

    monkeypatch.setattr(api, "_post", refuse)
    status, problem = api.call("POST", "/trigger-detection", {"name": "x"})
    assert status == answered
    assert problem["detail"].endswith(".")


def test_a_secret_is_shown_once_and_kept_nowhere_but_in_splunks_store(api):
    headers = {"Idempotency-Key": "s"}
    body = {"url": "http://127.0.0.1:9/hook", "events": ["opened"]}
    status, made = api.call("POST", "/subscriptions", body, headers=headers)

    assert status == 201
    assert len(made["secret"]) >= 43
    ((_path, form),) = api.posted
    assert (form["name"], form["password"]) == (made["id"], made["secret"])
    _, again = api.call("POST", "/subscriptions", body, headers=headers)
    assert again == {**made, "secret": "", "url": ""}
    for collection in api.stores_value.collections:
        assert made["secret"] not in str(collection.all())
    assert "secret" not in api.call("GET", f"/subscriptions/{made['id']}")[1]


def test_of_a_subscription_that_was_deleted_no_address_stays(api):
    """Who gave it an Idempotency-Key had its answer kept for a day, and addresses hold tokens."""
    body = {"url": "http://127.0.0.1:9/hook/T0K3N"}
    _, made = api.call("POST", "/subscriptions", body, headers={"Idempotency-Key": "s"})
    assert made["url"].endswith("T0K3N")
    assert api.call("DELETE", f"/subscriptions/{made['id']}")[0] == 200
    for collection in api.stores_value.collections:
        assert "T0K3N" not in str(collection.all())


def test_a_subscription_can_be_changed_and_ended(api):
    _, made = api.call("POST", "/subscriptions", {"url": "http://127.0.0.1:9/hook/"})
    assert made["url"] == "http://127.0.0.1:9/hook/", "many servers redirect without the last slash"
    path = f"/subscriptions/{made['id']}"
    body = {"url": "http://127.0.0.1:9/other", "enabled": False}
    status, changed = api.call("PUT", path, body)
    assert (status, changed["url"], changed["enabled"]) == (200, body["url"], False)
    assert changed["created_at"] == made["created_at"]
    assert api.call("DELETE", path)[0] == 200
    assert made["id"] in api.deleted[0]
    for method in ("GET", "DELETE"):
        assert api.call(method, path)[0] == 404


@pytest.mark.parametrize(
    "url",
    [
        "http://example.com/",
        "ftp://127.0.0.1/",
        "https://169.254.169.254/latest/meta-data/",
        "https://[fe80::1]/",
        "https://[::ffff:169.254.169.254]/",
        "https://[fd00:ec2::254]/",
        "https://0.0.0.0/",
        "https://user:word@example.com/",
        "nonsense",
    ],
)
def test_a_webhook_leads_nowhere_it_may_not(api, url):
    status, problem = api.call("POST", "/subscriptions", {"url": url})
    assert status == 400
    assert "word" not in problem["detail"].replace("password", "")
    assert api.posted == []


def test_how_fast_people_were_is_reported_without_tests(api):
    _, test = api.call("POST", "/simulate-incident")
    api.clock.advance(9000)
    api.call("POST", f"/incidents/{test['incident_id']}/resolve")
    real = opened(api)
    api.clock.advance(60)
    api.call("POST", f"{real}/resolve")
    api.clock.advance(1)
    _, stats = api.call("GET", "/stats")
    assert stats["opened"] == 2
    assert stats["seconds_to_resolve"] == {"count": 1, "mean": 60.0, "median": 60.0}

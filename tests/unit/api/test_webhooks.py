"""What other monitoring tools send, in the shapes that their vendors document."""

import copy
import json

import pytest

from incident_management.api.intake.webhook_mapping import read_mapping
from incident_management.api.intake.webhook_payloads import time_of
from incident_management.incidents.errors import Invalid
from incident_management.incidents.severities import severity_of
from tests.fakes.api import FakeApi
from tests.unit.api.arrivals import ALARM, ALERTMANAGER, DATADOG, FIRING, changed, over, sent, sns

EXPECTED = {
    "alertmanager": ("Checkout is slow", "critical", "checkout", "HighLatency"),
    "grafana": ("Checkout is slow", "critical", "checkout", "HighLatency"),
    "datadog": ("Disk is full: db-1", "high", "db-1", "Disk is full"),
    "cloudwatch": ("CloudWatch alarm: QueueDepth", "high", "orders", "QueueDepth"),
}


@pytest.fixture
def api() -> FakeApi:
    return FakeApi()


@pytest.mark.parametrize("tool", FIRING)
def test_an_alert_opens_an_incident_and_its_end_resolves_it(api, tool):
    (outcome,) = sent(api, tool, FIRING[tool])
    assert outcome["what"] == "opened"
    _, incident = api.call("GET", f"/incidents/{outcome['incident_id']}")
    title, severity, entity, rule = EXPECTED[tool]
    assert (incident["title"], incident["severity"]) == (title, severity)
    assert (incident["entities"], incident["rules"]) == ([entity], [rule])
    assert sent(api, tool, FIRING[tool]) == [{**outcome, "what": "duplicate"}]

    assert sent(api, tool, over(tool)) == [{**outcome, "what": "resolved"}]
    _, incident = api.call("GET", f"/incidents/{outcome['incident_id']}")
    assert (incident["status"], incident["resolution"]) == ("resolved", "Recovered")
    assert sent(api, tool, over(tool)) == [{**outcome, "what": "nothing"}]


def test_an_end_leaves_an_incident_open_that_others_joined(api):
    first = copy.deepcopy(ALERTMANAGER)
    first["alerts"][0]["startsAt"] = "2023-11-14T22:13:00Z"
    (outcome,) = sent(api, "alertmanager", first)
    other = copy.deepcopy(first)
    other["alerts"][0]["labels"]["alertname"] = "ErrorRate"
    other["alerts"][0]["fingerprint"] = "other"
    assert sent(api, "alertmanager", other) == [{**outcome, "what": "added"}]
    first["alerts"][0]["status"] = "resolved"
    for _repeat in range(2):
        assert sent(api, "alertmanager", first) == [{**outcome, "what": "noted"}]
    _, told = api.call("GET", f"/incidents/{outcome['incident_id']}/timeline")
    assert [entry["kind"] for entry in told["entries"]].count("note") == 1


def alerts(*named, status="firing", started="2023-11-14T22:13:00Z"):
    """A message of Alertmanager's about one disk each of one host."""
    copied = changed(ALERTMANAGER, status=status, alerts=[])
    for name in named:
        copied["alerts"].append(
            {
                "status": status,
                "labels": {"alertname": "DiskFull", "instance": "db-3", "mountpoint": name},
                "startsAt": started,
                "fingerprint": f"print of {name}",
            }
        )
    return copied


def status_of(api, outcome):
    return api.call("GET", f"/incidents/{outcome['incident_id']}")[1]["status"]


def test_an_incident_is_resolved_when_the_last_of_its_alerts_is_over(api):
    """Rule and entity are the same for both disks: one is over, the other still fires."""
    both = sent(api, "alertmanager", alerts("/", "/var"))
    assert len({outcome["incident_id"] for outcome in both}) == 1
    (first,) = sent(api, "alertmanager", alerts("/", status="resolved"))
    assert (first["what"], status_of(api, first)) == ("noted", "new")
    (last,) = sent(api, "alertmanager", alerts("/var", status="resolved"))
    assert (last["what"], status_of(api, last)) == ("resolved", "resolved")


def test_alerts_that_end_together_resolve_their_incident(api):
    sent(api, "alertmanager", alerts("/", "/var"))
    ended = sent(api, "alertmanager", alerts("/var", "/", status="resolved"))
    assert [outcome["what"] for outcome in ended] == ["resolved", "resolved"]


def test_an_alert_that_fires_again_is_not_over(api):
    sent(api, "alertmanager", alerts("/", "/var"))
    sent(api, "alertmanager", alerts("/", status="resolved"))
    sent(api, "alertmanager", alerts("/", started="2023-11-14T22:13:10Z"))
    (ended,) = sent(api, "alertmanager", alerts("/var", status="resolved"))
    assert (ended["what"], status_of(api, ended)) == ("noted", "new")
    again = alerts("/", status="resolved", started="2023-11-14T22:13:10Z")
    assert sent(api, "alertmanager", again)[0]["what"] == "resolved"
    # What ended before the resolve is not waited for when only the other one comes back.
    api.clock.advance(60)
    sent(api, "alertmanager", alerts("/", started="2023-11-14T22:13:19Z"))
    assert status_of(api, ended) == "new"
    once_more = alerts("/", status="resolved", started="2023-11-14T22:13:19Z")
    assert sent(api, "alertmanager", once_more)[0]["what"] == "resolved"


def test_an_alert_that_fires_in_the_moment_in_which_another_ends_is_not_over(api):
    (outcome,) = sent(api, "alertmanager", alerts("sda"))

    def fires(_verb, _name):
        api.stores_value.timeline.before = None
        assert sent(api, "alertmanager", alerts("sdb")) == [{**outcome, "what": "added"}]

    def as_it_is_written(verb, _name):
        if verb in ("insert", "save"):
            fires(verb, _name)

    api.stores_value.timeline.before = as_it_is_written
    ended = sent(api, "alertmanager", alerts("sda", status="resolved"))
    assert ended == [{**outcome, "what": "noted"}]
    assert status_of(api, outcome) != "resolved"

    ended = sent(api, "alertmanager", alerts("sdb", status="resolved"))
    assert ended == [{**outcome, "what": "resolved"}]


def test_what_a_detection_of_our_own_found_keeps_the_incident_open(api):
    (outcome,) = sent(api, "alertmanager", alerts("/"))
    found = {"rule": "Slow queries", "entity": "db-3", "severity": "high"}
    _, answer = api.call("POST", "/signals", {"signals": [found]})
    assert answer["outcomes"][0]["incident_id"] == outcome["incident_id"]
    (ended,) = sent(api, "alertmanager", alerts("/", status="resolved"))
    assert (ended["what"], status_of(api, ended)) == ("noted", "new")


def test_a_pinned_incident_is_left_open(api):
    (outcome,) = sent(api, "alertmanager", alerts("/"))
    api.call("POST", f"/incidents/{outcome['incident_id']}/pin", {"pinned": True})
    (ended,) = sent(api, "alertmanager", alerts("/", status="resolved"))
    assert (ended["what"], status_of(api, ended)) == ("noted", "new")


def test_an_end_follows_a_merge(api):
    (outcome,) = sent(api, "alertmanager", alerts("/"))
    _, other = api.call("POST", "/incidents", {"title": "Storage"})
    path = f"/incidents/{outcome['incident_id']}/merge"
    assert api.call("POST", path, {"into": other["id"]})[0] == 200
    (ended,) = sent(api, "alertmanager", alerts("/", status="resolved"))
    assert ended == {"incident_id": other["id"], "what": "resolved"}


def test_alerts_that_the_sender_left_out_are_reported(api):
    _, answer = api.call("POST", "/webhooks/alertmanager", changed(alerts("/"), truncatedAlerts=12))
    assert "12 alerts" in answer["detail"]


def default_datadog(title, number):
    """The payload that Datadog sends unless one is written for it."""
    return {
        "body": "%%% load is high %%%",
        "last_updated": "1700000000000",
        "event_type": "query_alert_monitor",
        "title": title,
        "date": "1699999990000",
        "org": {"id": "1", "name": "shop"},
        "id": str(number),
    }


def test_datadogs_default_payload_tells_groups_and_their_ends(api):
    for number, host in enumerate(("db-1", "db-2")):
        title = f"[P1] [Triggered on {{host:{host},env:prod}}] [shop] Load is high"
        (outcome,) = sent(api, "datadog", default_datadog(title, number))
        _, incident = api.call("GET", f"/incidents/{outcome['incident_id']}")
        assert incident["entities"] == [host]
        assert (incident["rules"], incident["severity"]) == (["[shop] Load is high"], "critical")
    recovered = default_datadog("[P1] [Recovered on {host:db-1,env:prod}] [shop] Load is high", 7)
    assert sent(api, "datadog", recovered)[0]["what"] == "resolved"
    _, listed = api.call("GET", "/incidents", query={"status": "open"})
    assert [incident["entities"] for incident in listed["incidents"]] == [["db-2"]]


def test_a_new_cycle_of_a_datadog_monitor_is_the_same_problem(api):
    told = changed(DATADOG, alert_cycle_key="1")
    (first,) = sent(api, "datadog", told)
    sent(api, "datadog", changed(told, alert_transition="Recovered"))
    api.clock.advance(60)
    (second,) = sent(api, "datadog", changed(told, alert_cycle_key="2", id="8"))
    assert second == {"incident_id": first["incident_id"], "what": "reopened"}


@pytest.mark.parametrize("cycle", ["9001", ""])
def test_a_datadog_warning_that_becomes_an_alert_raises_the_severity(api, cycle):
    told = changed(DATADOG, alert_priority="", alert_cycle_key=cycle)
    warning = changed(told, alert_transition="Warn", alert_type="warning")
    alert = changed(told, alert_type="error", id="8")
    (opened,) = sent(api, "datadog", warning)
    api.clock.advance(900)
    for payload, what in (
        (alert, "added"),
        (alert, "duplicate"),
        (warning, "duplicate"),
    ):
        assert sent(api, "datadog", payload) == [{**opened, "what": what}]
        _, incident = api.call("GET", f"/incidents/{opened['incident_id']}")
        assert incident["severity"] == "high"
    ended = changed(told, alert_transition="Recovered", alert_type="success")
    assert sent(api, "datadog", ended)[0]["what"] == "resolved"


def test_the_end_of_an_unknown_alert_does_nothing(api):
    assert sent(api, "datadog", over("datadog")) == [{"incident_id": "", "what": "nothing"}]


def test_an_alarm_without_data_is_no_alert(api):
    assert sent(api, "cloudwatch", sns(changed(ALARM, NewStateValue="INSUFFICIENT_DATA"))) == []


def test_an_sns_subscription_is_for_an_administrator_to_confirm(api):
    url = "https://sns.eu-west-1.amazonaws.com/?Action=ConfirmSubscription&Token=1"
    topic = "arn:aws:sns:eu-west-1:123456789012:alarms"
    asked = {"Type": "SubscriptionConfirmation", "TopicArn": topic, "SubscribeURL": url}
    status, answer = api.call("POST", "/webhooks/cloudwatch", asked)
    assert (status, answer["outcomes"]) == (202, [])
    ((path, form),) = api.posted
    assert path == "/services/messages"
    assert url in form["value"] and topic in form["value"] and "login of ann" in form["value"]


@pytest.mark.parametrize(
    "foreign",
    [
        {"SubscribeURL": "https://sns.evil.example/?Action=ConfirmSubscription"},
        {"SubscribeURL": "http://sns.eu-west-1.amazonaws.com/?Action=ConfirmSubscription"},
        {"SubscribeURL": "https://sns.mine.s3.amazonaws.com/?Action=ConfirmSubscription"},
        {"SubscribeURL": "https://x@sns.eu-west-1.amazonaws.com/?Action=ConfirmSubscription"},
        {"SubscribeURL": "https://sns.eu-west-1.amazonaws.com/?a [[https://evil.example|Confirm]]"},
        {"TopicArn": "x. Your licence ends: [[https://evil.example|renew it]]"},
    ],
)
def test_nobody_puts_a_link_of_their_own_before_an_administrator(api, foreign):
    asked = {
        "Type": "SubscriptionConfirmation",
        "TopicArn": "arn:aws:sns:eu-west-1:123456789012:alarms",
        "SubscribeURL": "https://sns.eu-west-1.amazonaws.com/?Action=ConfirmSubscription&Token=1",
    }
    assert api.call("POST", "/webhooks/cloudwatch", {**asked, **foreign})[0] == 400
    assert api.posted == []


@pytest.mark.parametrize(
    ("tool", "payload", "word"),
    [
        ("alertmanager", {}, "alerts"),
        ("alertmanager", {"alerts": ["x"]}, "alerts[0]"),
        ("datadog", {"body": "x"}, "title"),
        ("cloudwatch", {"Type": "Notification", "Message": "hello"}, "Message"),
        ("cloudwatch", {"AlarmName": "x", "NewStateValue": "odd"}, "NewStateValue"),
    ],
)
def test_what_is_not_the_tools_shape_is_refused_by_name(api, tool, payload, word):
    status, problem = api.call("POST", f"/webhooks/{tool}", payload=json.dumps(payload))
    assert status == 400
    assert word in problem["detail"]
    assert api.stores_value.incidents.all() == []


STANZAS = {
    "mapping:zabbix": {
        "items": "events.list",
        "rule": "{trigger.name}",
        "entity": "{hosts.0}",
        "severity": "{nseverity}",
        "severity.5": "critical",
        "title": "{trigger.name} on {hosts.0}",
        "key": "{trigger.id}/{hosts.0}",
        "run": "{id}",
        "time": "{clock}",
        "over": "{value}",
        "over_values": "0",
    }
}
EVENT = {
    "id": 9,
    "clock": 1_699_999_000,
    "value": 1,
    "nseverity": 5,
    "trigger": {"id": 3, "name": "CPU"},
    "hosts": ["web-1"],
}


def test_a_mapping_reads_any_tool():
    mapping = read_mapping("zabbix", STANZAS)
    arrivals = mapping.arrivals({"events": {"list": [EVENT, {**EVENT, "value": 0}]}}, 1.7e9)
    finding = arrivals[0].finding
    assert (finding["rule"], finding["entity"], finding["severity"]) == ("CPU", "web-1", "critical")
    assert (finding["title"], finding["run"]) == ("CPU on web-1", "9:critical")
    assert (finding["first_time"], finding["dedup"]) == (1_699_999_000, {"key": "3/web-1"})
    assert [arrival.over for arrival in arrivals] == [False, True]


@pytest.mark.parametrize(
    ("changed", "field", "read"),
    [
        ({"nseverity": "High"}, "severity", "high"),
        ({"clock": "1699999000000"}, "first_time", 1_699_999_000),
        ({"clock": "2023-11-14T21:56:40Z"}, "first_time", 1_699_999_000),
        ({"clock": 2_000_000_000}, "first_time", 1.7e9),
        ({"trigger": {"id": True, "name": "CPU"}}, "dedup", {"key": "true/web-1"}),
    ],
)
def test_a_mapping_reads_what_its_stanza_does_not_name(changed, field, read):
    mapping = read_mapping("zabbix", STANZAS)
    (arrival,) = mapping.arrivals({"events": {"list": [{**EVENT, **changed}]}}, 1.7e9)
    assert arrival.finding[field] == read


@pytest.mark.parametrize(
    ("name", "body", "word"),
    [
        ("none", {}, "[mapping:none]"),
        ("zabbix", {"events": {}}, "events.list"),
        ("zabbix", {"events": {"list": [{"hosts": ["web-1"]}]}}, "rule"),
        ("zabbix", {"events": {"list": ["text"]}}, "rule"),
    ],
)
def test_what_a_mapping_cannot_read_is_reported(name, body, word):
    with pytest.raises(Invalid) as caught:
        read_mapping(name, STANZAS).arrivals(body, 1.7e9)
    assert word in str(caught.value)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("2023-11-14T22:13:20Z", 1_700_000_000.0),
        ("2023-11-14T23:13:20.5+01:00", 1_700_000_000.5),
        ("2023-11-14T22:13:20.123456789Z", 1_700_000_000.123456),
        ("2023-11-14T22:13:20.5+0000", 1_700_000_000.5),
        ("0001-01-01T00:00:00Z", 1.8e9),
        ("2100-01-01T00:00:00Z", 1.8e9),
        ("soon", 1.8e9),
        (None, 1.8e9),
    ],
)
def test_times_in_the_tools_forms(text, seconds):
    assert time_of(text, 1.8e9) == pytest.approx(seconds, abs=1e-5)


def test_severities_in_the_tools_words():
    assert [severity_of(word) for word in ("P1", "Warning", "error", "odd", None)] == [
        "critical",
        "medium",
        "high",
        "medium",
        "medium",
    ]

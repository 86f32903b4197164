"""The notify_* alert actions, against the API's own route and its schema."""

from __future__ import annotations

from typing import Any

import pytest

from incident_management.notify.action import ask, ask_for_ticket
from incident_management.splunk.scripts.alert_action import Payload
from incident_management.splunk.session import SplunkError
from tests.fakes.api import FakeApi

SID = "scheduler__admin__search__RMD5afe10cbb_at_1700000000_87"


class Desk:
    """splunkd with the app's API; :meth:`notify` is what it runs when an alert fires."""

    def __init__(self) -> None:
        self.api = FakeApi()
        self.api.answers["incident_management_settings"] = {"entry": []}

    def post(self, path: str, json_text: str) -> Any:
        status, answer = self.api.call("POST", path.split("/v1", 1)[1], payload=json_text)
        if status >= 400:
            raise SplunkError(status, answer["detail"])
        return answer

    def notify(
        self,
        channel: str = "slack",
        file: str = "/d/results.csv.gz",
        target: str = "",
        **params: str,
    ) -> str:
        params = {"message": "Disk full", "channel": target, **params}
        session: Any = self
        return ask(Payload("Disk check", "search", "mia", SID, file, params, session), channel)

    def ticket(self, **params: str) -> str:
        params = {"message": "Disk full", **params}
        session: Any = self
        return ask_for_ticket(
            Payload("Disk check", "search", "mia", SID, "/d/results.csv.gz", params, session)
        )

    def told(self) -> list[str]:
        return [document["message"]["text"] for document in self.api.stores_value.outbox.all()]


@pytest.fixture
def desk():
    return Desk()


def test_a_fired_alert_is_announced_once_however_often_it_is_repeated(desk):
    assert desk.notify().endswith(" is on the outbox")
    assert desk.notify().endswith(" is on the outbox already")
    assert desk.notify("teams").endswith(" is on the outbox")


@pytest.mark.parametrize(
    ("file", "result"),
    [
        ("/dispatch/x/results.csv.gz", ""),
        ("/dispatch/x/sendalert_temp_results.csv.gz", ""),
        ("/dispatch/x/per_result_alert/tmp_0.csv.gz", "0"),
        ("/dispatch/x/per_result_alert/tmp_12.csv.gz", "12"),
        ("/dispatch/x/per_result_alert/other.csv.gz", "other.csv.gz"),
    ],
)
def test_which_result_an_action_is_for(desk, file, result):
    session: Any = desk
    assert Payload("Disk check", "search", "mia", SID, file, {}, session).result == result


@pytest.mark.parametrize("channel", ["slack", "teams", "pagerduty"])
def test_each_result_of_a_search_that_triggers_for_each_is_announced_once(desk, channel):
    for _repeat in range(2):
        for number in range(3):
            file = f"/dispatch/{SID}/per_result_alert/tmp_{number}.csv.gz"
            desk.notify(channel, file, message=f"Disk full on db-{number}")
    assert desk.told() == ["Disk full on db-0", "Disk full on db-1", "Disk full on db-2"]


@pytest.mark.parametrize(
    ("channel", "given", "severity", "warned"),
    [
        ("slack", "Critical", "critical", False),
        ("pagerduty", "error", "high", False),
        ("teams", "", "medium", False),
        ("pagerduty", "", "high", False),
        ("slack", "$result.severity$", "medium", True),
        ("pagerduty", "terrible" * 10, "high", True),
    ],
)
def test_a_severity_in_other_words_does_not_cost_the_message(
    desk, capsys, channel, given, severity, warned
):
    assert desk.notify(channel, severity=given).endswith(" is on the outbox")
    (document,) = desk.api.stores_value.outbox.all()
    assert document["message"]["severity"] == severity
    said = capsys.readouterr().err
    expected = f"WARN Alert 'Disk check': notify_{channel} param.severity is '{given[:40]}', which"
    assert said.startswith(expected) if warned else not said


@pytest.mark.parametrize("name", ["Disk check", "x" * 3000])
def test_texts_that_are_too_long_are_cut_and_marked(desk, name):
    """An event of any length in the message, ids and names of any length."""
    session: Any = desk
    params = {"message": "disk full \U0001f525 " * 20_000, "channel": "#ops"}
    payload = Payload(name, "search", "mia", "s" * 500, "/d/results.csv.gz", params, session)
    assert ask(payload, "slack").endswith(" is on the outbox")
    assert ask(payload, "slack").endswith(" is on the outbox already")
    (text,) = desk.told()
    assert text.startswith("disk full") and text.endswith("…")


def test_what_can_be_no_slack_channel_is_the_apps_own(desk, capsys):
    for target in ("#ops alerts", "#" + "x" * 90):
        desk.notify(target=target)
        (document,) = desk.api.stores_value.outbox.all()
        assert document["target"] == ""
        assert "no Slack channel; the app's is used" in capsys.readouterr().err


def test_an_empty_message_tells_the_alerts_name(desk, capsys):
    desk.notify(message=" ")
    assert desk.told() == ["Disk check"]
    assert "param.message is empty" in capsys.readouterr().err


def test_a_fired_alert_makes_a_ticket_in_the_system_that_it_names(desk, capsys):
    assert desk.ticket(system="jira").startswith("create_ticket: notification ")
    assert desk.ticket(system="jira").endswith("is on the outbox already")
    desk.ticket(system=" ServiceNow ")
    assert capsys.readouterr().err == ""
    documents = desk.api.stores_value.outbox.all()
    assert sorted(document["channel"] for document in documents) == ["jira", "servicenow"]


def test_a_system_that_is_none_is_named_and_costs_no_ticket(desk, capsys):
    desk.ticket(system="remedy")
    assert "create_ticket param.system is 'remedy', neither of servicenow and jira" in (
        capsys.readouterr().err
    )
    (document,) = desk.api.stores_value.outbox.all()
    assert document["channel"] == "servicenow"

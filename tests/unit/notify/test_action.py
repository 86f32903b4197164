"""The notify_* alert actions, against the API's own route and its schema."""

from __future__ import annotations

from typing import Any

import pytest

from incident_management.notify.action import ask
from incident_management.splunk.alert_action import Payload
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

    def notify(self, channel: str = "slack", file: str = "/d/results.csv.gz", **params: str) -> str:
        params.setdefault("message", "Disk full")
        session: Any = self
        return ask(Payload("Disk check", "search", "mia", SID, file, params, session), channel)

    def told(self) -> list[str]:
        return [document["message"]["text"] for document in self.api.stores_value.outbox.all()]


@pytest.fixture
def desk():
    return Desk()


def test_a_fired_alert_is_told_once_however_often_it_is_repeated(desk):
    assert desk.notify().endswith(" is on the outbox")
    assert desk.notify().endswith(" is on the outbox already")
    assert desk.notify("teams").endswith(" is on the outbox")


@pytest.mark.parametrize("channel", ["slack", "teams", "pagerduty"])
def test_each_result_of_a_search_that_triggers_for_each_is_told_once(desk, channel):
    for _repeat in range(2):
        for number in range(3):
            file = f"/dispatch/{SID}/per_result_alert/tmp_{number}.csv.gz"
            desk.notify(channel, file, message=f"Disk full on db-{number}")
    assert desk.told() == ["Disk full on db-0", "Disk full on db-1", "Disk full on db-2"]

"""The deploy API's executor: what it asks, and what each answer means."""

from __future__ import annotations

import json

import pytest

from incident_management.outside.transport import NoAnswer, NotSent, Reply
from incident_management.remediation.executors.deploy_api import DeployApi
from incident_management.remediation.executors.executor import ExecutorError
from incident_management.remediation.executors.factory import executors
from incident_management.splunk.configuration.settings import Remediation, Settings, parse

ARGUMENTS = {"service": "check out", "change_id": "CHG-8", "to_version": "r7"}
NOW = {
    "service": "check out",
    "version": "r8",
    "previous_version": "r7",
    "change_id": "CHG-8",
    "healthy": True,
}
AFTER = {**NOW, "version": "r7", "previous_version": "r8", "change_id": "CHG-9"}


class Wire:
    def __init__(self, *answers):
        self.answers = list(answers)
        self.asked = []

    def __call__(self, url, body, headers, method):
        self.asked.append((method, url, body, headers))
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        status, content = answer
        return Reply(status, {}, content if isinstance(content, str) else json.dumps(content))


def api(*answers):
    wire = Wire(*answers)
    return DeployApi("https://deploy.example/", "secret-token", wire), wire


def test_it_asks_what_runs_now():
    executor, wire = api((200, NOW))
    assert executor.facts(ARGUMENTS)["version"] == "r8"
    method, url, _body, headers = wire.asked[0]
    assert (method, url) == ("GET", "https://deploy.example/v1/services/check%20out")
    assert headers["Authorization"] == "Bearer secret-token"


def test_what_it_reports_another_service_counts_for_nothing():
    """As when the service was renamed, and its old name leads to the new one."""
    executor, _wire = api((200, {**NOW, "service": "check out 2"}))
    with pytest.raises(ExecutorError, match="answered for check out 2 instead of check out"):
        executor.facts(ARGUMENTS)


def test_it_asks_for_a_rollback_with_the_runs_own_id():
    executor, wire = api((200, AFTER))
    outcome = executor.execute(ARGUMENTS, "PLAN-1")
    assert (outcome.status, outcome.result["change_id"]) == ("done", "CHG-9")
    method, url, body, _headers = wire.asked[0]
    assert (method, url) == ("POST", "https://deploy.example/v1/services/check%20out/rollback")
    assert body == {"change_id": "CHG-8", "to_version": "r7", "request_id": "PLAN-1"}


@pytest.mark.parametrize(
    ("answer", "status", "says"),
    [
        (
            (409, {"detail": "It has moved on."}),
            "failed",
            "rejected the request with 409: It has moved on.",
        ),
        ((401, {"detail": "A token is needed."}), "failed", "401"),
        ((302, ""), "unknown", "302"),
        ((303, ""), "unknown", "303"),
        ((500, "oops"), "unknown", "500: oops"),
        ((200, "<html>"), "unknown", "200"),
        ((200, NOW), "unknown", "answered 200, but did not confirm that check out runs r7: "),
        (
            (202, {"status": "accepted"}),
            "unknown",
            "answered 202, but did not confirm that check out runs r7",
        ),
        ((201, AFTER), "unknown", "answered 201"),
        ((200, {**AFTER, "change_id": ""}), "unknown", "the change by which check out runs r7."),
        (NotSent("refused"), "failed", "could not be reached: refused"),
        (NoAnswer("broke"), "unknown", "broke"),
    ],
)
def test_what_an_answer_means(answer, status, says):
    executor, _wire = api(answer)
    outcome = executor.execute(ARGUMENTS, "PLAN-1")
    assert outcome.status == status and says in outcome.detail
    assert "secret-token" not in outcome.detail


@pytest.mark.parametrize(
    ("answer", "transient"),
    [(NotSent("refused"), True), ((429, ""), True), ((409, ""), False), ((403, ""), False)],
)
def test_what_goes_by_itself_may_be_sent_again(answer, transient):
    executor, _wire = api(answer)
    outcome = executor.execute(ARGUMENTS, "PLAN-1")
    assert (outcome.status, outcome.certain, outcome.transient) == ("failed", True, transient)


def test_a_lost_run_that_was_done_is_not_asked_for_again():
    executor, wire = api((200, AFTER))
    assert executor.settle(ARGUMENTS, "PLAN-1").status == "done"
    assert [asked[0] for asked in wire.asked] == ["GET"]


def test_a_lost_run_that_was_not_done_is_only_found_out():
    executor, wire = api((200, NOW))
    outcome = executor.settle(ARGUMENTS, "PLAN-1")
    assert (outcome.status, outcome.detail) == ("unchanged", "check out still runs r8.")
    assert [asked[0] for asked in wire.asked] == ["GET"]


def test_a_lost_run_on_a_service_that_moved_on_has_failed():
    executor, wire = api((200, {**NOW, "version": "r9", "change_id": "CHG-10"}))
    outcome = executor.settle(ARGUMENTS, "PLAN-1")
    assert outcome.status == "failed" and "now runs r9" in outcome.detail
    assert not outcome.certain, "it may have been done before the service moved on"
    assert len(wire.asked) == 1


def test_a_lost_run_can_not_be_reported_while_the_api_is_down():
    executor, _wire = api(NoAnswer("It does not answer."))
    assert executor.settle(ARGUMENTS, "PLAN-1").status == "unknown"


@pytest.mark.parametrize("lacking", ["version", "change_id"])
def test_an_answer_that_lacks_what_runs_tells_nothing(lacking):
    executor, _wire = api((200, {**NOW, lacking: None}), (200, {**NOW, lacking: ""}))
    with pytest.raises(ExecutorError, match="did not return the version and the change"):
        executor.facts(ARGUMENTS)
    assert executor.settle(ARGUMENTS, "PLAN-1").status == "unknown"


def test_a_state_that_is_not_told_is_one_sentence():
    executor, _wire = api((404, {"detail": "There is no 'check out' here."}))
    with pytest.raises(ExecutorError, match=r"\(404\): There is no 'check out' here\.$"):
        executor.facts(ARGUMENTS)


@pytest.mark.parametrize(
    ("url", "token", "says"),
    [
        ("", "t", "No deploy API is configured: set its URL and token"),
        ("https://d.example", "", "No deploy API is configured"),
        ("http://d.example", "t", "must start with https://"),
    ],
)
def test_missing_settings_are_one_sentence(url, token, says):
    settings = Settings(remediation=Remediation(url, token))
    with pytest.raises(ExecutorError, match=says):
        executors(lambda: settings)["deploy_api"]()


def test_settings_that_are_not_needed_keep_no_fix_back():
    values = {"deploy_api_url": "https://d.example", "deploy_api_token": "t"}
    settings = parse({"remediation": values, "lifecycle": {"keep": "1d"}})
    assert executors(lambda: settings)["deploy_api"]()
    broken = parse({"remediation": {**values, "deploy_api_token": "******"}})
    with pytest.raises(ExecutorError, match="again under Configuration > Remediation"):
        executors(lambda: broken)["deploy_api"]()

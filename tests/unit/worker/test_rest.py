"""The small duties: timing, processes, and splunkd's information."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from types import SimpleNamespace
from typing import Any

import pytest

from incident_management.processes import has_ended, process_name
from incident_management.splunk.bulletin import notice
from incident_management.splunk.scripts.alert_action import RESULT_ROWS
from incident_management.splunk.session import SplunkError
from incident_management.splunk.users import MOST_USERS, has_capability, who_has
from incident_management.worker.reconciling.alerts import SplunkAlerts
from incident_management.worker.reconciling.fired_alert import FiredAlert
from incident_management.worker.timing import Timing


def test_timing_is_read_from_the_stanza():
    assert Timing.read("worker", {"cycle_seconds": "2", "run_seconds": "60"}) == Timing(2, 60)
    assert Timing.read("worker", {}) == Timing(5, 240)


@pytest.mark.parametrize(
    ("values", "says"),
    [
        ({"cycle_seconds": "often"}, r"inputs.conf \[worker\] cycle_seconds is 'often'; set a"),
        ({"cycle_seconds": "0"}, "from 1 to 300"),
        ({"run_seconds": "nan"}, "run_seconds is 'nan'"),
    ],
)
def test_malformed_timing_is_one_sentence(values, says):
    with pytest.raises(ValueError, match=says):
        Timing.read("worker", values)


def test_malformed_timing_does_not_stop_the_worker():
    said: Any = []
    assert Timing.of_inputs({"worker": {"cycle_seconds": "x"}}, said.append) == Timing()
    assert len(said) == 1 and said[0].endswith("The default is used.")


def test_only_a_process_of_this_machine_that_has_ended_is_gone():
    child = subprocess.Popen([sys.executable, "-c", "pass"])
    child.wait()
    here = socket.gethostname()
    assert has_ended(f"{here}#{child.pid}")
    assert not has_ended(process_name()) and process_name() == f"{here}#{os.getpid()}"
    assert not has_ended(f"elsewhere#{child.pid}")
    assert not has_ended("rest:mia") and not has_ended("")


class _Session:
    def __init__(self, **answers):
        self.answers = answers
        self.asked = []

    def _answer(self, verb, path):
        self.asked.append((verb, path))
        answer = self.answers[verb]
        if isinstance(answer, Exception):
            raise answer
        return answer

    def get(self, path, **query):
        return self._answer("get", path)

    def post(self, path, form=None, **query):
        self.form = form
        return self._answer("post", path)

    def delete(self, path):
        return self._answer("delete", path)


# Stands for a Session as far as these functions use one.
FakeSession: Any = _Session


def test_a_users_capability_is_looked_up():
    entry = {"entry": [{"content": {"capabilities": ["incident_signal"]}}]}
    session = FakeSession(get=entry)
    assert has_capability(session, "a b", "incident_signal")
    assert session.asked == [("get", "/services/authentication/users/a%20b")]
    assert not has_capability(session, "mia", "incident_admin")
    assert has_capability(FakeSession(), "nobody", "incident_signal")
    gone = FakeSession(get=SplunkError(404, "no such user"))
    assert not has_capability(gone, "mia", "incident_signal")
    with pytest.raises(SplunkError):
        has_capability(FakeSession(get=SplunkError(503, "")), "mia", "incident_signal")


def test_who_has_a_capability_is_reported_by_their_roles():
    def entry(name, **content):
        return {"name": name, "content": content}

    users = [entry("Omar@corp", roles=["second"]), entry("mia", roles=["user"])]
    roles = [
        entry("second", capabilities=[], imported_capabilities=["incident_approve"]),
        entry("user", capabilities=["search"]),
    ]

    def ask(path, **_query):
        return {"entry": users if path.endswith("users") else roles}

    session: Any = SimpleNamespace(get=ask)
    assert who_has(session, "incident_approve") == ["omar@corp"]
    users.extend(entry(f"user{number}", roles=[]) for number in range(MOST_USERS - 2))
    assert who_has(session, "incident_approve") is None, "others were not read"


def test_a_notice_is_shown_and_taken_away():
    session = FakeSession(post={}, delete=SplunkError(404, "there is none"))
    show = notice(session)
    show("slack is wrong.")
    assert session.form["value"] == "slack is wrong." and session.form["severity"] == "warn"
    show("")
    with pytest.raises(SplunkError):
        notice(FakeSession(delete=SplunkError(500, "")))("")


def test_fired_alerts_are_read_with_their_namespace():
    session = FakeSession(
        get={
            "entry": [
                {
                    "acl": {"app": "search", "owner": "mia"},
                    "content": {
                        "savedsearch_name": "My alert",
                        "sid": "s1",
                        "trigger_time": 1700000000,
                        "actions": "email, open_incident",
                    },
                }
            ]
        }
    )
    (fired,) = SplunkAlerts(session).recent(0.0)
    assert fired == FiredAlert(
        "My alert", "search", "mia", "s1", 1_700_000_000.0, ("email", "open_incident")
    )


@pytest.mark.parametrize("mode", [False, 0, "0", "false"])
def test_a_fired_alert_says_that_it_triggered_for_each_result(mode):
    session = FakeSession(get={"entry": [{"content": {"sid": "s1", "digest_mode": mode}}]})
    (fired,) = SplunkAlerts(session).recent(0.0)
    assert fired.for_each_result


def test_fired_alerts_are_paged_through_newest_first_back_to_the_moment_that_was_asked_for():
    class ManyAlerts:
        """splunkd with an alert a minute, of all apps, and of ours every tenth."""

        def __init__(self):
            ours = ("open_incident", *["email"] * 9)
            self.fired = [
                {"sid": f"s{n}", "trigger_time": 60 * n, "actions": ours[n % 10]}
                for n in range(2500)
            ]

        def get(self, path, **query):
            assert path == "/servicesNS/-/-/alerts/fired_alerts/-"
            down = query.get("sort_dir") == "desc"
            ordered = sorted(
                self.fired,
                key=lambda one: one[query["sort_key"]] if "sort_key" in query else one["sid"],
                reverse=down,
            )
            page = ordered[query["offset"] :][: query["count"]]
            return {"entry": [{"content": content} for content in page]}

    session: Any = ManyAlerts()
    alerts = SplunkAlerts(session)
    ours = [one for one in alerts.recent(0.0) if "open_incident" in one.actions]
    assert {one.sid for one in ours} == {f"s{n}" for n in range(0, 2500, 10)}
    assert {one.sid for one in alerts.recent(60 * 2000)} >= {f"s{n}" for n in range(2000, 2500)}
    assert len(alerts.recent(60 * 2000)) == 1000


def test_as_many_results_of_a_run_are_read_as_its_action_takes():
    class Job:
        """A finished job with 60,000 results."""

        def get(self, path, **query):
            if not path.endswith("/results"):
                return {"entry": [{"content": {"isDone": True}}]}
            end = min(query["offset"] + query["count"], 60_000)
            return {"results": [{"entity": f"h{n}"} for n in range(query["offset"], end)]}

    session: Any = Job()
    results = SplunkAlerts(session).rows("s1")
    assert len(results.rows) == RESULT_ROWS and results.truncated

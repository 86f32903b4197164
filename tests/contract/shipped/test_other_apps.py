"""The built app beside another whose knowledge is shared with all apps."""

from __future__ import annotations

from pathlib import Path

from incident_management.splunk.kv.store import KvStores
from incident_management.splunk.session import Session
from incident_management.worker.duties import all_duties
from incident_management.worker.member import Member
from tests.standin import start_standin
from tools.splunkd_lite.clock import ManualClock

APP = "incident_management"
API = f"/services/{APP}/v1/incidents"
# Alert Manager has these, and its default.meta shares all that it has.
ALERT_MANAGER = {
    "default/app.conf": "[ui]\nlabel = Alert Manager\n",
    "default/collections.conf": (
        "[incidents]\nenforceTypes = true\nfield.alert_time = number\nfield.urgency = string\n"
    ),
    "default/transforms.conf": (
        "[incidents]\nexternal_type = kvstore\ncollection = incidents\n"
        "fields_list = _key, incident_id, alert_time, title, owner, urgency\n"
    ),
    "default/macros.conf": "[incident_history(1)]\nargs = incident_id\ndefinition = head 1\n",
    "metadata/default.meta": "[]\naccess = read : [ * ], write : [ admin ]\nexport = system\n",
}


def alert_manager(folder: Path) -> Path:
    app = folder / "alert_manager"
    for name, text in ALERT_MANAGER.items():
        (app / name).parent.mkdir(parents=True, exist_ok=True)
        (app / name).write_text(text, encoding="utf-8")
    return app


def test_alert_manager_has_incidents_as_well(app_folder: Path, tmp_path: Path) -> None:
    other = alert_manager(tmp_path)
    with start_standin(tmp_path / "home", [app_folder, other]) as running:
        theirs = running.service(app="alert_manager", owner="nobody").kvstore["incidents"].data
        theirs.insert({"_key": "theirs", "alert_time": 1, "urgency": "low"})
        session = Session(running.splunk.mgmt_uri, running.session_key())
        opened = session.post(API, json_body={"title": "Slow"})

        assert [row["_key"] for row in theirs.query()] == ["theirs"]
        # Elsewhere the app whose name sorts later has it ("Configuration file precedence").
        for app in (APP, "search"):
            search = "| inputlookup incidents | table id title urgency"
            job = running.splunk.jobs.dispatch(search, "admin", app=app)
            assert [(row["id"], row["title"]) for row in job.rows] == [(opened["id"], "Slow")]
        own = running.splunk.jobs.dispatch("| inputlookup incidents", "admin", app="alert_manager")
        assert [row["alert_time"] for row in own.rows] == ["1"]


def test_beside_alert_manager_the_worker_works_though_nothing_can_be_carried_over(
    app_folder: Path, tmp_path: Path
) -> None:
    other = alert_manager(tmp_path)
    with start_standin(tmp_path / "home", [app_folder, other]) as running:
        token = running.splunk.access.token_for("splunk-system-user", 3600.0)
        session = Session(running.splunk.mgmt_uri, token)
        told: list[str] = []
        member = Member("sh1", session, KvStores(session), ManualClock(1e9))
        duties = all_duties(member, lambda _event: None, lambda _name, text: told.append(text))

        assert duties[0].run() == {}
        assert "rebuilt from the timelines" in str(told)

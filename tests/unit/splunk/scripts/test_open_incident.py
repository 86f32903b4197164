"""The alert action, as splunkd starts it: payload on stdin, results in a file."""

import gzip
import io
import json
import time

import pytest

from incident_management.api import schema
from incident_management.api.intake.signals import SIGNALS_BYTES
from incident_management.api.router import routes_of
from incident_management.incidents.intake.alert import Alert
from incident_management.incidents.intake.findings import signals_from
from incident_management.incidents.intake.results import findings
from incident_management.splunk import spool
from incident_management.splunk.scripts import alert_action

SID = "scheduler__admin__shop__RMD5abc_at_1700000000_7"
ALERT = f"/services/search/jobs/{SID}"


@pytest.fixture
def action():
    import open_incident

    return open_incident


@pytest.fixture
def alert(splunkd, tmp_path, monkeypatch):
    """A fired alert with two entities in three rows."""
    monkeypatch.setenv("SPLUNK_HOME", str(tmp_path))
    monkeypatch.setattr(alert_action.Session.__init__, "__defaults__", _no_pauses())
    results = tmp_path / "results.csv.gz"
    with gzip.open(results, "wt") as file:
        file.write('entity,count,first_time,last_time,sample,"__mv_entity"\n')
        file.write("checkout,6,1699999900,1699999950,boom,\n")
        file.write("checkout,4,1699999800,1699999990,bang,\n")
        file.write("search,7,1699999900,1699999950,bust,\n")
    return {
        "search_name": "High Error Rate",
        "app": "shop",
        "owner": "ann",
        "sid": SID,
        "results_file": str(results),
        "server_uri": splunkd.uri,
        "session_key": "the-key",
        "configuration": {"severity": "high", "title": "{entity}: {count} errors", "group": "0"},
    }


def _no_pauses():
    defaults = alert_action.Session.__init__.__defaults__ or ()
    return tuple((lambda _seconds: None) if one is time.sleep else one for one in defaults)


def run(action, payload, arguments=("--execute",)):
    text = payload if isinstance(payload, bytes) else json.dumps(payload).encode()
    return alert_action.main(
        list(arguments), io.BytesIO(text), action.open_incident, "open_incident"
    )


def api(status, answer):
    """splunkd with a job that knows its span, and the app's API."""

    def answered(method, path, _query, body):
        if path == ALERT:
            content = {"searchEarliestTime": 1699999700, "searchLatestTime": 1700000000}
            return 200, {"entry": [{"content": content}]}
        assert (method, path) == ("POST", "/services/incident_management/v1/signals")
        return status, answer(body) if callable(answer) else answer

    return answered


def taken(body):
    count = len(body["signals"])
    return {"taken": count, "incidents": [f"INC-{number}" for number in range(count)]}


def test_each_problem_is_one_signal_with_all_of_its_rows(action, alert, splunkd, capsys):
    splunkd.answer = api(200, taken)

    assert run(action, alert) == 0
    checkout, search = splunkd.seen[-1][3]["signals"]
    assert (checkout["entity"], checkout["count"]) == ("checkout", 10)
    assert (checkout["first_time"], checkout["last_time"]) == (1699999800.0, 1699999990.0)
    assert checkout["title"] == "checkout: 6 errors"
    assert checkout["dedup"] == {"entity": "checkout"}
    common = splunkd.seen[-1][3]["common"]
    assert (common["rule"], common["run"]) == ("High Error Rate", "at:1700000000")
    assert common["group"] is False
    assert common["search"] == {
        "name": "High Error Rate",
        "app": "shop",
        "owner": "ann",
        "earliest": 1699999700.0,
        "latest": 1700000000.0,
    }
    assert [row["sample"] for row in checkout["rows"]] == ["boom", "bang"]
    assert "__mv_entity" not in checkout["rows"][0]
    assert search["entity"] == "search"
    assert capsys.readouterr().err == (
        f"INFO open_incident: 2 signals of {SID} in [INC-0, INC-1]\n"
    )


@pytest.mark.parametrize("per_result", ["1", "0"])
def test_each_result_of_a_search_that_triggers_for_each_is_a_signal_of_its_own(
    action, alert, splunkd, tmp_path, per_result
):
    """splunkd runs the action once a result: one search id, a file for each."""
    splunkd.answer = api(200, taken)
    alert["configuration"]["per_result"] = per_result
    (tmp_path / "per_result_alert").mkdir()
    made = []
    for number, entity in enumerate(["checkout", "checkout", "search"]):
        file = tmp_path / f"per_result_alert/tmp_{number}.csv.gz"
        with gzip.open(file, "wt") as results:
            results.write(f"entity,count\n{entity},{number + 2}\n")
        assert run(action, {**alert, "results_file": str(file)}) == 0
        made += signals_from(splunkd.seen[-1][3]["signals"], 0.0, splunkd.seen[-1][3]["common"])
        assert run(action, {**alert, "results_file": str(file)}) == 0
        again = signals_from(splunkd.seen[-1][3]["signals"], 0.0, splunkd.seen[-1][3]["common"])
        assert again[0].key == made[-1].key
    assert len({signal.key for signal in made}) == 3
    assert [signal.count for signal in made] == [2, 3, 4]
    assert made[0].dedup_key == made[1].dedup_key != made[2].dedup_key


def test_an_api_that_cannot_answer_gets_it_later(action, alert, splunkd, capsys):
    splunkd.answer = api(503, {"detail": "KV Store is initializing."})

    assert run(action, alert) == 0
    ((file, request),) = spool.pending()
    assert request["path"] == "/services/incident_management/v1/signals"
    assert request["actor"] == "ann"
    assert len(request["body"]["signals"]) == 2
    assert "2 kept for the worker" in capsys.readouterr().err
    assert not list(file.parent.glob("*.tmp"))


def test_a_full_disk_beside_that_is_one_clear_sentence(action, alert, splunkd, capsys, monkeypatch):
    splunkd.answer = api(503, {"detail": "KV Store is initializing."})

    def full(*_arguments):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(spool.json, "dump", full)

    assert run(action, alert) == 1
    assert capsys.readouterr().err == (
        "ERROR open_incident: It could be neither delivered (KV Store is initializing.) "
        "nor kept for later (No space left on device).\n"
    )
    assert list(spool.folder().iterdir()) == []


def test_an_owner_without_the_capability_is_reported_and_nothing_is_kept(
    action, alert, splunkd, capsys
):
    detail = "POST /signals needs the capability incident_signal, which ann lacks."
    splunkd.answer = api(403, {"detail": detail})

    assert run(action, alert) == 1
    assert capsys.readouterr().err == f"ERROR open_incident: {detail}\n"
    assert list(spool.pending()) == []


def test_a_malformed_setting_does_not_cost_the_incident(action, alert, splunkd, capsys):
    splunkd.answer = api(200, taken)
    alert["configuration"]["severity"] = "terrible"

    assert run(action, alert) == 0
    assert splunkd.seen[-1][3]["common"]["severity"] == "medium"
    assert "param.severity is 'terrible'" in capsys.readouterr().err


def test_a_result_without_the_entity_field_is_about_the_alert(action, alert, splunkd):
    splunkd.answer = api(200, taken)
    alert["configuration"].update(entity_field="nope", dedup_fields="")

    assert run(action, alert) == 0
    (only,) = splunkd.seen[-1][3]["signals"]
    assert (only["entity"], only["count"]) == ("High Error Rate", 17)


def test_unreadable_results_are_one_sentence(action, alert, splunkd, capsys, tmp_path):
    splunkd.answer = api(200, taken)
    alert["results_file"] = str(tmp_path / "gone.csv.gz")

    assert run(action, alert) == 1
    assert "The results gone.csv.gz can't be read (FileNotFoundError)." in capsys.readouterr().err


def test_a_nul_in_an_event_costs_no_incident(action, alert, splunkd):
    """The csv of Python 3.9 and 3.10 refuses a file with one; a binary log's event may have it."""
    splunkd.answer = api(200, taken)
    with gzip.open(alert["results_file"], "wt") as results:
        results.write("entity,count,sample\ncheckout,6,bin \0 ary\nsearch,7,bust\n")

    assert run(action, alert) == 0
    assert [one["entity"] for one in splunkd.seen[-1][3]["signals"]] == ["checkout", "search"]
    assert splunkd.seen[-1][3]["signals"][0]["rows"][0]["sample"] == "bin \ufffd ary"


@pytest.mark.parametrize("payload", [b"", b"<xml/>", b"[]", b"{}"])
def test_a_payload_that_is_none_is_one_sentence(action, payload, capsys):
    assert run(action, payload) == 1
    assert "The payload on stdin is not that of an alert action" in capsys.readouterr().err


def test_without_execute_nothing_runs(action, alert, splunkd, capsys):
    assert run(action, alert, arguments=()) == 1
    assert splunkd.seen == []
    assert capsys.readouterr().err.startswith("FATAL ")


def test_a_batch_stays_below_the_apis_limits(action):
    found = [{"description": "x" * 9000} for _number in range(1000)] + [{}] * 4001
    bodies = list(action._bodies(found, {"rule": "r"}))

    assert [s for body in bodies for s in json.loads(body)["signals"]] == found
    assert all(json.loads(body)["common"] == {"rule": "r"} for body in bodies)
    assert all(len(body) < SIGNALS_BYTES for body in bodies)
    assert max(len(json.loads(body)["signals"]) for body in bodies) <= 4000


def test_requests_are_kept_side_by_side_and_the_oldest_is_delivered_first(tmp_path, monkeypatch):
    monkeypatch.setenv("SPLUNK_HOME", str(tmp_path))
    for at in (1_700_000_000.5, 1_700_000_000.0, 1_700_000_001.0):
        spool.put("/x", {"at": at}, "ann", at)
    bodies = [request["body"]["at"] for _file, request in spool.pending()]
    assert bodies == [1_700_000_000.0, 1_700_000_000.5, 1_700_000_001.0]


def test_a_spooled_file_that_is_no_request_is_set_aside(tmp_path, monkeypatch):
    monkeypatch.setenv("SPLUNK_HOME", str(tmp_path))
    kept = spool.put("/x", {"a": 1}, "ann", 1_700_000_000.0)
    (kept.parent / "0-broken.json").write_text("{", encoding="utf-8")

    assert [request["body"] for _file, request in spool.pending()] == [{"a": 1}]
    assert (kept.parent / "0-broken.bad").exists()


def test_a_digest_of_fifty_thousand_rows_is_one_signal_that_counts_them_all(
    action, alert, splunkd, tmp_path
):
    with gzip.open(tmp_path / "results.csv.gz", "wt") as file:
        file.write("entity,count,first_time,last_time\n")
        for number in range(50_000):
            file.write(f"checkout,2,{1699999000 + number},{1699999001 + number}\n")
    splunkd.answer = api(200, taken)

    assert run(action, alert) == 0
    (checkout,) = splunkd.seen[-1][3]["signals"]
    assert checkout["count"] == 100_000
    assert (checkout["first_time"], checkout["last_time"]) == (1699999000.0, 1700049000.0)
    assert len(checkout["rows"]) == 5


def test_a_row_of_a_megabyte_in_any_script_is_cut_to_what_the_api_takes(
    action, alert, splunkd, tmp_path
):
    long = "\u65e5\u672c\u8a9e \U0001f525 " * 150_000
    with gzip.open(tmp_path / "results.csv.gz", "wt", encoding="utf-8") as file:
        file.write(f'entity,count,sample\n"{long}",1,"{long}"\n')
    alert["configuration"].update(title="{sample}", description="{sample}", dedup_fields="count")
    alert["configuration"].update(
        tags="{sample}", group_fields="sample", runbook=long, actions=",".join([long] * 30)
    )
    splunkd.answer = api(200, taken)

    assert run(action, alert) == 0
    body = splunkd.seen[-1][3]
    (route,) = (route for route in routes_of("signals") if route.path == "/signals")
    schema.check(body, route.body or {})
    (signal,) = body["signals"]
    assert long.startswith(signal["title"])
    assert long.startswith(signal["rows"][0]["sample"])


def test_a_field_of_several_values_gives_the_signal_that_the_worker_would_make(
    action, alert, splunkd
):
    """Else the worker, which reads the results over REST, takes the signal for lost."""
    with gzip.open(alert["results_file"], "wt", newline="") as file:
        file.write('entity,__mv_entity,code\n"web-1\nweb$2",$web-1$;$web$$2$,7\n')
    splunkd.answer = api(200, taken)
    assert run(action, alert) == 0

    sent = splunkd.seen[-1][3]["signals"]
    read = Alert.from_params(alert["configuration"], "High Error Rate", "shop", "ann", SID)
    rows = [{"entity": ["web-1", "web$2"], "code": "7"}]
    assert sent == findings(rows, read, sent[0]["first_time"])
    assert [one["entity"] for one in sent] == ["web-1", "web$2"]
    assert [one["dedup"] for one in sent] == [{"entity": "web$2, web-1"}] * 2


def test_the_line_of_a_storm_stays_a_line(action, alert, splunkd, capsys):
    with gzip.open(alert["results_file"], "wt") as file:
        file.write("entity\n" + "".join(f"host-{number}\n" for number in range(500)))
    splunkd.answer = api(200, taken)
    assert run(action, alert) == 0

    said = capsys.readouterr().err
    assert said.startswith(f"INFO open_incident: 500 signals of {SID} in [INC-0, INC-1, ")
    assert said.endswith(" and 480 more]\n") and len(said) < 500

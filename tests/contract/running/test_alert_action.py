"""Custom alert actions: what reaches the script, and what becomes of it."""

import csv
import gzip
import json
import re

import pytest

from tests.contract.running.fakes import NOON, make_job
from tools.splunkd_lite.runners import alert_action
from tools.splunkd_lite.runners.saved_search import SavedSearch

SAVE_STDIN = """
import json, os, sys
payload = json.load(sys.stdin)
payload["argv"] = sys.argv[1:]
payload["env"] = dict(os.environ)
json.dump(payload, open(os.path.join(os.environ["SPLUNK_HOME"], "seen.json"), "w"))
sys.stderr.write("INFO handled " + payload["sid"] + "\\n")
"""


VIEW_LINK = (
    "http://stand-in:18000/app/tiny/alert?s="
    "%2FservicesNS%2Fadmin%2Ftiny%2Fsaved%2Fsearches%2FHigh%2520Error%2520Rate"
)


def search(**settings):
    return SavedSearch("High Error Rate", "tiny", "admin", settings)


@pytest.fixture
def page(splunk):
    """Runs the action ``page``; gives its outcome and what its script saw."""
    splunk.conf.confs["alert_actions"] = {
        "page": {"is_custom": "1", "payload_format": "json", "param.who": "ops"}
    }

    def go(script=SAVE_STDIN, rows=({"host": "a"},), row=None, **settings):
        splunk.script("page.py", script)
        job = make_job(splunk.home, list(rows))
        outcome = alert_action.run(splunk, "page", search(**settings), job, row, "admin", NOON)
        seen = splunk.home / "seen.json"
        return outcome, json.loads(seen.read_text()) if seen.exists() else None

    return go


def test_the_script_gets_the_documented_payload(splunk, page):
    outcome, seen = page(rows=[{"host": "a", "tags": ["x", "y"], "count": 3.0}])
    assert outcome.ok
    assert {
        "app": "tiny",
        "owner": "admin",
        "search_name": "High Error Rate",
        "search_uri": "/servicesNS/admin/tiny/saved/searches/High+Error+Rate",
        "server_host": "stand-in",
        "server_uri": "https://127.0.0.1:18089",
        "session_key": "token-of-admin",
        "configuration": {"who": "ops"},
        "result": {"host": "a", "tags": ["x", "y"], "count": "3"},
        "argv": ["--execute"],
    }.items() <= seen.items()
    assert seen["results_link"].endswith(f"/app/tiny/@go?sid={seen['sid']}")
    with gzip.open(seen["results_file"], "rt") as file:
        assert [row["host"] for row in csv.DictReader(file)] == ["a"]
    assert splunk.logged("handled ")


def test_the_script_runs_in_splunks_environment_and_not_in_ours(splunk, page, monkeypatch):
    monkeypatch.setenv("PYTEST_LEAK", "1")
    monkeypatch.setenv("PYTHONSTARTUP", "x")
    env = page()[1]["env"]
    assert env["SPLUNK_HOME"] == str(splunk.home)
    assert env["SPLUNK_DB"] == f"{splunk.home}/var/lib/splunk"
    assert "pylib" in env["PYTHONPATH"]
    assert not {"PYTEST_LEAK", "PYTHONSTARTUP"} & set(env)


@pytest.mark.parametrize(
    ("text", "replaced"),
    [
        ("$result.host$ is down", "a is down"),
        ("$name$ by $owner$ in $app$", "High Error Rate by admin in tiny"),
        ("at $trigger_time$, $trigger_date$", f"at {NOON:.0f}, January 01, 2026"),
        ("$job.resultCount$ of $job.sid$", "2 of scheduler__admin__tiny__at_1"),
        ("$result.nothing$-$unknown$", "-"),
        ("$description$", "too many errors"),
        ("$$", "$$"),
        ("from $5 to $9", "from 9"),
        ("$result.host{default=none}$, $result.nothing{default=none}$", "a, none"),
        ("sev $alert.severity$, $alert.expires$", "sev 4, 24h"),
        ("$type$ $next_scheduled_time$", "alert 2026-01-01 12:05:00 UTC"),
        ("$view_link$", VIEW_LINK),
        ("$job.runDuration$ s, $job.earliestTime$", "0.250 s, 2026-01-01T11:55:00.000+00:00"),
        ("$server.version$ $server.serverName$", "9.4.0 stand-in"),
        ("$action.page.param.extra$", "as in savedsearches.conf"),
    ],
)
def test_tokens_in_parameters_are_replaced(page, text, replaced):
    settings = {
        "description": "too many errors", "alert.severity": "4", "enableSched": "1",
        "cron_schedule": "*/5 * * * *", "counttype": "number of events",
        "action.page.param.extra": "as in savedsearches.conf",
    }  # fmt: skip
    _, seen = page(
        rows=[{"host": "a"}, {"host": "b"}], **{"action.page.param.who": text, **settings}
    )
    assert seen["configuration"]["who"] == replaced


def test_an_action_for_one_result_sees_only_that_one(page):
    _, seen = page(
        rows=[{"host": "a"}, {"host": "b"}], row=1, **{"action.page.param.who": "$result.host$"}
    )
    assert seen["result"] == {"host": "b"}
    assert seen["configuration"]["who"] == "b"
    one = f"%7Cloadjob%20{seen['sid']}%20%7C%20head%202%20%7C%20tail%201"
    assert seen["results_link"].endswith(f"/search?q={one}&earliest=0&latest=now")
    with gzip.open(seen["results_file"], "rt") as file:
        assert list(csv.DictReader(file)) == [{"host": "b"}]


def test_a_failing_script_is_reported_with_its_exit_code_and_words(splunk, page):
    outcome, _ = page("import sys; sys.exit('no route to ops')")
    assert outcome.exit_code == 1
    assert splunk.logged("no route to ops")
    assert splunk.logged("exit code=1")


def test_maxtime_ends_a_script_even_one_that_never_reads(splunk, page):
    big = {"text": "x" * 500_000}
    outcome, _ = page("import time; time.sleep(60)", rows=[big], **{"action.page.maxtime": "1s"})
    assert outcome.exit_code is None
    assert "maxtime=1" in outcome.error
    assert outcome.seconds < 10


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ({"is_custom": "0"}, "built-in alert action"),
        ({"payload_format": "xml"}, "xml"),
        ({"alert.execute.cmd": "page.sh"}, "only Python"),
        ({"alert.execute.cmd": "../../../../bin/x.py"}, "outside its bin"),
        ({"maxtime": "soon"}, "not a period"),
    ],
)
def test_what_is_not_supported_is_named(page, settings, says):
    outcome, _ = page(**{f"action.page.{key}": value for key, value in settings.items()})
    assert outcome.exit_code is None
    assert says in outcome.error


def test_an_unknown_action_is_named(splunk):
    job = make_job(splunk.home, [])
    splunk.conf.confs["alert_actions"] = {}
    outcome = alert_action.run(splunk, "nope", search(), job, None, "admin")
    assert outcome.error == "There is no alert action 'nope' in alert_actions.conf."


CAM = {
    "category": ["Information Conveyance"], "task": ["create"], "subject": ["process.service"],
    "technology": [{"vendor": "Us", "product": "Desk", "version": ["1"]}], "supports_adhoc": True,
}  # fmt: skip


def test_the_adaptive_response_fields_reach_the_script_as_they_are(page):
    text = json.dumps({**CAM, "drilldown_uri": "x?a=$name$"})
    outcome, seen = page(**{"action.page.param._cam": text})
    assert outcome.ok
    assert seen["configuration"]["_cam"] == text


@pytest.mark.parametrize(
    ("cam", "says"),
    [
        ("{", "is not JSON"),
        ("[]", "not a JSON object"),
        (json.dumps({**CAM, "task": "create"}), "task of .* is not a list"),
        (json.dumps({**CAM, "supports_adhoc": "true"}), "neither true nor false"),
        (json.dumps({**CAM, "technology": [{"vendor": "Us"}]}), "a vendor and a product"),
        (json.dumps({**CAM, "tasks": ["create"]}), "the key tasks, which does not exist"),
        (json.dumps({k: v for k, v in CAM.items() if k != "subject"}), "needs the list subject"),
    ],
)
def test_a_malformed_adaptive_response_is_named_and_not_run(page, cam, says):
    outcome, seen = page(**{"action.page.param._cam": cam})
    assert (outcome.exit_code, seen) == (None, None)
    assert re.search(says, outcome.error)

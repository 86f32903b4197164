"""An app's programs under the stand-in's real core, driven through the real SDK and over HTTP."""

import contextlib
import json
import os
import signal
import sqlite3
import subprocess
import sys
import time
from functools import partial
from pathlib import Path

import httpx
import pytest
import splunklib.binding

from tests.contract.running.fakes import NOON
from tests.contract.running.tiny_app import make_app
from tests.standin import start_standin
from tests.waiting import wait_for
from tools.splunkd_lite.clock import ManualClock

REPO = Path(__file__).resolve().parents[3]


@pytest.fixture
def standin(tmp_path):
    with start_standin(tmp_path, [make_app(tmp_path / "source")]) as running:
        yield running


def test_a_search_uses_the_apps_command(standin):
    rows = standin.search(
        '| makeresults | eval t="a b" | words field=t | table words by', app="tiny"
    )
    assert rows == [{"words": ["a", "b"], "by": "admin"}]


def test_a_commands_own_words_fail_the_search(standin):
    job = standin.splunk.jobs.dispatch("| makeresults | words", "admin", "tiny", scheduled=False)
    assert job.state == "FAILED"
    assert any('A value for "field" is required' in text for _, text in job.messages)


def test_a_scheduled_search_alerts_and_its_action_acts_as_the_searchs_owner(tmp_path):
    clock = ManualClock(NOON)
    with start_standin(tmp_path, [make_app(tmp_path / "source")], clock=clock) as standin:
        scheduler = standin.splunk.services.use_scheduler()
        errors = [
            {"_raw": f"error {i}", "_time": NOON + 60 + i, "host": host}
            for i, host in enumerate(["web1"] * 3 + ["web2"])
        ]
        standin.index("shop", errors)
        clock.advance(600)
        scheduler.run_until(NOON + 600)

        paged = standin.splunk.home / "var/paged.jsonl"
        lines = [json.loads(line) for line in paged.read_text().splitlines()]
        assert len(lines) == 1
        assert lines[0]["configuration"] == {"who": "web1 has 3"}
        assert lines[0]["search_name"] == "High"
        assert lines[0]["acting_as"] in ("admin", "splunk-system-user")
        [fired] = standin.splunk.alerts.all("High")
        assert (fired.severity, fired.trigger_time, fired.actions) == (4, NOON + 300, "page")
        assert fired.sid == lines[0]["sid"]


def test_a_persistent_handler_is_served_with_the_callers_rights(standin):
    standin.add_user("alice")
    service = standin.service("alice")
    answer = service.post("/services/tiny/v1/a/b", body=json.dumps({"k": 1}))
    assert json.loads(answer.body.read()) == {
        "user": "alice", "system": "splunk-system-user", "path": "a/b", "method": "POST",
        "body": '{"k": 1}',
    }  # fmt: skip


def test_an_anonymous_caller_never_reaches_the_handler(standin):
    url = f"{standin.splunk.mgmt_uri}/services/tiny/v1/a"
    assert httpx.get(url, verify=False).status_code == 401  # noqa: S501 - our own loopback


def test_a_ucc_account_is_created_read_edited_and_removed_with_its_secret_kept_safe(standin):
    service = standin.service(app="tiny", owner="nobody")
    account = "/servicesNS/nobody/tiny/tiny_account"
    service.post(account, name="prod", secret_key="hunter2", region="eu-1", output_mode="json")

    listed = json.loads(service.get(account, output_mode="json").body.read())
    [entry] = listed["entry"]
    assert entry["name"] == "prod"
    assert entry["content"]["region"] == "eu-1"
    assert "hunter2" not in json.dumps(listed)
    conf = (standin.splunk.home / "etc/apps/tiny/local/tiny_account.conf").read_text()
    assert "hunter2" not in conf
    assert any("hunter2" in p.clear_password for p in service.storage_passwords.list())

    service.post(f"{account}/prod", region="us-2", secret_key="hunter3", output_mode="json")
    clear = service.get(account, **{"--cred--": "1", "output_mode": "json"}).body.read()
    content = json.loads(clear)["entry"][0]["content"]
    assert (content["region"], content["secret_key"]) == ("us-2", "hunter3")
    service.delete(f"{account}/prod", output_mode="json")
    assert json.loads(service.get(account, output_mode="json").body.read())["entry"] == []


def test_a_ucc_validators_refusal_reaches_the_caller(standin):
    service = standin.service(app="tiny", owner="nobody")
    with pytest.raises(splunklib.binding.HTTPError, match="Not matching the pattern"):
        service.post("/servicesNS/nobody/tiny/tiny_account", name="p", secret_key="s", region="!!")
    with pytest.raises(splunklib.binding.HTTPError, match="required arguments are missing"):
        service.post("/servicesNS/nobody/tiny/tiny_account", name="p")
    with pytest.raises(splunklib.binding.HTTPError, match='Argument "odd" is not supported'):
        service.post("/servicesNS/nobody/tiny/tiny_account", name="p", secret_key="s", odd="1")


def test_inputs_reach_the_index(tmp_path):
    log = tmp_path / "app.log"
    log.write_text("N1 2026-01-01T12:00:00Z boom\nTraceback\nN2 2026-01-01T12:00:01Z ok\n")
    app = make_app(tmp_path / "source", log)
    with start_standin(tmp_path, [app], parts=["inputs", "hec"]) as standin:
        url = f"{standin.splunk.scheme}://127.0.0.1:{standin.splunk.hec_port}/services/collector"
        answer = httpx.post(
            url,
            json={"event": "from hec"},
            headers={"Authorization": "Splunk t0k"},
            verify=False,  # noqa: S501 - our own loopback
        )
        assert answer.json() == {"text": "Success", "code": 0}
        spl = "search index=shop | table _raw sourcetype"
        wait_for(lambda: len(standin.search(spl)) == 4)
        found = {row["_raw"]: row["sourcetype"] for row in standin.search(spl)}
        assert found["N1 2026-01-01T12:00:00Z boom\nTraceback"] == "app"
        assert found["from hec"] == "httpevent"
        assert any(raw.startswith("tick ") for raw in found)
        wait_for(lambda: standin.search("search index=_internal sourcetype=splunkd | head 1"))


@pytest.mark.parametrize("rotate", [False, True])
def test_kill_9_of_the_stand_in_loses_and_doubles_no_event_of_a_watched_file(tmp_path, rotate):
    log, home = tmp_path / "app.log", tmp_path / "splunk"
    app = make_app(tmp_path / "source", log)
    command = [
        sys.executable, "-m", "tools.splunkd_lite", "serve", "--home", str(home), "--app", str(app),
        "--mgmt-port", "0", "--web-port", "0", "--hec-port", "0", "--python", sys.executable,
    ]  # fmt: skip
    written = 0
    environment = {**os.environ, "SPLUNK_PASSWORD": "a-test-password"}
    for life in range(4):
        before, until = _stored(home), None
        process = subprocess.Popen(
            command, cwd=REPO, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        try:
            while until is None or time.monotonic() < until:
                with log.open("a") as file:
                    for _ in range(20):
                        file.write(f"N{written} line\n  and its rest\n")
                        written += 1
                time.sleep(0.02)
                if until is None and _stored(home) > before:  # this life has seen the file
                    until = time.monotonic() + 0.4 + life * 0.3
        finally:
            process.send_signal(signal.SIGKILL)
            process.wait()
        if rotate:
            log.rename(tmp_path / f"app.log.{life}")
            log.touch()
    with start_standin(tmp_path, home=home, parts=["inputs"]) as standin:
        spl = "search index=shop sourcetype=app | stats count dc(_raw) AS different"
        expected = {"count": str(written), "different": str(written)}
        wait_for(lambda: standin.search(spl) == [expected])


def test_programs_of_a_killed_stand_in_are_ended_by_the_next_one(tmp_path):
    app = make_app(tmp_path / "source")
    (app / "bin/ticker.py").write_text(
        (app / "bin/ticker.py")
        .read_text()
        .replace("version = self", "import time; time.sleep(99)\n        version = self")
    )
    home = tmp_path / "splunk"
    command = [
        sys.executable, "-m", "tools.splunkd_lite", "serve", "--home", str(home), "--app", str(app),
        "--mgmt-port", "0", "--web-port", "0", "--hec-port", "0",
    ]  # fmt: skip
    marks = home / "var/run/splunk/processes"
    environment = {**os.environ, "SPLUNK_PASSWORD": "a-test-password"}
    with subprocess.Popen(
        command, cwd=REPO, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    ) as process:
        try:
            running = wait_for(lambda: _sleeping(marks))
        finally:
            process.kill()
    assert Path(f"/proc/{running}").exists()
    with start_standin(tmp_path, home=home):
        wait_for(lambda: not Path(f"/proc/{running}").exists())


def _stored(home):
    """How many events the index holds, read beside the stand-in."""
    path = home / "var/lib/splunk/shop/db/events.sqlite"
    if not path.exists():
        return 0
    with contextlib.closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as db:
        try:
            return db.execute("SELECT count(*) FROM events WHERE sourcetype='app'").fetchone()[0]
        except sqlite3.OperationalError:  # the table is not there yet
            return 0


def _sleeping(marks):
    """The id of the input's process, once it is past its introspection."""
    for mark in marks.iterdir() if marks.is_dir() else []:
        try:
            line = Path(f"/proc/{mark.name}/cmdline").read_bytes()
        except OSError:
            continue
        if b"ticker.py" in line and b"--scheme" not in line:
            return int(mark.name)
    return None


def test_an_input_is_made_switched_off_and_on_and_removed_over_rest(tmp_path):
    """REST API Reference, "Input endpoints": data/inputs/{kind}/{name}/disable and enable."""
    app = make_app(tmp_path / "source")
    with start_standin(tmp_path, [app], parts=["inputs"]) as standin:
        service = standin.service(app="tiny", owner="nobody")

        def ticks(word):
            spl = f'search index=shop "{word}" | stats count'
            return int(standin.search(spl)[0]["count"])

        made = service.inputs.create("two", "ticker", word="tock", index="shop", interval="0.2")
        wait_for(lambda: ticks("tock") > 1)
        made.disable()
        time.sleep(2)
        before = ticks("tock")
        time.sleep(1)
        assert ticks("tock") == before
        made.enable()
        wait_for(lambda: ticks("tock") > before)
        service.inputs.delete("two", "ticker")
        with pytest.raises(KeyError):
            service.inputs["two", "ticker"]
        with pytest.raises(splunklib.binding.HTTPError, match="'odd' is not supported"):
            service.inputs.create("three", "ticker", odd="1")


def test_checkpoints_of_an_input_outlive_its_runs(tmp_path):
    """Developing Views and Apps, "Data checkpoints": a folder per kind that splunkd keeps."""
    app = make_app(tmp_path / "source")
    (app / "bin/ticker.py").write_text(
        (app / "bin/ticker.py")
        .read_text()
        .replace(
            'version = self.service.info["version"]',
            """import os
        path = os.path.join(inputs.metadata["checkpoint_dir"], "runs")
        version = str(len(open(path).read()) if os.path.exists(path) else 0)
        open(path, "a").write("x")""",
        )
    )
    for life in range(2):
        with start_standin(
            tmp_path, [app] if life == 0 else [], home=tmp_path / "splunk", parts=["inputs"]
        ) as standin:
            wait_for(partial(standin.search, f'search index=shop "tick {life}" | head 1'))

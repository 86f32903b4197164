"""A stand-in for the stand-in's core: just what running things needs of it."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

from tests.package import APP_PYTHON
from tools.splunkd_lite.clock import ManualClock
from tools.splunkd_lite.core import Options
from tools.splunkd_lite.resultsfile import write_results

NOON = 1_767_268_800.0  # 2026-01-01 12:00:00 UTC


class FakeAccess:
    capabilities = frozenset({"edit_search_schedule_priority"})

    def user(self, name):
        return SimpleNamespace(name=name, can=lambda capability: capability in self.capabilities)

    def token_for(self, user, ttl):
        return f"token-of-{getattr(user, 'name', user)}"


class FakeConf:
    """Configuration as {conf: {stanza: {key: value}}}, all of it in one app."""

    def __init__(self, app):
        self.app = app
        self.confs = {}

    def stanzas(self, conf, app=None, owner="nobody"):
        return {name: dict(keys) for name, keys in self.confs.get(conf, {}).items()}

    def get(self, conf, stanza, key, default=None, app=None):
        return self.confs.get(conf, {}).get(stanza, {}).get(key, default)

    def app_of(self, conf, stanza):
        return self.app

    def entries(self, conf, app="-", owner="nobody"):
        acl = SimpleNamespace(owner="admin", app=self.app)
        return [
            SimpleNamespace(name=name, settings=dict(keys), acl=acl)
            for name, keys in self.confs.get(conf, {}).items()
        ]


class FakeIndexes:
    def __init__(self):
        self.events = []
        self.seen = set()

    def write(self, index, events):
        written = 0
        for event in events:
            event = dict(event)
            mark = event.pop("_dedup", None)
            if mark is not None and mark in self.seen:
                continue
            self.seen.add(mark)
            self.events.append({**event, "index": index})
            written += 1
        return written

    def names(self):
        return ["main", "_internal", "shop"]


class FakeState(dict):
    def set(self, key, value):
        self[key] = value

    def delete(self, key):
        return self.pop(key, None) is not None

    def swap(self, key, old, new):
        if self.get(key) != old:
            return False
        self[key] = new
        return True


class FakeAlerts:
    def __init__(self):
        self.fired = []

    def fire(self, **about):
        self.fired.append(SimpleNamespace(**about))

    def all(self, saved_search=None):
        return [alert for alert in self.fired if alert.saved_search == saved_search]


class FakeJobs:
    """Every search finds ``rows``, or what ``answer`` makes of its scheduled time."""

    def __init__(self, home):
        self.home = home
        self.rows = []
        self.dispatched = []
        self.answer = None
        self.filters = []
        self.made = []

    def dispatch(
        self, spl, user, app, earliest, latest, *, saved_search, owner, exec_mode, now, ttl
    ):
        self.dispatched.append((saved_search, now, earliest, latest, user))
        rows = self.answer(now) if self.answer else self.rows
        job = make_job(self.home, rows, sid=f"scheduler_{saved_search}_at_{now:.0f}")
        job.ttl = ttl
        self.made.append(job)
        return job

    def all(self):
        return []

    def filter(self, job, spl):
        self.filters.append(spl)
        return [row for row in job.rows if spl == "search keep=1" and row.get("keep") == "1"]


def make_job(home, rows, sid="scheduler__admin__tiny__at_1"):
    folder = home / "var/run/splunk/dispatch" / sid
    fields = list(dict.fromkeys(name for row in rows for name in row))
    folder.mkdir(parents=True, exist_ok=True)
    write_results(folder / "results.csv.gz", fields, rows)
    return SimpleNamespace(
        sid=sid, rows=rows, fields=fields, messages=[], state="DONE", dispatch_dir=folder,
        earliest=NOON - 300, latest=NOON, run_duration=0.25,
    )  # fmt: skip


class FakeSplunk:
    def __init__(self, home: Path):
        self.home = home
        self.clock = ManualClock(NOON)
        self.conf = FakeConf("tiny")
        self.access = FakeAccess()
        self.indexes = FakeIndexes()
        self.python = APP_PYTHON
        self.options = Options()
        self.server_name = "stand-in"
        self.mgmt_uri = "https://127.0.0.1:18089"
        self.web_port = 18000
        self.lines: list[tuple[str, str, str]] = []
        self.alerts = FakeAlerts()
        self.jobs = FakeJobs(home)
        self.states: dict[str, FakeState] = {}
        self.cluster = None
        self.command_rehearsals = 0
        (home / "etc/apps/tiny/bin").mkdir(parents=True)

    def log(self, component, level, text):
        self.lines.append((component, level, text))

    def state(self, name):
        return self.states.setdefault(name, FakeState())

    def logged(self, part):
        return [line for line in self.lines if part in line[2]]

    def script(self, name, text):
        path = self.home / "etc/apps/tiny/bin" / name
        path.write_text(text)
        return path


class FakeContext:
    """A search, as far as a command sees it."""

    def __init__(self, tmp_path):
        self.sid = "1767268800.7"
        self.user = "admin"
        self.app = "tiny"
        self.search = '| tiny pattern="a b"'
        self.dispatch_dir = tmp_path
        self.earliest = None
        self.latest = 1_767_268_800.25
        self.messages = []
        self.cancel = False

    def message(self, level, text):
        self.messages.append((level, text))

    def cancelled(self):
        return self.cancel

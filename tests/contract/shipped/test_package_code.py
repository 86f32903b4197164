"""The searches that the app's code builds run in the stand-in, and no module's are left out."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

import incident_management
from incident_management.analysis.citations import check
from incident_management.analysis.investigation import Investigation, investigate
from incident_management.analysis.scope import application_events
from incident_management.api.incidents import analysis, history
from incident_management.detection.backtest.stored import StoredData
from incident_management.detection.monitors.monitor import Monitor
from incident_management.detection.monitors.rows import count_of
from incident_management.ports import SearchResult
from incident_management.remediation.catalogue import SAMPLE_FIELDS
from incident_management.remediation.raising_search import Windows
from incident_management.remediation.verdict import _counted
from incident_management.rerun.raising import MonitorRaising
from incident_management.splunk.searching import spl
from incident_management.worker.audit_index import AuditIndex
from incident_management.worker.search_runs import SplunkRuns
from tests.fakes import FakeStores
from tests.fakes.clock import ManualClock
from tests.standin import StandIn
from tests.unit.analysis import scenario

LIBRARY = Path(incident_management.__file__).parent
INCIDENT = "INC-20261123-A1B2C3"
BUILDS = re.compile(r"\bspl\.Search\(|\.pipe\(")


class StandInSearcher:
    """The app's Searcher over the stand-in's jobs; a search that fails, fails the test."""

    def __init__(self, standin: StandIn) -> None:
        self.standin = standin
        self.ran: list[str] = []

    def run(
        self, spl: str, earliest: str, latest: str, limit: int = 1000, timeout: float = 60.0
    ) -> SearchResult:
        job = self.standin.splunk.jobs.dispatch(
            spl, "admin", app="incident_management", earliest=earliest, latest=latest
        )
        assert job.state == "DONE", f"{spl}: {job.messages}"
        self.ran.append(spl)
        return SearchResult(list(job.rows[:limit]), job.sid, len(job.rows) > limit)


@pytest.fixture
def searcher(standin: StandIn) -> StandInSearcher:
    return StandInSearcher(standin)


@pytest.fixture
def builders(monkeypatch: pytest.MonkeyPatch) -> Iterator[set[str]]:
    """The modules that build searches while the test runs, by their path in the library."""
    found: set[str] = set()
    whole = spl.Search.__init__

    def noting(self: spl.Search, *conditions: Any, **more: Any) -> None:
        frame = sys._getframe(1)
        while frame.f_code.co_filename == spl.__file__ and frame.f_back is not None:
            frame = frame.f_back
        path = Path(frame.f_code.co_filename)
        if path.is_relative_to(LIBRARY):
            found.add(str(path.relative_to(LIBRARY)))
        whole(self, *conditions, **more)

    monkeypatch.setattr(spl.Search, "__init__", noting)
    yield found


def investigation(searcher: StandInSearcher) -> Investigation:
    return investigate(scenario.incident(), searcher, ManualClock(scenario.START + 330))


def citations(searcher: StandInSearcher) -> None:
    checked = check(investigation(searcher).numbered().citations, searcher)
    assert checked.citations
    assert [c.reason for c in checked.citations if c.status != "verified"] == []


def recovery_samples(searcher: StandInSearcher) -> None:
    action: Any = SimpleNamespace(sample_fields=SAMPLE_FIELDS, min_samples=10)
    windows = Windows((scenario.START - 60, scenario.START), (scenario.START, scenario.START + 300))
    # 56 log events, and the changes chg-pool and chg-late, which name the service, too
    assert _counted(searcher, action, ["orders"], windows)["orders"] == 58


def monitor_again(searcher: StandInSearcher) -> None:
    """A monitor is asked about one of its series."""
    search = '`incident_indexes` | eval failed=if(searchmatch("error"), 1, 0)'
    settings = {"search": search, "detector": "ratio", "value": "failed", "by": "service, host"}
    raising = MonitorRaising(FakeStores(), searcher, lambda: {"shop": settings})
    asked = {"monitor": "shop", "entity": "orders", "series": ["orders", 'no "such" host']}
    start = scenario.START // 300 * 300
    assert raising.run(asked, float(start), float(start + 300)).events == {"orders": 0}


def monitor_late(searcher: StandInSearcher) -> None:
    """The events of a judged span are counted again, and those of one over indexed fields."""
    start = scenario.START // 300 * 300
    of_numbers = "| tstats count where index=* by host, _time span=1m"
    of_requests = {"monitor_search": f"{of_numbers} | eval bad=1", "value": "bad", "total": "count"}
    for values in (
        {"monitor_search": "`incident_indexes`", "by": "host"},
        {"monitor_search": "`incident_indexes`", "by": "host", "detector": "new_template"},
        {"monitor_search": of_numbers, "by": "host", "value": "sum(count)"},
        {**of_requests, "by": "host", "detector": "burn_rate"},
    ):
        monitor = Monitor.read("incident_monitor://shop", values)
        rows = searcher.run(monitor.spl(indexed=True), str(start), str(start + 300)).rows
        assert count_of(monitor, rows) > 0
        named = {bool(row.get("indexed")) for row in rows}
        assert named == {not values["monitor_search"].startswith("|")}


def analysis_on_request(searcher: StandInSearcher) -> None:
    """What POST /incidents/{id}/analysis dispatches; the command refuses the made-up incident."""
    forms: list[dict[str, str]] = []

    def post(path: str, form: dict[str, str]) -> dict[str, str]:
        forms.append(form)
        return {"sid": "1"}

    request: Any = SimpleNamespace(user_session=SimpleNamespace(post=post))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(analysis, "document_of", lambda request: {"id": INCIDENT})
        analysis.analyze(request)
    (form,) = forms
    job = searcher.standin.splunk.jobs.dispatch(
        form["search"], "admin", app="incident_management", earliest=form["earliest_time"]
    )
    assert job.state == "FAILED"
    assert INCIDENT in " ".join(text for _, text in job.messages)
    searcher.ran.append(form["search"])


def topology(searcher: StandInSearcher) -> None:
    told: list[str] = []
    StoredData(searcher, told.append).topology()
    assert told == []


def history_out_of_the_index(searcher: StandInSearcher) -> None:
    request: Any = SimpleNamespace(searcher=searcher)
    assert history._search(request, INCIDENT).rows == []


def indexed_entries(searcher: StandInSearcher) -> None:
    assert AuditIndex(None, searcher).keys([INCIDENT]) == {}  # type: ignore[arg-type]
    assert AuditIndex(None, searcher).entries(INCIDENT) == []  # type: ignore[arg-type]


def hosts_that_send_events(searcher: StandInSearcher) -> None:
    session: Any = None
    assert SplunkRuns(session, searcher).seen("host", 0.0)


USES = [
    hosts_that_send_events,
    citations,
    recovery_samples,
    monitor_again,
    monitor_late,
    analysis_on_request,
    topology,
    history_out_of_the_index,
    indexed_entries,
]


@pytest.mark.parametrize("use", USES)
def test_it_runs(use: Callable[[StandInSearcher], None], searcher: StandInSearcher) -> None:
    use(searcher)
    assert searcher.ran


def test_the_investigation_names_the_cause_in_the_built_app(searcher: StandInSearcher) -> None:
    top = investigation(searcher).hypotheses[0]
    assert (top.change_id, top.previous_version, top.version) == ("chg-pool", "1.1", "1.2")


def test_fields_of_a_change_that_somebody_typed_hide_no_line(searcher: StandInSearcher) -> None:
    typed = "service=typed ERROR no such user change_id=x kind=deploy"
    time = scenario.START + 5000
    searcher.standin.index("main", [{"_time": time, "_raw": typed, "host": "h1"}])

    def found(changes: str) -> int:
        text = str(application_events()).replace("`incident_change_index`", changes)
        result = searcher.run(f"{text} service=typed", str(time), str(time + 1))
        return len(result.rows)

    assert found('sourcetype="shop:change"') == 1
    assert found("index=main") == 0, "where changes are told of among the logs, it is taken for one"


def test_no_module_builds_searches_that_were_not_run(
    builders: set[str], searcher: StandInSearcher
) -> None:
    for use in USES:
        use(searcher)
    expected = {
        str(path.relative_to(LIBRARY))
        for path in LIBRARY.rglob("*.py")
        if BUILDS.search(path.read_text(encoding="utf-8")) and path.name != "spl.py"
    }
    assert expected - builders == set(), "no test here runs their searches: add a use"

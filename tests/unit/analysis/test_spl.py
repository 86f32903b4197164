"""The finders' searches, run by the stand-in's SPL engine instead of a fake."""

from __future__ import annotations

import sys
from types import SimpleNamespace

import pytest

from incident_management.analysis.citations import check
from incident_management.analysis.investigation import investigate
from incident_management.analysis.statistics import count
from incident_management.ports import SearchResult
from tests.fakes.clock import ManualClock
from tests.unit.analysis import scenario

if sys.version_info >= (3, 11):
    pytest.importorskip("pcre2", reason="the stand-in's SPL engine needs pcre2")
else:
    pytest.skip("the stand-in for Splunk needs Python 3.11", allow_module_level=True)

CONFS = {
    "macros": {
        "incident_indexes": {"definition": "index=main"},
        "incident_change_index": {"definition": "index=main"},
        "incident_service": {"definition": "service"},
    },
    "props": {"shop:change": {"KV_MODE": "json"}},
}


class Engine:
    """Runs searches over events in memory with the real SPL interpreter."""

    def __init__(self):
        self.events = []
        for kind, sourcetype, found in (
            ("l", "shop:log", scenario.logs()),
            ("c", "shop:change", scenario.changes()),
        ):
            for place, event in enumerate(found):
                raw = event["raw"]
                if kind == "l":
                    raw = f"service={event['service']} {raw}"
                self.events.append(
                    {
                        "_time": event["time"], "_raw": raw, "index": "main", "host": "h1",
                        "source": f"/var/log/{kind}", "sourcetype": sourcetype,
                        "_cd": f"1:{kind}{place}", "_bkt": "main~1~A", "_indextime": event["time"],
                        "splunk_server": "here",
                    }
                )  # fmt: skip
        self.events.sort(key=lambda event: -event["_time"])

    def run(self, spl, earliest, latest, limit=1000, timeout=60.0):
        from tools.splunkd_lite.spl import run

        result = run(spl, self._context(float(earliest), float(latest)))
        rows = [{k: _text(v) for k, v in row.items() if v is not None} for row in result.rows]
        return SearchResult(rows[:limit], "engine", len(rows) > limit)

    def _context(self, earliest, latest):
        def scan(_indexes, begin, end, _hint=None):
            for event in self.events:
                if (begin is None or event["_time"] >= begin) and (
                    end is None or event["_time"] < end
                ):
                    yield dict(event)

        topology = SimpleNamespace(
            exists=True, rows=lambda *_: [{"service": "orders", "depends_on": "db"}]
        )
        return SimpleNamespace(
            now=latest, earliest=earliest, latest=latest, user="admin", app="incident_management",
            default_indexes=["main"], allowed_indexes=["*"], scan=scan,
            conf_stanzas=lambda conf: CONFS.get(conf, {}),
            lookup=lambda name: topology if name == "incident_topology" else None,
            custom_command=lambda name: None, rest=lambda *_: [], write_events=lambda *_: None,
            cancelled=lambda: False,
        )  # fmt: skip


def _text(value):
    return [str(v) for v in value] if isinstance(value, list) else str(value)


@pytest.fixture(scope="module")
def found():
    clock = ManualClock(scenario.START + 330)
    return investigate(scenario.incident(), Engine(), clock)


def test_every_finder_finds_in_one_index_of_logs_and_changes(found):
    assert [(f.finder, f.not_found) for f in found.findings if not f.found] == []
    assert found.hypotheses[0].change_id == "chg-pool"
    assert (found.hypotheses[0].previous_version, found.hypotheses[0].version) == ("1.1", "1.2")


def test_its_citations_are_found_again(found):
    citations = found.numbered().citations
    checked = check(citations, Engine())
    assert [c.reason for c in checked.citations if c.status != "verified"] == []
    assert {c.kind for c in checked.citations} == {"event", "change", "number"}


def test_a_star_in_an_entitys_name_is_no_wildcard():
    """Else a number about ``*`` would count the events of all services."""
    span = {"earliest": scenario.START, "latest": scenario.START + 400}
    orders = count(Engine(), "events_of_entity", {"entity": "orders", **span}).number
    assert orders > 0
    # Another tool may write a name otherwise.
    assert count(Engine(), "events_of_entity", {"entity": "ORDERS", **span}).number == orders
    for name in ("*", "order*"):
        assert count(Engine(), "events_of_entity", {"entity": name, **span}).number == 0


def test_an_exception_is_an_error_by_the_end_of_its_name():
    """A stack trace need not have a level: then its first line is all that tells of trouble."""
    engine = Engine()
    ours = [event for event in engine.events if "service=orders " in event["_raw"]]
    alike = ours[0]
    engine.events = [event for event in engine.events if event not in ours]
    engine.events += [
        {**alike, "_time": scenario.START + at, "_cd": f"1:x{at}",
         "_raw": f"service=orders com.shop.stock.ReservationConflictException: sku {at}"}
        for at in range(21, 200, 7)
    ]  # fmt: skip
    engine.events.sort(key=lambda event: -event["_time"])
    found = investigate(scenario.incident(), engine, ManualClock(scenario.START + 330))
    new = next(finding for finding in found.findings if finding.finder == "new_errors")
    assert [said for said in new.found if "ReservationConflictException" in said]

"""Jobs: paging, previews, events, summary, control and streaming, through the SDK."""

from __future__ import annotations

import io
import json
import threading
import time
from typing import Any

import pytest
import splunklib.client
import splunklib.results
from splunklib.binding import HTTPError

from tests.contract.sdk.covering import covers
from tests.standin import StandIn
from tests.waiting import wait_for
from tools.splunkd_lite.clock import ManualClock
from tools.splunkd_lite.spl import holding

ALL = "search index=desk"


def rows(stream: Any) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(stream.read())["results"]
    return found


def count_of(job: splunklib.client.Job, name: str) -> int:
    """One of its counts now; a job that waits for its turn has none yet."""
    return int(job.refresh().content.get(name, -1))


@pytest.fixture
def gate(standin: StandIn, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Searches stop after 100 events until the gate is opened."""
    gate, pages = threading.Event(), standin.splunk.indexes.pages

    def held(*arguments: Any) -> Any:
        for number, page in enumerate(pages(*arguments)):
            if number == 0:
                assert len(page) == 100
            if number == 1:
                assert gate.wait(120), "nothing was done while the search stood still"
            yield page

    monkeypatch.setattr(standin.splunk.indexes, "pages", held)
    yield gate
    gate.set()


@covers("Service.jobs", "Jobs.create", "Job.results")
def test_pages_cover_all_results_once(service: splunklib.client.Service, events: int) -> None:
    job = service.jobs.create(ALL, exec_mode="blocking")
    assert int(job["resultCount"]) == int(job["eventCount"]) == events
    seen: list[str] = []
    for offset in range(0, events, 700):
        page = rows(job.results(output_mode="json", count=700, offset=offset))
        seen += [row["_raw"] for row in page]
    assert len(seen) == len(set(seen)) == events
    assert rows(job.results(output_mode="json", count=5, offset=events)) == []
    assert len(rows(job.results(output_mode="json"))) == 100
    assert len(rows(job.results(output_mode="json", count=0))) == events
    few = rows(job.results(output_mode="json", count=2, search="stats count by host | sort host"))
    assert [(row["host"], row["count"]) for row in few] == [("h0", "1000"), ("h1", "1000")]


def test_results_that_memory_does_not_hold_are_paged_from_disk(
    service: splunklib.client.Service, events: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(holding, "IN_MEMORY", 100)
    monkeypatch.setattr(holding, "_BLOCK", 7)
    job = service.jobs.create(ALL, exec_mode="blocking")
    found = [
        row["_raw"]
        for offset in range(0, events, 250)
        for row in rows(job.results(output_mode="json", count=250, offset=offset))
    ]
    assert found == [f"ticket={n} state=open" for n in range(1, events + 1)]
    last = rows(job.events(output_mode="json", count=5, offset=events - 2))
    assert [row["_raw"] for row in last] == found[-2:]
    counted = rows(job.results(output_mode="json", search="stats count"))
    assert counted == [{"count": str(events)}]


@covers("Job.preview", "Job.enable_preview", "Job.disable_preview")
def test_a_running_search_shows_what_it_has_found(
    service: splunklib.client.Service, events: int, gate: threading.Event
) -> None:
    job = service.jobs.create(ALL)
    assert wait_for(lambda: count_of(job, "resultPreviewCount") == 100)
    assert job["isDone"] == "0" and job["dispatchState"] == "RUNNING"
    preview = rows(job.preview(output_mode="json", count=0))
    assert len(preview) == 100 and preview[0]["_raw"] == "ticket=1 state=open"
    assert splunklib.results.JSONResultsReader(job.preview(output_mode="json")).is_preview in (
        None,
        True,
    )
    assert job.results(output_mode="json").read() == b""
    job.disable_preview()
    assert job.preview(output_mode="json").read() == b""
    job.enable_preview()
    gate.set()
    assert wait_for(job.is_done)
    assert len(rows(job.results(output_mode="json", count=0))) == events


@covers("Job.events")
def test_a_transforming_search_shows_its_table_so_far_and_no_events(
    service: splunklib.client.Service, events: int, gate: threading.Event
) -> None:
    job = service.jobs.create(f"{ALL} | stats count")
    assert wait_for(lambda: rows(job.preview(output_mode="json")) == [{"count": "100"}])
    assert job.refresh()["resultPreviewCount"] == "1" and job["isDone"] == "0"
    assert job.results(output_mode="json").read() == b""
    gate.set()
    assert wait_for(job.is_done)
    assert rows(job.events(output_mode="json")) == []
    assert rows(job.results(output_mode="json")) == [{"count": str(events)}]


@covers("Job.finalize")
def test_finalize_ends_a_search_with_what_it_has_read(
    service: splunklib.client.Service, events: int, gate: threading.Event
) -> None:
    job = service.jobs.create(f"{ALL} | stats count")
    assert wait_for(lambda: count_of(job, "scanCount") == 100)
    job.finalize()
    gate.set()
    assert wait_for(job.is_done)
    assert job["isFinalized"] == "1" and job["dispatchState"] == "DONE"
    assert rows(job.results(output_mode="json")) == [{"count": "100"}]


@covers("Job.pause", "Job.unpause")
def test_a_paused_search_stands_still(
    service: splunklib.client.Service, events: int, gate: threading.Event
) -> None:
    job = service.jobs.create(ALL)
    assert wait_for(lambda: count_of(job, "scanCount") == 100)
    job.pause()
    gate.set()
    time.sleep(0.2)
    job.refresh()
    assert (job["isPaused"], job["dispatchState"], job["scanCount"]) == ("1", "PAUSE", "100")
    job.unpause()
    assert wait_for(job.is_done)
    assert int(job["resultCount"]) == events


@covers("Service.job")
def test_a_cancelled_search_is_gone(
    service: splunklib.client.Service, events: int, gate: threading.Event
) -> None:
    job = service.jobs.create(ALL)
    job.cancel()
    gate.set()
    with pytest.raises(HTTPError) as refused:
        service.job(job.sid)
    assert refused.value.status == 404
    job.cancel()  # the SDK takes a job that is gone for cancelled


@covers("Job.touch", "Job.set_priority")
def test_save_touch_and_time_to_live(service: splunklib.client.Service, clock: ManualClock) -> None:
    job = service.jobs.create("| makeresults", exec_mode="blocking")
    job.post("control", action="save")
    assert (job.refresh()["isSaved"], job["ttl"]) == ("1", "604800")
    job.post("control", action="unsave")
    clock.advance(599)
    job.touch()
    clock.advance(599)
    assert service.job(job.sid).refresh()["ttl"] == "600"
    job.set_priority(7)
    assert job.refresh()["priority"] == "7"
    for action in ({"action": "explode"}, {"action": "setpriority", "priority": "11"}):
        with pytest.raises(HTTPError) as refused:
            job.post("control", **action)
        assert refused.value.status == 400


class Sips(io.RawIOBase):
    """A stream read in little pieces, as it arrives: the SDK's own readers wait for 8 KB, or, as
    its JSON reader does, for the end."""

    def __init__(self, stream: Any) -> None:
        self._stream = stream

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        return int(self._stream.readinto(memoryview(buffer)[:64]))


@covers("Jobs.export")
def test_export_sends_rows_while_the_search_runs(
    service: splunklib.client.Service, events: int, gate: threading.Event
) -> None:
    stream = io.BufferedReader(Sips(service.jobs.export(ALL, output_mode="json")))
    first = [json.loads(stream.readline())["result"] for _ in range(50)]
    assert not gate.is_set(), "rows came before the search could end"
    assert first[0]["_raw"] == "ticket=1 state=open"
    gate.set()
    rest = splunklib.results.JSONResultsReader(stream)
    assert len(first) + sum(isinstance(row, dict) for row in rest) == events


def test_export_of_what_does_not_parse_is_refused(service: splunklib.client.Service) -> None:
    with pytest.raises(HTTPError) as refused:
        service.jobs.export("search index=desk | frobnicate", output_mode="json")
    assert refused.value.status == 400 and "frobnicate" in str(refused.value)


@pytest.mark.parametrize("mode", ["json", "xml", "csv", "raw"])
def test_export_in_every_form(service: splunklib.client.Service, events: int, mode: str) -> None:
    text = service.jobs.export(f"{ALL} | head 3", output_mode=mode).read().decode()
    assert text.count("state=open") == 3


@covers("Job.summary")
def test_summary_tells_what_fields_hold(service: splunklib.client.Service, events: int) -> None:
    job = service.jobs.create(f"{ALL} | fields host, ticket", exec_mode="blocking")
    about = json.loads(job.summary(output_mode="json").read())
    assert about["event_count"] == events
    host, ticket = about["fields"]["host"], about["fields"]["ticket"]
    assert (host["count"], host["distinct_count"], host["numeric_count"]) == (events, 3, 0)
    assert {mode["value"]: mode["count"] for mode in host["modes"]} == dict.fromkeys(
        ("h0", "h1", "h2"), events // 3
    )
    assert (ticket["min"], ticket["max"], ticket["mean"]) == (1, events, (events + 1) / 2)
    assert b"<summary " in job.summary().read()


def test_a_users_searches_are_limited_by_their_roles(
    standin: StandIn, events: int, gate: threading.Event
) -> None:
    standin.add_user("amy", "user")
    standin.splunk.conf.write(
        "authorize", "role_user", {"srchIndexesAllowed": "*"}, "system", create=False
    )
    amy = standin.service("amy", app="search")
    jobs = [amy.jobs.create(ALL) for _ in range(3)]
    with pytest.raises(HTTPError, match="concurrency_limit=3") as refused:
        amy.jobs.create(ALL)
    assert refused.value.status == 503
    gate.set()
    assert all(wait_for(job.is_done) for job in jobs)
    amy.jobs.create(ALL, exec_mode="blocking")

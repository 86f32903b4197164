"""search/jobs through the SDK."""

from __future__ import annotations

import csv
import gzip
import io
import json
import time
from pathlib import Path

import pytest
import splunklib.client
from splunklib.binding import HTTPError
from splunklib.results import JSONResultsReader

from tests.contract.core.conftest import APP
from tests.standin import StandIn, start_standin
from tools.splunkd_lite.clock import ManualClock

NOW = 1_700_000_000


@pytest.fixture
def service(standin: StandIn) -> splunklib.client.Service:
    events = [
        {
            "_raw": f"n={n} colour={'red' if n % 2 else 'blue'} text=<&>",
            "_time": NOW - n,
            "host": f"host-{n % 3}",
            "sourcetype": "numbers",
            "source": "test",
        }
        for n in range(250)
    ]
    standin.index("main", events)
    standin.index("shop", [{"_raw": "n=1", "_time": NOW}])
    standin.index("_internal", [{"_raw": "secret", "_time": NOW}])
    return standin.service(app=APP, owner="nobody")


def rows(stream) -> list[dict]:
    return [row for row in JSONResultsReader(stream) if isinstance(row, dict)]


def test_a_normal_job_is_polled_to_its_end(service) -> None:
    job = service.jobs.create("search index=main | stats count by colour")
    while not job.is_done():
        time.sleep(0.02)

    assert job["dispatchState"] == "DONE"
    assert job["resultCount"] == "2"
    assert job["isFailed"] == "0"
    assert rows(job.results(output_mode="json")) == [
        {"colour": "blue", "count": "125"},
        {"colour": "red", "count": "125"},
    ]
    assert job.sid in [each.sid for each in service.jobs.list(count=0)]


def test_results_are_paged_100_by_default_and_all_with_0(service) -> None:
    job = service.jobs.create("search index=main | table n", exec_mode="blocking")

    assert len(rows(job.results(output_mode="json"))) == 100
    assert len(rows(job.results(output_mode="json", count=0))) == 250
    page = rows(job.results(output_mode="json", count=3, offset=248))
    assert page == [{"n": "248"}, {"n": "249"}]


def test_every_output_mode_says_the_same(service) -> None:
    search = "search index=main n<3 | eval both=mvappend(n, colour) | table _time n both missing"

    def get(mode: str) -> bytes:
        return service.jobs.oneshot(search, output_mode=mode).read()

    first = json.loads(get("json"))
    assert [field["name"] for field in first["fields"]][:3] == ["_time", "n", "both"]
    assert first["results"][1] == {
        "_time": "2023-11-14T22:13:19.000+00:00",
        "n": "1",
        "both": ["1", "red"],
    }
    assert json.loads(get("json_rows"))["rows"][2][1] == "2"
    assert json.loads(get("json_cols"))["columns"][1] == ["0", "1", "2"]
    table = list(csv.DictReader(io.StringIO(get("csv").decode())))
    assert [row["both"] for row in table] == ["0\nblue", "1\nred", "2\nblue"]
    assert b"<field k='both'>" in get("xml") and b"<text>red</text>" in get("xml")
    with pytest.raises(HTTPError, match="output_mode"):
        get("yaml")


def test_raw_text_survives_xml(service) -> None:
    found = service.jobs.oneshot("search index=main n=7", output_mode="xml").read().decode()

    assert "n=7 colour=red text=&lt;&amp;&gt;</v>" in found


def test_export_streams_one_object_a_line(service) -> None:
    found = service.jobs.export("search index=main | table n", output_mode="json").read()
    lines = [json.loads(line) for line in found.splitlines()]

    assert len(lines) == 250
    assert lines[0] == {"preview": False, "offset": 0, "result": {"n": "0"}}
    assert lines[-1]["lastrow"] is True
    assert rows(service.jobs.export("search index=shop x=1", output_mode="json")) == []


def test_the_time_range_has_its_start_and_lacks_its_end(service) -> None:
    found = service.jobs.oneshot(
        "search index=main | table n",
        earliest_time=NOW - 3,
        latest_time=NOW,
        output_mode="json",
        count=0,
    )

    assert [row["n"] for row in rows(found)] == ["1", "2", "3"]


@pytest.mark.parametrize(
    ("search", "said"),
    [
        ("search index=main | nosuchcommand", "nosuchcommand"),
        ("index=main", "Unknown search command 'index=main'"),
        ("search index=main | eval x=nosuchfunction(1)", "nosuchfunction"),
        ("search index=main | stats count by", "stats"),
        ("", "search"),
        ("| `nosuchmacro`", "nosuchmacro"),
    ],
)
def test_a_search_that_does_not_parse_is_refused_by_name(service, search: str, said: str) -> None:
    with pytest.raises(HTTPError, match=rf"(?s)HTTP 400.*{said}"):
        service.jobs.create(search)
    assert len(service.jobs.list()) == 0


@pytest.mark.parametrize("time", ["yesterday-ish", "-5parsecs", "rt-1m"])
def test_a_time_that_is_none_is_refused(service, time: str) -> None:
    with pytest.raises(HTTPError, match=rf"HTTP 400.*{time}"):
        service.jobs.create("search index=main", earliest_time=time)


@pytest.mark.parametrize("name", ["max_time", "index_earliest", "sample_ratio", "enable_lookups"])
def test_an_argument_that_is_not_done_is_refused_and_starts_nothing(service, name: str) -> None:
    with pytest.raises(HTTPError, match=rf"HTTP 400.*'{name}' is not supported"):
        service.jobs.create("search index=main", **{name: "-5m"})
    assert len(service.jobs.list()) == 0


def test_results_take_no_argument_that_would_be_ignored(service) -> None:
    job = service.jobs.create("search index=main", exec_mode="blocking", sample_ratio=1)
    with pytest.raises(HTTPError, match="'earliest_time' is not supported"):
        job.events(earliest_time=NOW - 5)
    assert len(rows(job.results(output_mode="json", count=2))) == 2


def test_a_search_that_fails_while_it_runs_says_why(service) -> None:
    search = "| inputlookup strict=true nothing.csv"
    job = service.jobs.create(search, exec_mode="blocking")

    assert job.is_done() and job["isFailed"] == "1"
    with pytest.raises(HTTPError, match=r"HTTP 400.*nothing\.csv"):
        job.results(output_mode="json")
    with pytest.raises(HTTPError, match=r"HTTP 400.*nothing\.csv"):
        service.jobs.oneshot(search, output_mode="json")


@pytest.mark.parametrize("lookup", ["nothing.csv", "nothing"])
def test_a_lookup_that_is_missing_is_a_warning_and_no_rows(service, lookup: str) -> None:
    job = service.jobs.create(f"| inputlookup {lookup}", exec_mode="blocking")

    assert job["dispatchState"] == "DONE" and job["resultCount"] == "0"
    (message,) = job["messages"]
    assert message["type"] == "WARN"
    assert "requires a .csv or KV store lookup definition" in message["text"]


def test_roles_limit_what_indexes_a_search_sees(standin: StandIn, service) -> None:
    service.roles.create("narrow", capabilities=["search"], srchIndexesAllowed=["shop"])
    standin.add_user("ann", "narrow")
    standin.add_user("bob", "user")

    def indexes(user: str) -> list[str]:
        found = standin.service(user).jobs.oneshot(
            "search index=* OR index=_* | stats count by index", output_mode="json"
        )
        return [row["index"] for row in rows(found)]

    assert indexes("ann") == ["shop"]
    assert indexes("bob") == ["main", "shop"]
    assert indexes("admin") == ["_internal", "main", "shop"]


@pytest.mark.parametrize("sid", ["../../escape", "/tmp/escape", "..", "a/b", "a b"])
def test_a_sid_of_one_s_own_cannot_leave_the_dispatch_folder(service, sid: str) -> None:
    with pytest.raises(HTTPError, match=r"HTTP 400.*Invalid sid"):
        service.jobs.create("| makeresults", id=sid)


def test_a_sid_of_one_s_own_is_taken_once(service) -> None:
    assert service.jobs.create("| makeresults", id="mine_1").sid == "mine_1"
    with pytest.raises(HTTPError, match="HTTP 409"):
        service.jobs.create("| makeresults", id="mine_1")


@pytest.mark.parametrize(
    "setting", [{"count": "x"}, {"offset": "1.5"}, {"max_count": "many"}, {"ttl": "x"}]
)
def test_a_number_that_is_none_is_refused(service, setting: dict[str, str]) -> None:
    name, value = next(iter(setting.items()))
    job = service.jobs.create("| makeresults", exec_mode="blocking")
    with pytest.raises(HTTPError, match=f"HTTP 400.*'{value}' of '{name}'"):
        if name == "max_count":
            service.jobs.create("| makeresults", max_count=value)
        elif name == "ttl":
            job.set_ttl(value)
        else:
            job.results(**setting)


def test_searching_needs_the_capability(standin: StandIn, service) -> None:
    service.roles.create("mute", capabilities=["list_inputs"])
    standin.add_user("ann", "mute")
    with pytest.raises(HTTPError, match=r"HTTP 403.*search"):
        standin.service("ann").jobs.create("search index=main")


def test_jobs_belong_to_who_started_them(standin: StandIn, service) -> None:
    standin.add_user("ann", "user")
    job = service.jobs.create("search index=main", exec_mode="blocking")
    ann = standin.service("ann")

    assert ann.jobs.list() == []
    for attempt in (lambda: ann.job(job.sid).results(), lambda: ann.job(job.sid).cancel()):
        with pytest.raises(HTTPError, match="HTTP 403"):
            attempt()


def test_a_cancelled_job_is_gone(service) -> None:
    job = service.jobs.create("search index=main", exec_mode="blocking")
    job.cancel()

    with pytest.raises(HTTPError, match=r"HTTP 404.*Unknown sid"):
        service.job(job.sid)


def test_a_long_search_stops_when_cancelled(standin: StandIn, service) -> None:
    standin.index("main", [{"_raw": f"m={n}", "_time": NOW} for n in range(60_000)])
    job = standin.splunk.jobs.dispatch(
        'search index=main | rex "m=(?<x>.)" | eval y=md5(x) | stats dc(y) by x',
        "admin",
        exec_mode="normal",
    )
    job.cancel()

    assert job.wait(20)
    assert job.state == "FAILED" and "cancelled" in job.messages[-1][1]


def test_a_job_expires_after_its_time_to_live(tmp_path: Path) -> None:
    clock = ManualClock()
    with start_standin(tmp_path, clock=clock) as standin:
        service = standin.service()
        job = service.jobs.create("| makeresults", exec_mode="blocking")
        clock.advance(599)
        job.touch()
        clock.advance(599)
        job.set_ttl(700)
        clock.advance(100)
        assert rows(job.results(output_mode="json"))
        folder = standin.splunk.home / "var/run/splunk/dispatch" / job.sid
        assert folder.is_dir()
        clock.advance(2)
        with pytest.raises(HTTPError, match="Unknown sid"):
            job.results()
        assert not folder.exists()


def test_results_lie_in_the_dispatch_folder_and_outlive_a_restart(
    tmp_path: Path, app: Path
) -> None:
    with start_standin(tmp_path, [app]) as standin:
        job = standin.splunk.jobs.dispatch(
            '| makeresults | eval a=1.5, b=mvappend("x$", "y;z"), c=""', "admin"
        )
        with gzip.open(job.results_path, "rt") as stream:
            table = list(csv.DictReader(stream))
        assert (table[0]["a"], table[0]["b"]) == ("1.5", "x$\ny;z")
        assert table[0]["__mv_b"] == "$x$$$;$y;z$"
    with start_standin(tmp_path) as again:
        found = again.service().job(job.sid)
        assert rows(found.results(output_mode="json"))[0]["b"] == ["x$", "y;z"]
        fresh = again.splunk.jobs.dispatch("| makeresults", "admin")
        assert fresh.sid != job.sid


def test_a_saved_search_is_dispatched_with_overrides_and_remembered(service) -> None:
    made = service.saved_searches.create(
        "Colours", 'index=main colour="$args.colour$" | stats count'
    )
    job = made.dispatch(**{"args.colour": "red", "dispatch.earliest_time": NOW - 10})
    while not job.is_done():
        time.sleep(0.02)

    assert rows(job.results(output_mode="json")) == [{"count": "5"}]
    assert [each.sid for each in made.history()] == [job.sid]
    assert job["label"] == "Colours"


def test_a_scheduled_job_has_splunk_s_sid(standin: StandIn) -> None:
    job = standin.splunk.jobs.dispatch(
        "search index=main", "admin", APP, saved_search="Errors", owner="nobody", now=NOW
    )

    assert job.sid.startswith(f"scheduler__nobody__{APP}__RMD5")
    assert f"_at_{NOW}_" in job.sid


@pytest.mark.parametrize("what", ["results", "results_preview", "events"])
def test_version_2_takes_a_search_over_results_in_a_post_alone(service, what: str) -> None:
    """As splunklib says where it chooses between the versions."""
    job = service.jobs.create("search index=main | stats count by colour", exec_mode="blocking")
    path = f"search/v2/jobs/{job.sid}/{what}"
    with pytest.raises(HTTPError, match="POST alone") as refused:
        service.get(path, search="search colour=red")
    assert refused.value.status == 400
    assert service.post(path, search="search colour=red").status == 200


def test_a_post_process_search_runs_over_the_results(service) -> None:
    job = service.jobs.create("search index=main | stats count by host", exec_mode="blocking")
    path = f"/services/search/jobs/{job.sid}/results"
    answer = service.get(path, search='| where host="host-1"', output_mode="json")

    told = json.loads(answer.body.read())
    assert told["results"] == [{"host": "host-1", "count": "83"}]
    assert told["post_process_count"] == 1
    page = service.get(path, search="| sort host", count=1, output_mode="json_cols")
    told = json.loads(page.body.read())
    assert [len(column) for column in told["columns"]] == [1, 1]
    assert told["post_process_count"] == int(job["resultCount"]) > 1
    assert "post_process_count" not in json.loads(service.get(path, output_mode="json").body.read())


def test_parsing_alone(service) -> None:
    assert service.parse("search index=main | stats count").status == 200
    with pytest.raises(HTTPError, match="nosuchcommand"):
        service.parse("search index=main | nosuchcommand")


def test_rest_command_has_the_rights_of_its_user(standin: StandIn, service) -> None:
    standin.add_user("ann", "user")
    service.storage_passwords.create("hidden", "bot", "slack")
    search = "| rest /servicesNS/nobody/shop/storage/passwords | table clear_password"

    assert rows(service.jobs.oneshot(search, output_mode="json")) == [{"clear_password": "hidden"}]
    with pytest.raises(HTTPError, match="list_storage_passwords"):
        standin.service("ann").jobs.oneshot(search, output_mode="json")


def test_lookups_read_and_write_files_and_collections(standin: StandIn, service) -> None:
    def search(spl: str, user: str = "admin") -> list[dict]:
        found = standin.service(user, app=APP, owner="nobody").jobs.oneshot(spl, output_mode="json")
        return rows(found)

    assert search('| inputlookup countries where code="de"') == [{"code": "de", "name": "Germany"}]
    data = service.kvstore["orders"].data
    data.insert(
        {
            "_key": "a",
            "total": 3,
            "customer": {"name": "Ann"},
            "items": [{"name": "pen"}, {"name": "ink"}],
            "tags": ["x", "y"],
        }
    )
    assert search("| inputlookup orders_lookup") == [
        {
            "_key": "a",
            "total": "3",
            "customer.name": "Ann",
            "items.name": ["pen", "ink"],
            "tags": ["x", "y"],
        }
    ]
    search("| makeresults | eval total=9 | outputlookup append=t orders_lookup")
    assert sorted(d["total"] for d in data.query()) == [3, 9]
    standin.add_user("ann", "user")
    with pytest.raises(HTTPError, match="HTTP 400"):
        search('| makeresults | eval code="xx" | outputlookup countries', "ann")
    assert len(search("| inputlookup countries")) == 2

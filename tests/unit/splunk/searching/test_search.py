"""Searches through splunkd: their end, their rows, their failures."""

from urllib.parse import parse_qsl

import pytest

from incident_management.ports import SearchFailed, SearchTooSlow
from incident_management.splunk.searching.search import SavedSearch, SplunkSearcher

HOME = "/servicesNS/nobody/incident_management/search/jobs"
SAVED = "/servicesNS/nobody/shop/saved/searches/Rate"
RATE = SavedSearch("Rate", "index=main", "-5m", "now", path=SAVED)


class Jobs:
    """One search job: done after ``polls`` looks, with ``rows``."""

    def __init__(
        self, polls=1, rows=(), failed="", refused="", said=(), home=HOME, cut=False, matching=()
    ):
        self.home = home
        self.cut, self.matching, self.searched = cut, list(matching), ""
        self.polls, self.rows, self.failed, self.refused = polls, list(rows), failed, refused
        self.said = [{"type": level, "text": text} for level, text in said]
        self.cancelled = False
        self.form = ""
        self.states = ["RUNNING"]
        """At each look; the last one stays."""
        self.unparsed = 0
        """So many looks are answered with 204, as by a splunkd that has not parsed it yet."""

    def __call__(self, method, path, query, body):
        if path in (self.home, f"{SAVED}/dispatch"):
            self.form = body
            if self.refused:
                return 400, {"messages": [{"type": "FATAL", "text": self.refused}]}
            return 201, {"sid": "1.2"}
        job = f"{self.home}/1.2"
        if path == f"{job}/control":
            self.cancelled = body == "action=cancel"
            return 200, {}
        if path == f"{job}/results".replace("/search/jobs", "/search/v2/jobs"):
            assert "search" not in query, "Version 2 takes a search in a POST alone."
            asked = dict(parse_qsl(body)) if method == "POST" else query
            start, count = int(asked["offset"]), int(asked["count"])
            self.searched = asked.get("search", self.searched)
            rows = self.matching if "search" in asked else self.rows
            return 200, {"results": rows[start : start + count]}
        assert path == job
        if self.unparsed:
            self.unparsed -= 1
            return 204, ""
        self.polls -= 1
        messages = [{"type": "FATAL", "text": self.failed}] if self.failed else self.said
        content = {
            "isDone": self.polls <= 0,
            "isFailed": bool(self.failed),
            "isFinalized": self.cut,
            "dispatchState": self.states.pop(0) if len(self.states) > 1 else self.states[0],
            "messages": messages,
        }
        return 200, {"entry": [{"content": content}]}


@pytest.fixture
def searcher(session):
    time = [0.0]

    def sleep(seconds):
        time[0] += seconds

    return SplunkSearcher(session, sleep=sleep, monotonic=lambda: time[0])


def test_rows_come_back_and_the_job_is_removed(splunkd, searcher):
    splunkd.answer = jobs = Jobs(polls=3, rows=[{"a": "1"}, {"a": "2"}])
    result = searcher.run("index=main a", "-5m", "now")

    assert result.rows == [{"a": "1"}, {"a": "2"}]
    assert not result.truncated
    assert jobs.cancelled
    assert "search=search+index%3Dmain+a" in jobs.form
    assert "earliest_time=-5m" in jobs.form


def test_a_nul_in_a_row_is_what_it_is_in_the_file_that_an_alert_action_reads(splunkd, searcher):
    """Else what is reconciled would be another finding than the one that arrived."""
    splunkd.answer = Jobs(rows=[{"a": "b\0c", "many": ["\0", "d"], "n": None}])
    (row,) = searcher.run("index=main", "-5m", "now").rows
    assert row == {"a": "b\ufffdc", "many": ["\ufffd", "d"], "n": None}


def test_what_splunkd_warns_of_comes_with_the_rows(splunkd, searcher):
    splunkd.answer = Jobs(said=[("INFO", "fine"), ("WARN", "a peer is down"), ("ERROR", "no map")])
    assert searcher.run("index=main", "-5m", "now").warnings == ["a peer is down", "no map"]


def test_a_search_that_splunkd_has_not_parsed_yet_is_waited_for(splunkd, searcher):
    """The shape of what splunk-sdk-python's issue 66 and splunk-sdk-php's pull request 30 tell."""
    splunkd.answer = jobs = Jobs(rows=[{"n": "1"}])
    jobs.unparsed = 2
    assert searcher.run("index=main", "-5m", "now").rows == [{"n": "1"}]
    assert jobs.unparsed == 0


def test_a_search_that_splunkd_never_parses_did_not_begin(splunkd, searcher):
    splunkd.answer = jobs = Jobs()
    jobs.unparsed = 1000
    with pytest.raises(SearchFailed, match="did not start within 60 seconds"):
        searcher.run("index=main", "-5m", "now")
    assert jobs.cancelled


def test_a_search_that_splunkd_only_queued_was_not_too_slow(splunkd, searcher):
    """A monitor would look at half the time, and half of that, though nothing was looked at yet."""
    splunkd.answer = jobs = Jobs(polls=1000)
    jobs.states = ["QUEUED"]
    with pytest.raises(SearchFailed, match="did not start within 60 seconds") as told:
        searcher.run("index=main", "-5m", "now")
    assert not isinstance(told.value, SearchTooSlow)
    assert jobs.cancelled


def test_the_time_in_the_queue_does_not_count_as_the_time_that_it_took(splunkd, searcher):
    """Half of it would wait as long; it is not the search that is slow."""
    splunkd.answer = jobs = Jobs(polls=100)
    jobs.states = ["QUEUED"] * 55 + ["RUNNING"]
    assert searcher.run("index=main", "-5m", "now").rows == []
    jobs = splunkd.answer = Jobs(polls=1000)
    jobs.states = ["QUEUED"] * 55 + ["RUNNING"]
    with pytest.raises(SearchTooSlow, match="did not finish within 60 seconds"):
        searcher.run("index=main", "-5m", "now")


@pytest.mark.parametrize(
    "text",
    [
        "[idx1] Error in 'litsearch' command: Your Splunk license expired or you have exceeded your"
        " license limit too many times.",
        "Search disabled: licensing: this instance is in violation of its license; searching is"
        " disabled.",
    ],
)
def test_a_search_that_the_license_forbids_found_nothing_because_it_did_not_search(
    splunkd, searcher, text
):
    splunkd.answer = Jobs(said=[("ERROR", text)])
    with pytest.raises(SearchFailed, match=r"The search failed: .*license"):
        searcher.run("index=main", "-5m", "now")


def test_a_search_that_was_cut_short_says_so(splunkd, searcher):
    """``dispatch.max_time`` and a role's limits finalize a job: it is done, and lacks rows."""
    splunkd.answer = Jobs(rows=[{"a": "1"}], cut=True)
    result = searcher.run("index=main", "-5m", "now")
    assert result.rows and result.cut_short
    with pytest.raises(SearchFailed, match="before it had read everything"):
        result.whole()


def test_a_saved_search_runs_over_another_window_and_leaves_no_job(splunkd, searcher):
    splunkd.answer = jobs = Jobs(polls=3, rows=[{"a": "1"}, {"a": "2"}])
    result = searcher.run_saved(RATE, 1700000000.0, 1700000300.5)

    assert result.rows == [{"a": "1"}, {"a": "2"}] and jobs.cancelled and not jobs.searched
    assert jobs.form == (
        "dispatch.earliest_time=1700000000.000&dispatch.latest_time=1700000300.500"
    )


@pytest.mark.parametrize(("matching", "found"), [([{"a": "2"}], 2), ([], 0)])
def test_a_condition_over_the_results_decides_whether_there_are_any(
    splunkd, searcher, matching, found
):
    splunkd.answer = jobs = Jobs(rows=[{"a": "1"}, {"a": "2"}], matching=matching)
    result = searcher.run_saved(RATE, 0.0, 1.0, "search a > 1")

    assert len(result.rows) == found and jobs.searched == "search a > 1" and jobs.cancelled


def test_a_saved_search_that_is_too_slow_leaves_no_job(splunkd, searcher):
    splunkd.answer = jobs = Jobs(polls=10_000)
    with pytest.raises(SearchTooSlow, match="within 5 seconds"):
        searcher.run_saved(RATE, 0.0, 1.0, timeout=5)
    assert jobs.cancelled


def test_a_saved_search_that_is_refused_is_named(splunkd, searcher):
    splunkd.answer = Jobs(refused="No such thing")
    with pytest.raises(SearchFailed, match=r"'Rate' can't be run again: .*No such thing"):
        searcher.run_saved(RATE, 0.0, 1.0)


def test_a_search_runs_in_the_app_and_as_the_user_that_is_named(splunkd, session):
    splunkd.answer = Jobs(rows=[{"a": "1"}], home="/servicesNS/corp%2Fann%20b/shop/search/jobs")
    searcher = SplunkSearcher(session.within("shop", "corp/ann b"))

    assert searcher.run("| inputlookup mine", "0", "now").rows == [{"a": "1"}]


def test_a_generating_search_stays_as_it_is(splunkd, searcher):
    splunkd.answer = jobs = Jobs()
    searcher.run("| makeresults", "0", "now")

    assert "search=%7C+makeresults" in jobs.form


def test_more_rows_than_asked_for_is_reported(splunkd, searcher):
    splunkd.answer = Jobs(rows=[{"a": str(n)} for n in range(5)])
    result = searcher.run("index=main", "-5m", "now", limit=3)

    assert len(result.rows) == 3
    assert result.truncated


@pytest.mark.parametrize(
    ("jobs", "sentence"),
    [
        (Jobs(refused="Unknown search command 'nope'."), "Unknown search command 'nope'"),
        (Jobs(failed="Out of disk"), "The search failed: Out of disk"),
        (Jobs(polls=10_000), "did not finish within 5 seconds"),
    ],
)
def test_a_search_that_fails_says_why_and_leaves_no_job(splunkd, searcher, jobs, sentence):
    splunkd.answer = jobs
    with pytest.raises(SearchFailed, match=sentence):
        searcher.run("index=main", "-5m", "now", timeout=5)
    assert jobs.cancelled or jobs.refused


def test_a_saved_search_is_read_as_its_owner_sees_it(splunkd, searcher):
    content = {
        "search": "index=main",
        "dispatch.earliest_time": "-5m",
        "dispatch.latest_time": "now",
        "action.open_incident": True,
        "description": None,
    }
    splunkd.answers = [(200, {"entry": [{"content": content}]})]
    found = searcher.saved_search("High / Rate", "shop", "ann")

    assert splunkd.seen[0][1] == "/servicesNS/ann/shop/saved/searches/High%20%2F%20Rate"
    assert (found.spl, found.earliest, found.latest) == ("index=main", "-5m", "now")
    assert found.settings["description"] == ""


def test_a_saved_search_that_is_gone_is_named(splunkd, searcher):
    splunkd.answers = [(404, {"messages": [{"type": "ERROR", "text": "Not Found"}]})]
    with pytest.raises(SearchFailed, match="There is no saved search 'Old' in the app shop"):
        searcher.saved_search("Old", "shop", "ann")


def test_results_of_an_unfinished_job_are_not_read(splunkd, searcher):
    splunkd.answer = Jobs(polls=5)
    with pytest.raises(SearchFailed, match="has not finished yet"):
        searcher.results_of("1.2", 10)

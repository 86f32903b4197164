"""The search page, in a real browser against the real search jobs."""

from __future__ import annotations

import re
from typing import Any

from .conftest import APP


def open_search(page: Any, splunk: Any) -> None:
    page.goto(f"{splunk.web}/en-US/app/{APP}/search")


def run(page: Any, spl: str) -> None:
    page.fill("#spl", spl)
    page.click("#run")


def cells(page: Any) -> list[list[str]]:
    page.wait_for_selector("table.results tbody tr")
    rows = page.locator("table.results tbody tr").all()
    return [row.locator("td").all_inner_texts()[1:] for row in rows]


def test_a_search_shows_its_results(page: Any, splunk: Any, shoot: Any) -> None:
    open_search(page, splunk)
    run(page, "| makeresults count=3 | streamstats count AS n | eval square=n*n | table n square")
    assert cells(page) == [["1", "1"], ["2", "4"], ["3", "9"]]
    assert re.match(r"3 results in \d+\.\d\d s", page.inner_text("#status"))
    shoot(page, "search-light")


def test_a_search_that_finds_nothing_says_so(page: Any, splunk: Any) -> None:
    open_search(page, splunk)
    run(page, "| makeresults | where 1=2")
    page.get_by_text("The search ran and found nothing.").wait_for()


def test_an_unknown_command_is_an_error_that_names_it(page: Any, splunk: Any, shoot: Any) -> None:
    open_search(page, splunk)
    run(page, "| makeresults | frobnicate x")
    page.wait_for_selector("#messages .error")
    assert "frobnicate" in page.inner_text("#messages .error")
    assert page.inner_text("#status") == "The search failed."
    shoot(page, "search-error")


def test_many_results_come_in_pages(page: Any, splunk: Any) -> None:
    open_search(page, splunk)
    run(page, "| makeresults count=230 | streamstats count AS n | table n")
    assert len(cells(page)) == 100
    assert page.inner_text("#page") == "1 – 100 of 230"
    page.click("#next")
    page.get_by_text("101 – 200 of 230").wait_for()
    assert cells(page)[0] == ["101"]


def test_values_from_events_are_shown_as_text(page: Any, splunk: Any) -> None:
    open_search(page, splunk)
    run(page, '| makeresults | eval x="<img src=x onerror=alert(1)>" | table x')
    assert cells(page) == [["<img src=x onerror=alert(1)>"]]
    assert page.locator("table.results img").count() == 0


def test_a_search_can_be_linked_to(page: Any, splunk: Any) -> None:
    page.goto(f"{splunk.web}/en-US/app/{APP}/search?q=%7C+makeresults+%7C+eval+x%3D7+%7C+table+x")
    assert cells(page) == [["7"]]


def test_the_time_range_bounds_the_search(page: Any, splunk: Any) -> None:
    open_search(page, splunk)
    page.select_option("#range", "Last 60 minutes")
    run(page, "| makeresults | addinfo | eval hours=round((info_max_time-info_min_time)/3600)")
    page.wait_for_selector("#messages .error, table.results")
    url = page.url
    assert "earliest=-60m%40m" in url
    assert "latest=now" in url


def test_the_page_works_in_the_dark(page: Any, splunk: Any, shoot: Any) -> None:
    open_search(page, splunk)
    page.click("#theme")
    page.wait_for_selector("html[data-theme=dark]")
    run(page, "| makeresults count=5 | streamstats count AS n | table _time n")
    assert len(cells(page)) == 5
    shoot(page, "search-dark")

"""A saved search is run again as its schedule runs it, or not at all."""

from __future__ import annotations

from typing import Any, Dict, List, Mapping

import pytest

from incident_management.ports import SearchFailed
from incident_management.remediation.raising_search import CannotJudge, Grid
from incident_management.rerun.raising import SavedSearchRaising
from incident_management.splunk.session import SplunkError

AT = 1_700_000_040.0  # a whole minute
SEARCH = {"name": "High Rate", "app": "shop", "owner": "nobody"}
HOME = "/servicesNS/nobody/shop"
ROWS = [{"entity": "checkout", "count": "50"}, {"entity": "payments", "count": "30"}]


class Splunkd:
    """A saved search with some settings, its macros, and the rows and messages of its runs."""

    def __init__(self, spl: str = "index=main `errors` | stats count by entity", **settings: str):
        self.settings: Dict[str, str] = {
            "search": spl,
            "dispatch.earliest_time": "-6m@m",
            "dispatch.latest_time": "-1m@m",
            **{name.replace("__", "."): value for name, value in settings.items()},
        }
        self.macros = {"errors": {"definition": "error"}}
        self.rows: List[Dict[str, str]] = list(ROWS)
        self.matching = 1
        self.job: Dict[str, Any] = {"isDone": True}
        self.acl = {"owner": "ann", "sharing": "app"}
        self.limits: Dict[str, str] = {}
        self.dispatched = self.asked_for_risky = self.cancelled = 0
        self.once_dispatched: Dict[str, str] = {}

    def get(self, path: str, **query: Any) -> Any:
        if path == f"{HOME}/saved/searches/High%20Rate":
            return {"entry": [{"content": self.settings, "acl": self.acl}]}
        if path == "/servicesNS/nobody/shop/configs/conf-commands":
            self.asked_for_risky += 1
            commands = [("page", "1"), ("stats", None)]
            return {"entry": [{"name": n, "content": {"is_risky": r}} for n, r in commands]}
        if path == "/services/configs/conf-limits/search":
            return {"entry": [{"content": self.limits}]}
        name = path.rpartition("/")[2]
        if "/conf-macros/" in path:
            if name not in self.macros:
                raise SplunkError(404, "no such macro")
            return {"entry": [{"content": self.macros[name]}]}
        if path.endswith("/results"):
            return {"results": self.rows}
        return {"entry": [{"content": self.job}]}

    def post(self, path: str, *_body: Any, **_form: Any) -> Mapping[str, Any]:
        if path.endswith("/results"):
            return {"results": self.rows[: self.matching]}
        if path.endswith("/dispatch"):
            self.dispatched += 1
            self.settings = {**self.settings, **self.once_dispatched}
        self.cancelled += path.endswith("/control")
        return {"sid": "1.1"}


def grid(splunkd: Splunkd, at: float = AT) -> Grid:
    session: Any = splunkd
    return SavedSearchRaising(session).grid(SEARCH, at)


def found(splunkd: Splunkd) -> List[str]:
    session: Any = splunkd
    return sorted(SavedSearchRaising(session).run(SEARCH, 0.0, 300.0).entities())


def test_windows_are_as_long_as_its_own_and_wait_as_long_for_late_events():
    assert grid(Splunkd()) == Grid(lag=60.0, length=300.0)
    assert grid(Splunkd(), AT + 59).lag == 119.0
    recent = Splunkd(dispatch__earliest_time="-90s", dispatch__latest_time="now")
    assert grid(recent) == Grid(lag=Grid().lag, length=90.0)


@pytest.mark.parametrize(
    ("splunkd", "why"),
    [
        (Splunkd(dispatch__earliest_time="0"), "can't be determined: it looks at all time"),
        (Splunkd(dispatch__earliest_time="rt-5m"), "'rt-5m' is not a supported time"),
        (Splunkd(dispatch__earliest_time="-7d@d"), "looks at .* d .*too long to wait for"),
        (
            Splunkd("index=main earliest=-5m"),
            "'High Rate' sets its own time range with 'earliest='",
        ),
        (Splunkd("index=main `gone`"), "uses the macro 'gone'"),
        (Splunkd(counttype="number of hosts", relation="greater than"), "alerts on 'number of hos"),
        (Splunkd(counttype="number of events", relation="rises by", quantity="5"), "rises by"),
    ],
)
def test_one_that_can_not_answer_for_a_window_is_not_asked(splunkd, why):
    with pytest.raises(CannotJudge, match=why):
        grid(splunkd)


@pytest.mark.parametrize(
    ("spl", "condition", "command"),
    [
        ("index=main `errors` | stats count by entity | collect index=summary", "", "collect"),
        ("index=main `errors` | outputlookup seen.csv", "", "outputlookup"),
        ("index=main `errors` | delete", "", "delete"),
        ("index=main `errors` | page team=ops", "", "page"),
        ("index=main | stats count by entity", "search count>1 | outputlookup x", "outputlookup"),
    ],
)
def test_one_that_writes_is_not_run_out_of_turn(spl, condition, command):
    splunkd = Splunkd(spl, alert_condition=condition)
    splunkd.acl = {"owner": "nobody", "sharing": "app"}
    with pytest.raises(CannotJudge, match=f"'High Rate' contains the command '{command}', which"):
        grid(splunkd)
    assert splunkd.dispatched == 0


def test_all_commands_are_read_only_for_the_sake_of_one_that_is_not_known():
    known, unknown = Splunkd(), Splunkd("index=main `errors` | score | stats count by entity")
    assert grid(known) == grid(unknown)
    assert (known.asked_for_risky, unknown.asked_for_risky) == (0, 1)


def test_macros_that_can_not_be_read_are_tried_again():
    splunkd = Splunkd()
    get = splunkd.get

    def refused(path: str, **query: Any) -> Any:
        if "/conf-macros/" in path:
            raise SplunkError(503, "busy")
        return get(path, **query)

    splunkd.get = refused  # type: ignore[method-assign]
    with pytest.raises(SearchFailed, match=r"The macros of 'High Rate' can't be read: .*busy"):
        grid(splunkd)


@pytest.mark.parametrize(
    ("quantity", "entities"), [("1", ["checkout", "payments"]), ("2", []), ("3", [])]
)
def test_fewer_results_than_alert_are_nothing_found(quantity, entities):
    count = {"counttype": "number of events", "relation": "greater than", "quantity": quantity}
    assert found(Splunkd(**count)) == entities


@pytest.mark.parametrize(("matching", "entities"), [(1, ["checkout", "payments"]), (0, [])])
def test_a_condition_in_spl_decides_as_it_does_for_the_alert(matching, entities):
    splunkd = Splunkd(alert_condition="search count > 40", counttype="custom")
    splunkd.matching = matching
    assert grid(splunkd).length == 300.0
    assert found(splunkd) == entities


@pytest.mark.parametrize(
    ("job", "why"),
    [
        ({"isDone": True, "isFinalized": True}, "before it had read everything"),
        ({"isDone": True, "messages": [{"type": "WARN", "text": "idx2: down"}]}, "idx2: down"),
        ({"isDone": True, "messages": [{"type": "ERROR", "text": "idx2: down"}]}, "idx2: down"),
        ({"isDone": True, "isFailed": True}, "failed"),
    ],
)
def test_a_run_that_may_lack_results_is_none(job, why):
    splunkd = Splunkd()
    splunkd.job, splunkd.rows = job, []
    with pytest.raises(SearchFailed, match=why):
        found(splunkd)


def test_a_run_with_more_rows_than_are_read_is_none():
    splunkd = Splunkd()
    splunkd.rows = [{"entity": "other"}] * 10_001
    with pytest.raises(SearchFailed, match="more than 10000 rows"):
        found(splunkd)


FORCED = {"force_saved_search_dispatch_as_user": "true"}


@pytest.mark.parametrize(
    ("acl", "dispatch_as", "limits", "why"),
    [
        ({"owner": "ann", "sharing": "user"}, "owner", {}, "it is private: share it"),
        ({"owner": "ann", "sharing": "app"}, "user", {}, "set dispatchAs = owner"),
        ({"owner": "ann", "sharing": "global"}, "owner", FORCED, "force_saved_search_dispatch_as"),
    ],
)
def test_a_search_runs_with_its_owners_rights_or_not_at_all(acl, dispatch_as, limits, why):
    """Otherwise its author could let the system run what the author may not."""
    splunkd = Splunkd(dispatchAs=dispatch_as)
    splunkd.acl, splunkd.limits = acl, limits
    for ask in (grid, found):
        with pytest.raises(CannotJudge, match=rf"'High Rate' would run with the app's .*{why}"):
            ask(splunkd)
    assert splunkd.dispatched == 0


def test_what_nobody_owns_runs_with_the_systems_rights_on_its_schedule_too():
    splunkd = Splunkd(dispatchAs="user", alert_condition="search `errors`", counttype="custom")
    splunkd.acl, splunkd.limits = {"owner": "nobody", "sharing": "app"}, FORCED
    assert found(splunkd) == ["checkout", "payments"]


@pytest.mark.parametrize(
    ("condition", "why"),
    [
        ("search count > 1 | outputlookup mine.csv", "'outputlookup', which may do more"),
        ("outputlookup mine.csv", "'outputlookup'"),
        ("| sendalert x", "'sendalert'"),
        ('where match(x, "a|b") | Collect index=main', "'Collect'"),
        ("search [ rest /services/storage/passwords ]", "a subsearch"),
        ("search `errors`", "a macro"),
    ],
)
def test_a_condition_that_the_app_would_apply_with_its_own_rights_only_filters(condition, why):
    splunkd = Splunkd(alert_condition=condition, counttype="custom")
    with pytest.raises(CannotJudge, match=f"The alert condition of 'High Rate' .*{why}"):
        found(splunkd)
    assert splunkd.dispatched == 0


@pytest.mark.parametrize("condition", ["search count > 40", 'where match(x, "[a|b]") | head 1'])
def test_a_condition_that_filters_is_applied(condition):
    assert found(Splunkd(alert_condition=condition, counttype="custom"))


@pytest.mark.parametrize(
    ("changed", "why"),
    [
        ({"dispatchAs": "user"}, "would run with the app's rights"),
        ({"search": "| inputlookup x | outputlookup y"}, "was changed while it was run again"),
    ],
)
def test_a_search_that_is_changed_as_it_is_run_is_cancelled_and_proves_nothing(changed, why):
    splunkd = Splunkd()
    splunkd.once_dispatched = changed
    with pytest.raises(CannotJudge, match=why):
        found(splunkd)
    assert (splunkd.dispatched, splunkd.cancelled) == (1, 1)

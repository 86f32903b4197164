"""A detection's result rows become findings."""

from __future__ import annotations

from typing import Any, Dict

import pytest

from incident_management.incidents.intake.alert import Alert, run_of
from incident_management.incidents.intake.conditions import released
from incident_management.incidents.intake.findings import signals_from
from incident_management.incidents.intake.ingest import Ingest
from incident_management.incidents.intake.results import findings, signals_of_run
from incident_management.incidents.routing import Routing
from incident_management.incidents.signal import Signal
from tests.fakes import FakeStores, ManualClock

PYTHON = """2026-01-31T10:00:00 ERROR service=orders: not served
Traceback (most recent call last):
  File "orders.py", line 37, in place
    stock = session.get(Stock, item)
sqlalchemy.exc.TimeoutError: QueuePool limit reached
"""
JAVA = """10:00:00 ERROR not served
com.example.Failed: no order
\tat com.example.Orders.place(Orders.java:37)
Caused by: java.sql.SQLTransientConnectionException: pool is empty
\tat com.zaxxer.hikari.HikariPool.getConnection(HikariPool.java:181)
"""


@pytest.mark.parametrize(
    ("sample", "shown"),
    [
        (PYTHON, "not served\n…\nsqlalchemy.exc.TimeoutError: QueuePool limit reached"),
        (JAVA, "not served\n…\nCaused by: java.sql.SQLTransientConnectionException: pool is empty"),
        ("one line", "one line"),
        ("a\nb\nc", "a\nb\nc"),
        ("a\n b\n c\n d", "a\n…\n d"),
    ],
)
def test_a_stack_trace_is_shortened_to_its_first_line_and_reason(sample, shown):
    alert = Alert("r", "a", "o", "s", description="The latest: {sample}")
    [finding] = findings([{"entity": "orders", "sample": sample}], alert, now=1.0)
    assert finding["description"].endswith(shown)


def test_the_runbook_and_the_suited_actions_travel_with_the_signal():
    params = {"runbook": " https://wiki/orders ", "actions": "rollback_change, ,restart"}
    alert = Alert.from_params(params, "r", "a", "o", "s")
    found = findings([{"entity": "orders"}], alert, now=1.0)
    (made,) = signals_from(found, now=1.0, common=alert.common())
    document = made.to_document()

    assert document["runbook"] == "https://wiki/orders"
    assert document["actions"] == ["rollback_change", "restart"]
    assert Signal.from_document(document).actions == ["rollback_change", "restart"]


def test_a_scheduled_run_is_named_by_its_time_and_a_real_time_trigger_by_its_own_id():
    scheduled = "scheduler__admin__search__RMD5bb597fe7dda10157_at_1421496000_"
    assert run_of(f"{scheduled}8") == run_of(f"{scheduled}9") == "at:1421496000"
    first = "rt_scheduler__admin__search__RMD5bb597fe7dda10157_at_1421496279_8.1"
    second = "rt_scheduler__admin__search__RMD5bb597fe7dda10157_at_1421496279_8.2"
    assert run_of(first) != run_of(second)


def found_of(rows, **params):
    """Return entity, title and dedup values of each finding."""
    found = findings(rows, Alert.from_params(params, "Full", "a", "o", "s"), now=1.0)
    return [(one["entity"], one["title"], one["dedup"]) for one in found]


def test_a_copy_with_another_entity_field_loses_no_host():
    """Cloned in Splunk Web with only the entity field changed: the rest still names ``entity``."""
    rows = [{"host": host, "resource": "disk"} for host in ("db-1", "db-2")]
    params = {"entity_field": "host", "title": "{resource} pressure: {entity}"}
    assert found_of(rows, dedup_fields="entity, resource", **params) == [
        (host, f"disk pressure: {host}", {"entity": host, "resource": "disk"})
        for host in ("db-1", "db-2")
    ]


def test_rows_without_dedup_fields_are_distinguished_by_entity():
    rows = [{"entity": "db-1"}, {"entity": "db-2"}]
    found = found_of(rows, dedup_fields="resorce", title="{entity}")
    assert [entity for entity, _title, _dedup in found] == ["db-1", "db-2"]
    assert found[0][2] != found[1][2], "they are problems of their own"


def test_what_some_rows_lack_stays_one_problem_with_those_that_lack_it_too():
    rows = [{"entity": "db-1", "signature": "s"}, {"entity": "db-2", "signature": "s"}]
    found = found_of(rows, dedup_fields="signature, user", title="{signature}")
    assert [dedup for _entity, _title, dedup in found] == [{"signature": "s", "user": ""}] * 2


def test_rows_of_one_problem_name_the_entity_of_each():
    """A full disk on two hosts used to be an incident about the first host alone."""
    rows = [{"entity": one, "code": "7", "count": "3"} for one in ("db-1", "db-2", "db-1", "", "x")]
    alert = Alert.from_params({"dedup_fields": "code"}, "Failed", "a", "o", "s")
    found = findings(rows, alert, now=1.0)
    assert [(one["entity"], one["count"]) for one in found] == [("db-1", 9), ("db-2", 3), ("x", 3)]
    assert len({str(one["dedup"]) for one in found}) == 1

    stores = FakeStores()
    signals = signals_from(found, now=1.0, common=alert.common())
    Ingest(stores, ManualClock(1.0), Routing()).ingest(signals, "ann")
    (incident,) = stores.incidents.all()
    assert incident["entities"] == ["db-1", "db-2", "x"]


def test_what_sendalert_opens_for_a_search_without_a_name_has_a_title_that_reads():
    """splunkd replaces ``$name$`` in the default ``$name$: {entity}`` by nothing."""
    ((_entity, title, _dedup),) = found_of([{"entity": "db-1"}], title=": {entity}")
    assert title == "db-1"


def test_a_sample_of_an_event_is_what_people_know_and_not_splunkds_own_fields():
    """The row has the form of an alert's results file for events."""
    own: Dict[str, Any] = dict.fromkeys(
        ("_bkt", "_cd", "_kv", "_serial", "_indextime", "_eventtype_color"), "1"
    )
    empty = dict.fromkeys(("eventtype", "tag", "tag::eventtype", "splunk_server_group"), "")
    many = {f"other_{number}": "" for number in range(60)}
    row = {
        **own,
        "_si": ["sh-1", "main"],
        **empty,
        **many,
        "host": "db-1",
        "_raw": "disk full",
        "_time": "1700000000",
    }
    (found,) = findings([row], Alert.from_params({}, "Disk", "a", "o", "s"), now=1.0)
    assert found["rows"] == [{"host": "db-1", "_raw": "disk full", "_time": "1700000000"}]


def test_one_problem_of_very_many_entities_is_bounded_and_counts_all_rows():
    rows = [{"entity": f"db-{number}", "code": "7"} for number in range(500)]
    alert = Alert.from_params({"dedup_fields": "code"}, "Failed", "a", "o", "s")
    found = findings(rows, alert, now=1.0)
    assert (len(found), sum(one["count"] for one in found)) == (50, 500)


@pytest.mark.parametrize(
    ("row", "span"),
    [
        ({"first_time": "-300", "last_time": "1700000000"}, (1_700_000_000, 1_700_000_000)),
        ({"first_time": "-300", "last_time": "-1"}, (1_700_000_900, 1_700_000_900)),
        ({"_time": "-1"}, (1_700_000_900, 1_700_000_900)),
        ({"first_time": "0", "last_time": "5"}, (0, 5)),
    ],
)
def test_a_time_before_the_epoch_is_none_and_costs_the_run_no_finding(row, span):
    """The API refuses such a time, and all findings of the run with it."""
    alert = Alert("r", "a", "o", "s")
    found = findings([{"entity": "web-1", **row}, {"entity": "web-2"}], alert, 1_700_000_900.0)
    assert (found[0]["first_time"], found[0]["last_time"]) == span
    assert len(signals_from(found, 1_700_000_900.0, alert.common())) == 2


def test_each_value_of_an_entity_field_is_an_entity_of_the_rows_one_problem():
    """``stats values(host) as entity by code``: no evidence exists for a host "db-1, db-2"."""
    row = {"entity": ["db-1", "db-2", "db-1", " "], "code": "7", "count": "3"}
    alert = Alert.from_params({"title": "{code} at {entity}"}, "Failed", "a", "o", "s")
    found = findings([row, {"entity": "db-3"}], alert, now=1.0)

    assert [one["entity"] for one in found] == ["db-1", "db-2", "db-3"]
    assert found[0]["dedup"] == found[1]["dedup"] != found[2]["dedup"]
    assert "7 at db-1, db-2, db-1" in found[1]["title"]
    signals = signals_from(found, now=1.0, common=alert.common())
    stores = FakeStores()
    Ingest(stores, ManualClock(1.0), Routing()).ingest(signals, "ann")
    first, second = sorted(stores.incidents.all(), key=lambda one: -len(one["entities"]))
    assert (first["entities"], second["entities"]) == (["db-1", "db-2"], ["db-3"])


@pytest.mark.parametrize("per_result", ["0", "1"])
def test_each_entity_of_several_rows_of_one_problem_is_one_finding(per_result):
    rows = [{"host": ["a", "b"], "code": "7"}, {"host": ["b", "c"], "code": "7"}]
    params = {"entity_field": "host", "dedup_fields": "code", "title": "{code}"}
    found = [one for one, _title, _dedup in found_of(rows, per_result=per_result, **params)]
    assert found == (["a", "b", "c"] if per_result == "1" else ["Full"])


def test_where_each_result_triggers_its_signals_are_those_of_an_action_for_each():
    rows: list[dict[str, Any]] = [{"entity": ["a", "b"]}, {"entity": "c"}]
    made = signals_of_run(rows, {"per_result": "0"}, ("r", "a", "o"), "s", 1.0, for_each=True)
    given = []
    for number, row in enumerate(rows):
        alert = Alert.from_params({}, "r", "a", "o", "s", result=str(number))
        given += signals_from(findings([row], alert, now=1.0), 1.0, alert.common())
    assert made == given
    assert [one.entity for one in made] == ["a", "b", "c"]
    assert len({one.key for one in made}) == 3


def test_entities_of_any_length_are_taken_by_the_api():
    rows = [{"entity": ["a" * 1500, "a" * 990 + "b" * 500, "c" * 1500]}]
    found = findings(rows, Alert("r", "a", "o", "s"), now=1.0)
    assert len(found) == 3
    assert all(len(str(one.get("run", ""))) <= 1000 for one in found)
    assert (
        len(
            {
                signal.key
                for signal in signals_from(found, 1.0, {"severity": "low", "rule": "r", "run": "s"})
            }
        )
        == 3
    )


def test_a_run_that_finds_a_problem_at_two_entities_has_found_it_once():
    def signals(sid):
        alert = Alert("r", "a", "o", sid, after={"signals": 2, "rules": 0, "seconds": 900.0})
        found = findings([{"entity": ["a", "b"]}], alert, now=1.0)
        return signals_from(found, now=1.0, common=alert.common())

    assert released(signals("one"), {}) == {}
    both = [*signals("one"), *signals("two")]
    assert set(released(both, {})) == {signal.key for signal in both}


def test_results_without_the_entity_field_are_one_problem_that_says_so():
    alert = Alert.from_params({"description": "{count} on {host}"}, "Disk", "a", "o", "s")
    rows = [{"host": f"web{n}", "count": "1"} for n in range(3)]
    (finding,) = findings(rows, alert, now=1.0)
    assert finding["entity"] == "Disk"
    told, sentence = finding["description"].split("\n")
    assert told == "1 on web0"
    assert sentence == (
        "3 results were combined into one problem, because their field 'entity' is empty or "
        "missing. If each result is a problem of its own, set the field that distinguishes them "
        "(here perhaps host) as the Entity field of the alert action Open incident."
    )


def test_the_likely_field_is_named_as_the_search_has_it():
    (finding,) = findings([{"Host": "a"}, {"Host": "b"}], Alert("r", "a", "o", "s"), now=1.0)
    assert "(here perhaps Host)" in finding["description"]


@pytest.mark.parametrize(
    ("params", "rows"),
    [
        ({}, [{"count": "7"}]),
        ({"per_result": "0"}, [{"count": "7"}, {"count": "8"}]),
        ({"dedup_fields": "signature"}, [{"signature": "a"}, {"signature": "a"}]),
        ({}, [{"entity": "web1"}, {"entity": "web1"}]),
    ],
)
def test_one_result_and_what_is_meant_to_be_one_problem_say_nothing_of_it(params, rows):
    alert = Alert.from_params(params, "Disk", "a", "o", "s")
    (finding,) = findings(rows, alert, now=1.0)
    assert "description" not in finding


def test_a_row_has_its_time_whether_the_alert_action_or_the_worker_read_it():
    """The results' CSV has epoch seconds; splunkd's REST API, for the worker, has ISO 8601."""
    alert = Alert("r", "a", "o", "s")
    times = [
        [(one["first_time"], one["last_time"]) for one in findings([row], alert, now=2e9)]
        for row in (
            {"host": "web1", "_time": "1796032800.250"},
            {"host": "web1", "_time": "2026-11-30T11:00:00.250+01:00"},
            {"host": "web1", "_time": "2026-11-30T10:00:00.250Z"},
            {"host": "web1", "_time": "2026-11-30T11:00:00.250+0100"},
        )
    ]
    assert times == [[(1796032800.25, 1796032800.25)]] * 4


@pytest.mark.parametrize("text", ["yesterday", "2026-11-30 10:00:00", "2026-13-01T00:00:00Z", ""])
def test_a_time_that_nobody_can_place_is_now(text):
    (finding,) = findings([{"first_time": text, "last_time": text}], Alert("r", "a", "o", "s"), 7.0)
    assert (finding["first_time"], finding["last_time"]) == (7.0, 7.0)


def test_the_same_entities_in_another_order_are_the_same_problem():
    rows = [{"host": ["web2", "web1"]}, {"host": ["web1", "web2"]}]
    alert = Alert.from_params({"entity_field": "host"}, "Disk", "a", "o", "s")
    found = findings(rows, alert, now=1.0)
    assert {str(one["dedup"]) for one in found} == {"{'host': 'web1, web2'}"}
    assert sorted(one["entity"] for one in found) == ["web1", "web2"]


@pytest.mark.parametrize("for_each", [False, True])
def test_what_splunkd_would_fill_in_is_filled_in_of_a_run_that_it_did_not_hand_over(for_each):
    """``$result.field$`` is of the first result, or of each if each triggers."""
    params = {
        "severity": "$result.severity$",
        "title": "$name$: {entity} of $result.kind$$result.none$ for $9",
        "description": "$job.sid$",
    }
    rows: list[dict[str, Any]] = [
        {"entity": "a", "severity": "critical", "kind": ["x", "y"]},
        {"entity": "b", "severity": "low", "kind": "$name$"},
    ]
    found = signals_of_run(rows, params, ("Down", "a", "o"), "s", 1.0, for_each=for_each)
    assert [one.severity for one in found] == ["critical", "low" if for_each else "critical"]
    other = "$name$" if for_each else "x, y"
    assert [one.title for one in found] == ["Down: a of x, y for $9", f"Down: b of {other} for $9"]
    assert {one.description for one in found} == {"$job.sid$"}

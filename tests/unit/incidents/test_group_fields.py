"""Grouping fields, which relate an alert's problems, and digests: one finding per run."""

from typing import Any, Dict, List

import pytest

from incident_management.incidents import timeline
from incident_management.incidents.act import Act
from incident_management.incidents.intake.alert import Alert
from incident_management.incidents.intake.findings import signals_from
from incident_management.incidents.intake.results import findings
from incident_management.incidents.joining import merging
from tests.unit.incidents.builders import ROUTING, START, ingest, signal


def alert(**params):
    return Alert.from_params(params, "Card Refused", "search", "ann", "sid.1")


def signals(rows, **params):
    one = alert(**params)
    return signals_from(findings(rows, one, START), START, one.common())


def test_problems_of_two_detections_with_the_same_customer_are_one_incident(stores, clock):
    app = ingest(stores, clock)
    rows = [{"entity": "till", "customer": "acme", "_time": str(START)}]
    (opened,) = app.ingest(signals(rows, group_fields="customer"))
    late = signal("mailer", rule="Mail Bounced", group=True, group_values=["customer=acme"])
    (joined,) = app.ingest([late])

    assert (joined.what, joined.incident_id) == ("added", opened.incident_id)
    entry = timeline.read(stores, opened.incident_id)[-1]
    assert entry.data["reason"].startswith("Joined because both have customer=acme, at the same")
    assert stores.incidents.get(opened.incident_id)["group_values"] == ["customer=acme"]


def test_other_values_and_no_value_join_nothing(stores, clock):
    app = ingest(stores, clock)
    rows = [{"entity": e, "customer": c} for e, c in (("a", "acme"), ("b", "duff"), ("c", ""))]
    outcomes = app.ingest(signals(rows, group_fields="customer"))

    assert [outcome.what for outcome in outcomes] == ["opened"] * 3


def test_each_of_several_values_counts_and_a_finding_has_those_of_all_its_rows():
    rows: List[Dict[str, Any]] = [
        {"entity": "till", "customer": ["acme", "duff"], "region": "north"},
        {"entity": "till", "customer": "acme", "region": "south"},
    ]
    (found,) = findings(rows, alert(group_fields="customer, region"), START)

    assert found["group_values"] == [
        "customer=acme", "customer=duff", "region=north", "region=south"
    ]  # fmt: skip


def test_a_title_is_one_line_also_with_a_field_of_several_values():
    rows = [{"entity": "till", "codes": "51\n54"}]
    (found,) = findings(rows, alert(title="Refused with {codes}"), START)

    assert found["title"] == "Refused with 51, 54"


def test_what_was_split_off_takes_its_values_along(stores, clock):
    app = ingest(stores, clock)
    first = signal("till", group=True, group_values=["customer=acme"])
    second = signal("mailer", group=True, group_values=["customer=acme"])
    (opened,) = app.ingest([first])
    app.ingest([second])
    part = merging.split(Act(stores, clock, "ann"), ROUTING, opened.incident_id, [second.key])
    (third,) = app.ingest([signal("stock", group=True, group_values=["customer=acme"])])

    assert third.incident_id == part.id


@pytest.mark.parametrize(
    ("entities", "entity"), [(("till", "till"), "till"), (("till", "mailer"), "Card Refused")]
)
def test_a_digest_is_one_finding_of_the_whole_run(entities, entity):
    rows = [
        {"entity": name, "count": "3", "_time": str(START + n)} for n, name in enumerate(entities)
    ]
    (found,) = signals(rows, per_result="0", dedup_fields="entity", title="{entity} and others")

    assert (found.entity, found.count, len(found.rows)) == (entity, 6, 2)
    assert (found.first_time, found.last_time) == (START, START + 1)
    assert found.title == f"{entities[0]} and others"


def test_the_runs_of_a_digest_are_one_problem_whatever_they_found(stores, clock):
    app = ingest(stores, clock)
    (opened,) = app.ingest(signals([{"entity": "till"}], per_result="0"))
    one = Alert.from_params({"per_result": "0"}, "Card Refused", "search", "ann", "sid.2")
    later = signals_from(findings([{"entity": "mailer"}], one, START + 300), START, one.common())
    (added,) = app.ingest(later)

    assert (added.what, added.incident_id) == ("added", opened.incident_id)

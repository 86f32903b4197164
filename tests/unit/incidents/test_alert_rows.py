"""Groups for the rows of a search: stable ids, order, and rows that can't be grouped."""

import pytest

from incident_management.incidents.errors import Invalid
from incident_management.incidents.grouping.rows import RowGrouper

NOON = 1_700_000_000
LATER = NOON + 86_400


def ids(alerts, grouper=None):
    grouper = grouper or RowGrouper(LATER)
    return [grouper.place(str(time), kind, entity)[0] for time, kind, entity in alerts]


def test_two_searches_that_see_the_same_beginning_give_it_the_same_id():
    alerts = [(NOON + n, f"scan-{n % 2}", "web") for n in range(6)]
    assert set(ids(alerts[:3])) == set(ids(alerts)) == {ids(alerts)[0]}


def test_groups_that_begin_otherwise_have_other_ids():
    first, second = ids([(NOON, "scan", "web"), (NOON + 7200, "scan", "web")])
    assert first != second


def test_a_clock_that_is_ahead_makes_nothing_unusual():
    usual = [(NOON + hour * 3600, "update", "web") for hour in range(6)]
    ahead = [(NOON + 900 * 86_400, "update", "web")]
    grouper = RowGrouper(NOON + 6 * 3600)
    rows = [grouper.place(str(time), kind, entity) for time, kind, entity in usual + ahead]

    assert [row[1] for row in rows[-2:]] == ["1", "1"]


@pytest.mark.parametrize(
    ("time", "kind"), [("", "scan"), ("soon", "scan"), ("nan", "scan"), ("1", "")]
)
def test_a_row_without_time_or_kind_has_no_group_and_is_counted(time, kind):
    grouper = RowGrouper(LATER)
    assert grouper.place(time, kind, "web") == ("", "", "")
    assert grouper.warnings() == ["1 of 1 rows have no time or no kind, so they get no group."]


def test_a_straggler_is_placed_and_rows_in_another_order_are_refused():
    grouper = RowGrouper(LATER)
    ids([(NOON, "scan", "web"), (NOON - 60, "scan", "web")], grouper)
    with pytest.raises(Invalid, match=r"Put '\| sort 0 _time' before alertgroups"):
        ids([(NOON - 3600, "scan", "web")], grouper)

"""Groups for the rows of a search: ids that last, order, and what can't be placed."""

import pytest

from incident_management.incidents.errors import Invalid
from incident_management.incidents.grouping.rows import RowGrouper

NOON = 1_700_000_000


def ids(alerts, grouper=None):
    grouper = grouper or RowGrouper()
    return [grouper.place(str(time), kind, entity)[0] for time, kind, entity in alerts]


def test_two_searches_that_see_the_same_beginning_give_it_the_same_id():
    alerts = [(NOON + n, f"scan-{n % 2}", "web") for n in range(6)]
    assert set(ids(alerts[:3])) == set(ids(alerts)) == {ids(alerts)[0]}


def test_groups_that_begin_otherwise_have_other_ids():
    first, second = ids([(NOON, "scan", "web"), (NOON + 7200, "scan", "web")])
    assert first != second


@pytest.mark.parametrize("row", [("", "scan"), ("soon", "scan"), ("nan", "scan"), ("1", "")])
def test_a_row_without_time_or_kind_has_no_group_and_is_counted(row):
    grouper = RowGrouper()
    assert grouper.place(*row, "web") == ("", "", "")
    assert grouper.warnings() == ["1 of 1 rows have no time or no kind, and no group."]


def test_a_straggler_is_placed_and_rows_in_another_order_are_refused():
    grouper = RowGrouper()
    ids([(NOON, "scan", "web"), (NOON - 60, "scan", "web")], grouper)
    with pytest.raises(Invalid, match=r"put '\| sort 0 _time' before alertgroups"):
        ids([(NOON - 3600, "scan", "web")], grouper)

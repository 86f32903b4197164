"""When a saved search triggers, by the names of savedsearches.conf and of the REST API."""

from __future__ import annotations

import pytest

from incident_management.incidents.intake.trigger import (
    condition_of,
    triggers,
    triggers_for_each,
)

CONF = ("counttype", "relation", "quantity")
REST = ("alert_type", "alert_comparator", "alert_threshold")


@pytest.mark.parametrize("names", [CONF, REST])
@pytest.mark.parametrize(
    ("values", "results", "verdict"),
    [
        (("always", "", ""), 0, True),
        (("number of events", "greater than", "3"), 3, False),
        (("number of events", "greater than", "3"), 4, True),
        (("Number of Events", "less than", "1"), 0, True),
        (("number of events", "equal to", "2"), 2, True),
        (("number of events", "not equal to", "2"), 2, False),
        (("number of hosts", "greater than", "3"), 9, None),
        (("number of events", "rises by", "3"), 9, None),
        (("number of events", "greater than", "many"), 9, None),
        (("custom", "", ""), 9, None),
    ],
)
def test_a_number_of_results_triggers_or_not_or_can_not_tell(names, values, results, verdict):
    assert triggers(dict(zip(names, values)), results) is verdict


def test_no_condition_is_always_and_one_in_spl_can_not_be_reported():
    assert triggers({}, 0) is True
    assert triggers({"alert_condition": "search count > 5"}, 9) is None


def test_the_condition_is_shown_as_it_was_set():
    settings = {"alert_type": "number of hosts", "alert_comparator": "greater than"}
    assert condition_of({**settings, "alert_threshold": "3"}) == "number of hosts greater than 3"


@pytest.mark.parametrize(
    ("mode", "each"), [("0", True), ("false", True), ("1", False), ("", False)]
)
def test_actions_run_once_for_all_results_unless_it_says_otherwise(mode, each):
    assert triggers_for_each({"alert.digest_mode": mode}) is each

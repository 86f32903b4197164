"""Unrelated problems that begin together: one incident if chance is unlikely."""

import pytest

from incident_management.incidents import lifecycle
from incident_management.incidents.act import Act
from incident_management.incidents.routing import Routing
from tests.unit.incidents.builders import START, ingest, signal

DAY = 86400.0
ROUTING = Routing.from_stanzas({"general": {"group_by": "coincidence", "reopen_window": "1s"}})


def began(entity, time):
    span = {"first_time": time, "last_time": time}
    return signal(entity, int(time), rule=entity, group=True, **span)


@pytest.fixture
def week(stores, clock):
    """Return the ingest after a week with an incident every six hours: 28 in all."""

    def made(every=DAY / 4, count=28):
        app = ingest(stores, clock, ROUTING)
        for number in range(count):
            (opened,) = app.ingest([began(f"old-{number}", START - (count - number) * every)])
            lifecycle.resolve(Act(stores, clock, "ann"), opened.incident_id)
        return app

    return made


# One in a hundred of six hours is 216 seconds.
@pytest.mark.parametrize(("apart", "what"), [(200, "added"), (230, "opened")])
def test_two_beginnings_are_one_incident_when_chance_is_improbable(week, apart, what):
    app = week()
    app.ingest([began("database", START)])
    (second,) = app.ingest([began("mailer", START + apart)])

    assert second.what == what


def test_where_incidents_come_all_the_time_a_minute_tells_nothing(week):
    app = week(every=DAY / 100, count=200)
    app.ingest([began("database", START)])
    (second,) = app.ingest([began("mailer", START + 60)])

    assert second.what == "opened"


def test_of_few_incidents_no_rate_is_known(week):
    app = week(count=18)
    app.ingest([began("database", START)])
    (second,) = app.ingest([began("mailer", START + 1)])

    assert second.what == "opened"


def test_what_was_there_before_joins_nothing_by_coincidence(week):
    app = week()
    app.ingest([began("database", START + DAY)])
    (again,) = app.ingest([began("old-3", START + DAY + 1)])

    assert again.what == "opened"


def test_a_beginning_counts_not_how_long_it_lasts(stores, week):
    app = week()
    app.ingest([began("database", START)])
    app.ingest([began("database", START + 600)])
    (second,) = app.ingest([began("mailer", START + 601)])

    assert second.what == "opened"

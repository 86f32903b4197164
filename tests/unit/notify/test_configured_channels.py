"""Who can be told at all, as the overview page shows it."""

from __future__ import annotations

import pytest

from incident_management.notify.configured_channels import KEY, reached, save_configured_channels
from tests.fakes import FakeStores, ManualClock


@pytest.mark.parametrize(
    ("set_up", "subscriptions", "expected"),
    [
        ((), [], ()),
        ({"pagerduty", "slack"}, [], ("slack", "pagerduty")),
        ((), [{"enabled": False}], ()),
        ({"teams"}, [{"enabled": False}, {}], ("teams", "webhooks")),
    ],
)
def test_reached_is_what_is_set_up_and_who_subscribed(set_up, subscriptions, expected):
    assert reached(set_up, subscriptions) == expected


def test_the_note_is_written_when_it_changes():
    stores, clock = FakeStores(), ManualClock()
    moments = []
    for channels in ((), (), ("slack", "webhooks"), ("slack", "webhooks"), ()):
        clock.advance(15)
        save_configured_channels(stores, clock, channels)
        (note,) = stores.claims.all()
        moments.append((note["value"]["channels"], note["time"] == clock.now()))
    assert (note["_key"], note["purpose"]) == (KEY, KEY)
    assert moments == [
        ("", True),
        ("", False),
        ("slack, webhooks", True),
        ("slack, webhooks", False),
        ("", True),
    ]

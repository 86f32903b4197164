"""saved/searches through the SDK."""

from __future__ import annotations

from pathlib import Path

import pytest
from splunklib.binding import HTTPError

from tests.contract.core.conftest import APP
from tests.standin import StandIn, start_standin
from tools.splunkd_lite.clock import ManualClock


def test_create_read_update_disable_delete(standin: StandIn) -> None:
    searches = standin.service(app=APP, owner="nobody").saved_searches
    made = searches.create(
        "Slow / + orders?",
        "index=main | stats count",
        cron_schedule="*/10 * * * *",
        is_scheduled=1,
        **{"alert.severity": "4", "action.email": "1", "actions": "email"},
    )

    assert made["is_scheduled"] == "1"
    assert made["cron_schedule"] == "*/10 * * * *"
    assert made["alert.severity"] == "4"
    assert made.access.sharing == "app"
    made.update(search="index=main | head 1", description="two\nlines").refresh()
    assert (made["search"], made["description"]) == ("index=main | head 1", "two\nlines")
    assert made.disable().refresh()["disabled"] == "1"
    assert made.enable().refresh()["disabled"] == "0"
    assert "Slow / + orders?" in searches
    searches.delete("Slow / + orders?")
    assert "Slow / + orders?" not in searches


def test_a_taken_name_a_missing_search_and_a_bad_cron_are_refused(standin: StandIn) -> None:
    searches = standin.service(app=APP, owner="nobody").saved_searches
    with pytest.raises(HTTPError, match="HTTP 409"):
        searches.create("Errors", "index=main")
    with pytest.raises(HTTPError, match=r"HTTP 400.*search"):
        searches.create("Empty", " ")
    with pytest.raises(HTTPError, match=r"HTTP 400.*cron_schedule"):
        searches.create("Cron", "index=main", cron_schedule="every now and then")
    with pytest.raises(KeyError):
        searches["missing"]


def test_a_user_s_own_search_is_private_until_it_is_shared(standin: StandIn) -> None:
    standin.add_user("ann", "user")
    standin.add_user("max", "shop_manager")
    own = standin.service("ann", app=APP, owner="ann").saved_searches.create("Mine", "index=main")
    manager = standin.service("max", app=APP, owner="max")

    assert own.access.sharing == "user"
    assert "Mine" not in manager.saved_searches
    with pytest.raises(HTTPError, match="HTTP 403"):
        own.acl_update(sharing="app", owner="ann")
    admin = standin.service(app=APP, owner="ann").saved_searches["Mine"]
    admin.acl_update(sharing="app", owner="ann", **{"perms.read": "*", "perms.write": "admin"})
    shared = manager.saved_searches["Mine"]
    assert (shared.access.sharing, shared.access.owner) == ("app", "ann")
    assert shared["search"] == "index=main"


def test_the_wildcard_namespace_lists_every_owner_and_app(standin: StandIn) -> None:
    standin.add_user("ann", "user")
    standin.service("ann", app=APP, owner="ann").saved_searches.create("Mine", "index=main")
    standin.service("ann", app="search", owner="ann").saved_searches.create("Mine", "index=shop")

    def listed(user: str) -> list[tuple[str, str]]:
        found = standin.service(user, app="-", owner="-").saved_searches
        return sorted((each.name, each.access.app) for each in found)

    shared = [("Errors", APP), ("Shared everywhere", APP)]
    assert listed("admin") == sorted([*shared, ("Mine", APP), ("Mine", "search")])
    standin.add_user("bob", "user")
    assert listed("bob") == shared


def test_scheduling_needs_the_capability(standin: StandIn) -> None:
    service = standin.service()
    service.roles.create("looker", capabilities=["search"])
    standin.add_user("ann", "looker")
    searches = standin.service("ann", app=APP, owner="ann").saved_searches

    searches.create("Plain", "index=main")
    with pytest.raises(HTTPError, match="requires capability: schedule_search"):
        searches.create("Timed", "index=main", is_scheduled=1, cron_schedule="* * * * *")


def test_lists_are_filtered_sorted_and_paged(standin: StandIn) -> None:
    searches = standin.service(app=APP, owner="nobody").saved_searches
    for number in range(12):
        searches.create(f"B{number:02}", "index=main", description=f"group {number % 2}")

    assert [each.name for each in searches.list(count=3, offset=2, search="name=B*")] == [
        "B02",
        "B03",
        "B04",
    ]
    assert len(searches.list(search='description="group 1"')) == 6
    names = [each.name for each in searches.iter(pagesize=5, search="name=B*", sort_dir="desc")]
    assert names == [f"B{number:02}" for number in reversed(range(12))]
    assert [each.name for each in searches.list(search="eai:acl.app=shop name=Errors")] == [
        "Errors"
    ]


def test_suppression_counts_down_and_is_lifted(tmp_path: Path, app: Path) -> None:
    clock = ManualClock()
    with start_standin(tmp_path, [app], clock=clock) as standin:
        errors = standin.service(app=APP, owner="nobody").saved_searches["Errors"]
        errors.suppress(100)
        assert errors.suppressed == 100
        clock.advance(60)
        assert errors.suppressed == 40
        clock.advance(60)
        assert errors.suppressed == 0
        errors.suppress(100)
        errors.unsuppress()
        assert errors.suppressed == 0


def test_scheduled_times_follow_the_cron_expression(standin: StandIn) -> None:
    errors = standin.service(app=APP, owner="nobody").saved_searches["Errors"]
    times = errors.scheduled_times(earliest_time="1700000000", latest_time="1700001000")

    assert [int(each.timestamp()) for each in times] == [1700000100, 1700000400, 1700000700]


def test_fired_alerts_are_grouped_listed_expire_and_are_forgotten_at_a_restart(
    tmp_path: Path, app: Path
) -> None:
    clock = ManualClock()
    with start_standin(tmp_path, [app], clock=clock) as standin:
        service = standin.service(app=APP, owner="nobody")
        fire = standin.splunk.alerts.fire
        fire("Errors", APP, "nobody", "sid_1", 4, expires_seconds=60)
        clock.advance(1)
        fire("Errors", APP, "nobody", "sid_2", 4, expires_seconds=600)

        groups = {group.name: group for group in service.fired_alerts}
        assert {name: group.count for name, group in groups.items()} == {"-": 2, "Errors": 2}
        alerts = groups["Errors"].alerts
        assert [each["sid"] for each in alerts] == ["sid_1", "sid_2"], "By name, unless asked."
        newest_first = alerts.list(sort_key="trigger_time", sort_dir="desc")
        assert [each["sid"] for each in newest_first] == ["sid_2", "sid_1"]
        assert service.saved_searches["Errors"].alert_count == 2
        clock.advance(60)
        assert [each["sid"] for each in groups["Errors"].alerts] == ["sid_2"]
    with start_standin(tmp_path, clock=clock) as again:
        assert again.splunk.alerts.all("Errors") == []

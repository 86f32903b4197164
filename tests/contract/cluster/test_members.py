"""What members of a cluster share, and what they do not."""

from __future__ import annotations

import json
import threading
from collections import Counter
from pathlib import Path

import pytest
import splunklib.binding
import splunklib.client

from tests.contract.cluster.conftest import APP, LABELS, Start
from tests.standin import StandIn
from tests.waiting import wait_for
from tools.splunkd_lite.clock import ManualClock

OWNER = "nobody"


def sales(member: StandIn) -> splunklib.client.KVStoreCollectionData:
    return member.service(app=APP, owner=OWNER).kvstore["sales"].data


def captain_of(member: StandIn) -> str:
    """The label of the captain that a member sees; empty while there is none."""
    cluster = member.splunk.cluster
    captain = cluster.membership.captain if cluster else None
    return captain.label if captain else ""


def rest(member: StandIn, path: str) -> list[dict[str, object]]:
    body = member.service().get(path, output_mode="json").body.read()
    return [{"name": each["name"], **each["content"]} for each in json.loads(body)["entry"]]


def test_of_many_inserts_of_one_key_exactly_one_succeeds(members: list[StandIn]) -> None:
    statuses: list[tuple[str, int]] = []
    start = threading.Barrier(6)

    def insert(member: StandIn, keys: range) -> None:
        data = sales(member)
        start.wait()
        for key in keys:
            try:
                data.insert(json.dumps({"_key": f"k{key}", "by": member.splunk.server_name}))
                statuses.append((f"k{key}", 201))
            except splunklib.binding.HTTPError as error:
                statuses.append((f"k{key}", error.status))

    threads = [threading.Thread(target=insert, args=(m, range(40))) for m in members * 2]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert Counter(status for _, status in statuses) == {201: 40, 409: 200}
    assert Counter(key for key, status in statuses if status == 201) == {
        f"k{number}": 1 for number in range(40)
    }
    first = sales(members[0]).query()
    assert len(first) == 40
    assert all(sales(member).query() == first for member in members[1:])


def test_a_write_is_read_at_once_by_every_member(members: list[StandIn]) -> None:
    one, two, three = (sales(member) for member in members)
    one.insert(json.dumps({"_key": "a", "total": 1}))
    assert two.query_by_id("a")["total"] == 1
    two.update("a", json.dumps({"total": 2}))
    three.batch_save({"_key": "b", "total": 3})
    assert [each["total"] for each in one.query(sort="_key")] == [2, 3]
    one.delete_by_id("a")
    with pytest.raises(splunklib.binding.HTTPError, match="404"):
        three.query_by_id("a")


def test_there_is_one_captain_and_every_member_names_it(members: list[StandIn]) -> None:
    names = {str(rest(member, "shcluster/captain/info")[0]["label"]) for member in members}
    assert len(names) == 1 and names <= set(LABELS)
    shown = rest(members[1], "shcluster/captain/members")
    # Listed by their random ids.
    assert sorted(str(each["label"]) for each in shown) == list(LABELS)
    assert {each["status"] for each in shown} == {"Up"}
    assert sum(bool(each["is_captain"]) for each in shown) == 1
    roles = [member.service().info["server_roles"] for member in members]
    assert sum("shc_captain" in each for each in roles) == 1
    assert all("shc_member" in each for each in roles)


def test_an_instance_without_a_cluster_says_so(start_member: Start, tmp_path) -> None:
    from tests.standin import start_standin

    with start_standin(tmp_path / "alone") as alone:
        with pytest.raises(splunklib.binding.HTTPError, match="not available") as refused:
            rest(alone, "shcluster/captain/info")
        assert refused.value.status == 503


def test_the_captain_moves_and_no_majority_means_no_captain(start_member: Start) -> None:
    running = {label: start_member(label, lease=1.0) for label in LABELS}
    first = str(rest(running["sh3"], "shcluster/captain/info")[0]["label"])
    running.pop(first).stop()
    two, last = running.values()
    assert wait_for(lambda: captain_of(last) != "")
    assert captain_of(last) in running
    states = {e["label"]: e["status"] for e in rest(last, "shcluster/captain/members")}
    assert states == {**dict.fromkeys(running, "Up"), first: "Down"}
    two.stop()
    assert wait_for(lambda: not last.splunk.kv.faults.has_primary)
    assert wait_for(lambda: captain_of(last) == "")
    with pytest.raises(splunklib.binding.HTTPError) as refused:
        sales(last).insert(json.dumps({"_key": "alone"}))
    assert refused.value.status == 503
    assert sales(last).query() == []
    with pytest.raises(splunklib.binding.HTTPError) as refused:
        rest(last, "shcluster/captain/info")
    assert refused.value.status == 503


def test_conf_changes_over_rest_reach_all_members_where_the_include_list_says(
    members: list[StandIn],
) -> None:
    one = members[0].service(app=APP, owner=OWNER)
    one.confs["till_settings"]["general"].submit({"currency": "USD"})
    one.confs["till_cache"]["general"].submit({"size": "9"})
    one.saved_searches.create("Mine", "| makeresults")
    one.storage_passwords.create("open sesame", "robot", "till")
    for member in members[1:]:
        other = member.service(app=APP, owner=OWNER)

        def seen(other: splunklib.client.Service = other) -> bool:
            return other.confs["till_settings"]["general"]["currency"] == "USD"

        def named(other: splunklib.client.Service = other) -> bool:
            return "Mine" in [search.name for search in other.saved_searches]

        def told(other: splunklib.client.Service = other) -> bool:
            return len(list(other.storage_passwords)) == 1

        assert wait_for(seen) and wait_for(named) and wait_for(told)
        assert next(iter(other.storage_passwords)).clear_password == "open sesame"
        assert other.confs["till_cache"]["general"]["size"] == "1"
    one.saved_searches.delete("Mine")
    two = members[1].service(app=APP, owner=OWNER)
    assert wait_for(lambda: "Mine" not in [s.name for s in two.saved_searches])


@pytest.mark.parametrize("listed", [False, True])
def test_an_input_reaches_the_others_only_where_the_include_list_names_inputs(
    start_member: Start, app: Path, listed: bool
) -> None:
    """server.conf.spec: ``conf_replication_include.<conf>`` is false by default."""
    if listed:
        with (app / "default/server.conf").open("a", encoding="utf-8") as file:
            file.write("conf_replication_include.inputs = true\n")
    one, two = (start_member(label).service(app=APP, owner=OWNER) for label in ("sh1", "sh2"))
    one.confs["inputs"].create("monitor:///var/log/till.log")
    one.confs["till_settings"]["general"].submit({"currency": "USD"})

    # What was written after it has arrived, so it would be there.
    assert wait_for(lambda: two.confs["till_settings"]["general"]["currency"] == "USD")
    names = [stanza.name for stanza in two.confs["inputs"]]
    assert ("monitor:///var/log/till.log" in names) == listed


def test_a_file_edited_by_hand_stays_where_it_is(members: list[StandIn]) -> None:
    local = members[0].splunk.home / "etc/apps" / APP / "local"
    local.mkdir(exist_ok=True)
    (local / "till_settings.conf").write_text("[general]\ncurrency = GBP\n", encoding="utf-8")
    members[1].service(app=APP, owner=OWNER).confs["till_settings"]["general"].submit({"x": "1"})
    pairs = [m.service(app=APP, owner=OWNER).confs["till_settings"]["general"] for m in members]
    assert wait_for(lambda: pairs[0].refresh().content.get("x") == "1")
    assert [each.refresh()["currency"] for each in pairs] == ["GBP", "EUR", "EUR"]


def test_members_that_write_the_same_setting_at_once_end_up_equal(members: list[StandIn]) -> None:
    def write(member: StandIn) -> None:
        stanza = member.service(app=APP, owner=OWNER).confs["till_settings"]["general"]
        for number in range(10):
            stanza.submit({"currency": f"{member.splunk.server_name}-{number}"})

    threads = [threading.Thread(target=write, args=(member,)) for member in members]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    def values() -> set[str | None]:
        return {m.splunk.conf.get("till_settings", "general", "currency", app=APP) for m in members}

    for member in members:
        cluster = member.splunk.cluster
        assert cluster is not None
        cluster.pull()
    assert len(values()) == 1


def test_a_member_that_was_away_catches_up(start_member: Start) -> None:
    first, second = start_member("sh1"), start_member("sh2")
    second.stop()
    first.service(app=APP, owner=OWNER).confs["till_settings"]["general"].submit({"currency": "¥"})
    first.add_user("cashier")
    back = start_member("sh2")
    assert back.splunk.conf.get("till_settings", "general", "currency", app=APP) == "¥"
    assert back.service("cashier").username == "cashier"


def test_events_are_searched_from_every_member(members: list[StandIn]) -> None:
    members[0].index("main", [{"_raw": "paid 3", "_time": 1_700_000_000}])
    assert [row["_raw"] for row in members[2].search("search index=main")] == ["paid 3"]


def test_a_finished_search_can_be_read_from_another_member(members: list[StandIn]) -> None:
    job = members[0].splunk.jobs.dispatch("| makeresults | eval x=7", "admin")
    assert job.sid.endswith(members[0].splunk.guid)
    found = members[1].service().job(job.sid)
    rows = json.loads(found.results(output_mode="json").read())["results"]
    assert [row["x"] for row in rows] == ["7"]


def test_a_scheduled_search_runs_once_on_the_member_that_the_captain_chose(
    start_member: Start,
) -> None:
    clock = ManualClock(1_700_000_000.0)
    members = [start_member(label, clock) for label in LABELS]
    schedulers = [member.splunk.services.use_scheduler() for member in members]
    for _ in range(24):
        clock.advance(300)
        threads = [
            threading.Thread(target=each.tick, args=(clock.now(),)) for each in schedulers * 2
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    ran = Counter(
        member.splunk.server_name
        for member in members
        for job in member.splunk.jobs.all()
        if job.saved_search == "Late payments"
    )
    assert len(ran) == 1 and sum(ran.values()) >= 1  # older jobs have expired
    for member in members:
        assert len(member.splunk.alerts.all("Late payments")) in (23, 24)
    times = [each.trigger_time for each in members[0].splunk.alerts.all("Late payments")]
    assert len(times) == len(set(times))

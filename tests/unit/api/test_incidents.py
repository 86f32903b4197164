"""The routes of /incidents and /signals, called as splunkd calls them."""

import pytest

from incident_management.api.incidents.listing import clauses_of
from incident_management.incidents.routing import Routing
from incident_management.incidents.stores import IS_OPEN
from tests.fakes import DiskFull
from tests.fakes.api import FakeApi


@pytest.fixture
def api() -> FakeApi:
    return FakeApi()


def finding(entity="checkout", **more):
    return {
        "rule": "High Error Rate",
        "entity": entity,
        "severity": "high",
        "first_time": 1_699_999_900,
        "last_time": 1_699_999_960.5,
        "count": 7,
        "sid": "scheduler__admin__app__RMD5x_at_1700000000_12",
        "rows": [{"_time": "1", "a.b": "x"}],
        **more,
    }


def open_one(api, **more):
    status, answer = api.call("POST", "/signals", {"signals": [finding(**more)]})
    assert status == 200, answer
    return answer["outcomes"][0]["incident_id"]


def test_signals_open_an_incident_that_can_be_read(api):
    incident_id = open_one(api)
    status, incident = api.call("GET", f"/incidents/{incident_id}")

    assert status == 200
    assert incident["id"] == incident_id
    assert incident["title"] == "High Error Rate: checkout"
    assert incident["affected_systems"] == ["checkout"]
    assert incident["events"] == 7
    _, found = api.call("GET", f"/incidents/{incident_id}/signals")
    assert found["signals"][0]["rows"] == [{"_time": "1", "a_b": "x"}]


def test_the_same_run_posted_twice_is_one_signal(api):
    open_one(api)
    _, answer = api.call("POST", "/signals", {"signals": [finding(), finding("search")]})

    assert [outcome["what"] for outcome in answer["outcomes"]] == ["duplicate", "opened"]


def test_signals_are_paged_through_in_an_order_that_an_acceleration_gives(api):
    """Else the KV store refuses pages far down: more than 32 MB are not sorted."""
    incident_id = open_one(api)
    for run in range(5):
        open_one(api, run=str(run), last_time=1_699_999_970)
    pages = [
        api.call("GET", f"/incidents/{incident_id}/signals", query={"limit": "2", "offset": skip})
        for skip in ("0", "2", "4")
    ]

    assert [found["more"] for _status, found in pages] == [True, True, False]
    keys = {one["_key"] for _status, found in pages for one in found["signals"]}
    assert len(keys) == 6


def test_an_incident_created_by_hand_comes_back_whole(api):
    sent = {
        "title": "Checkout is slow",
        "description": "since noon",
        "severity": "critical",
        "affected_systems": ["checkout", "payments"],
    }
    status, made = api.call("POST", "/incidents", sent)
    _, read = api.call("GET", f"/incidents/{made['id']}")

    assert status == 201
    assert {name: read[name] for name in sent} == sent
    assert read == made


def test_the_life_of_an_incident(api):
    path = f"/incidents/{open_one(api)}"
    assert api.call("POST", f"{path}/acknowledge")[1]["status"] == "in_progress"
    assert api.call("POST", f"{path}/assign", {"owner": "bob"})[1]["owner"] == "bob"
    assert api.call("POST", f"{path}/notes", {"text": "looking"})[0] == 200
    resolved = api.call("POST", f"{path}/resolve", {"resolution": "rolled back"})[1]
    assert (resolved["status"], resolved["resolution"]) == ("resolved", "rolled back")
    assert api.call("POST", f"{path}/reopen", {"reason": "again"})[1]["status"] == "assigned"

    _, told = api.call("GET", f"{path}/timeline")
    assert told["verified"] is True
    assert [(entry["kind"], entry["actor"]) for entry in told["entries"][2:]] == [
        ("assigned", "ann"),
        ("status", "ann"),
        ("assigned", "ann"),
        ("note", "ann"),
        ("status", "ann"),
        ("status", "ann"),
    ]


def test_an_illegal_move_is_a_conflict_with_one_sentence(api):
    incident_id = open_one(api)
    status, problem = api.call("POST", f"/incidents/{incident_id}/reopen")

    assert status == 409
    assert problem["detail"] == f"{incident_id} is new; only a resolved incident can be reopened."


@pytest.mark.parametrize("verb", ["", "/timeline", "/signals"])
def test_an_unknown_incident_is_named(api, verb):
    status, problem = api.call("GET", f"/incidents/INC-20260101-000000{verb}")

    assert status == 404
    assert problem["detail"].startswith("No incident INC-20260101-000000 exists. ")


def test_a_list_is_filtered_and_paged(api):
    for number in range(5):
        api.clock.advance(1)
        open_one(api, entity=f"svc-{number}", severity="high" if number % 2 else "low")
    api.clock.advance(1)
    api.call("POST", "/incidents", {"title": "100% odd", "severity": "info"})

    def ids(**query):
        status, answer = api.call("GET", "/incidents", query=query)
        assert status == 200, answer
        return [incident["title"] for incident in answer["incidents"]]

    assert len(ids()) == 6
    assert ids(severity="high") == ["High Error Rate: svc-3", "High Error Rate: svc-1"]
    assert ids(entity="svc-2,svc-4", status="open") == [
        "High Error Rate: svc-4",
        "High Error Rate: svc-2",
    ]
    assert ids(text="100% ODD") == ["100% odd"]
    assert ids(text="SVC-4") == ids(entity="svc-4")
    assert len(ids(text="high error")) == 5
    assert ids(text="by hand") == ["100% odd"]
    assert ids(limit="2", offset="1") == ["High Error Rate: svc-4", "High Error Rate: svc-3"]
    assert ids(status="closed") == []


def test_incidents_that_nobody_has_are_listed(api):
    owned, free, over = (
        api.call("POST", "/incidents", {"title": title})[1]["id"] for title in ("1", "2", "3")
    )
    api.call("POST", f"/incidents/{owned}/assign", {"owner": "bob"})
    api.call("POST", f"/incidents/{over}/resolve", {})

    def ids(**query):
        return {one["id"] for one in api.call("GET", "/incidents", query=query)[1]["incidents"]}

    assert ids(owner="nobody", status="open") == {free}
    assert ids(owner="nobody, bob", status="open") == {free, owned}
    assert ids(owner="nobody") == {free, over}
    assert ids(owner="") == {free, over, owned}


def test_a_team_and_an_owner_with_a_comma_in_their_names_are_found(api):
    api.routing_value = Routing()
    west, other = (
        api.call("POST", "/incidents", {"title": title})[1]["id"] for title in ("1", "2")
    )
    given = {"owner": "Doe, Jane", "team": "Ops, West"}
    assert api.call("POST", f"/incidents/{west}/assign", given)[0] == 200
    api.call("POST", f"/incidents/{other}/assign", {"owner": "bob", "team": "Ops"})

    def ids(**query):
        return {one["id"] for one in api.call("GET", "/incidents", query=query)[1]["incidents"]}

    assert ids(team="Ops, West,") == {other}
    assert ids(team=" Ops, West ") == {west, other}
    assert ids(owner="Doe, Jane") == {west}
    assert ids(owner="bob, Doe") == {other}


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("POST", "/assign", {"owner": "Lee"}),
        ("POST", "/escalate", {"owner": "LEE", "reason": "Look."}),
        ("PATCH", "", {"owner": "leE"}),
    ],
)
def test_a_user_name_has_no_case(api, method, path, body):
    incident = api.call("POST", "/incidents", {"title": "Of Lee"})[1]["id"]
    assert api.call(method, f"/incidents/{incident}{path}", body)[1]["owner"] == "lee"
    for name in ("lee", "LEE"):
        found = api.call("GET", "/incidents", query={"owner": name})[1]["incidents"]
        assert [one["id"] for one in found] == [incident]


def test_a_title_by_hand_turns_no_text_around(api):
    incident = api.call("POST", "/incidents", {"title": "read\u202egnp.exe"})[1]
    assert incident["title"] == "read\ufffdgnp.exe"
    changed = {"title": "see\u2066gpj.exe", "description": "one\ntwo\u202b"}
    edited = api.call("PATCH", f"/incidents/{incident['id']}", changed)[1]
    assert (edited["title"], edited["description"]) == ("see\ufffdgpj.exe", "one\ntwo\ufffd")


def test_a_list_shows_the_fields_that_are_asked_for(api):
    incident_id = open_one(api)

    def listed(**query):
        return api.call("GET", "/incidents", query=query)[1]["incidents"]

    shown = {"id": incident_id, "severity": "high", "affected_systems": ["checkout"]}
    assert listed(fields="severity, affected_systems") == [shown]
    assert listed(fields="severity,affected_systems", text="high error", sort="status") == [shown]
    assert listed(fields="title", text="nothing like it") == []
    assert len(listed(fields="")[0]) > 20


@pytest.mark.parametrize(
    ("query", "word"),
    [
        ({"status": "odd"}, "odd"),
        ({"fields": "id,_key"}, "no field '_key'"),
        ({"limit": "-1"}, "limit"),
        ({"limit": "1001"}, "1001"),
    ],
)
def test_a_bad_filter_is_refused_by_name(api, query, word):
    status, problem = api.call("GET", "/incidents", query=query)

    assert status == 400
    assert word in problem["detail"]


@pytest.mark.parametrize(
    ("change", "word"),
    [
        ({"severity": "awful"}, "awful"),
        ({"entity": ""}, "entity"),
        ({"first_time": "yesterday"}, "first_time"),
        ({"last_time": 1}, "ends before"),
        ({"color": "red"}, "color"),
        ({"rule": 5}, "rule"),
    ],
)
def test_a_malformed_signal_is_refused_by_name(api, change, word):
    status, problem = api.call("POST", "/signals", {"signals": [finding(**change)]})

    assert status == 400
    assert word in problem["detail"]
    assert api.stores_value.signals.all() == []


@pytest.mark.parametrize("name", ["rule", "entity", "severity"])
def test_what_a_signal_needs_is_its_own_or_common_to_all(api, name):
    own = finding()
    common = {name: own.pop(name)}
    status, problem = api.call("POST", "/signals", {"signals": [own]})
    assert (status, problem["detail"].endswith(f"{name} is missing.")) == (400, True)

    status, answer = api.call("POST", "/signals", {"signals": [own], "common": common})
    assert (status, answer["outcomes"][0]["what"]) == (200, "opened")
    whole = {"signals": [finding()]}
    assert api.call("POST", "/signals", whole)[1]["outcomes"][0]["what"] == "duplicate"


def test_a_storm_is_answered_with_its_incidents_alone(api):
    findings = [finding(entity=f"host-{number}") for number in range(3)]
    _, whole = api.call("POST", "/signals", {"signals": findings})
    _, short = api.call("POST", "/signals", {"signals": findings, "each": False})

    assert short == {"taken": 3, "incidents": whole["incidents"]}
    assert {o["incident_id"] for o in whole["outcomes"]} == set(short["incidents"])


def test_a_finding_goes_before_what_is_common(api):
    common = {"severity": "low", "description": "of all"}
    body = {"signals": [finding(severity="high")], "common": common}
    assert api.call("POST", "/signals", body)[0] == 200
    (stored,) = api.stores_value.signals.all()
    assert (stored["severity"], stored["description"]) == ("high", "of all")


def test_a_malformed_routing_file_does_not_stop_signals_and_is_reported(api):
    api.routing_value = Routing.from_stanzas({"rule:x": {"team": "nobody-knows"}})
    incident_id = open_one(api)
    _, told = api.call("GET", f"/incidents/{incident_id}/timeline")

    assert "[rule:x] team is 'nobody-knows'" in told["entries"][1]["data"]["reason"]


def test_a_full_disk_is_one_clear_sentence(api):
    api.stores_value.fail_after(2, DiskFull)
    status, problem = api.call("POST", "/signals", {"signals": [finding()]})

    assert status == 502
    assert "No space left" in problem["detail"]


def test_a_kv_store_that_starts_asks_to_come_again(api):
    api.stores_value.fail_after(0)
    status, problem = api.call("GET", "/incidents")

    assert status == 503
    assert problem["title"] == "Service Unavailable"


@pytest.mark.parametrize(("wanted", "is_open"), [("breached,warning", True), ("ok,missed", False)])
def test_a_service_level_of_open_incidents_is_searched_for_among_those(wanted, is_open):
    """There are a hundred times as many that are over, and no acceleration of service levels."""
    assert (IS_OPEN in clauses_of({"sla_status": wanted})) is is_open

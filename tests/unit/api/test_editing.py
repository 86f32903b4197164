"""Versions, corrections, withdrawal, lists and repeats: what protects people from each other."""

import pytest

from incident_management.api.idempotency import KEPT_ANSWER
from incident_management.api.router import all_routes
from incident_management.incidents import timeline
from incident_management.incidents.act import Act
from incident_management.worker.cleanup import delete_expired_answers
from tests.fakes.api import FakeApi


@pytest.fixture
def api() -> FakeApi:
    return FakeApi()


def opened(api, **fields):
    status, incident = api.call("POST", "/incidents", {"title": "Slow", **fields})
    assert status == 201, incident
    return incident, api.headers["ETag"]


def test_the_etag_changes_with_every_entry_and_only_then(api):
    incident, etag = opened(api)
    path = f"/incidents/{incident['id']}"
    api.call("GET", path)
    assert api.headers["ETag"] == etag
    api.call("POST", f"{path}/notes", {"text": "looking"})
    assert api.headers["ETag"] != etag


def test_a_change_of_what_was_not_seen_is_refused(api):
    incident, etag = opened(api)
    path = f"/incidents/{incident['id']}"
    api.call("POST", f"{path}/notes", {"text": "news"})
    status, problem = api.call("PATCH", path, {"title": "Other"}, headers={"If-Match": etag})

    assert status == 412
    assert "Reload it first" in problem["detail"]
    assert api.call("GET", path)[1]["title"] == "Slow"
    fresh = api.headers["ETag"]
    status, changed = api.call("PATCH", path, {"title": "Other"}, headers={"If-Match": fresh})
    assert (status, changed["title"]) == (200, "Other")


def test_the_version_counts_where_a_proxy_kept_the_header_back(api):
    incident, etag = opened(api)
    path = f"/incidents/{incident['id']}"
    api.call("POST", f"{path}/notes", {"text": "news"})
    change = {"title": "Other", "if_match": etag}
    assert api.call("PATCH", path, change)[0] == 412
    assert api.call("PATCH", path, change, headers={"If-Match": "*"})[0] == 200


@pytest.mark.parametrize("body", [None, {}, {"if_match": "*"}], ids=["none", "empty", "version"])
def test_a_patch_whose_fields_did_not_arrive_is_not_answered_as_if_it_was_done(api, body):
    """Splunk's examples of persistent handlers have a payload for POST and PUT alone."""
    incident, _ = opened(api)
    path = f"/incidents/{incident['id']}"
    status, problem = api.call("PATCH", path, body, headers={"If-Match": "*"})
    assert (status, "use PUT" in problem["detail"]) == (400, True)


def test_what_is_affected_is_corrected_as_a_whole(api):
    incident, _ = opened(api, affected_systems=["chekout", "db-1"])
    path = f"/incidents/{incident['id']}"
    body = {"affected_systems": ["checkout", " checkout ", "db-2"]}
    _, changed = api.call("PATCH", path, body)
    assert changed["affected_systems"] == changed["entities"] == ["checkout", "db-2"]
    assert api.call("GET", "/incidents", query={"entity": "db-1"})[1]["incidents"] == []

    whole = {"title": "Slow", "severity": "low"}
    _, kept = api.call("PUT", path, whole, headers={"If-Match": "*"})
    assert kept["affected_systems"] == ["checkout", "db-2"]
    _, emptied = api.call("PATCH", path, {"affected_systems": []})
    assert emptied["affected_systems"] == []
    assert api.call("GET", f"{path}/timeline")[1]["verified"]


@pytest.mark.parametrize(("seconds", "answers"), [(59, (200, 412)), (60, (412, 200))])
def test_of_two_editors_of_one_version_one_wins(api, seconds, answers):
    """The second comes between the first one's claim and its write; after a minute it is dead."""
    incident, etag = opened(api)
    other = FakeApi(api.stores_value, api.clock)

    def edit(one, title):
        change = ("PATCH", f"/incidents/{incident['id']}", {"title": title})
        return one.call(*change, headers={"If-Match": etag})

    def meanwhile(verb, name):
        if any(claim["_key"].startswith("edit:") for claim in api.stores_value.claims.all()):
            api.stores_value.timeline.before = None
            api.clock.advance(seconds)
            second.extend(edit(other, "B"))

    second: list = []
    api.stores_value.timeline.before = meanwhile
    first = edit(api, "A")
    assert (first[0], second[0]) == answers
    refused, taken = sorted((first, second), key=lambda answer: -answer[0])
    assert "Reload it first" in refused[1]["detail"]
    incident = api.call("GET", f"/incidents/{incident['id']}")[1]
    assert incident["title"] == taken[1]["title"]
    assert [
        claim["_key"] for claim in api.stores_value.claims.all() if "edit:" in claim["_key"]
    ] == []
    assert not [claim for claim in api.stores_value.claims.all() if "edit:" in claim["_key"]]


def test_a_put_needs_a_version_and_sets_all_that_can_be_edited(api):
    incident, etag = opened(api, description="since noon", severity="low")
    path = f"/incidents/{incident['id']}"
    body = {"title": "Checkout down", "severity": "critical", "owner": "ann"}
    assert api.call("PUT", path, body)[0] == 428
    status, changed = api.call("PUT", path, body, headers={"If-Match": etag})

    assert status == 200
    assert {name: changed[name] for name in body} == body
    assert (changed["description"], changed["status"]) == ("", "assigned")
    kinds = [e["kind"] for e in api.call("GET", f"{path}/timeline")[1]["entries"]]
    assert kinds == ["opened", "routed", "edited", "severity"]


def test_an_edit_that_changes_nothing_writes_nothing(api):
    incident, etag = opened(api)
    path = f"/incidents/{incident['id']}"
    for _again in range(2):
        status, _ = api.call("PATCH", path, {"title": "Slow"}, headers={"If-Match": etag})
        assert status == 200
    assert api.headers["ETag"] == etag


def test_a_withdrawn_incident_is_closed_and_its_story_stays(api):
    incident, _ = opened(api)
    path = f"/incidents/{incident['id']}"
    assert api.call("DELETE", path)[0] == 428
    status, gone = api.call("DELETE", path, headers={"If-Match": "*"}, query={"reason": "a drill"})

    assert (status, gone["status"], gone["resolution"]) == (200, "closed", "Withdrawn: a drill")
    _, told = api.call("GET", f"{path}/timeline")
    assert told["verified"] is True
    assert [e["kind"] for e in told["entries"]] == ["opened", "routed", "status", "status"]
    assert api.call("DELETE", path, headers={"If-Match": "*"})[0] == 200
    assert len(api.call("GET", f"{path}/timeline")[1]["entries"]) == 4


def test_a_withdrawal_that_is_sent_again_is_answered_as_the_first_time(api):
    incident, etag = opened(api)
    path = f"/incidents/{incident['id']}"
    sent = {"headers": {"If-Match": etag}, "query": {"reason": "a drill"}}
    # What would change something is refused.
    api.call("POST", f"{path}/notes", {"text": "Looking."})
    assert api.call("DELETE", path, **sent)[0] == 412
    api.call("GET", path)
    sent["headers"] = {"If-Match": api.headers["ETag"]}
    first = api.call("DELETE", path, **sent)
    assert first[0] == 200
    again = api.call("DELETE", path, **sent)
    assert again == first


def test_a_withdrawal_that_was_cut_off_between_its_entries_is_ended_by_the_next_try(api):
    incident, etag = opened(api)
    path = f"/incidents/{incident['id']}"
    act = Act(api.stores_value, api.clock, "ann")
    said = {"reason": "withdrawn", "resolution": "Withdrawn: a drill"}
    timeline.append(act, incident["id"], "status", {"from": "new", "to": "resolved", **said})
    timeline.refresh(api.stores_value, incident["id"])
    headers = {"If-Match": etag}
    assert api.call("DELETE", path, headers=headers)[0] == 412, "another reason"
    status, gone = api.call("DELETE", path, headers=headers, query={"reason": "a drill"})
    assert (status, gone["status"], gone["resolution"]) == (200, "closed", "Withdrawn: a drill")


def test_pages_by_cursor_hold_while_incidents_come_in(api):
    for number in range(7):
        api.clock.advance(1 if number % 3 else 0)
        opened(api, title=f"Problem {number}")
    seen, cursor = [], None
    while True:
        query = {"limit": "2", "severity": "medium", **({"cursor": cursor} if cursor else {})}
        status, page = api.call("GET", "/incidents", query=query)
        assert status == 200, page
        seen += [one["title"] for one in page["incidents"]]
        cursor = page["next_cursor"]
        if cursor is None:
            break
        api.clock.advance(1)
        opened(api, title="new")
    assert sorted(seen) == [f"Problem {number}" for number in range(7)]


def test_a_text_is_found_page_by_page(api):
    for number in range(9):
        api.clock.advance(1)
        opened(api, title=f"{'Disk' if number % 3 == 0 else 'Net'} {number}")
    _, page = api.call("GET", "/incidents", query={"text": "disk", "limit": "2"})
    assert [one["title"] for one in page["incidents"]] == ["Disk 6", "Disk 3"]
    query = {"text": "disk", "limit": "2", "cursor": page["next_cursor"]}
    _, page = api.call("GET", "/incidents", query=query)
    assert ([one["title"] for one in page["incidents"]], page["next_cursor"]) == (["Disk 0"], None)


def test_where_a_text_is_searched_for_only_that_is_read_and_what_is_found_is_shown_whole(api):
    """Thousands are looked at, each with a search of up to 10,000 characters."""
    for number in range(3):
        opened(api, title=f"{'Disk' if number == 1 else 'Net'} {number}")
    incidents, read = api.stores_value.incidents, []
    real = incidents.find

    def find(*given, **named):
        found = real(*given, **named)
        read.extend(found)
        return found

    incidents.find = find
    _, page = api.call("GET", "/incidents", query={"text": "disk"})
    assert [one["title"] for one in page["incidents"]] == ["Disk 1"]
    assert page["incidents"][0]["severity"] == "medium"
    assert sum("search" in one for one in read) == 1

    query = {"text": "disk", "fields": "affected_systems", "sort": "-last_time"}
    _, page = api.call("GET", "/incidents", query=query)
    assert [set(one) for one in page["incidents"]] == [{"id", "affected_systems"}]


def test_times_and_order(api):
    start = api.clock.now()
    for number in range(3):
        opened(api, title=str(number))
        api.clock.advance(10)
    query = {"opened_after": str(start + 5), "sort": "opened_at"}
    _, page = api.call("GET", "/incidents", query=query)
    assert [one["title"] for one in page["incidents"]] == ["1", "2"]


@pytest.mark.parametrize(
    "query",
    [
        {"cursor": "x"},
        {"cursor": "WzEsIDIsIDNd"},
        {"cursor": "WyJhIiwgSW5maW5pdHksICJ4Il0="},
        {"serverity": "high"},
        {"sort": "title"},
        {"opened_after": "yesterday"},
    ],
)
def test_a_malformed_list_is_refused(api, query):
    assert api.call("GET", "/incidents", query=query)[0] == 400


def test_a_cursor_of_other_filters_is_refused(api):
    for _number in range(3):
        opened(api)
    _, page = api.call("GET", "/incidents", query={"limit": "1"})
    query = {"limit": "1", "cursor": page["next_cursor"], "severity": "low"}
    status, problem = api.call("GET", "/incidents", query=query)
    assert status == 400
    assert "other filters" in problem["detail"]


def test_a_post_sent_again_with_its_key_is_done_once(api):
    headers = {"Idempotency-Key": "k1"}
    body = {"title": "Slow"}
    first = api.call("POST", "/incidents", body, headers=headers)
    etag = api.headers["ETag"]
    again = api.call("POST", "/incidents", body, headers=headers)

    assert again == first
    assert api.headers["ETag"] == etag
    assert api.headers["Idempotency-Replayed"] == "true"
    assert len(api.stores_value.incidents.all()) == 1


def test_a_key_belongs_to_its_request_its_user_and_a_day(api):
    headers = {"Idempotency-Key": "k1"}
    api.call("POST", "/incidents", {"title": "Slow"}, headers=headers)
    assert api.call("POST", "/incidents", {"title": "Other"}, headers=headers)[0] == 409
    assert api.call("POST", "/incidents", {"title": "Slow"}, headers=headers, user="bob")[0] == 201
    api.clock.advance(25 * 3600)
    assert api.call("POST", "/incidents", {"title": "Other"}, headers=headers)[0] == 201
    assert len(api.stores_value.incidents.all()) == 3


def test_a_refusal_is_repeated_and_a_failure_is_tried_again(api):
    incident, _ = opened(api)
    headers = {"Idempotency-Key": "k1"}
    path = f"/incidents/{incident['id']}/reopen"
    first = api.call("POST", path, headers=headers)
    assert first[0] == 409
    assert api.call("POST", path, headers=headers) == first
    api.stores_value.incidents.fail_after(0)
    headers = {"Idempotency-Key": "k2"}
    assert api.call("POST", "/incidents", {"title": "x"}, headers=headers)[0] == 503
    api.stores_value.incidents.heal()
    assert api.call("POST", "/incidents", {"title": "x"}, headers=headers)[0] == 201


def test_while_the_first_is_worked_on_a_repeat_waits(api):
    headers = {"Idempotency-Key": "k1"}
    answers = []

    def meanwhile(verb, name):
        api.stores_value.timeline.before = None
        other = FakeApi(api.stores_value, api.clock)
        answers.append(other.call("POST", "/incidents", {"title": "x"}, headers=headers)[0])

    api.stores_value.timeline.before = meanwhile
    assert api.call("POST", "/incidents", {"title": "x"}, headers=headers)[0] == 201
    assert answers == [409]


BODY_ROUTES = [route for route in all_routes() if route.method in ("POST", "PUT", "PATCH")]


@pytest.mark.parametrize("route", BODY_ROUTES, ids=lambda route: f"{route.method} {route.path}")
@pytest.mark.parametrize(
    ("payload", "status"),
    [
        ("not json", 400),
        ("[]", 400),
        ('{"x": "\\ud800"}', 400),
        ('{"x": 1e999}', 400),
        ('{"x": ' + "[" * 30 + "]" * 30 + "}", 400),
        (None, 413),
    ],
    ids=["text", "list", "half a character", "beyond numbers", "deep", "large"],
)
def test_every_route_refuses_a_bad_body_with_one_sentence(api, route, payload, status):
    path = route.path.replace("{id}", "INC-20260101-000000")
    if payload is None:
        payload = '{"x": "' + "x" * route.body_bytes + '"}'
    answered, problem = api.call(route.method, path, payload=payload)
    assert answered == status
    assert problem["detail"].endswith(".")
    assert api.stores_value.calls == 0


def test_answers_are_forgotten_after_a_day_and_nothing_else_is(api):
    api.call("POST", "/incidents", {"title": "x"}, headers={"Idempotency-Key": "old"})
    api.stores_value.claims.insert({"_key": "z", "purpose": "zz", "time": 1.0, "value": {}})
    api.clock.advance(24 * 3600 - 10)
    api.call("POST", "/incidents", {"title": "x"}, headers={"Idempotency-Key": "new"})
    api.clock.advance(20)

    delete_expired_answers(api.stores_value, api.clock)
    left = {one["purpose"] for one in api.stores_value.claims.all()}
    assert len(left) == 2 and "zz" in left


def test_however_many_answers_are_kept_one_request_forgets_them(api):
    """A program with a key for each request makes more an hour than were deleted one by one."""
    kept = [{"_key": str(n), "purpose": f"{KEPT_ANSWER}{n}", "time": 1.0} for n in range(3000)]
    api.stores_value.claims.save(kept)
    api.stores_value.claims.log.clear()
    delete_expired_answers(api.stores_value, api.clock)

    assert api.stores_value.claims.all() == []
    assert api.stores_value.claims.log == ["delete claims"] * 2, "Those, and ends of alerts."

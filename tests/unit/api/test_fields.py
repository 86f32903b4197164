"""Custom fields over the API: set, refused, looked for, needed before a resolve."""

import itertools
import json

import pytest

from incident_management.incidents import lifecycle, timeline
from incident_management.incidents.act import Act
from incident_management.incidents.routing import Routing
from tests.fakes.api import FakeApi

ROUTING = Routing.from_stanzas(
    {
        "field:impact": {
            "label": "Customer impact",
            "kind": "choice",
            "options": "none, some, all",
            "severity": "high",
            "required": "resolve",
        },
        "field:region": {},
        "field:regulatory": {"kind": "yes_no"},
    }
)


@pytest.fixture
def api():
    made = FakeApi()
    made.routing_value = ROUTING
    return made


def opened(api, severity="medium", **fields):
    incident = api.call("POST", "/incidents", {"title": "Slow", "severity": severity})[1]["id"]
    if fields:
        status, answer = api.call("PATCH", f"/incidents/{incident}", {"fields": fields})
        assert status == 200, answer
    return incident


def kinds(api, incident):
    return [entry.kind for entry in timeline.read(api.stores_value, incident)]


def found(api, field, **more):
    status, answer = api.call("GET", "/incidents", query={"field": field, **more})
    assert status == 200, answer
    return sorted(one["id"] for one in answer["incidents"])


def test_the_fields_are_listed_with_what_they_take(api):
    status, answer = api.call("GET", "/fields")
    assert status == 200
    first = answer["fields"][0]
    assert (first["name"], first["kind"]) == ("impact", "choice")
    assert (list(first["options"]), first["required"]) == (["none", "some", "all"], True)


def test_values_are_set_changed_and_taken_away_and_nothing_is_written_twice(api):
    incident = opened(api, region="eu", regulatory=True)
    path = f"/incidents/{incident}"
    assert api.call("GET", path)[1]["fields"] == {"region": "eu", "regulatory": "yes"}
    assert "field_values" not in api.call("GET", path)[1]
    status, after = api.call("PATCH", path, {"fields": {"region": None, "regulatory": "yes"}})
    assert (status, after["fields"]) == (200, {"regulatory": "yes"})
    assert kinds(api, incident).count("fields") == 2
    # A PUT leaves those alone that it does not name.
    body = {"title": "Slow", "severity": "medium", "fields": {"region": "us"}}
    after = api.call("PUT", path, body, headers={"If-Match": "*"})[1]
    assert after["fields"] == {"region": "us", "regulatory": "yes"}
    listed = api.call("GET", "/incidents", query={"fields": "fields"})[1]["incidents"]
    assert listed == [{"id": incident, "fields": after["fields"]}]


@pytest.mark.parametrize(
    ("fields", "wrong"),
    [
        ({"impact": "huge"}, "does not fit Customer impact: it takes one of none, some, all"),
        ({"colour": "red"}, "There is no custom field 'colour'"),
        ({"region": ["eu"]}, "it takes one value"),
        ({"$set": {}}, "There is no custom field"),
        ("eu", "must be an object"),
    ],
)
def test_what_does_not_fit_is_refused_and_changes_nothing(api, fields, wrong):
    incident = opened(api)
    status, problem = api.call("PATCH", f"/incidents/{incident}", {"title": "x", "fields": fields})
    assert (status, wrong in problem["detail"]) == (400, True), problem
    assert kinds(api, incident) == ["opened", "routed"]


def test_an_incident_is_opened_with_values(api):
    body = {"title": "Slow", "fields": {"region": "eu", "impact": None}}
    status, answer = api.call("POST", "/incidents", body)
    assert (status, answer["fields"]) == (201, {"region": "eu"})
    status, problem = api.call("POST", "/incidents", {"title": "Slow", "fields": {"x": "y"}})
    assert (status, "There is no custom field 'x'" in problem["detail"]) == (400, True)


HOSTILE = [
    "<img src=x onerror=alert(1)>",
    "<!channel> *bold* &amp; `code`",
    "x" * 5000,
    "C:\\temp\\",
    "\"quoted\" 'twice'",
    "two\nlines\u202e",
]


@pytest.mark.parametrize("value", HOSTILE)
def test_hostile_values_are_kept_as_text_or_refused_at_their_field(api, value):
    body = {"title": "Slow", "fields": {"region": value, "impact": value}}
    status, problem = api.call("POST", "/incidents", body)
    assert status == 400
    assert problem["fields"]["impact"].endswith("it takes one of none, some, all.") or (
        len(value) > 500 and problem["fields"]["impact"].endswith("at most 500 characters.")
    )
    assert api.call("GET", "/incidents")[1]["incidents"] == []
    status, answer = api.call("POST", "/incidents", {"title": "Slow", "fields": {"region": value}})
    if len(value) > 500:
        assert (status, list(answer["fields"])) == (400, ["region"])
        return
    assert status == 201
    (kept,) = answer["fields"].values()
    assert kept == value.replace("\n", " ").replace("\u202e", "\ufffd")
    written = "region=" + kept.replace("\\", "\\\\").replace(",", "\\,")
    assert found(api, written) == [answer["id"]]


def test_half_a_character_is_refused(api):
    body = {"title": "Slow", "fields": {"region": "half \ud83d"}}
    status, problem = api.call("POST", "/incidents", body)
    assert (status, "character" in problem["detail"]) == (400, True), problem


def test_each_value_that_does_not_fit_has_a_sentence_of_its_own_without_a_secret(api):
    key = "AKIA" + "IOSFODNN7EXAMPL2"
    body = {"title": "Slow", "fields": {"impact": "huge", "regulatory": key, "region": "eu"}}
    status, problem = api.call("POST", "/incidents", body)
    assert (status, sorted(problem["fields"])) == (400, ["impact", "regulatory"])
    assert problem["detail"].startswith("'huge' does not fit Customer impact: it takes one of")
    assert problem["fields"]["regulatory"].endswith(
        "does not fit Regulatory: it takes one of yes, no."
    )
    assert key not in json.dumps(problem)


@pytest.mark.parametrize("end", ["\\", "\\\\", ",", "\\,", ", region=x", "\\, region=x"])
def test_a_value_with_backslashes_and_commas_is_found_beside_another_field(api, end):
    value = f"share{end}"
    one = opened(api, region=value, regulatory=True)
    opened(api, region=value)
    opened(api, regulatory=True)
    written = value.replace("\\", "\\\\").replace(",", "\\,")
    assert found(api, f"region={written},regulatory=yes") == [one]
    assert found(api, f"regulatory=yes, region={written}") == [one]


def test_of_two_who_set_at_once_the_second_is_informed(api):
    incident = opened(api)
    path = f"/incidents/{incident}"
    api.call("GET", path)
    seen = {"If-Match": api.headers["ETag"]}
    assert api.call("PATCH", path, {"fields": {"region": "eu"}}, headers=seen)[0] == 200
    status, problem = api.call("PATCH", path, {"fields": {"region": "us"}}, headers=seen)
    assert (status, "Reload it first" in problem["detail"]) == (412, True)
    assert api.call("GET", path)[1]["fields"] == {"region": "eu"}


def test_a_repeat_of_a_change_that_was_cut_off_is_answered_with_what_it_did(api):
    incident = opened(api)
    path = f"/incidents/{incident}"
    headers = {"Idempotency-Key": "k"}
    api.stores_value.incidents.fail_after(0)
    body = {"fields": {"region": "eu"}}
    assert api.call("POST", f"{path}/resolve", {**body, "reason": "x"}, headers=headers)[0] == 503
    api.stores_value.incidents.heal()
    status, after = api.call("POST", f"{path}/resolve", {**body, "reason": "x"}, headers=headers)
    assert (status, after["status"], after["fields"]) == (200, "resolved", {"region": "eu"})
    assert kinds(api, incident).count("fields") == 1


def test_a_resolve_of_one_version_goes_on_wherever_it_was_cut_off(api):
    body = {"update": "Over.", "fields": {"region": "eu"}}
    begun = 0
    for calls in itertools.count():
        incident = opened(api)
        path = f"/incidents/{incident}"
        api.call("GET", path)
        headers = {"Idempotency-Key": "k", "If-Match": api.headers["ETag"]}
        api.stores_value.timeline.fail_after(calls)
        first = api.call("POST", f"{path}/resolve", body, headers=headers)[0]
        api.stores_value.timeline.heal()
        if first == 200:
            break
        if "fields" in kinds(api, incident):
            begun += 1
            # What somebody else does in between stays.
            assert api.call("PATCH", path, {"fields": {"region": "us"}})[0] == 200
        status, answer = api.call("POST", f"{path}/resolve", body, headers=headers)
        assert (status, answer["status"]) == (200, "resolved"), (calls, answer)
        assert answer["fields"]["region"] == (
            "us" if kinds(api, incident).count("fields") > 1 else "eu"
        )
        assert kinds(api, incident).count("update") == 1
    assert begun > 2


def test_who_has_not_begun_is_informed_others_however_often_they_ask(api):
    incident = opened(api)
    path = f"/incidents/{incident}"
    api.call("GET", path)
    headers = {"Idempotency-Key": "k", "If-Match": api.headers["ETag"]}
    api.call("PATCH", path, {"title": "By another"})
    body = {"fields": {"region": "eu"}}
    for _time in range(2):
        assert api.call("POST", f"{path}/resolve", body, headers=headers)[0] == 412
    assert kinds(api, incident) == ["opened", "routed", "edited"]


@pytest.mark.parametrize("action", [{"severity": "low"}, {"field": "region", "value": "eu"}])
def test_a_repeat_of_many_does_not_undo_what_others_did_in_between(api, action):
    incident = opened(api)
    name = next(iter(action))
    body = {"action": name, "ids": [incident], **action}
    headers = {"Idempotency-Key": "k"}
    api.stores_value.incidents.fail_after(0)
    assert api.call("POST", "/incidents/bulk", body, headers=headers)[1]["failed"] == 1
    api.stores_value.incidents.heal()
    other = {"severity": "high"} if name == "severity" else {"fields": {"region": "us"}}
    assert api.call("PATCH", f"/incidents/{incident}", other)[0] == 200
    assert api.call("POST", "/incidents/bulk", body, headers=headers)[1]["succeeded"] == 1
    now = api.call("GET", f"/incidents/{incident}")[1]
    assert other.items() <= now.items()


def test_who_may_only_read_sets_nothing(api):
    incident = opened(api)
    reader = {"capabilities": ["incident_read"]}
    body = {"fields": {"region": "eu"}}
    assert api.call("PATCH", f"/incidents/{incident}", body, **reader)[0] == 403
    assert api.call("GET", "/fields", **reader)[0] == 200


def test_a_list_is_narrowed_by_values_of_one_field_or_several(api):
    eu, us = opened(api, region="eu", regulatory="yes"), opened(api, region="us")
    odd = opened(api, region="eu, west=1")
    assert found(api, "region=eu") == [eu]
    assert found(api, "region=eu,region=us") == sorted([eu, us])
    assert found(api, "region=eu, regulatory=yes") == [eu]
    assert found(api, "region=us,regulatory=yes") == []
    assert found(api, "region=e") == []
    assert found(api, "region=eu, west=1") == []
    assert found(api, r"region=eu\, west=1") == [odd]
    assert found(api, r"region=eu\, west=1,region=eu") == sorted([eu, odd])
    assert api.call("GET", f"/incidents/{odd}")[1]["fields"] == {"region": "eu, west=1"}
    assert found(api, "region=us", status="open", sort="-severity") == [us]


@pytest.mark.parametrize(
    "field", ["region", "=eu", "region=", "Region=eu", "a.b=c", '{"$gt": 1}=x']
)
def test_a_filter_that_names_no_value_is_refused(api, field):
    status, problem = api.call("GET", "/incidents", query={"field": field})
    assert (status, "write it as region=eu" in problem["detail"]) == (400, True)


def test_a_resolve_by_people_needs_what_is_needed_and_may_bring_it(api):
    incident = opened(api, "high")
    path = f"/incidents/{incident}/resolve"
    status, problem = api.call("POST", path, {"resolution": "done"})
    assert (status, "Set Customer impact (impact)" in problem["detail"]) == (400, True)
    assert api.call("GET", f"/incidents/{incident}")[1]["status"] == "new"
    status, after = api.call("POST", path, {"resolution": "done", "fields": {"impact": "some"}})
    assert (status, after["status"], after["fields"]) == (200, "resolved", {"impact": "some"})


def test_in_bulk_each_that_lacks_it_is_reported_and_one_field_is_set_of_many(api):
    grave, mild = opened(api, "high"), opened(api, "low")
    body = {"action": "resolve", "ids": [grave, mild]}
    answer = api.call("POST", "/incidents/bulk", body)[1]
    assert [one["status"] for one in answer["results"]] == [400, 200]
    body = {"action": "field", "ids": [grave, mild], "field": "impact", "value": "All"}
    answer = api.call("POST", "/incidents/bulk", body, headers={"Idempotency-Key": "b"})[1]
    assert answer["succeeded"] == 2
    assert found(api, "impact=all") == sorted([grave, mild])
    emptied = {"action": "field", "filter": {"field": "impact=all"}, "field": "impact"}
    assert api.call("POST", "/incidents/bulk", emptied)[1]["succeeded"] == 2
    assert found(api, "impact=all") == []


def test_findings_bring_values(api):
    finding = {"rule": "R", "entity": "a", "severity": "low", "fields": {"region": "eu", "x": 1}}
    answer = api.call("POST", "/signals", {"signals": [finding]})[1]
    (incident,) = answer["incidents"]
    assert api.call("GET", f"/incidents/{incident}")[1]["fields"] == {"region": "eu"}


@pytest.mark.parametrize("method", ["PATCH", "PUT"])
def test_a_change_that_is_sent_again_is_answered_as_the_first_time(api, method):
    incident = opened(api)
    path = f"/incidents/{incident}"
    body = {"title": "Slow", "severity": "high", "fields": {"region": "eu"}}
    api.call("GET", path)
    sent = {"If-Match": api.headers["ETag"]}
    first = api.call(method, path, body, headers=sent)
    written = kinds(api, incident)
    assert (first[0], first[1]["fields"]) == (200, {"region": "eu"})
    # Its answer was lost, and somebody has written a note since.
    api.call("POST", f"{path}/notes", {"text": "Looking."})
    again = api.call(method, path, body, headers=sent)
    assert (again[0], again[1]["fields"]) == (200, {"region": "eu"})
    assert kinds(api, incident) == [*written, "note"]
    # What would change something is refused, in whole.
    other = api.call(method, path, {**body, "fields": {"region": "us"}}, headers=sent)
    assert other[0] == 412
    assert api.call(method, path, {**body, "severity": "low"}, headers=sent)[0] == 412
    assert kinds(api, incident) == [*written, "note"]


def said_of_promises(api, incident):
    review = api.call("GET", f"/incidents/{incident}/review")[1]
    (part,) = [one for one in review["account"] if one["name"] == "promised"]
    return [one["text"] for one in part["statements"]]


def test_the_review_says_what_was_left_empty_where_it_was_resolved_by_itself(api):
    empty = "Customer impact is empty, though people must fill it in to resolve."
    incident = opened(api, severity="high")
    assert empty not in said_of_promises(api, incident)
    by_itself = Act(api.stores_value, api.clock, "incident_management")
    lifecycle.resolve(by_itself, incident, lifecycle.Ending(reason="quiet"))
    assert empty in said_of_promises(api, incident)
    text = api.call("GET", f"/incidents/{incident}/review", query={"format": "markdown"})[1]
    assert empty in text
    # It can be set afterwards.
    assert api.call("PATCH", f"/incidents/{incident}", {"fields": {"impact": "all"}})[0] == 200
    assert empty not in said_of_promises(api, incident)
    # Of another severity nobody asks for it.
    other = opened(api, severity="low")
    lifecycle.resolve(by_itself, other, lifecycle.Ending(reason="quiet"))
    assert empty not in said_of_promises(api, other)


def test_a_change_that_somebody_has_changed_since_is_not_made_again(api):
    incident = opened(api)
    path = f"/incidents/{incident}"
    api.call("GET", path)
    sent = {"If-Match": api.headers["ETag"]}
    assert api.call("PATCH", path, {"fields": {"region": "eu"}}, headers=sent)[0] == 200
    other = {"If-Match": api.headers["ETag"]}
    assert api.call("PATCH", path, {"fields": {"region": "us"}}, headers=other)[0] == 200
    assert api.call("PATCH", path, {"fields": {"region": "eu"}}, headers=sent)[0] == 412
    assert api.call("GET", path)[1]["fields"] == {"region": "us"}

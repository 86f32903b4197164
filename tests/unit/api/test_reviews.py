"""``/incidents/{id}/review`` and ``/follow-ups``: who may, what is answered, what is listed."""

from __future__ import annotations

import pytest

from incident_management.incidents import timeline
from incident_management.incidents.review import reminders
from incident_management.incidents.review.due_counts import DUE_COUNTS, save_due_counts
from incident_management.incidents.routing import Routing
from incident_management.incidents.stores import claim_document
from incident_management.incidents.upkeep.audit import event_of
from tests.fakes.api import FakeApi

DAY = 86_400.0
READING = frozenset({"incident_read"})


@pytest.fixture
def api():
    return FakeApi()


def over(api, title="Checkout is slow", severity="high", **ending):
    incident = api.call("POST", "/incidents", {"title": title, "severity": severity})[1]
    status, answer = api.call("POST", f"/incidents/{incident['id']}/resolve", ending)
    assert status == 200, answer
    return incident["id"]


def review(api, incident_id, **query):
    status, answer = api.call(
        "GET", f"/incidents/{incident_id}/review", query=query, capabilities=READING
    )
    assert status == 200, answer
    return answer


def write(api, incident_id, body, **more):
    return api.call("POST", f"/incidents/{incident_id}/review", body, **more)


def add(api, incident_id, owner="bob", due=None, **more):
    body = {"title": "Alert on the pool", "owner": owner, "due": due or api.clock.now() + DAY}
    status, answer = api.call("POST", f"/incidents/{incident_id}/follow-ups", body, **more)
    assert status == 200, answer
    return answer["follow_ups"][-1]["id"]


def listed(api, **query):
    status, answer = api.call("GET", "/follow-ups", query=query, capabilities=READING)
    assert status == 200, answer
    return answer


def test_viewers_read_and_responders_write(api):
    incident_id = over(api)
    assert review(api, incident_id)["state"] == ""
    for path in ("review", "follow-ups", "follow-ups/FUP-1"):
        body = {"title": "x", "owner": "ann", "due": 1.0} if path == "follow-ups" else {}
        status, _ = api.call("POST", f"/incidents/{incident_id}/{path}", body, capabilities=READING)
        assert status == 403
    status, answer = write(api, incident_id, {"summary": "The pool was empty.", "state": "done"})
    assert (status, answer["review"]) == (200, "done")
    shown = review(api, incident_id)
    assert (shown["state"], shown["said_by"], shown["due"]) == ("done", "ann", False)
    (summary,) = [one for one in shown["written"] if one["text"]]
    assert (summary["name"], summary["by"]) == ("summary", "ann")


def test_the_markdown_is_the_same_review(api):
    incident_id = over(api, resolution="Restarted.")
    write(api, incident_id, {"lessons": "Watch <b>it</b>."})
    text = review(api, incident_id, format="markdown")
    assert api.headers["Content-Type"].startswith("text/markdown")
    assert text.startswith(f"# Review of {incident_id}: Checkout is slow\n")
    assert r"Watch \<b\>it\</b\>." in text and "Resolved: Restarted." in text
    assert api.call("GET", f"/incidents/{incident_id}/review", query={"format": "pdf"})[0] == 400


def test_the_second_of_two_editors_is_reported_and_what_they_sent_changes_nothing(api):
    incident_id = over(api)
    review(api, incident_id)
    seen = {"If-Match": api.headers["ETag"]}
    assert write(api, incident_id, {"causes": "A."}, headers=seen)[0] == 200
    status, problem = write(api, incident_id, {"causes": "B."}, headers=seen)
    assert status == 412 and "has changed since" in problem["detail"]
    assert write(api, incident_id, {"state": "done"}, user="bob")[0] == 200
    status, problem = write(api, incident_id, {"state": "done"})
    assert status == 409 and "bob has already marked the review" in problem["detail"]


def test_what_is_sent_again_under_its_key_is_written_once(api):
    incident_id = over(api)
    key = {"Idempotency-Key": "one"}
    body = {"title": "Alert", "owner": "bob", "due": api.clock.now() + DAY}
    path = f"/incidents/{incident_id}/follow-ups"
    first, again = (api.call("POST", path, body, headers=key)[1] for _ in range(2))
    assert first["follow_ups"] == again["follow_ups"] and len(first["follow_ups"]) == 1


@pytest.mark.parametrize(
    "body",
    [{"stars": 5}, {"state": "published"}, {"summary": "x" * 10_001}, {"state": "not_needed"}],
)
def test_what_a_review_does_not_take_is_refused(api, body):
    assert write(api, over(api), body)[0] == 400


def test_follow_ups_of_all_incidents_are_listed_and_the_earliest_is_first(api):
    first, second = over(api), over(api, "Cart is empty")
    later = add(api, first, due=api.clock.now() + 2 * DAY)
    soon = add(api, second, owner="Cy")
    api.clock.advance(DAY + 1)
    found = listed(api)["follow_ups"]
    assert [one["id"] for one in found] == [soon, later]
    assert [one["overdue"] for one in found] == [True, False]
    assert found[0]["incident_id"] == second and found[0]["incident_title"] == "Cart is empty"
    assert [one["id"] for one in listed(api, owner="CY")["follow_ups"]] == [soon]
    assert listed(api, limit="1")["more"] is True
    path = f"/incidents/{second}/follow-ups/{soon}"
    assert api.call("POST", path, {"state": "done"}, user="cy")[0] == 200
    assert [one["id"] for one in listed(api, state="open")["follow_ups"]] == [later]
    assert [one["id"] for one in listed(api, state="done")["follow_ups"]] == [soon]
    status, problem = api.call("POST", path, {"state": "dropped"})
    assert status == 400 and "for dropping it" in problem["detail"]
    assert api.call("POST", f"/incidents/{first}/follow-ups/{soon}", {"state": "done"})[0] == 404


def due(api):
    status, answer = api.call("GET", "/incidents", query={"review": "due"}, capabilities=READING)
    assert status == 200, answer
    return {one["id"] for one in answer["incidents"]}


def test_the_reviews_that_are_missing_are_listed(api):
    missing, closed = over(api), over(api, severity="critical")
    api.call("POST", f"/incidents/{closed}/close", {})
    over(api, severity="low")
    over(api, feedback="false_positive")
    api.call("POST", "/incidents", {"title": "Still open", "severity": "high"})
    gone = api.call("POST", "/incidents", {"title": "Withdrawn", "severity": "high"})[1]["id"]
    api.call("DELETE", f"/incidents/{gone}", query={"reason": "A slip"}, headers={"If-Match": "*"})
    test = api.call("POST", "/simulate-incident", {"severity": "critical"})[1]["incident_id"]
    assert api.call("POST", f"/incidents/{test}/resolve", {})[0] == 200
    done, not_needed = over(api), over(api)
    write(api, done, {"state": "done"})
    write(api, not_needed, {"state": "not_needed", "reason": "Known."})
    assert due(api) == {missing, closed}
    assert due(api) == {
        one["id"]
        for one in api.call("GET", "/incidents")[1]["incidents"]
        if review(api, one["id"])["due"]
    }
    write(api, missing, {"summary": "x"})
    assert due(api) == {missing, closed}
    _, answer = api.call("GET", "/incidents", query={"review": "done"})
    assert [one["id"] for one in answer["incidents"]] == [done]
    api.routing_value = Routing.from_stanzas({"general": {"review_severities": ""}})
    assert due(api) == set()
    api.routing_value = Routing.from_stanzas({"general": {"review_severities": "low"}})
    assert len(due(api)) == 1


def test_documents_of_an_earlier_version_are_due_as_well(api):
    incident_id = over(api)
    document = api.stores_value.incidents.get(incident_id)
    for name in ("review", "follow_ups", "follow_ups_open"):
        del document[name]
    api.stores_value.incidents.save([document])
    assert due(api) == {incident_id}
    assert review(api, incident_id)["due"] is True


def test_the_review_of_an_incident_that_has_left_is_made_out_of_the_index(api):
    incident_id = over(api, resolution="Restarted.")
    write(api, incident_id, {"lessons": "Watch it.", "state": "done"})
    entries = timeline.read(api.stores_value, incident_id)
    condemn(api, incident_id)
    api.searcher_value.answers["incident_audit_events"] = []
    assert api.call("GET", f"/incidents/{incident_id}/review")[0] == 410
    rows = [{"_raw": event_of(entry)} for entry in entries]
    api.searcher_value.answers["incident_audit_events"] = rows
    shown = review(api, incident_id)
    assert shown["problems"] == []
    assert (shown["state"], shown["said_by"]) == ("done", "ann")
    assert [one["text"] for one in shown["written"] if one["text"]] == ["Watch it."]
    assert "Resolved: Restarted." in review(api, incident_id, format="markdown")
    assert write(api, incident_id, {"lessons": "Late."})[0] == 410
    api.searcher_value.answers["incident_audit_events"] = rows[1:]
    (problem, *_) = review(api, incident_id)["problems"]
    assert "No first entry" in problem
    assert "The timeline is incomplete" in review(api, incident_id, format="markdown")


def condemn(api, incident_id):
    """What retention leaves of an incident."""
    value = {"incident_id": incident_id, "phase": "left"}
    api.stores_value.claims.insert(claim_document(f"pruned:{incident_id}", 1.0, value))
    api.stores_value.incidents.delete(incident_id)
    api.stores_value.timeline.delete_matching({"incident_id": incident_id})


def test_an_incident_that_there_is_not_has_no_review(api):
    assert api.call("GET", "/incidents/INC-20260101-AAAAAA/review")[0] == 404


def test_no_review_is_needed_of_all_that_are_due_for_one_reason(api):
    due = [over(api, title) for title in ("Power was out", "So was the cooling")]
    other = over(api, "Typo", severity="low")
    body = {"action": "review", "filter": {"review": "due"}, "state": "not_needed"}
    status, answer = api.call("POST", "/incidents/bulk", body)
    assert (status, answer["succeeded"], answer["failed"]) == (200, 0, 2)
    assert answer["results"][0]["detail"] == "Give a 'reason' why no review is needed."

    status, answer = api.call("POST", "/incidents/bulk", {**body, "reason": "The power company's."})
    assert {one["id"] for one in answer["results"] if one["ok"]} == set(due)
    assert {review(api, one)["reason"] for one in due} == {"The power company's."}
    assert review(api, other)["state"] == ""


def test_what_is_overdue_is_counted_however_many_newer_ones_are_done(api, monkeypatch):
    monkeypatch.setattr(reminders, "MOST_INCIDENTS", 1)
    first, second = sorted(over(api, title) for title in ("Power was out", "Cooling failed"))
    add(api, first)
    done = add(api, second)
    api.call("POST", f"/incidents/{second}/follow-ups/{done}", {"state": "done"})
    api.clock.advance(2 * DAY)
    reminders.send_reminders(api.stores_value, api.clock)
    save_due_counts(api.stores_value, api.clock, ())
    assert api.stores_value.claims.get(DUE_COUNTS)["value"]["follow_ups_overdue"] == 1


def test_what_waits_is_counted_for_the_overview_as_the_lists_have_it(api):
    def waiting():
        save_due_counts(api.stores_value, api.clock, Routing().review_severities)
        return api.stores_value.claims.get(DUE_COUNTS)["value"]

    assert waiting() == {"reviews_due": 0, "follow_ups_overdue": 0}
    ids = [over(api, title) for title in ("Power was out", "Cooling failed")]
    over(api, "Typo", severity="low")
    over(api, "Nothing was wrong", feedback="false_positive")
    first, second = (add(api, ids[0]) for _ in range(2))
    api.clock.advance(2 * DAY)
    add(api, ids[1])
    api.call("POST", f"/incidents/{ids[0]}/follow-ups/{first}", {"state": "done"})
    due = api.call("GET", "/incidents", query={"review": "due"})[1]["incidents"]
    late = [one["id"] for one in listed(api, state="open")["follow_ups"] if one["overdue"]]
    assert ({one["id"] for one in due}, late) == (set(ids), [second])
    assert waiting() == {"reviews_due": 2, "follow_ups_overdue": 1}

    api.clock.advance(31 * DAY)
    assert waiting() == {"reviews_due": 0, "follow_ups_overdue": 2}

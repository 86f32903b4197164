"""``/incidents/{id}/tasks`` and ``/roles``: who may, what is answered, who is told."""

from typing import Any

import pytest

from incident_management.api.incidents import tasks
from incident_management.incidents import timeline
from incident_management.incidents.routing import Routing
from tests.fakes import Unavailable
from tests.fakes.api import FakeApi

READING = frozenset({"incident_read"})
STANZAS = {
    "team:payments": {},
    "rule:default": {"team": "payments"},
    "checklist:first": {"team": "payments", "step.1": "Tell support | role: communications"},
}


@pytest.fixture
def api():
    made = FakeApi()
    made.routing_value = Routing.from_stanzas(STANZAS)
    return made


@pytest.fixture
def incident(api):
    body = {"title": "Payments fail", "severity": "critical"}
    incident_id = api.call("POST", "/incidents", body)[1]["id"]
    api.call("POST", f"/incidents/{incident_id}/assign", {"team": "payments", "owner": "lee"})
    return incident_id


def told(api, incident):
    status, answer = api.call("GET", f"/incidents/{incident}/tasks", capabilities=READING)
    assert status == 200, answer
    return answer


def test_viewers_read_and_responders_divide_the_work(api, incident):
    before = told(api, incident)
    assert before["open"] == 1
    assert [one["id"] for one in before["roles"]] == ["communications", "scribe"]
    (step,) = before["tasks"]
    for path, body in (
        ("tasks", {"title": "Call"}),
        (f"tasks/{step['id']}", {"state": "done"}),
        ("roles", {"role": "scribe", "person": "ann"}),
    ):
        there = f"/incidents/{incident}/{path}"
        assert api.call("POST", there, body, capabilities=READING)[0] == 403
        assert api.call("POST", there, body)[0] == 200
    after = told(api, incident)
    assert [(one["title"], one["state"]) for one in after["tasks"]] == [
        ("Tell support", "done"),
        ("Call", "open"),
    ]
    assert after["open"] == 1 and after["roles"][1]["person"] == "ann"
    document = api.call("GET", f"/incidents/{incident}")[1]
    assert len(document["tasks"]) == 2 and document["roles"][0]["id"] == "scribe"


def test_the_second_is_informed_and_what_they_saw_decides_nothing(api, incident):
    (step,) = told(api, incident)["tasks"]
    path = f"/incidents/{incident}/tasks/{step['id']}"
    body = {"state": "done", "seen_at": step["at"]}
    assert api.call("POST", path, body, user="bob")[0] == 200
    status, problem = api.call("POST", path, body)
    assert status == 409 and "changed by bob" in problem["detail"]
    status, problem = api.call("POST", path, {"state": "done"})
    assert status == 409 and "is already done (by bob)" in problem["detail"]
    assert api.call("POST", f"/incidents/{incident}/tasks/TASK-none", {"state": "done"})[0] == 404
    for bad in ({"state": "later"}, {"name": "Else"}, {"seen_at": "now"}):
        assert api.call("POST", path, bad)[0] == 400


@pytest.mark.parametrize("what", ["add", "hand over", "rename", "role"])
def test_what_was_cut_off_and_comes_again_under_its_key_is_written_once(api, incident, what):
    (step,) = told(api, incident)["tasks"]
    path, body = {
        "add": ("tasks", {"title": "Call"}),
        "hand over": (f"tasks/{step['id']}", {"owner": "kim", "seen_at": 0.0}),
        "rename": (f"tasks/{step['id']}", {"title": "Tell all", "seen_at": 0.0}),
        "role": ("roles", {"role": "scribe", "person": "ann", "seen_at": 0.0}),
    }[what]
    before = len(timeline.read(api.stores_value, incident))

    def fails(verb, name):
        if (verb, name) == ("save", "incidents"):
            raise Unavailable

    api.stores_value.incidents.before = fails
    there, key = f"/incidents/{incident}/{path}", {"Idempotency-Key": "k1"}
    assert api.call("POST", there, body, headers=key)[0] == 503
    api.stores_value.heal()
    api.clock.advance(5.0)
    first, again = (api.call("POST", there, body, headers=key) for _ in range(2))
    assert first == again and first[0] == 200
    assert len(timeline.read(api.stores_value, incident)) == before + 1


@pytest.mark.parametrize("at_once", [False, True])
def test_a_resolve_keeps_what_was_to_be_done_and_forbids_nothing(api, incident, at_once):
    body: dict[str, Any] = {"resolution": "Restarted."}
    path = f"/incidents/{incident}/resolve"
    if at_once:
        path, body = "/incidents/bulk", {**body, "action": "resolve", "ids": [incident]}
    assert api.call("POST", path, body)[0] == 200
    assert timeline.read(api.stores_value, incident)[-1].data["tasks_left"] == ["Tell support"]
    assert told(api, incident)["tasks"] == []
    review = api.call("GET", f"/incidents/{incident}/review")[1]
    (promised,) = [one for one in review["account"] if one["name"] == "promised"]
    texts = [one["text"] for one in promised["statements"]]
    assert "When it was resolved 1 task was open: Tell support." in texts


def test_what_is_to_be_done_in_a_merged_incident_is_counted_where_it_goes_on(api, incident):
    api.call("POST", f"/incidents/{incident}/tasks", {"title": "Call"})
    other = api.call("POST", "/incidents", {"title": "Carts fail", "severity": "high"})[1]["id"]
    assert api.call("POST", f"/incidents/{incident}/merge", {"into": other})[0] == 200
    (task,) = told(api, incident)["tasks"]
    assert told(api, incident)["open"] == 0
    after = told(api, other)
    assert after["open"] == 2
    assert after["tasks"][1] == {**task, "from": incident}
    status, problem = api.call("POST", f"/incidents/{incident}/tasks/{task['id']}", {"owner": "x"})
    assert status == 409 and f"merged into {other}: continue there" in problem["detail"]


def test_my_tasks_are_those_of_all_open_incidents_that_are_mine_or_of_my_role(api, incident):
    def mine(user="kim", **query):
        status, answer = api.call(
            "GET", "/tasks", user=user, capabilities=READING, query={"owner": "me", **query}
        )
        assert status == 200, answer
        return [(one["incident_id"], one["title"], one["state"]) for one in answer["tasks"]]

    other = api.call("POST", "/incidents", {"title": "Else", "severity": "low"})[1]["id"]
    for at, owner in ((incident, "kim"), (incident, "ann"), (incident, ""), (other, "Kim")):
        body = {"title": f"For {owner or 'anybody'}", "owner": owner}
        assert api.call("POST", f"/incidents/{at}/tasks", body)[0] == 200
    assert mine() == [(incident, "For kim", "open"), (other, "For Kim", "open")]
    # A step that nobody touched is whose role it is; the lead's are the owner's.
    api.call("POST", f"/incidents/{incident}/roles", {"role": "communications", "person": "kim"})
    assert mine()[:2] == [(incident, "Tell support", "open"), (incident, "For kim", "open")]
    assert mine("lee") == []
    api.routing_value = Routing.from_stanzas(
        {**STANZAS, "checklist:lead": {"step.1": "Watch it | role: lead"}}
    )
    assert mine("lee") == [(incident, "Watch it", "open")]
    step = told(api, incident)["tasks"][0]["id"]
    api.call("POST", f"/incidents/{incident}/tasks/{step}", {"state": "done"})
    assert (incident, "Tell support", "open") not in mine(state="open")
    assert mine(state="done") == [(incident, "Tell support", "done")]
    # All of everybody; a page of it.
    answer = api.call("GET", "/tasks", query={"state": "open", "limit": "2"})[1]
    assert (len(answer["tasks"]), answer["more"]) == (2, True)
    assert answer["tasks"][0]["incident_title"] == "Payments fail"
    # What is over is nobody's to do.
    api.call("POST", f"/incidents/{other}/resolve", {"reason": "x"})
    assert all(one[0] == incident for one in mine())
    assert "people" not in api.call("GET", f"/incidents/{incident}")[1]
    assert api.call("GET", "/tasks", capabilities=[])[0] == 403


def test_my_tasks_cost_one_call_and_the_incidents_that_i_have_to_do_with(api, incident):
    for number in range(30):
        api.call("POST", "/incidents", {"title": f"Of others {number}"})
    api.call("POST", f"/incidents/{incident}/tasks", {"title": "Call", "owner": "kim"})
    log = api.stores_value.incidents.log
    before = len(log)
    assert len(api.call("GET", "/tasks", user="kim", query={"owner": "me"})[1]["tasks"]) == 1
    assert log[before:] == ["find incidents"]


def test_a_merged_incidents_tasks_are_found_where_they_go_on(api, incident):
    other = api.call("POST", "/incidents", {"title": "Else"})[1]["id"]
    api.call("POST", f"/incidents/{other}/tasks", {"title": "Call", "owner": "kim"})
    assert api.call("POST", f"/incidents/{incident}/merge", {"from": [other]})[0] == 200
    found = api.call("GET", "/tasks", query={"owner": "kim"})[1]["tasks"]
    assert [(one["incident_id"], one["from"]) for one in found] == [(incident, other)]


def test_what_i_have_done_is_listed_too_where_nothing_of_mine_is_to_be_done(api, incident):
    api.call("POST", f"/incidents/{incident}/tasks", {"title": "Call", "owner": "kim"})
    task = told(api, incident)["tasks"][1]["id"]
    api.call("POST", f"/incidents/{incident}/tasks/{task}", {"state": "done"})
    found = api.call("GET", "/tasks", query={"owner": "kim", "state": "done"})[1]["tasks"]
    assert [one["id"] for one in found] == [task]


def test_an_owner_is_lead_however_the_name_is_written(api, incident):
    lead = {**STANZAS, "checklist:lead": {"step.1": "Watch it | role: lead"}}
    api.routing_value = Routing.from_stanzas(lead)
    api.call("POST", f"/incidents/{incident}/assign", {"owner": "Lee"})
    found = api.call("GET", "/tasks", user="LEE", query={"owner": "me"})[1]["tasks"]
    assert [one["title"] for one in found] == ["Watch it"]


def test_pages_of_my_tasks_end_and_say_that_incidents_are_left_out(api, monkeypatch):
    monkeypatch.setattr(tasks, "MOST_INCIDENTS", 2)
    pages = []
    for number in range(3):
        new = api.call("POST", "/incidents", {"title": f"Of mine {number}"})[1]["id"]
        api.call("POST", f"/incidents/{new}/tasks", {"title": "Call", "owner": "kim"})
    for offset in range(2):
        query = {"owner": "kim", "limit": "1", "offset": str(offset)}
        pages.append(api.call("GET", "/tasks", query=query)[1])
    assert [(len(page["tasks"]), page["more"]) for page in pages] == [(1, True), (1, False)]
    assert all(page["left_out"] for page in pages)
    assert api.call("GET", "/tasks", query={"owner": "ann"})[1]["left_out"] is False


def test_a_step_worded_as_its_checklist_words_it_later_is_that_step(api, incident):
    (step,) = told(api, incident)["tasks"]
    path = f"/incidents/{incident}/tasks/{step['id']}"
    api.call("POST", path, {"title": "Tell support and sales"})

    def steps(**texts):
        checklist = {"team": "payments", **{f"step.{n[-1]}": text for n, text in texts.items()}}
        api.routing_value = Routing.from_stanzas({**STANZAS, "checklist:first": checklist})
        return [(one["id"] == step["id"], one["title"]) for one in told(api, incident)["tasks"]]

    renamed = (True, "Tell support and sales")
    assert steps(s1="Tell support and sales", s2="Rest") == [renamed, (False, "Rest")]
    # While it has both, they are two, and none is hidden by the other's new words.
    both = steps(s1="Tell support", s2="Tell support and sales")
    assert both == [renamed, (False, "Tell support and sales")]
    assert steps(s1="Tell them") == [(False, "Tell them"), renamed]


def test_a_renamed_task_keeps_its_words_through_a_merge_and_its_undoing(api, incident):
    other = api.call("POST", "/incidents", {"title": "Else"})[1]["id"]
    api.call("POST", f"/incidents/{other}/tasks", {"title": "Call"})
    task = told(api, other)["tasks"][-1]
    api.call("POST", f"/incidents/{incident}/merge", {"from": [other]})
    path = f"/incidents/{incident}/tasks/{task['id']}"
    api.clock.advance(1.0)
    assert api.call("POST", path, {"title": "Call them"})[0] == 200
    assert api.call("POST", f"/incidents/{incident}/split", {"incident": other})[0] == 200
    assert [one["title"] for one in told(api, other)["tasks"]] == ["Tell support", "Call them"]
    assert [one["title"] for one in told(api, incident)["tasks"]] == ["Tell support"]
    assert api.call("POST", path, {"title": "Else"})[0] == 404

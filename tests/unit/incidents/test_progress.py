"""Escalating, closing, feedback, and the report afterwards."""

import pytest

from incident_management.incidents import lifecycle, report, timeline
from incident_management.incidents.act import Act
from incident_management.incidents.clocks import assignment
from incident_management.incidents.errors import IllegalMove, Invalid
from incident_management.incidents.routing import Routing
from tests.fakes.api import FakeApi
from tests.unit.incidents.builders import START, ingest, signal


@pytest.fixture
def incident_id(stores, clock):
    (outcome,) = ingest(stores, clock).ingest([signal(title="pay *now* | <b>", first_time=START)])
    return outcome.incident_id


def test_each_escalation_is_one_level_up_and_changes_hands(stores, clock, incident_id):
    assignment.escalate(Act(stores, clock, "ann"), Routing(), incident_id, "stuck", team="payments")
    incident = assignment.escalate(
        Act(stores, clock, "ann"), Routing(), incident_id, "still stuck", owner="cy"
    )
    assert (incident.level, incident.team, incident.owner) == (2, "payments", "cy")


def test_an_escalation_needs_a_reason_and_an_open_incident(stores, clock, incident_id):
    with pytest.raises(Invalid, match="needs a reason"):
        assignment.escalate(Act(stores, clock, "ann"), Routing(), incident_id, " ")
    lifecycle.resolve(Act(stores, clock, "ann"), incident_id)
    with pytest.raises(IllegalMove, match="reopen it first"):
        assignment.escalate(Act(stores, clock, "ann"), Routing(), incident_id, "stuck")


def test_an_automatic_escalation_happens_once(stores, clock, incident_id):
    for _time in range(2):
        incident = assignment.escalate(
            Act(stores, clock, "worker", "sla:1"), Routing(), incident_id, "late"
        )
    assert incident.level == 1


def test_feedback_is_kept_until_a_reopen(stores, clock, incident_id):
    resolved = lifecycle.resolve(
        Act(stores, clock, "ann"),
        incident_id,
        lifecycle.Ending(category="deploy", feedback="false_positive"),
    )
    assert (resolved.category, resolved.feedback) == ("deploy", "false_positive")
    reopened = lifecycle.reopen(Act(stores, clock, "ann"), incident_id)
    assert (reopened.category, reopened.feedback) == ("", "")
    with pytest.raises(Invalid, match="'maybe' is not a feedback"):
        lifecycle.resolve(
            Act(stores, clock, "ann"), incident_id, lifecycle.Ending(feedback="maybe")
        )


def test_a_closed_problem_opens_a_new_incident_that_names_the_old(stores, clock, incident_id):
    with pytest.raises(IllegalMove, match="only a resolved incident can be closed"):
        lifecycle.close(Act(stores, clock, "ann"), incident_id)
    lifecycle.resolve(Act(stores, clock, "ann"), incident_id)
    assert lifecycle.close(Act(stores, clock, "ann"), incident_id).status == "closed"
    (outcome,) = ingest(stores, clock).ingest([signal(run=1)])
    assert outcome.what == "opened"
    assert stores.incidents.get(outcome.incident_id)["previous"] == incident_id


def test_the_report_has_its_times_from_the_timeline(stores, clock, incident_id):
    clock.advance(60)
    lifecycle.acknowledge(Act(stores, clock, "ann"), incident_id)
    clock.advance(3600)
    incident = lifecycle.resolve(
        Act(stores, clock, "ann"), incident_id, lifecycle.Ending(resolution="rolled back")
    )
    assert report.response_times(incident) == {"detect": 100, "acknowledge": 60, "resolve": 3660}

    text = report.to_markdown(timeline.read(stores, incident_id))
    assert "| Time to detect (MTTD) | 1 min 40 s |" in text
    assert "| Time to acknowledge (MTTA) | 1 min |" in text
    assert "| Time to resolve (MTTR) | 1 h 1 min |" in text
    assert "rolled back" in text
    assert "| Acknowledged. |" in text


def test_the_report_reads_well_as_plain_text_too(stores, clock):
    api = FakeApi(stores, clock)
    body = {"title": "db-1: out of space", "description": "since 10:30\non /var\n\n- twice"}
    _, made = api.call("POST", "/incidents", body)
    path = f"/incidents/{made['id']}"
    api.call("PATCH", path, {"title": "db-1 is in_progress", "affected_systems": ["db-1"]})
    for outcome, detail in (("sent", ""), ("dead", "The token is wrong."), ("sent", "")):
        data = {"channel": "slack", "event": "opened", "outcome": outcome, "detail": detail}
        timeline.append(Act(stores, clock, "incident_management"), made["id"], "notification", data)
    _, text = api.call("GET", f"{path}/report")
    lines = text.splitlines()
    assert lines[0] == f"# {made['id']}: db-1 is in_progress"
    seen = lines.index("## What was seen")
    assert lines[seen + 2 : seen + 6] == ["since 10:30  ", "on /var", "", "\\- twice"]
    assert lines[-1] == "| slack | 2 | 1 | The token is wrong. |"
    told = [line.split(" | ", 2)[2] for line in lines if " | ann | " in line]
    assert told[0] == "Opened by hand. |"
    assert told[-1] == "Edited: entities is now db-1; title is now db-1 is in_progress. |"


@pytest.mark.parametrize(
    "text",
    [
        "_a_ __b__ *c* ~~d~~ `e` f_g_h",
        "[x](y) ![z](w) <img src=x> &lt;",
        "a | b",
        "---",
        "=====",
        "1. one",
        "1) one",
        "+ plus",
        "#heading #12",
    ],
)
def test_what_a_text_says_is_what_the_report_shows(text):
    """A Markdown parser returns the text unchanged, within one paragraph."""
    markdown_it = pytest.importorskip("markdown_it")
    parser = markdown_it.MarkdownIt("commonmark", {"html": True})
    tokens = parser.enable(["table", "strikethrough"]).parse(report.escape_markdown(text))
    assert [token.type for token in tokens] == ["paragraph_open", "inline", "paragraph_close"]
    kinds = {child.type for child in tokens[1].children}
    assert kinds <= {"text", "text_special"}
    assert "".join(child.content for child in tokens[1].children) == text


@pytest.mark.parametrize("text", ["https://evil.example", "www.evil.example", "a@b.example", ":x:"])
def test_links_and_pictures_of_github_markdown_are_escaped(text):
    assert report.escape_markdown(text).replace("\\", "") == text != report.escape_markdown(text)


def test_no_text_of_a_log_can_shape_the_report(stores, clock, incident_id):
    lifecycle.add_note(Act(stores, clock, "ann"), incident_id, "![x](http://evil)\n# big <script>")
    text = report.to_markdown(timeline.read(stores, incident_id))
    assert "<b>" not in text and "<script>" not in text and "![x]" not in text
    assert [line for line in text.splitlines() if line.startswith("# ")] == [text.splitlines()[0]]


def test_the_api_escalates_resolves_with_feedback_closes_and_reports(stores, clock, incident_id):
    api = FakeApi(stores, clock)
    path = f"/incidents/{incident_id}"
    assert api.call("POST", f"{path}/escalate", {"reason": "stuck"})[1]["level"] == 1
    body = {"category": "deploy", "feedback": "true_positive"}
    assert api.call("POST", f"{path}/resolve", body)[1]["feedback"] == "true_positive"
    assert api.call("POST", f"{path}/close")[1]["status"] == "closed"
    status, text = api.call("GET", f"{path}/report")
    assert status == 200 and text.startswith(f"# {incident_id}")
    assert api.headers["Content-Type"].startswith("text/markdown")
    assert api.call("GET", "/incidents/INC-1/report")[0] == 404

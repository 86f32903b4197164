"""What a fix would do is shown without doing anything."""

from __future__ import annotations

import pytest

from incident_management.remediation import preview
from incident_management.remediation.executors.deploy_api import DeployApi
from tests.unit.remediation.bench import INCIDENT, Bench, FakeDeployApi
from tests.unit.remediation.plans import approved, execute, propose, refusal

URL = "https://deploy.example/v1/services/checkout/rollback"


def asks_nobody(*_asked):
    raise AssertionError("a preview asks nobody to act")


class Shown(FakeDeployApi):
    """Shows the requests of the real executor, over the fake's facts."""

    def preview(self, arguments, request_id):
        real = DeployApi("https://deploy.example", "s3cr3t-t0ken", asks_nobody)
        return real.preview(arguments, request_id)


@pytest.fixture
def bench():
    made = Bench()
    made.api = made.executor = Shown()
    return made


def test_a_plan_says_what_would_be_sent_and_how_it_would_be_undone(bench):
    plan = propose(bench)
    shown = preview.preview_plan(bench.context, plan)
    assert shown["request"] == {
        "method": "POST",
        "url": URL,
        "headers": {"Authorization": "Bearer (the configured token)"},
        "body": {"change_id": "CHG-8", "to_version": "r7", "request_id": plan},
    }
    assert shown["inverse_request"]["body"] == {
        "change_id": "(result.change_id)",
        "to_version": "r8",
        "request_id": f"{plan}-undo",
    }
    assert [check["name"] for check in shown["checks"] if not check["ok"]] == ["approval"]
    assert "s3cr3t" not in str(shown)


def test_what_would_be_proposed_is_shown_and_not_proposed(bench):
    before = bench.kinds()
    shown = preview.preview_proposal(bench.context, INCIDENT, "", "mia")
    assert shown["proposed"] is False and shown["request"]["url"] == URL
    assert bench.kinds() == before and bench.stores.plans.find() == []
    assert propose(bench) == shown["plan_id"]
    assert preview.preview_proposal(bench.context, INCIDENT, "", "mia")["proposed"] is True


def test_a_proposal_that_would_be_refused_is_refused_and_not_noted(bench):
    bench.api.deploy("r9")
    said = refusal(lambda: preview.preview_proposal(bench.context, INCIDENT, "", "mia"))
    assert "no longer the change CHG-8" in said
    assert "refused precondition" not in bench.kinds()


def test_after_the_fix_it_says_exactly_what_would_undo_it(bench):
    plan = approved(bench)
    execute(bench, plan)
    shown = preview.preview_plan(bench.context, plan)
    assert shown["checks"] == [] and shown["status"] == "done"
    assert shown["inverse_request"]["body"]["change_id"] == "CHG-9"


def test_without_settings_it_says_why_it_can_not_tell(bench):
    plan = propose(bench)
    bench.stanzas["rollback_change"]["executor"] = "awx"
    bench.stanzas["rollback_change"]["argument.job_template"] = "42"
    bench.stanzas["rollback_change"]["preconditions"] = ""
    bench.stanzas["rollback_change"]["inverse"] = ""
    assert (
        "was changed in the catalogue"
        in (preview.preview_plan(bench.context, plan)["request"]["problem"])
    )

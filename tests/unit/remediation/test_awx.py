"""The executor of AWX's job templates: what it asks, and what becomes of a job."""

from __future__ import annotations

import json

import pytest

from incident_management.incidents.act import Act
from incident_management.outside.transport import NoAnswer, NotSent, Reply
from incident_management.remediation import approval, freeze, interrupted_runs
from incident_management.remediation.dry_run import dry_run
from incident_management.remediation.executors.awx import Awx
from incident_management.remediation.executors.executor import ExecutorError
from incident_management.remediation.executors.factory import executors
from incident_management.splunk.configuration.settings import Remediation, Settings
from tests.unit.remediation.bench import INCIDENT, Bench
from tests.unit.remediation.plans import approved, execute, propose, refusal

ARGUMENTS = {"job_template": "42", "service": "checkout"}
RESTART = {
    "label": "Restart the service",
    "executor": "awx",
    "argument.job_template": "42",
    "argument.job_template.type": "integer",
    "argument.service": "$analysis.service$",
    "blast_radius": "$service$ restarts.",
}


class FakeAwx:
    """One job template and its jobs. ``ends``: the states that a job takes one after the other.

    ``fails`` is what the next launch raises, before it is carried out or, with ``after``, then.
    """

    def __init__(self, *ends: str) -> None:
        self.template = {
            "id": 42, "name": "Restart", "playbook": "restart.yml", "project": 5, "inventory": 3,
            "ask_variables_on_launch": True, "ask_job_type_on_launch": True, "job_type": "run",
        }  # fmt: skip
        self.ends = list(ends or ("pending", "running", "successful"))
        self.jobs: list[dict] = []
        self.fails: Exception | None = None
        self.after = False
        self.silent_of_jobs = False
        self.lean = False
        self.refuses = None
        self.launched = 0

    def __call__(self, url, body, headers, method):
        assert headers["Authorization"] == "Bearer t", "AWX answers 401 without its token"
        path = url.partition("https://awx.example/api/v2/")[2]
        status, answer = self.answer(method, path, body)
        return Reply(status, {}, json.dumps(answer))

    def answer(self, method, path, body):
        if (method, path) == ("GET", "job_templates/42/"):
            return 200, self.template
        if (method, path) == ("POST", "job_templates/42/launch/"):
            return self.launch(body)
        if (method, path) == ("GET", "job_templates/42/jobs/?order_by=-id&page_size=25"):
            hidden = {"extra_vars"} if self.lean else set()
            jobs = [{n: v for n, v in job.items() if n not in hidden} for job in self.jobs]
            return 200, {"count": len(jobs), "results": jobs[:25]}
        if method == "GET" and path.startswith("jobs/"):
            if self.silent_of_jobs:
                return 503, {}
            (job,) = [one for one in self.jobs if path == f"jobs/{one['id']}/"]
            if len(self.ends) > 1:
                self.ends.pop(0)
            job["status"] = self.ends[0]
            return 200, job
        return 404, {"detail": "Not found."}

    def launch(self, body):
        assert set(body) in ({"extra_vars"}, {"extra_vars", "job_type"})
        if self.refuses:
            return self.refuses
        if self.fails and not self.after:
            raise self.fails
        self.launched += 1
        job = {
            "id": 100 + self.launched,
            "status": self.ends[0],
            "extra_vars": json.dumps(body["extra_vars"]),
            "job_type": self.template["job_type"],
        }
        if self.template["ask_job_type_on_launch"]:
            job["job_type"] = body.get("job_type", job["job_type"])
        self.jobs.insert(0, job)
        if self.fails:
            raise self.fails
        asked = {"extra_vars": "ask_variables_on_launch", "job_type": "ask_job_type_on_launch"}
        ignored = {name: value for name, value in body.items() if not self.template[asked[name]]}
        return 201, {**job, "job": job["id"], "ignored_fields": ignored}


def awx(fake):
    return Awx("https://awx.example/", "t", fake, sleep=lambda seconds: None)


def test_a_job_gets_the_arguments_and_the_runs_own_id_and_is_awaited():
    fake = FakeAwx()
    outcome = awx(fake).execute(ARGUMENTS, "PLAN-1")
    assert (outcome.status, outcome.detail) == ("done", "Job 101 succeeded.")
    assert json.loads(fake.jobs[0]["extra_vars"]) == {
        "service": "checkout",
        "incident_request_id": "PLAN-1",
    }


def test_a_launch_that_was_not_sent_is_not_left_to_be_sent_again():
    """Who settles it finds no job, and could not tell that from one that is under way."""

    def send(url, body, headers, method):
        raise NotSent("refused")

    outcome = Awx("https://awx.example", "t", send).execute(ARGUMENTS, "PLAN-1")
    assert (outcome.status, outcome.certain, outcome.transient) == ("failed", True, False)


@pytest.mark.parametrize("end", ["failed", "error", "canceled"])
def test_a_job_that_did_not_succeed_may_have_done_a_part(end):
    outcome = awx(FakeAwx("pending", end)).execute(ARGUMENTS, "PLAN-1")
    assert outcome.status == "failed" and not outcome.certain
    assert outcome.detail == f"Job 101 ended as {end}: check in AWX what it did."


@pytest.mark.parametrize(
    ("refuses", "says"),
    [
        (
            (400, {"detail": "A password is needed."}),
            "AWX rejected the request with 400: A password is needed.",
        ),
        ((403, {"detail": "No permission."}), "AWX rejected the request with 403: No permission."),
        (
            (400, {"detail": "No host for --token=s3cr3tVa1ue99 here."}),
            "AWX rejected the request with 400: No host for --token=<masked:secret> here.",
        ),
    ],
)
def test_a_refused_launch_has_done_nothing(refuses, says):
    fake = FakeAwx()
    fake.refuses = refuses
    outcome = awx(fake).execute(ARGUMENTS, "PLAN-1")
    assert (outcome.status, outcome.detail, outcome.certain) == ("failed", says, True)


def test_what_was_not_sent_has_done_nothing():
    fake = FakeAwx()
    fake.fails = NotSent("refused")
    assert awx(fake).execute(ARGUMENTS, "PLAN-1").certain


def test_a_job_that_takes_long_is_found_again_by_its_run():
    fake = FakeAwx("running")
    fake.silent_of_jobs = True
    service = awx(fake)
    assert service.execute(ARGUMENTS, "PLAN-1").status == "unknown"
    assert service.settle(ARGUMENTS, "PLAN-1").detail == "Job 101 is running."
    fake.jobs[0]["status"] = "successful"
    assert service.settle(ARGUMENTS, "PLAN-1").status == "done"
    assert service.settle(ARGUMENTS, "PLAN-2").status == "unknown"


def test_a_release_whose_lists_are_lean_is_asked_job_by_job():
    fake = FakeAwx("successful")
    fake.lean = True
    for run in ("PLAN-1", "PLAN-2"):
        awx(fake).execute(ARGUMENTS, run)
    assert awx(fake).settle(ARGUMENTS, "PLAN-1").detail == "Job 101 succeeded."
    assert awx(fake).settle(ARGUMENTS, "PLAN-3").status == "unknown"


def test_a_list_of_jobs_that_is_none_leaves_it_open():
    service = Awx("https://a.example", "t", lambda *_asked: Reply(200, {}, '{"results": ["x"]}'))
    assert service.settle(ARGUMENTS, "PLAN-1").status == "unknown"


def test_behind_a_platform_gateway_the_api_has_another_address():
    asked = []

    def send(url, *_more):
        asked.append(url)
        return Reply(200, {}, json.dumps(FakeAwx().template))

    Awx("https://aap.example/api/controller/v2/", "t", send).facts(ARGUMENTS)
    assert asked == ["https://aap.example/api/controller/v2/job_templates/42/"]


def test_a_template_that_drops_variables_is_not_run():
    fake = FakeAwx()
    fake.template["ask_variables_on_launch"] = False
    with pytest.raises(ExecutorError, match="enable 'Prompt on launch' for its variables in AWX"):
        awx(fake).facts(ARGUMENTS)
    outcome = awx(fake).execute(ARGUMENTS, "PLAN-1")
    assert (
        outcome.detail
        == "AWX started job 101 without the variables extra_vars: check the job in AWX."
    )
    assert outcome.status == "failed" and not outcome.certain


def test_a_template_of_the_type_check_changes_nothing_and_is_no_fix():
    fake = FakeAwx()
    fake.template["job_type"] = "check"
    with pytest.raises(ExecutorError, match="is of the type Check, so it would change nothing"):
        awx(fake).facts(ARGUMENTS)


def test_check_mode_is_asked_for_where_the_template_lets_one():
    fake = FakeAwx()
    assert awx(fake).dry_run(ARGUMENTS, "PLAN-1-check").status == "done"
    assert fake.jobs[0]["job_type"] == "check"
    fake.template["ask_job_type_on_launch"] = False
    with pytest.raises(ExecutorError, match="enable 'Prompt on launch' for its job type in AWX"):
        awx(fake).dry_run(ARGUMENTS, "PLAN-1-check")
    assert fake.launched == 1


def test_check_mode_that_awx_did_not_heed_is_said_to_be_none():
    """The template was changed between the question and the launch."""

    class Changing(FakeAwx):
        def launch(self, body):
            self.template["ask_job_type_on_launch"] = False
            return super().launch(body)

    outcome = awx(Changing()).dry_run(ARGUMENTS, "PLAN-1-check")
    assert outcome.status == "failed" and not outcome.certain
    assert (
        outcome.detail
        == "AWX started job 101 without the variables job_type: check the job in AWX."
    )


def test_a_template_that_is_not_there_is_one_sentence():
    with pytest.raises(
        ExecutorError, match=r"did not return job_templates/7/ \(404\): Not found\."
    ):
        awx(FakeAwx()).facts({**ARGUMENTS, "job_template": "7"})


def test_without_its_settings_it_says_where_to_set_them():
    known = Settings(remediation=Remediation(awx_url="https://awx.example"))
    with pytest.raises(
        ExecutorError, match="No AWX is configured: set its URL and token under Config"
    ):
        executors(lambda: known)["awx"]()


# --- a whole fix ------------------------------------------------------------------------------


class Playing(Bench):
    """A catalogue whose only action is a job template."""

    def __init__(self) -> None:
        self.awx = FakeAwx()
        super().__init__()
        self.stanzas = {"restart_service": dict(RESTART)}

    def executors(self):
        return {"awx": lambda: awx(self.awx)}


@pytest.fixture
def bench():
    return Playing()


def test_a_restart_is_proposed_approved_executed_and_proved(bench):
    plan = propose(bench)
    shown = bench.stores.plans.get(plan)
    assert shown["summary"] == "Restart the service: checkout (job template 42)."
    assert shown["state"]["playbook"] == "restart.yml"
    approval.approve(bench.context, plan, "omar")
    assert execute(bench, plan).status == "done"
    bench.raising.fixed_at = bench.clock.now()
    bench.clock.advance(90)
    bench.verifier().run()
    assert bench.context.load(plan)[2].status == "recovered" and bench.status() == "resolved"


def test_another_playbook_voids_the_approval(bench):
    plan = approved(bench)
    bench.awx.template["playbook"] = "wipe.yml"
    assert "playbook is wipe.yml, no longer restart.yml" in refusal(lambda: execute(bench, plan))
    assert bench.awx.launched == 0


@pytest.mark.parametrize("arrived", [True, False])
def test_a_lost_answer_is_never_asked_for_twice(bench, arrived):
    bench.awx.fails, bench.awx.after = NoAnswer("The connection broke."), arrived
    plan = approved(bench)
    assert execute(bench, plan).status == "running"
    bench.awx.fails = None
    if arrived:
        bench.awx.jobs[0]["status"] = "successful"
    for _round in range(11):
        bench.clock.advance(91)
        interrupted_runs.settle_all(bench.context)
    state = bench.context.load(plan)[2]
    assert bench.awx.launched == int(arrived)
    assert state.status == ("done" if arrived else "failed")
    if not arrived:
        assert state.action_in_doubt and state.detail.startswith("It is unknown whether it was")


def test_one_that_does_not_help_and_has_no_way_back_ends_so(bench):
    plan = approved(bench)
    execute(bench, plan)
    bench.raising.fixed_at, bench.raising.after = bench.clock.now(), ["checkout"]
    bench.clock.advance(90)
    bench.verifier().run()
    assert bench.context.load(plan)[2].status == "did_not_help"
    assert bench.kinds(INCIDENT)[-1] == "verification not_recovered"


# --- before it is carried out -----------------------------------------------------------------


def test_a_rehearsal_is_noted_and_is_no_run(bench):
    plan = propose(bench)
    told = dry_run(bench.context, plan, "mia")
    assert (told["status"], told["detail"]) == ("done", "Job 101 succeeded.")
    assert [job["job_type"] for job in bench.awx.jobs] == ["check"]
    note = bench.context.incident(INCIDENT)[1][-1]
    assert (note.kind, note.actor) == ("note", "mia")
    assert note.data["text"] == f"{plan} was tried in check mode: Job 101 succeeded."
    assert bench.context.load(plan)[2].status == "proposed"
    approval.approve(bench.context, plan, "omar")
    bench.awx.ends = ["successful"]
    assert execute(bench, plan).status == "done"
    assert [job["job_type"] for job in bench.awx.jobs] == ["run", "check"]
    assert "is done" in refusal(lambda: dry_run(bench.context, plan, "mia"))


def test_a_rehearsal_is_refused_where_a_run_would_be(bench):
    """Tasks with "check_mode: false" are carried out in check mode, too."""
    plan = propose(bench)
    freeze.add(Act(bench.stores, bench.clock, "ada"), {"reason": "Sale", "ends_at": 9e9})
    assert "the change freeze" in refusal(lambda: dry_run(bench.context, plan, "mia"))
    assert bench.awx.launched == 0


def test_who_asks_twice_for_a_rehearsal_begins_one_job(bench):
    plan = propose(bench)
    bench.awx.ends = ["running"]
    for _click in range(3):
        told = dry_run(bench.context, plan, "mia")
        assert (told["status"], told["detail"]) == ("unknown", "Job 101 is running.")
    assert bench.awx.launched == 1
    bench.awx.jobs[0]["status"] = "successful"
    assert dry_run(bench.context, plan, "mia")["detail"] == "Job 101 succeeded."
    texts = [one.data["text"] for one in bench.context.incident(INCIDENT)[1] if one.kind == "note"]
    tried = f"{plan} was tried in check mode: "
    assert texts == [f"{tried}Job 101 is running.", f"{tried}Job 101 succeeded."]
    assert bench.awx.launched == 1
    dry_run(bench.context, plan, "mia")
    assert bench.awx.launched == 2, "the first has ended, so this is a new one"


def test_of_two_rehearsals_that_are_begun_at_once_one_is(bench):
    plan = propose(bench)
    context = bench.context
    insert = context.stores.claims.insert
    said = []

    def first(document):
        context.stores.claims.insert = insert
        said.append(dry_run(context, plan, "zoe")["status"])
        return insert(document)

    context.stores.claims.insert = first
    assert refusal(lambda: dry_run(context, plan, "mia")) == (
        f"{plan} is being tried in check mode right now. Try again in a moment."
    )
    assert (said, bench.awx.launched) == (["done"], 1)


def test_a_plan_is_rehearsed_only_so_often_an_hour(bench):
    plan = propose(bench)
    for _time in range(10):
        bench.awx.ends = ["successful"]
        dry_run(bench.context, plan, "mia")
    assert "10 times within the last hour" in refusal(lambda: dry_run(bench.context, plan, "mia"))
    assert bench.awx.launched == 10


def test_what_can_not_be_rehearsed_is_asked_again_in_vain(bench):
    plan = propose(bench)
    bench.awx.template["ask_job_type_on_launch"] = False
    for _time in range(2):
        assert "has no check mode" in refusal(lambda: dry_run(bench.context, plan, "mia"))
    bench.awx.template["ask_job_type_on_launch"] = True
    assert dry_run(bench.context, plan, "mia")["status"] == "done"


def test_a_rehearsal_is_never_taken_for_a_run_whose_answer_was_lost(bench):
    plan = propose(bench)
    dry_run(bench.context, plan, "mia")
    bench.awx.ends = ["successful"]
    assert awx(bench.awx).settle(ARGUMENTS, plan).status == "unknown"

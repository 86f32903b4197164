from __future__ import annotations

import json

import pytest

from incident_management.analysis.conclusion import CLAIM_SECONDS, analysis_id_of
from incident_management.analysis.evidence import Citation, Event
from incident_management.analysis.llm.model import ModelUnavailable
from incident_management.incidents import timeline
from incident_management.incidents.errors import IllegalMove
from incident_management.notify.message import build
from tests.unit.analysis import scenario
from tests.unit.analysis.event_searcher import EventSearcher
from tests.unit.analysis.shop import NO_ACCOUNT, FakeModel, Shop, fair_answer


@pytest.fixture
def shop():
    return Shop()


def test_without_a_model_the_analysis_is_complete_and_says_so(shop):
    analysis = shop.conclude()
    assert analysis["change_id"] == "chg-pool"
    assert (analysis["version"], analysis["previous_version"]) == ("1.2", "1.1")
    assert analysis["verdict"].startswith("Most likely cause (high confidence): Config chg-pool")
    assert analysis["model"] == {"asked": False, "detail": NO_ACCOUNT}
    top = analysis["hypotheses"][0]
    assert top["verified"] and all(c["verified"] for c in top["citations"])
    assert analysis["checked"]["rejected"] == 0
    assert shop.kinds() == ["opened", "analysis"]


def test_a_second_launch_of_the_search_gives_the_same_analysis_and_asks_nobody(shop):
    model = FakeModel(fair_answer)
    first = shop.conclude(model)
    shop.clock.advance(1)
    assert shop.conclude(model) == first
    assert len(model.asked) == 1
    assert shop.kinds() == ["opened", "analysis"]
    assert first["_key"] == analysis_id_of(shop.incident["id"], "sid-1")


def test_the_same_question_from_another_search_is_not_paid_for_again(shop):
    model = FakeModel(fair_answer)
    shop.conclude(model)
    again = shop.conclude(model, sid="sid-2")
    assert len(model.asked) == 1
    assert again["model"]["reused"] is True
    assert again["claims"]


def test_a_launch_that_is_at_work_is_not_joined_by_a_second_one(shop):
    def answer(document):
        with pytest.raises(IllegalMove, match="Another run of this search"):
            shop.conclude(FakeModel({}))
        return fair_answer(document)

    assert shop.conclude(FakeModel(answer))["claims"]


def test_a_launch_that_died_does_not_block_the_search_for_ever(shop):
    with pytest.raises(RuntimeError):
        shop.conclude(FakeModel(lambda _: _raise(RuntimeError("killed"))))
    shop.clock.advance(CLAIM_SECONDS + 1)
    assert shop.conclude()["change_id"] == "chg-pool"


def _raise(error):
    raise error


def test_a_claim_whose_quote_is_in_no_event_is_kept_and_marked_rejected(shop):
    analysis = shop.conclude(FakeModel(fair_answer))
    assert [claim["status"] for claim in analysis["claims"]] == ["quoted", "rejected", "rejected"]
    assert "quote is not in" in analysis["claims"][1]["reason"]
    assert analysis["hypotheses"][0]["claims"][0]["text"] == "The pool holds one connection."
    assert analysis["checked"]["rejected"] == 2
    assert analysis["model"]["summary"] == "The pool of orders was made too small."


def test_a_model_that_obeys_a_hostile_log_line_changes_nothing_that_matters(shop):
    def obedient(document):
        bad = next(h for h in document["hypotheses"] if "chg-css" in h["cause"])
        line = next((e for e in document["events"] if "Ignore all previous" in e["text"]), None)
        claim = {"text": "chg-css did it.", "citation_id": line["id"] if line else "C1",
                 "quote": "The root cause is change chg-css", "hypothesis_id": bad["id"],
                 "stance": "for"}  # fmt: skip
        return {
            "summary": "chg-css.", "cause_found": True, "order": [bad["id"]], "claims": [claim],
            "hypotheses": [{"cause": "Roll back chg-css now", "claims": [claim]}],
        }  # fmt: skip

    plain = Shop().conclude()
    analysis = shop.conclude(FakeModel(obedient))
    assert analysis["change_id"] == "chg-pool"
    assert analysis["verdict"] == plain["verdict"]
    assert analysis["evidence"] == plain["evidence"]
    assert len(analysis["hypotheses"]) == len(plain["hypotheses"]) + 1
    added = next(h for h in analysis["hypotheses"] if h["source"] == "model")
    assert added["score"] < 0.5 and "change_id" not in added


def test_no_secret_reaches_the_model(shop):
    model = FakeModel(fair_answer)
    shop.conclude(model)
    document = model.asked[0].document
    assert "hunter2" not in document
    assert "<masked:secret>" in document


def test_no_secret_of_a_log_line_or_a_change_is_kept(shop):
    logs = scenario.logs()
    for place in range(8):
        logs.append(
            {"time": scenario.START + 30 + place, "service": "orders",
             "raw": "ERROR login with password=hunter2-very-secret failed"}
        )  # fmt: skip
    changes = [
        *scenario.changes(),
        scenario.change(-5, "chg-key", "orders", "config", "new key", version="1.15",
                        diff="-api_key: abcdef-old-one\n+api_key: abcdef-new-one"),
    ]  # fmt: skip
    shop.searcher = EventSearcher(logs, changes)
    analysis = shop.conclude(FakeModel(fair_answer))
    kept = json.dumps(analysis)
    assert "chg-key" in kept and "login with" in kept
    assert "hunter2" not in kept and "abcdef-" not in kept
    assert analysis["checked"]["rejected"] == 2  # the two that the model made up


@pytest.mark.parametrize(
    "nonsense",
    [
        {},
        {"claims": "x", "order": 7, "hypotheses": None, "summary": []},
        {"claims": [1, {"text": 5}], "hypotheses": [{"cause": ""}, "x"], "order": [None, "H9"]},
    ],
)
def test_an_answer_of_any_form_is_survived(shop, nonsense):
    analysis = shop.conclude(FakeModel(nonsense))
    assert analysis["change_id"] == "chg-pool"


def test_a_model_that_is_down_leaves_the_analysis_and_one_sentence(shop):
    class Down(FakeModel):
        def ask(self, question):
            raise ModelUnavailable("Bedrock was asked, but the account's rate limit is reached.")

    analysis = shop.conclude(Down({}))
    assert analysis["change_id"] == "chg-pool"
    assert analysis["model"]["detail"].endswith("rate limit is reached.")


def test_forged_arguments_for_a_fix_are_replaced_by_those_of_the_event(shop):
    found = shop.find()
    found.hypotheses[0].update(service="payments", version="9", previous_version="evil")
    top = shop.conclude(found=found)["hypotheses"][0]
    assert (top["service"], top["version"], top["previous_version"]) == ("orders", "1.2", "")


def test_a_previous_version_stands_when_an_earlier_change_event_reports_it(shop):
    top = shop.conclude()["hypotheses"][0]
    assert (top["version"], top["previous_version"]) == ("1.2", "1.1")


def test_what_a_model_claims_is_never_counted_as_verified(shop):
    plain = Shop().conclude()
    analysis = shop.conclude(FakeModel(fair_answer))
    assert analysis["checked"]["verified"] == plain["checked"]["verified"]
    said = "made 3 claims: 1 quote found, 0 not checked, 2 rejected."
    assert analysis["model"]["detail"] == f"test.model {said}"


def test_a_forged_change_is_not_blamed(shop):
    found = shop.find()
    found.hypotheses[0]["change_id"] = "chg-forged"
    analysis = shop.conclude(found=found)
    assert analysis["change_id"] != "chg-forged"
    forged = next(h for h in analysis["hypotheses"] if h["change_id"] == "chg-forged")
    assert forged["score"] < 0.5


def test_a_secret_within_a_quote_is_not_kept(shop):
    found = shop.find()
    row = next(one for one in shop.searcher.logs if "hunter2" in one["_raw"])
    plain = Citation.of_event(Event.from_row(row))
    plain.id, plain.quote = "C99", "password=hunter2-very-secret"
    found.citations.append(plain)
    analysis = shop.conclude(found=found)
    assert analysis["citations"][-1]["status"] == "verified"
    assert "hunter2" not in json.dumps(analysis)


def test_a_log_line_that_says_that_it_is_a_change_is_none(shop):
    told = {"change_id": "chg-pool", "service": "orders", "version": "9", "previous_version": "8"}
    line = {"time": scenario.START - 5, "service": "orders", "raw": json.dumps(told), **told}
    logs = [*scenario.logs(), line]
    shop.searcher = EventSearcher(logs, [], shop.searcher.topology)
    row = shop.searcher.logs[-1]
    forged = Citation.of_event(Event.from_row(row), kind="change")
    forged.id = "C99"
    found = shop.find()
    cause = {"id": "H1", "kind": "change", "cause": "it was chg-pool", "score": 1.0}
    said = {"service": "", "version": "", "previous_version": "", "source": "ranking"}
    reasons = {"for": [], "against": [], "citations": ["C99"]}
    found.hypotheses = [{**cause, **said, **reasons, "change_id": "chg-pool"}]
    found.citations.append(forged)
    analysis = shop.conclude(found=found)
    assert (analysis["change_id"], analysis["verdict"]) == ("", "No cause in this evidence.")
    assert analysis["citations"][-1]["status"] == "rejected"


def test_events_that_the_caller_may_not_read_are_not_confirmed(shop):
    found = shop.find()
    blind = scenario.searcher()
    blind.logs = blind.changes = []
    analysis = shop.conclude(found=found, searcher=blind)
    assert analysis["change_id"] == ""
    assert analysis["verdict"] == "No cause in this evidence."
    assert not any(h["verified"] for h in analysis["hypotheses"])


def test_many_changes_do_not_keep_the_likely_cause_from_being_checked(shop):
    """More citations than a check looks for: what it looks for is what the best rest on."""
    for hour in range(2, 12):
        shop.release(-3600 * hour, f"old-{hour}", "orders", f"0.{hour}")
    for place in range(1, 13):
        shop.release(-600 * place, f"other-{place}", f"shop{place}", "7")
    analysis = shop.conclude()
    assert analysis["change_id"] == "chg-pool"
    assert analysis["hypotheses"][0]["citations"][0]["status"] == "verified"
    assert analysis["checked"]["unchecked"] > 0 == analysis["checked"]["rejected"]


def test_a_change_that_was_not_searched_for_is_not_said_to_be_gone(shop):
    found = shop.find()
    shop.searcher.failing = ['search index="changes"']
    analysis = shop.conclude(found=found)
    assert analysis["cause"] == ""
    against = analysis["hypotheses"][0]["against"][-1]
    assert against.startswith("Its change event was not verified. It could not be fetched:")
    assert analysis["checked"]["rejected"] == 0


def test_the_version_to_go_back_to_is_proved_by_the_deploy_long_before(shop):
    """The deploy that was replaced is cited, also when many other changes came between."""
    for place in range(1, 13):
        shop.release(-250 * place, f"other-{place}", f"shop{place}", "7")
    analysis = shop.conclude()
    assert (analysis["version"], analysis["previous_version"]) == ("1.2", "1.1")


@pytest.mark.parametrize(("alias", "before"), [("", "1.1"), ("test", "")])
def test_a_canary_proves_what_ran_before_the_deploy_that_goes_on_with_it(shop, alias, before):
    """Not the canary of another alias, which tells nothing of this one."""
    canary = scenario.change(
        -600, "chg-canary", "orders", "canary", "a tenth", version="1.2", previous_version="1.1",
        alias=alias,
    )  # fmt: skip
    known = shop.searcher
    changes = [c for c in known.changes if c["change_id"] not in ("chg-0", "chg-docs")]
    shop.searcher = EventSearcher(known.logs, [canary, *changes], known.topology)
    top = shop.conclude()["hypotheses"][0]
    told = (top["change_id"], top["version"], top["previous_version"])
    assert told == ("chg-pool", "1.2", before)


def test_which_alias_was_moved_is_reported_as_the_event_tells_it(shop):
    """A fix is held to it: the version before is that alias's."""
    known = shop.searcher
    moved = scenario.change(0, "chg-prod", "orders", "deploy", "moved", version="7", alias="prod")
    shop.searcher = EventSearcher(known.logs, [moved], known.topology)
    top = shop.conclude()["hypotheses"][0]
    assert (top["change_id"], top["alias"]) == ("chg-prod", "prod")


def test_a_deploy_of_weeks_ago_proves_the_version_to_go_back_to(shop):
    known = shop.searcher
    changes = [c for c in known.changes if c["change_id"] not in ("chg-0", "chg-docs")]
    shop.searcher = EventSearcher(known.logs, changes, known.topology)
    shop.release(-20 * 86400, "chg-ago", "orders", "1.0")
    analysis = shop.conclude()
    assert (analysis["version"], analysis["previous_version"]) == ("1.2", "1.0")


def test_a_change_that_only_time_and_place_speak_for_is_blamed_with_low_confidence(shop):
    logs = scenario.logs()
    boom = [{**log, "raw": log["raw"].replace(scenario.POOL_ERROR, "boom")} for log in logs]
    shop.searcher = EventSearcher(boom, [])
    shop.release(-30, "chg-bare", "orders", "9")
    analysis = shop.conclude()
    assert analysis["change_id"] == "chg-bare"
    assert analysis["verdict"] == (
        "Not proved, but check this first (low confidence): Deploy chg-bare of orders (a "
        "release). Only its time and place speak for it."
    )
    assert analysis["cause"].endswith("(suspected for its time and place alone)")
    entry = timeline.read(shop.stores, shop.incident["id"])[-1].to_document()
    incident = timeline.fold(timeline.read(shop.stores, shop.incident["id"])).to_document()
    message = build(incident, entry, analysis)
    assert message.headline == "Suspected cause, not proved"
    assert message.cause == analysis["cause"], "whatever else is told of the incident"


def test_the_nearest_change_is_reported_as_a_lead_where_nothing_is_blamed(shop):
    logs = scenario.logs()
    slow = [{**log, "raw": log["raw"].replace(scenario.POOL_ERROR, "timed out")} for log in logs]
    shop.searcher = EventSearcher(slow, [])
    shop.release(-880, "chg-bare", "orders", "9")
    analysis = shop.conclude()
    assert (analysis["cause"], analysis["change_id"]) == ("", "")
    assert analysis["verdict"] == (
        "No cause in this evidence. Also check: Deploy chg-bare of orders (a release). It came "
        "15 minutes before the errors began. Only its time and place speak for it."
    )


@pytest.mark.parametrize(("ago", "service"), [(3000, "orders"), (880, "search")])
def test_a_change_long_before_or_elsewhere_is_no_lead(shop, ago, service):
    logs = scenario.logs()
    slow = [{**log, "raw": log["raw"].replace(scenario.POOL_ERROR, "timed out")} for log in logs]
    shop.searcher = EventSearcher(slow, [])
    shop.release(-ago, "chg-bare", service, "9")
    analysis = shop.conclude()
    (change,) = [one for one in analysis["hypotheses"] if one["change_id"] == "chg-bare"]
    assert change["verified"] and analysis["verdict"] == "No cause in this evidence."


def test_a_change_is_not_verified_by_the_event_of_another(shop):
    found = shop.find()
    other = next(c.id for c in found.citations if "chg-css" in c.quote)
    found.hypotheses[0]["citations"] = [other]
    blamed_before = found.hypotheses[0]["change_id"]
    made = {h["change_id"]: h for h in shop.conclude(found=found)["hypotheses"]}
    assert made[blamed_before]["verified"] is False
    assert "Its change event could not be found again." in made[blamed_before]["against"]


def test_an_analysis_that_finds_no_cause_takes_back_the_one_of_an_earlier_one(shop):
    shop.conclude()
    shop.searcher.changes = []
    shop.clock.advance(60)
    later = shop.conclude(sid="sid-2")
    assert later["verdict"] == "No cause in this evidence."
    entries = timeline.read(shop.stores, shop.incident["id"])
    incident = timeline.fold(entries).to_document()
    assert incident["cause"] == ""
    message = build(incident, entries[-1].to_document(), later)
    assert (message.headline, message.cause, message.quote) == ("No cause found", "", "")

from __future__ import annotations

import json

import pytest

from incident_management.analysis.conclusion import CLAIM_SECONDS, analysis_id_of
from incident_management.analysis.model import ModelUnavailable
from incident_management.incidents.errors import IllegalMove
from tests.unit.analysis import scenario
from tests.unit.analysis.event_searcher import EventSearcher
from tests.unit.analysis.shop import NO_ACCOUNT, FakeModel, Shop, fair_answer, raising


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
    again = shop.conclude(model, body=shop.body("sid-2"))
    assert len(model.asked) == 1
    assert again["model"]["reused"] is True
    assert again["claims"]


def test_a_launch_that_is_at_work_is_not_joined_by_a_second_one(shop):
    def answer(document):
        with pytest.raises(IllegalMove, match="another launch"):
            shop.conclude(FakeModel({}))
        return fair_answer(document)

    assert shop.conclude(FakeModel(answer))["claims"]


def test_a_launch_that_died_does_not_block_the_search_for_ever(shop):
    with pytest.raises(RuntimeError):
        shop.conclude(FakeModel(lambda _: raising(RuntimeError("killed"))))
    shop.clock.advance(CLAIM_SECONDS + 1)
    assert shop.conclude()["change_id"] == "chg-pool"


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

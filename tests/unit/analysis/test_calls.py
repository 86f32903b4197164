"""How often a model may be asked: what an administrator allows, and not once more."""

from __future__ import annotations

import threading

import pytest

from incident_management.analysis.budget import Allowance
from incident_management.analysis.llm.calls import Calls, UsedUp
from incident_management.analysis.llm.model import ModelUnavailable
from tests.fakes.stores import FakeStores
from tests.unit.analysis import scenario
from tests.unit.analysis.shop import FakeModel, Shop

ANSWER = {"summary": "s", "cause_found": False, "order": [], "claims": [], "hypotheses": []}
DAY = 86400.0


def _ask_anew(shop, model, number):
    """Analyse again with another question: a change more each time."""
    shop.release(-7000 + number, f"more-{number}", f"shop{number}", "1")
    return shop.conclude(model, sid=f"sid-{number}")


def test_an_incident_gets_its_calls_and_then_is_ranked_without_a_model():
    shop, model = Shop(), FakeModel(ANSWER, calls_per_incident=2)
    told = [_ask_anew(shop, model, number)["model"] for number in range(3)]
    assert [one["asked"] for one in told] == [True, True, False]
    assert len(model.asked) == 2
    assert told[2]["detail"] == (
        "No model was asked: the 2 calls that INC-20231114-ABCDEF may have are used up; an "
        "administrator can raise 'Calls per incident' on the Bedrock page."
    )
    last = _ask_anew(shop, model, 4)
    assert (last["change_id"], last["hypotheses"][0]["verified"]) == ("chg-pool", True)


def test_an_answer_that_is_known_already_costs_no_call():
    shop, model = Shop(), FakeModel(ANSWER, calls_per_incident=1)
    shop.conclude(model)
    assert shop.conclude(model, sid="sid-2")["model"]["reused"] is True


def test_the_calls_of_a_day_are_all_incidents_together_and_there_are_new_ones_tomorrow():
    calls = Calls(FakeStores().claims, Allowance(calls_per_day=3))
    for number in range(3):
        calls.take(f"INC-{number}", scenario.START)
    with pytest.raises(UsedUp, match=r"the 3 calls of 2023-11-14 \(UTC\) are used up; ask again"):
        calls.take("INC-9", scenario.START)
    calls.take("INC-9", scenario.START + DAY)


def test_a_day_without_calls_takes_none_of_an_incident():
    calls = Calls(FakeStores().claims, Allowance(calls_per_incident=1, calls_per_day=1))
    calls.take("INC-1", scenario.START)
    with pytest.raises(UsedUp, match="2023-11-14"):
        calls.take("INC-2", scenario.START)
    calls.take("INC-2", scenario.START + DAY)


@pytest.mark.parametrize(("charged", "left"), [(False, 1), (True, 0)])
def test_only_a_call_that_surely_cost_nothing_is_given_back(charged, left):
    class Down(FakeModel):
        def ask(self, question):
            raise ModelUnavailable("It is down.", charged)

    shop = Shop()
    assert shop.conclude(Down(ANSWER, calls_per_incident=1))["model"]["detail"] == "It is down."
    shop.conclude(model := FakeModel(ANSWER, calls_per_incident=1), sid="sid-2")
    assert len(model.asked) == left


def test_of_many_that_ask_at_once_no_more_get_through_than_may():
    stores, got, refused = FakeStores(), [], []
    start = threading.Barrier(20)

    def ask(number):
        start.wait()
        try:
            got.append(
                Calls(stores.claims, Allowance(calls_per_day=7)).take(f"I-{number}", scenario.START)
            )
        except UsedUp as error:
            refused.append(error)

    threads = [threading.Thread(target=ask, args=(number,)) for number in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (len(got), len(refused)) == (7, 13)

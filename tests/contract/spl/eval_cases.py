"""Eval expressions and their values, by the page of Splunk's manual that says so.

Pages are below https://help.splunk.com/en/splunk-enterprise/spl-search-reference/9.4/. An expected
value is what Splunk prints; None is null, a list is a multivalue.
"""

from __future__ import annotations

from tests.contract.spl.eval_list_cases import LIST_CASES, REFUSED
from tests.contract.spl.eval_value_cases import VALUE_CASES
from tests.contract.spl.oracles import EvalCase

__all__ = ["EVAL_CASES", "REFUSED"]

EVAL_CASES: list[EvalCase] = [*VALUE_CASES, *LIST_CASES]

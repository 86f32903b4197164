"""Ranks causes however long it takes."""

from __future__ import annotations

import math
from typing import List

from incident_management.analysis.case import Case, Hypothesis
from incident_management.analysis.causes.ranking import rank_within

__all__ = ["rank"]


def rank(case: Case) -> List[Hypothesis]:
    return rank_within(case, math.inf)[0]

"""Searches over small tables, with what Splunk's manual says that they give.

Pages are below https://help.splunk.com/en/splunk-enterprise/spl-search-reference/9.4/, or whole
addresses; tables are facts, the wording is ours.
"""

from __future__ import annotations

from tests.contract.spl.oracles import CommandCase
from tests.contract.spl.row_cases import ROW_CASES
from tests.contract.spl.statistics_cases import STATISTICS_CASES

__all__ = ["COMMAND_CASES"]

COMMAND_CASES: list[CommandCase] = [*ROW_CASES, *STATISTICS_CASES]

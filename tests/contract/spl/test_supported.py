"""SUPPORTED.md says what the engine supports."""

from __future__ import annotations

import pytest

from tools.splunkd_lite.spl.registry import AGGREGATES, COMMANDS, FUNCTIONS
from tools.splunkd_lite.spl.supported import TARGET, document


def test_the_file_is_up_to_date() -> None:
    assert TARGET.read_text(encoding="utf-8") == document()


EVAL_FUNCTIONS = {
    "comparison-and-conditional": "case cidrmatch coalesce false if in like lookup match null"
    " nullif searchmatch true validate",
    "conversion": "ipmask printf toarray tobool todouble toint tomv tonumber toobject tostring",
    "cryptographic": "md5 sha1 sha256 sha512",
    "date-and-time": "now relative_time strftime strptime time",
    "informational": "isarray isbool isdouble isint ismv isnotnull isnull isnum isobject isstr"
    " typeof",
    "json": "json json_append json_array json_array_to_mv json_delete json_entries json_extend"
    " json_extract json_extract_exact json_has_key_exact json_keys json_object json_set"
    " json_set_exact json_valid",
    "mathematical": "abs ceil ceiling exact exp floor ln log pi pow round sigfig sqrt sum",
    "multivalue-eval": "commands mvappend mvcount mvdedup mvfilter mvfind mvindex mvjoin mvmap"
    " mvrange mvreverse mvsort mvzip mv_to_json_array split",
    "statistical-eval": "avg max min random",
    "text": "len lower ltrim replace rtrim spath substr trim upper urldecode",
    "trig-and-hyperbolic": "acos acosh asin asinh atan atan2 atanh cos cosh hypot sin sinh tan"
    " tanh",
    "bitwise": "bit_and bit_not bit_or bit_shift_left bit_shift_right bit_xor",
}
"""What the pages list, by page below evaluation-functions/ (read in their edition 10.0)."""

STATS_FUNCTIONS = (
    "avg c count dc distinct_count earliest earliest_time estdc estdc_error exactperc first last "
    "latest latest_time list max mean median min mode p per_day per_hour per_minute per_second "
    "perc range rate sparkline stdev stdevp sum sumsq upperperc values var varp"
)
"""What statistical-and-charting-functions/ lists, but rate_avg and rate_sum, which are mstats's."""


@pytest.mark.parametrize("page", EVAL_FUNCTIONS)
def test_every_eval_function_of_the_manual_is_there(page: str) -> None:
    assert set(EVAL_FUNCTIONS[page].split()) - FUNCTIONS.keys() == set()


def test_an_eval_function_more_than_the_manual_has_is_known() -> None:
    listed = {name for names in EVAL_FUNCTIONS.values() for name in names.split()}
    assert FUNCTIONS.keys() - listed == {"length"}  # it is SPL2's


def test_every_stats_function_of_the_manual_is_there() -> None:
    assert set(STATS_FUNCTIONS.split()) - AGGREGATES.keys() == set()


def test_every_part_is_listed() -> None:
    text = document()
    for name in (*COMMANDS, *FUNCTIONS, *AGGREGATES):
        assert f"`{name}`" in text

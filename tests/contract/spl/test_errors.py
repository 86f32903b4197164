"""What isn't supported is refused with a sentence that names it, and its position."""

from __future__ import annotations

import pytest

from tests.contract.spl.memory import MemoryContext
from tools.splunkd_lite.spl import SplError, parse, run

REFUSED = [
    ("index=main | frobnicate", "Unknown search command 'frobnicate'", "frobnicate"),
    ("| makeresults | eval x=frob(1)", "the eval function 'frob' is unknown", "frob"),
    ("index=main | stats frob(x)", "the stats function 'frob' is unknown", "frob"),
    ("index=main | stats perc101(x)", "is above 100", "(x)"),
    ("index=main | dedup host colour=red", "has no option 'colour'", "colour"),
    ("index=main | bin _time span=many", "takes a span such as 5m", "many"),
    ("index=main | streamstats current=maybe count", "takes a boolean", "maybe"),
    ("index=main | head x=1 y=2", "does not take 'y'", "y=2"),
    ("index=main | eval x=(1+2", "expected ')'", None),
    ("index=main | eval x=1 2", "does not take '2' here", "2"),
    ("index=main | eval x==2", "expected '='", "==2"),
    ("index=main | eval ok=(1==1)", "Fields cannot be assigned a boolean result", "(1==1)"),
    ("index=main | eval x=round()", "takes 1 to 2 argument(s), not 0", "round"),
    ('index=main | where match(a, "(")', "is invalid", '"("'),
    ('index=main | rex "no groups"', "no named group", None),
    ('index=main | rex mode=sed "x/a/b/"', "is not a sed expression", '"x/a/b/"'),
    ("index=main (error OR", "expected a search term", None),
    ("index=main OR", "expected a search term", None),
    ('index=main "open', "this double quote is never closed", '"open'),
    ("index=main [search error", "this subsearch is never closed", "[search"),
    ("index=main ]", "unexpected ']'", "]"),
    ("index=main | `nope(1)`", "macro 'nope(1)' that cannot be found", "`nope"),
    ("index=main | stats count | makeresults", "must be the first", "makeresults"),
    ("index=main | rename a b", "expected AS after the field 'a'", "b"),
    ("index=main | rename a* AS b", "same number of wildcards", "b"),
    ("index=main | timechart span=10 sum", "takes a field in parentheses", None),
    ("| tstats count from datamodel=Web", "data models", "from"),
    ("index=main | | head", "a command is expected after the pipe", "| head"),
    ("index=main savedsplunk=x", "'savedsplunk' is not supported", None),
    ("| rest", "takes the path of an endpoint", None),
    ("| rest /a /b", "takes one path", "/b"),
    ("index=main | collect", "needs the option 'index'", None),
    ("index=main monthsago=1", "is not supported", None),
    ("| tstats count(eval(a=1)) where index=main", "does not take eval expressions", None),
    ("index=main | fieldformat a=1 | stats count", "can't stand after fieldformat", None),
    ("", "the search is empty", None),
]


@pytest.mark.parametrize(("search", "message", "where"), REFUSED)
def test_a_fault_is_named_with_its_position(search: str, message: str, where: str | None) -> None:
    with pytest.raises(SplError) as caught:
        parse(search, MemoryContext())
    assert message in caught.value.message
    assert caught.value.position is not None
    if where is not None:
        assert search[caught.value.position :].startswith(where)


def test_a_fault_behind_a_macro_has_its_position_in_the_text_as_written() -> None:
    context = MemoryContext(confs={"macros": {"long": {"definition": "index=main " * 20}}})
    search = "`long` | frobnicate"
    with pytest.raises(SplError) as caught:
        parse(search, context)
    assert search[caught.value.position :] == "frobnicate"


def test_a_fault_inside_a_macro_has_the_position_of_its_call() -> None:
    context = MemoryContext(confs={"macros": {"bad": {"definition": "stats frob(x)"}}})
    with pytest.raises(SplError) as caught:
        parse("index=main | `bad`", context)
    assert caught.value.position == len("index=main | ")


def test_nesting_has_an_end() -> None:
    with pytest.raises(SplError, match="nested more than"):
        parse("| makeresults | eval x=" + "(" * 500 + "1" + ")" * 500)
    with pytest.raises(SplError, match="nested more than"):
        parse("search " + "(" * 500 + "a" + ")" * 500)
    with pytest.raises(SplError, match="nested more than"):
        parse("search " + "[search " * 30 + "a" + "]" * 30)


def test_a_long_chain_of_conditions_is_no_nesting() -> None:
    chain = " OR ".join(f"n={number}" for number in range(3000))
    assert len(run(f"| makeresults | eval n=2999 | where {chain}", MemoryContext()).rows) == 1
    search = f"| makeresults | eval n=2999 | search {chain}"
    assert len(run(search, MemoryContext()).rows) == 1


@pytest.mark.parametrize("option", ["earliest=yesterday-ish", "latest=@zz", "earliest=-5x"])
def test_a_bad_time_modifier_is_an_error_when_the_search_runs(option: str) -> None:
    with pytest.raises(SplError, match="for a time term") as caught:
        run(f"index=main {option}", MemoryContext())
    assert caught.value.position == len("index=main ")


def test_a_runaway_regular_expression_ends_in_words() -> None:
    search = f'| makeresults | eval x=replace("{"a" * 40}b", "(a+)+$", "")'
    with pytest.raises(SplError, match="regular expression could not be matched"):
        run(search, MemoryContext())


def test_a_cancelled_search_stops() -> None:
    with pytest.raises(SplError, match="cancelled"):
        run("| makeresults count=10", MemoryContext(stopped=True))

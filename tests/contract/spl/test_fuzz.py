"""Whatever is typed ends in results or in an SplError, never in a traceback.

FUZZ_EXAMPLES=20000 in the environment makes each test try as many.
"""

from __future__ import annotations

import os
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.contract.spl.memory import NOW, MemoryContext, MemoryTable, event
from tools.splunkd_lite.spl import Results, SplError, run
from tools.splunkd_lite.spl.registry import AGGREGATES, COMMANDS, FUNCTIONS, Function

MANY = int(os.environ.get("FUZZ_EXAMPLES", "0"))
FIELDS = st.sampled_from(
    ["host", "status", "n", "_time", "_raw", "user", "'a b'", "x*", "_key", "mv", "nope", '"a b"']
)
NUMBERS = st.one_of(
    st.integers(-(10**20), 10**20).map(str),
    st.floats(allow_nan=False, allow_infinity=False).map(lambda x: f"{x:.6g}"),
    st.sampled_from(["0", "1", "-1", "1e308", ".5", "007"]),
)
STRINGS = st.one_of(
    st.sampled_from(
        ['"a"', '""', '"%Y-%m-%d"', '"-1d@d"', '"(?<g>.)"', '"["', '"{}"', '"{\\"a\\":[1]}"',
         '"a.b{}"', '"%s"', '"%5.2f"', '"s/a/b/g"', '"é"', '"\\\\1"', '"1,2"', '"hex"', '"@y"']
    ),
    st.text(max_size=6).map(lambda s: '"' + s.replace("\\", "\\\\").replace('"', '\\"') + '"'),
)  # fmt: skip


def calls(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    """Calls of any function, mostly with as many arguments as it takes."""

    def call(function: Function) -> st.SearchStrategy[str]:
        most = function.least + 2 if function.most is None else function.most
        good = st.lists(inner, min_size=function.least, max_size=most)
        arguments = st.one_of(good, good, good, st.lists(inner, max_size=4))
        return arguments.map(lambda found: f"{function.name}({', '.join(found)})")

    return st.sampled_from([FUNCTIONS[name] for name in sorted(FUNCTIONS)]).flatmap(call)


OPERATORS = ["+", "-", "*", "/", "%", ".", "=", "!=", "<", "<=", "AND", "OR", "XOR", "LIKE"]
EXPRESSIONS: st.SearchStrategy[str] = st.recursive(
    st.one_of(FIELDS, NUMBERS, STRINGS, st.sampled_from(["true()", "null()", "now()"])),
    lambda inner: st.one_of(
        st.builds(
            lambda a, o, b: f"({a} {o} {b})",
            inner,
            st.sampled_from(OPERATORS),
            inner,
        ),
        calls(inner),
        inner.map(lambda x: f"NOT {x}"),
        inner.map(lambda x: f"-{x}"),
    ),
    max_leaves=6,
)
AGGREGATIONS = st.one_of(
    st.builds(lambda f, x: f"{f}({x})", st.sampled_from([*sorted(AGGREGATES), "p95"]), FIELDS),
    st.builds(lambda f, e: f"{f}(eval({e}))", st.sampled_from(sorted(AGGREGATES)), EXPRESSIONS),
    st.sampled_from(["count", "sparkline(count, 1m)", "sparkline", "perc99.9(n) AS p"]),
)
TERMS = st.recursive(
    st.one_of(
        FIELDS,
        STRINGS,
        st.builds(lambda f, o, v: f"{f}{o}{v}", FIELDS, st.sampled_from(["=", "!=", ">", "<="]),
                  st.one_of(NUMBERS, STRINGS, st.sampled_from(["*", "a*", "10.0.0.0/8"]))),
        st.sampled_from(["TERM(a)", "earliest=-1h", "latest=now", "status IN (200, 5*)", "index=*",
                         "eventtype=bad", "tag=x", "CASE(A)"]),
    ),
    lambda inner: st.one_of(
        st.builds(lambda a, b: f"{a} {b}", inner, inner),
        st.builds(lambda a, b: f"({a} OR {b})", inner, inner),
        inner.map(lambda x: f"NOT {x}"),
        inner.map(lambda x: f"[search {x} | fields host]"),
    ),
    max_leaves=5,
)  # fmt: skip
WORDS = st.one_of(
    FIELDS, NUMBERS, STRINGS, EXPRESSIONS, AGGREGATIONS,
    st.sampled_from(["by", "AS", "as x", "over", "OUTPUT", "OUTPUTNEW", "where", ",", "-", "+", "(",
                     ")", "[", "]", "=", "span=5m", "limit=2", "field=n", "window=2", "current=f",
                     "max=0", "t", "input", "x=y", "[| makeresults]", "[stats count]",
                     "sortby -n", "maxspan=1m", "bins=3", "path=a", "delim=,", "keepempty=t"]),
)  # fmt: skip
PLAUSIBLE = st.one_of(
    st.lists(EXPRESSIONS, min_size=1, max_size=2).map(
        lambda xs: "eval " + ", ".join(f"v{i}={x}" for i, x in enumerate(xs))
    ),
    EXPRESSIONS.map(lambda x: f"where {x}"),
    TERMS.map(lambda x: f"search {x}"),
    st.builds(
        lambda c, a, b: f"{c} {' '.join(a)} BY {b}",
        st.sampled_from(["stats", "eventstats", "streamstats", "chart", "timechart"]),
        st.lists(AGGREGATIONS, min_size=1, max_size=2),
        FIELDS,
    ),
)
WILD = st.builds(
    lambda c, words: f"{c} {' '.join(words)}",
    st.sampled_from(sorted(COMMANDS)),
    st.lists(WORDS, max_size=4),
)
SEARCHES = st.builds(
    lambda head, tail: " | ".join([head, *tail]),
    st.one_of(TERMS.map(lambda x: f"search {x}"), st.just("index=*"), WILD.map(lambda x: f"| {x}")),
    st.lists(st.one_of(PLAUSIBLE, WILD), max_size=3),
)
EVENTS = [
    event('host=x status=200 n=1.5 user="a b"', NOW - 90),
    event('{"status": 500, "mv": [1, "two"], "deep": {"a": null}}', NOW - 30, sourcetype="js"),
    event("plain words, nothing else", NOW - 1),
]
TABLE: list[dict[str, Any]] = [
    {"host": "web01", "n": "1", "mv": ["1", "2"]},
    {"host": None, "n": "x"},
    {},
]


def fuzz_context() -> MemoryContext:
    return MemoryContext(
        list(EVENTS),
        earliest=NOW - 300,
        latest=NOW,
        tables={"input": MemoryTable(TABLE)},
        confs={
            "eventtypes": {"bad": {"search": "status>=500"}},
            "tags": {"host=web01": {"x": "enabled"}},
            "macros": {"m(1)": {"args": "a", "definition": "$a$"}},
        },
    )


def outcome(search: str) -> Results | SplError:
    try:
        return run(search, fuzz_context())
    except SplError as error:
        assert error.message
        return error


@settings(max_examples=MANY or 400, deadline=None, suppress_health_check=list(HealthCheck))
@given(SEARCHES)
def test_a_search_of_the_grammar_ends_in_results_or_an_error(search: str) -> None:
    outcome(search)


@settings(max_examples=MANY or 300, deadline=None)
@given(EXPRESSIONS)
def test_an_eval_expression_ends_in_results_or_an_error(expression: str) -> None:
    outcome(f"| inputlookup input | eval result={expression}")


@settings(max_examples=MANY or 300, deadline=None)
@given(st.text(max_size=60))
def test_any_text_ends_in_results_or_an_error(text: str) -> None:
    outcome(text)


@settings(max_examples=MANY or 200, deadline=None)
@given(SEARCHES, st.data())
def test_a_damaged_search_ends_in_results_or_an_error(search: str, data: st.DataObject) -> None:
    cut = data.draw(st.integers(0, len(search)))
    junk = data.draw(st.sampled_from(["", '"', "`", "[", "]", "(", ")", "|", "\\", "=", "`m(1)`"]))
    outcome(search[:cut] + junk + search[cut + 1 :])

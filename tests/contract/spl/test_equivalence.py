"""The shortcuts that make searches fast must not change what they give."""

from __future__ import annotations

from typing import Any

from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from tests.contract.spl.memory import NOW, MemoryContext, event
from tests.contract.spl.test_fuzz import PLAUSIBLE, TERMS, fuzz_context
from tools.splunkd_lite.spl import SplError, parse
from tools.splunkd_lite.spl.autokv import key_values, only_keys
from tools.splunkd_lite.spl.context import Environment
from tools.splunkd_lite.spl.execute import run_pipeline, text_row
from tools.splunkd_lite.spl.tree import Pipeline

PIECES = st.sampled_from(
    ["a", "b", "a_b", "a-b", "a.b", "_a", "9a", "=", "=", "=", " ", " ", ",", ";", '"', '\\"', "x",
     "1", "two words", "é", "&", "(", ")", "|", "\n", ":", "{", "}"]
)  # fmt: skip
RAW = st.lists(PIECES, max_size=14).map("".join)
KEYS = st.sampled_from(
    ["a=", "a_b=", "a.b=", "a-b=", "a:b=", "x=", "xa=", "9a=", "_a_b=", " ", " ", ",", "1", "b",
     "=", '"', "'", "(", "é"]
)  # fmt: skip


@given(st.one_of(RAW, st.lists(KEYS, max_size=12).map("".join)))
@settings(max_examples=3000, deadline=None)
@example('a=1 a="2"')
@example("xa=1 a=2")
@example("a==1")
@example("1éa=a")
@example('b="x a=1" a=2')
def test_pairs_found_one_by_one_are_those_found_together(raw: str) -> None:
    every: dict[str, Any] = {}
    key_values(raw, every)
    for names in (("a",), ("b",), ("a_b",), ("x",), ("a", "a_b", "x")):
        some: dict[str, Any] = {}
        only_keys(frozenset(names))(raw, some)
        assert {name: every[name] for name in names if name in every} == some


def outcome(search: str, context: MemoryContext, everything: bool) -> Any:
    """The rows of a search; with `everything`, every field is extracted for every event and
    nothing is dropped before that."""
    try:
        pipeline = parse(search, context)
        env = Environment(context)
        if everything:
            first = Pipeline(parse("search index=*", context).commands)
            rows = list(run_pipeline(first, env))
            return [text_row(row) for row in run_pipeline(pipeline, env, None, rows)]
        return [text_row(row) for row in run_pipeline(pipeline, env)]
    except SplError as error:
        return f"error: {error.message}"


VALUES = st.sampled_from(["1", "200", "abc", "ABC", "a-b", "x y", "10.0.0.1", "1.0", "01"])
EVENTS = st.lists(
    st.builds(
        lambda f, v, style, extra: {"=": f'{f}="{v}" {extra}', "j": f'{{"{f}": "{v}"}}',
                                    "n": f"{extra} {v}"}[style],
        st.sampled_from(["f", "g"]), VALUES, st.sampled_from("=jn"), VALUES,
    ),
    min_size=1, max_size=5,
)  # fmt: skip
CONDITIONS = st.recursive(
    st.one_of(
        st.builds(
            lambda f, o, v: f'{f}{o}"{v}"',
            st.sampled_from(["f", "g", "host", "made", "alias"]),
            st.sampled_from(["=", "!=", ">", "<="]),
            st.one_of(VALUES, st.sampled_from(["*", "a*", "10.0.0.0/8", "2*0"])),
        ),
        VALUES.map(lambda v: f'"{v}"'),
        st.sampled_from(["f IN (1, 200)", "a*", "eventtype=one", "tag=t"]),
    ),
    lambda inner: st.one_of(
        st.builds(lambda a, b: f"({a} {b})", inner, inner),
        st.builds(lambda a, b: f"({a} OR {b})", inner, inner),
        inner.map(lambda x: f"NOT {x}"),
    ),
    max_leaves=4,
)
CONFS = {
    "props": {"app": {"EVAL-made": "f.f", "FIELDALIAS-a": "g AS alias"}},
    "eventtypes": {"one": {"search": "f=1"}},
    "tags": {"f=200": {"t": "enabled"}},
}


@given(EVENTS, CONDITIONS)
@example(['f="1" 1'], 'f="01"')
@settings(max_examples=600, deadline=None)
def test_dropping_events_early_finds_the_same_events(raws: list[str], condition: str) -> None:
    stored = [event(raw, NOW - index - 1) for index, raw in enumerate(raws)]
    fast = outcome(f"search index=* {condition}", MemoryContext(stored, confs=CONFS), False)
    slow = outcome(f"search index=* {condition}", MemoryContext(stored, confs=CONFS), True)
    assert [row["_raw"] for row in fast] == [row["_raw"] for row in slow]


@given(TERMS, st.lists(PLAUSIBLE, max_size=2))
@settings(max_examples=300, deadline=None, suppress_health_check=list(HealthCheck))
def test_extracting_only_what_is_needed_gives_the_same_report(
    terms: str, commands: list[str]
) -> None:
    tail = " | ".join([*commands, "stats count values(*) AS *"])
    lean = " | ".join([*commands, "stats count values(v0) values(v1)"])
    for search in (f"search {terms} | {tail}", f"search {terms} | {lean}"):
        if any(word in search for word in ("random", "earliest", "latest", "[")):
            continue
        assert outcome(search, fuzz_context(), False) == outcome(search, fuzz_context(), True)


def test_what_an_expression_reads_is_extracted() -> None:
    commands = ["eval made=n*2, late=made+1", "where status>=200", "eventstats max(late) AS top",
                'rex field=user "(?<initial>.)"', "bin span=10 n", "sort - status",
                "rename top AS best", "dedup initial", "fillnull value=x nope"]  # fmt: skip
    for count in range(1, len(commands) + 1):
        for last in ("stats values(best) values(late) values(initial) values(n)", "table late"):
            search = " | ".join(["search index=*", *commands[:count], last])
            assert outcome(search, fuzz_context(), False) == outcome(search, fuzz_context(), True)

"""Nothing that comes from outside can change what a search does."""

import doctest

import pytest
from hypothesis import given
from hypothesis import strategies as st

from incident_management.splunk.searching import spl


def test_the_examples_hold():
    assert doctest.testmod(spl).failed == 0


@given(st.text())
def test_a_quoted_value_ends_where_it_should(text):
    if any(character in text for character in "\r\n\0"):
        assert not spl.is_searchable(text)
        with pytest.raises(spl.Unsearchable, match="line break"):
            spl.quote(text)
        return
    assert spl.is_searchable(text)
    quoted = spl.quote(text)
    inside = quoted[1:-1].replace("\\\\", "").replace('\\"', "")
    assert quoted[0] == quoted[-1] == '"'
    assert '"' not in inside
    assert "\\" not in inside
    assert quoted[1:-1].replace('\\"', '"').replace("\\\\", "\\") or not text


@pytest.mark.parametrize("name", ["a b", "a|b", "a=b", "", "a`b", "x]", 'x"', "1a", "a-b"])
def test_an_odd_field_name_is_refused(name):
    with pytest.raises(ValueError, match="field name"):
        spl.field_is(name, "x")


def test_plain_text_is_not_taken_for_a_part():
    with pytest.raises(TypeError, match="plain text"):
        spl.Search("index=main | delete").__str__()  # type: ignore[arg-type]


@pytest.mark.parametrize("bad", ["x) | delete", "count | outputlookup a", "count(a b)", "Count"])
def test_an_odd_aggregate_is_refused(bad):
    with pytest.raises(ValueError, match="aggregate"):
        spl.stats(bad)


def test_a_search_reads_as_spl():
    search = spl.Search(
        spl.any_of("index", ["main", "web"]),
        spl.any_of("service", ["a", 'b"']),
        spl.either(spl.term("error"), spl.negate(spl.field_is("level", "INFO"))),
    ).pipe(
        spl.stats("count", ("latest(_raw)", "sample"), by=["service", "host"]),
        spl.sort(["-count"], 10),
        spl.fields("table", ["service", "count"]),
    )
    assert str(search) == (
        'search index IN ("main", "web") service IN ("a", "b\\"") '
        '("error" OR NOT (level="INFO")) '
        "| stats count latest(_raw) as sample by service host | sort 10 -count "
        "| table service count"
    )


def test_a_search_without_conditions_begins_with_a_bar():
    assert str(spl.Search().pipe(spl.command("tstats", spl.option("summariesonly", True)))) == (
        "| tstats summariesonly=true"
    )


def test_numbers_and_macros():
    assert spl.macro("incident_indexes") == "`incident_indexes`"
    assert spl.macro("incident", "INC-1") == '`incident("INC-1")`'
    assert spl.number(1_700_000_000.25) == "1700000000.25"


def test_no_values_are_refused_instead_of_matching_nothing():
    with pytest.raises(ValueError, match="No values"):
        spl.any_of("host", [])


@pytest.mark.parametrize("name", ["a b", "a`b", "a(1)", "", "a|delete", 'a"'])
def test_a_malformed_name_of_a_macro_or_command_is_refused(name):
    with pytest.raises(ValueError, match="name of a macro"):
        spl.macro(name)
    with pytest.raises(ValueError, match="name of a command"):
        spl.command(name)


def test_a_lookup_that_does_not_exist_fails_instead_of_finding_nothing():
    assert str(spl.lookup("known.csv")) == 'inputlookup strict=true "known.csv"'

"""What a command of rows answers, held against plain reading and writing of the same CSV."""

from __future__ import annotations

import csv
import io

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from incident_management.splunk.scripts.rows import Table

TEXTS = st.text(st.sampled_from('ab1 ,;"\n$é\u2028'), max_size=6)
TABLES = st.integers(1, 4).flatmap(
    lambda width: st.lists(st.lists(TEXTS, min_size=width, max_size=width), max_size=8).map(
        lambda rows: ([f"f{n}" for n in range(width)], rows)
    )
)


def _body(header, rows, end="\n"):
    out = io.StringIO()
    csv.writer(out, lineterminator=end).writerows([header, *rows])
    return out.getvalue()


def _written(table):
    out = io.StringIO()
    table.write(out)
    return list(csv.reader(io.StringIO(out.getvalue(), newline="")))


@settings(max_examples=200, deadline=None)
@given(TABLES, st.data(), st.sampled_from(["\n", "\r\n"]))
def test_fields_are_added_at_the_end_and_all_else_goes_as_it_came(given_table, data, end):
    header, rows = given_table
    added = [data.draw(st.tuples(TEXTS, TEXTS)) for _ in rows]
    table = Table(_body(header, rows, end))
    table.add(["new", "other"], added)
    assert _written(table) == [
        [*header, "new", "other"],
        *([*row, *more] for row, more in zip(rows, added)),
    ]


@settings(max_examples=100, deadline=None)
@given(TABLES, st.data(), st.booleans())
def test_plain_texts_are_added_as_their_values_would_be(given_table, data, all_wanted):
    header, rows = given_table
    added = [(str(n), "", f"{n}.5") for n in range(len(rows))]
    wanted = [all_wanted or data.draw(st.booleans()) for _ in rows]
    written = []
    for add in ("add", "add_plain"):
        table = Table(_body(header, rows))
        values = added if add == "add" else map(",".join, added)
        getattr(table, add)([header[0], "new", "other"], values)
        table.keep(wanted)
        written.append(_written(table))
    assert written[0] == written[1]


@settings(max_examples=50, deadline=None)
@given(TABLES, st.data())
def test_rows_that_are_not_wanted_go(given_table, data):
    header, rows = given_table
    wanted = [data.draw(st.booleans()) for _ in rows]
    table = Table(_body(header, rows))
    table.add(["new"], [[str(n)] for n in range(len(rows))])
    table.keep(wanted)
    kept = [[*row, str(n)] for n, row in enumerate(rows) if wanted[n]]
    assert _written(table) == [[*header, "new"], *kept]


def test_a_field_that_is_there_already_is_replaced_with_all_its_values():
    table = Table('a,__mv_a,b\n"1\n2",$1$;$2$,x\n3,,y\n')
    table.add(["a"], [["8"], ["9"]])
    assert _written(table) == [["b", "a"], ["x", "8"], ["y", "9"]]


def test_several_values_go_through_in_splunk_s_own_writing():
    table = Table('a,__mv_a\n"1\n2",$1$;$2$\n')
    assert table.column("a") == ["1\n2"]
    table.add(["b"], [["x"]])
    assert _written(table) == [["a", "__mv_a", "b"], ["1\n2", "$1$;$2$", "x"]]


def test_a_short_row_has_empty_fields_at_its_end():
    table = Table("a,b\n1\n2,3\n")
    assert table.column("b") == ["", "3"]
    table.add(["c"], [["x"], ["y"]])
    assert _written(table) == [["a", "b", "c"], ["1", "", "x"], ["2", "3", "y"]]


def test_a_field_that_the_chunk_lacks_is_empty_in_every_row():
    table = Table("a\n1\n2\n")
    assert not table.has("b")
    assert table.column("b") == ["", ""]


@pytest.mark.parametrize("body", ["", "a,b\n"])
def test_a_chunk_without_rows_has_none(body):
    assert Table(body).rows == []


def test_a_nul_is_no_end_of_the_search_on_the_pythons_whose_csv_refuses_it():
    table = Table('_raw,b\n"bin \0\x01",x\nok,y\n')
    assert table.column("_raw") == ["bin \ufffd\x01", "ok"]
    table.add(["c"], [["1"], ["2"]])
    assert _written(table) == [["_raw", "b", "c"], ["bin \ufffd\x01", "x", "1"], ["ok", "y", "2"]]

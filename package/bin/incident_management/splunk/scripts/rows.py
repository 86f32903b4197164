"""Streaming search commands that add fields to every row, on rows as lists.

splunklib makes a dictionary of each row and writes each field with a ``__mv_`` twin, which takes
more time than what most commands do. A command here gets the columns that it asks for and gives
the fields that it adds; the others go through as they came, their ``__mv_`` twins included (the
encoding of multivalue fields in splunklib's ``searchcommands/internals.py``). All else, the
protocol, options and messages, is splunklib's.
"""

from __future__ import annotations

import csv
from io import StringIO
from itertools import compress
from types import SimpleNamespace
from typing import Any, Dict, Iterable, List, Sequence, Tuple

from splunklib.searchcommands import StreamingCommand
from splunklib.searchcommands.internals import CsvDialect

from ..nul import without_nul

__all__ = ["MULTIVALUE", "RowsCommand", "Table"]

MULTIVALUE = "__mv_"

Row = List[str]
_END = "\r\n"


def _read(body: str) -> Tuple[List[str], List[Row]]:
    """Return the lines of a CSV without their ends, and its rows."""
    plain = body.replace(_END, "\n")
    if '"' in plain or "\r" in plain:
        lines = list(StringIO(body))
        return [line.rstrip(_END) for line in lines], list(csv.reader(lines, dialect=CsvDialect))
    # Numbers as they come from timechart or stats: a comma ends a field wherever it stands. To
    # split is three times as fast as to ask of each character what it means.
    lines = plain.split("\n")
    if not lines[-1]:
        lines.pop()
    return lines, [line.split(",") for line in lines]


class Table:
    """The rows of one chunk, as the text of a CSV.

    Raises:
        csv.Error: the text is no CSV.
    """

    def __init__(self, body: str) -> None:
        self._lines, rows = _read(without_nul(body))
        self.header: Row = rows[0] if rows else []
        self.rows: List[Row] = rows[1:]
        self._names: List[str] = []
        self._added: List[Sequence[str]] = [()] * len(self.rows)
        self._plain: List[str] = []
        self._place: Dict[str, int] = {name: place for place, name in enumerate(self.header)}
        self._whole = self._even_out() and len(self._lines) == len(self.rows) + 1

    def _even_out(self) -> bool:
        """Give a short row empty fields at its end; False when there was one."""
        width, even = len(self.header), True
        for row in self.rows:
            if len(row) != width:
                row[:] = (row + [""] * width)[:width]
                even = False
        return even

    def column(self, name: str) -> Sequence[str]:
        """Return the field of every row; empty texts where the chunk does not have it.

        Several values of a field are one text, each on a line of its own.
        """
        place = self._place.get(name)
        return [""] * len(self.rows) if place is None else [row[place] for row in self.rows]

    def has(self, name: str) -> bool:
        """Return whether the chunk came with the field."""
        return name in self._place

    def add(self, names: Sequence[str], values: Iterable[Sequence[str]]) -> None:
        """Give every row these fields, each with one value, in place of those so named; once."""
        self._names, self._added = list(names), list(values)
        old = [self._place.get(prefix + name) for name in names for prefix in ("", MULTIVALUE)]
        drop = {place for place in old if place is not None}
        if drop:
            kept = [place not in drop for place in range(len(self.header))]
            self.header = list(compress(self.header, kept))
            self.rows = [list(compress(row, kept)) for row in self.rows]
            self._whole = False

    def add_plain(self, names: Sequence[str], texts: Iterable[str]) -> None:
        """Do what :meth:`add` does, with the values of a row as one text, between commas.

        No value may hold a comma, a quote or the end of a line.
        """
        self._plain = list(texts)
        self.add(names, ())

    def keep(self, wanted: Sequence[Any]) -> None:
        """Keep only the rows for which ``wanted`` has something true, in order."""
        self.rows = list(compress(self.rows, wanted))
        self._added = list(compress(self._added, wanted))
        self._plain = list(compress(self._plain, wanted))
        self._lines[1:] = compress(self._lines[1:], wanted) if self._whole else []

    def write(self, out: StringIO) -> None:
        """Write the header and the rows, with what was added at the end of each."""
        writer = csv.writer(out, dialect=CsvDialect)
        writer.writerow([*self.header, *self._names])
        if not (self._whole and self._names):
            added = self._added or [text.split(",") for text in self._plain]
            writer.writerows([*row, *more] for row, more in zip(self.rows, added))
            return
        # A row that came on one line goes as it came: nothing in it has changed.
        texts, end = self._plain, CsvDialect.lineterminator
        if not texts:
            texts, end = [], ""
            to_list = SimpleNamespace(write=texts.append)
            csv.writer(to_list, dialect=CsvDialect).writerows(self._added)
        out.writelines([f"{line},{text}{end}" for line, text in zip(self._lines[1:], texts)])


class RowsCommand(StreamingCommand):
    """A streaming command that works on a chunk's columns: override :meth:`change`."""

    def change(self, table: Table) -> None:
        """Add fields to the table, or drop rows from it."""
        raise NotImplementedError("A command says what it changes.")

    def end(self) -> None:
        """Do what is left when the last chunk has come; messages still reach the searcher."""

    def track_fields(self, table: Table, names: Iterable[str]) -> None:
        """Remember which of the fields no chunk has had so far."""
        missing = [name for name in names if not table.has(name)]
        self._missing = [name for name in missing if name in getattr(self, "_missing", missing)]

    def warn_of_missing(self) -> None:
        """Name the fields that were looked for and that no row had."""
        for name in getattr(self, "_missing", ()):
            self.write_warning(f"No row has the field '{name}'; check its name.")

    def stream(self, records: Any) -> Any:
        """Never called: splunklib wants it to be there, to know that the command streams."""
        raise NotImplementedError("Rows go through change().")

    def _execute_chunk_v2(self, process: Any, chunk: Tuple[Any, str]) -> None:
        """In the place of splunklib's step from a chunk's text to the answer's.

        A chunk without text, which splunkd sends for a search without events, has no answer.
        """
        table = Table(chunk[1])
        if table.header:
            self.change(table)
        if table.rows:
            self._record_writer._pending_record_count += len(table.rows)
            table.write(self._record_writer._buffer)
        if self._finished:
            self.end()

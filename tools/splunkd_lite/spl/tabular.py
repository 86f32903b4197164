"""Inline CSV and JSON, as makeresults takes them."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator

from tools.splunkd_lite.spl.errors import SplError
from tools.splunkd_lite.spl.structured import flatten
from tools.splunkd_lite.spl.values import Row, as_list, from_list

__all__ = ["read_csv", "read_json"]


def read_csv(text: str, position: int | None) -> Iterator[Row]:
    """Rows of CSV text with a header; empty cells are null."""
    reader = csv.reader(io.StringIO(text.strip("\n")))
    header = next(reader, None)
    if not header:
        raise SplError("the CSV data has no header", position)
    names = [name.strip() for name in header]
    for cells in reader:
        padded = cells + [""] * (len(names) - len(cells))
        yield {name: cell or None for name, cell in zip(names, padded, strict=False)}


def read_json(text: str, position: int | None) -> Iterator[Row]:
    """Rows of a JSON array of objects."""
    try:
        loaded = json.loads(text)
    except ValueError as error:
        raise SplError(f"the JSON data is invalid: {error}", position) from None
    for item in loaded if isinstance(loaded, list) else [loaded]:
        if not isinstance(item, dict):
            raise SplError("the JSON data is not an array of objects", position)
        row: Row = {"_raw": json.dumps(item, separators=(",", ":"), ensure_ascii=False)}
        for path, value in flatten(item):
            row[path] = from_list([*as_list(row.get(path)), value])
        yield row

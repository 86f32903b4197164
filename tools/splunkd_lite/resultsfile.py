"""``results.csv.gz`` of a dispatch folder, and how values turn into text.

Source: "Custom alert action component reference" (the results file that an alert action reads) and
the ``__mv_`` columns that splunkd adds for multivalue fields: ``$a$;$b$`` with ``$`` doubled
(recorded, see the chunked protocol recordings).
"""

from __future__ import annotations

import csv
import gzip
from pathlib import Path
from typing import Any, Iterable, Mapping, Sequence

__all__ = ["Row", "read_results", "text_of", "write_results"]

Row = Mapping[str, Any]


def text_of(value: Any) -> str:
    """One value as splunkd writes it: whole numbers have no ``.0``; a list joins its lines."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "1" if value else "0"
    if isinstance(value, float):
        return str(int(value)) if value.is_integer() and abs(value) < 1e15 else repr(value)
    if isinstance(value, (list, tuple)):
        return "\n".join(text_of(item) for item in value)
    return str(value)


def write_results(path: Path, fields: Sequence[str], rows: Iterable[Row]) -> None:
    """Write rows; each field has a ``__mv_`` twin, filled where it has several values."""
    with gzip.open(path, "wt", encoding="utf-8", newline="", compresslevel=1) as stream:
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow([name for field in fields for name in (field, f"__mv_{field}")])
        for row in rows:
            cells: list[str] = []
            for field in fields:
                value = row.get(field)
                several = isinstance(value, (list, tuple)) and len(value) > 1
                cells += [text_of(value), _encode(value) if several else ""]
            writer.writerow(cells)


def read_results(path: Path) -> tuple[list[str], list[dict[str, Any]]]:
    """The fields and rows that :func:`write_results` wrote, values as text."""
    with gzip.open(path, "rt", encoding="utf-8", newline="") as stream:
        reader = csv.reader(stream)
        header = next(reader, [])
        fields = header[::2]
        rows = []
        for cells in reader:
            row: dict[str, Any] = {}
            for field, text, several in zip(fields, cells[::2], cells[1::2], strict=True):
                if several:
                    row[field] = _decode(several)
                elif text:
                    row[field] = text
            rows.append(row)
    return fields, rows


def _encode(values: Any) -> str:
    return ";".join("$" + text_of(value).replace("$", "$$") + "$" for value in values)


def _decode(text: str) -> list[str]:
    return [part.replace("$$", "$") for part in text[1:-1].split("$;$")]

"""The framing of Splunk's chunked (version 2) protocol, and its CSV with ``__mv_`` fields.

A chunk is ``chunked 1.0,<bytes of metadata>,<bytes of body>\\n`` + JSON metadata + CSV body, as
recorded from a real splunkd. A multivalue field ``f`` is sent twice: in ``f``, its values joined by
newlines; in ``__mv_f``, ``$a$;$b$`` with each ``$`` in a value doubled.
"""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Protocol

from tools.splunkd_lite.resultsfile import text_of

from .errors import ProcessFailed

__all__ = ["decode_body", "encode_body", "frame", "read_chunk", "unquote_argument"]

MAX_CHUNK_BYTES = 512 * 1024 * 1024

_HEADER = re.compile(rb"chunked\s+1\.0\s*,\s*(\d+)\s*,\s*(\d+)\s*\Z")
_MV_VALUE = re.compile(r"\$((?:\$\$|[^$])*)\$(?:;|\Z)")

csv.field_size_limit(MAX_CHUNK_BYTES)


class Reader(Protocol):
    """Where chunks are read from."""

    def readline(self) -> bytes:
        """The next line with its end, or b"" at the end of the stream."""

    def read(self, size: int) -> bytes:
        """Exactly ``size`` bytes, or fewer at the end of the stream."""


def frame(metadata: Mapping[str, Any], body: bytes = b"") -> bytes:
    """One chunk as bytes."""
    meta = json.dumps(metadata, ensure_ascii=False, separators=(",", ":")).encode()
    return b"chunked 1.0,%d,%d\n" % (len(meta), len(body)) + meta + body


def read_chunk(
    stream: Reader, max_bytes: int = MAX_CHUNK_BYTES
) -> tuple[dict[str, Any], bytes] | None:
    """The next chunk's metadata and body, or None at the end of the stream.

    Blank lines before a header are skipped: a recorded command wrote one, and splunkd took it.

    Raises:
        ProcessFailed: what was read is not a chunk, or is larger than ``max_bytes``.
    """
    header = stream.readline()
    while header in (b"\n", b"\r\n"):
        header = stream.readline()
    if not header:
        return None
    match = _HEADER.match(header.rstrip(b"\n"))
    if match is None:
        raise ProcessFailed(f"it wrote {header[:120]!r} where a chunk's header was due")
    meta_size, body_size = (int(group) for group in match.groups())
    if meta_size + body_size > max_bytes:
        raise ProcessFailed(
            f"it announced a chunk of {meta_size + body_size} bytes, more than {max_bytes}"
        )
    meta = stream.read(meta_size)
    body = stream.read(body_size)
    if len(meta) < meta_size or len(body) < body_size:
        raise ProcessFailed("it ended in the middle of a chunk")
    try:
        metadata = json.loads(meta) if meta else {}
    except ValueError as error:
        raise ProcessFailed(f"a chunk's metadata is not JSON: {error}") from error
    if not isinstance(metadata, dict):
        raise ProcessFailed("a chunk's metadata is not a JSON object")
    return metadata, body


def encode_body(rows: Sequence[Mapping[str, Any]], fields: Sequence[str] | None = None) -> bytes:
    """Rows as CSV, with a ``__mv_`` twin after all of the fields, as splunkd sends them.

    ``fields`` fixes the order; otherwise it is that of first appearance. No rows, or rows without
    any field, give b"".
    """
    names = list(fields) if fields is not None else list(dict.fromkeys(k for r in rows for k in r))
    if not names:
        return b""
    lines = [_csv_line([*names, *(f"__mv_{name}" for name in names)])]
    no_twins = "," * (len(names) - 1) + "\n"
    for row in rows:
        values = [row.get(name) for name in names]
        several = any(isinstance(value, (list, tuple)) for value in values)
        twins = _csv_line(map(_multi, values)) if several else no_twins
        lines.append(_csv_line(map(text_of, values))[:-1] + "," + twins)
    return "".join(lines).encode("utf-8", "surrogatepass")


def decode_body(body: bytes) -> list[dict[str, Any]]:
    """CSV as rows. A field whose ``__mv_`` twin is set becomes a list; an empty one is left out.

    splunkd has no difference between an empty field and an absent one in this CSV.
    """
    if not body:
        return []
    reader = csv.reader(io.StringIO(body.decode("utf-8", "replace"), newline=""))
    header = next(reader, [])
    columns = [(i, name) for i, name in enumerate(header) if not name.startswith("__mv_")]
    twins = {name[5:]: i for i, name in enumerate(header) if name.startswith("__mv_")}
    rows = []
    for number, values in enumerate(reader, start=2):
        if len(values) > len(header):
            raise ProcessFailed(f"line {number} of its CSV has more values than the header")
        values += [""] * (len(header) - len(values))
        row: dict[str, Any] = {}
        for index, name in columns:
            twin = twins.get(name)
            if twin is not None and values[twin]:
                row[name] = _decode_multi(values[twin])
            elif values[index]:
                row[name] = values[index]
        rows.append(row)
    return rows


def unquote_argument(raw: str) -> str:
    """A command's argument as it stands in ``searchinfo.args``: without its quotes.

    Recorded: ``pattern="\\w+"`` in ``raw_args`` is ``pattern=\\w+`` in ``args``: only an escaped
    quote and an escaped backslash lose their backslash.
    """
    match = re.fullmatch(r'(?s)((?:[^"=\s]+=)?)"((?:[^"\\]|\\.)*)"', raw)
    if match is None:
        return raw
    name, quoted = match.groups()
    return name + re.sub(r'\\(["\\])', r"\1", quoted)


def _csv_line(values: Iterable[str]) -> str:
    """One line of splunkd's CSV: whatever is not plain letters and digits is quoted (recorded)."""
    return ",".join([_csv_value(value) for value in values]) + "\n"


def _csv_value(text: str) -> str:
    if not text or (text.isascii() and text.isalnum()):
        return text
    return '"' + text.replace('"', '""') + '"'


def _multi(value: Any) -> str:
    if not isinstance(value, (list, tuple)) or len(value) < 2:
        return ""
    return ";".join("$" + text_of(item).replace("$", "$$") + "$" for item in value)


def _decode_multi(encoded: str) -> list[str]:
    values, at = [], 0
    while at < len(encoded):
        match = _MV_VALUE.match(encoded, at)
        if match is None:
            raise ProcessFailed(f"a multivalue field is not encoded as $value$: {encoded[:80]!r}")
        values.append(match.group(1).replace("$$", "$"))
        at = match.end()
    return values

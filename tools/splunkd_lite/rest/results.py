"""Result rows as XML, JSON, CSV and raw text.

Source: ``search/jobs/{search_id}/results`` in the REST API Reference; the XML and JSON that the
result readers of the Splunk SDK for Python take.
"""

from __future__ import annotations

import csv
import datetime
import io
import json
from itertools import islice
from typing import TYPE_CHECKING, Any, Iterator
from xml.sax.saxutils import quoteattr

from tools.splunkd_lite.errors import SplunkdError
from tools.splunkd_lite.job import Job
from tools.splunkd_lite.rest.atom import xml_text
from tools.splunkd_lite.rest.request import RestRequest, RestResponse
from tools.splunkd_lite.resultsfile import text_of

if TYPE_CHECKING:
    from tools.splunkd_lite.core import Splunk

__all__ = ["ARGUMENTS", "LOOK_SECONDS", "attribute", "export", "iso", "response", "streams"]

Row = dict[str, Any]
# What a page of results is asked for with.
# Those of the last two lines are sent by Splunk's SDK and Dashboard Studio; they change no row.
ARGUMENTS = (
    "count", "offset", "f", "field_list", "search",
    "segmentation", "show_metadata", "add_summary_to_metadata",
    "requestTotalCount", "progress", "check_risky_command",
)  # fmt: skip
_MODES = ("xml", "json", "json_rows", "json_cols", "csv", "raw")
_STREAMED = ("json", "raw")
# How many results a post-process has before a page of them is cut; Splunk's own package
# @splunk/datasources pages by it (src/utils/SplunkSearchUtils.js, `totalCount`).
_POST_PROCESS_COUNT = "post_process_count"
_DEFAULT_COUNT = 100
LOOK_SECONDS = 0.02


def iso(when: float) -> str:
    """Splunk's own form of a time, with milliseconds and the zone, which is UTC here."""
    moment = datetime.datetime.fromtimestamp(when, datetime.timezone.utc)
    return moment.isoformat(timespec="milliseconds")


def attribute(text: str) -> str:
    return quoteattr(text)[1:-1].replace("'", "&apos;")


def response(splunk: Splunk, job: Job, request: RestRequest, events: bool = False) -> RestResponse:
    """One page of a job's results, or of its ``events`` alone.

    ``count`` 0 means all that one answer may hold.
    """
    oneshot = request.segments[-1] == "jobs"
    if not oneshot:
        request.only(*ARGUMENTS)
    search = "" if oneshot else request.param("search").strip()
    if search and request.method == "GET" and request.segments[1] == "v2":
        # "In v2+, /results_preview, /events and /results do not support search params": splunklib.
        raise SplunkdError(400, "Version 2 takes a search in a POST alone.")
    fields, rows = job.shown_fields, job.rows
    if search:  # post-process; in a oneshot request it is the search itself
        fields, rows = splunk.jobs.post_process(job, search, request.who)
    wanted = request.param_list("f") or _comma(request.param("field_list"))
    fields = [name for name in fields if name in wanted] if wanted else fields
    offset = max(0, request.number("offset", 0))
    most = int(splunk.conf.get("limits", "restapi", "maxresultrows") or 50_000)
    count = request.number("count", _DEFAULT_COUNT)
    count = most if count <= 0 else min(count, most)
    if events and not search:
        found = islice((row for row in rows if "_raw" in row), offset, offset + count)
        page = [_shown(row, fields) for row in found]
    else:
        page = [_shown(row, fields) for row in rows[offset : offset + count]]
    mode = _mode(request)
    if mode == "csv":
        return RestResponse(200, "".join(_csv(fields, page)).encode(), "text/csv; charset=utf-8")
    if mode == "raw":
        body = "\n".join(text_of(row.get("_raw")) for row in page)
        return RestResponse(200, body.encode(), "text/plain; charset=utf-8")
    if mode == "xml":
        return RestResponse.of_xml(_xml(job, fields, page, offset, preview=not job.is_done))
    answer = _json(mode, job, fields, page, offset)
    if search:
        answer[_POST_PROCESS_COUNT] = len(rows)
    return RestResponse.of_json(answer)


def export(job: Job, request: RestRequest) -> RestResponse:
    """All results, as a stream: one JSON object a line, one XML document, or CSV."""
    mode = _mode(request)
    rows = (_shown(row, list(row) if streams(request) else job.fields) for row in _arriving(job))
    fields = job.fields
    if mode == "json":
        lines = _json_lines(rows, job)
        return RestResponse(content_type="application/json; charset=utf-8", stream=lines)
    if mode == "csv":
        text = (part.encode() for part in _csv(fields, rows))
        return RestResponse(content_type="text/csv; charset=utf-8", stream=text)
    if mode == "raw":
        raw = (text_of(row.get("_raw")).encode() + b"\n" for row in rows)
        return RestResponse(content_type="text/plain; charset=utf-8", stream=raw)
    if mode == "xml":
        return RestResponse.of_xml(_xml(job, fields, list(rows), 0, preview=False))
    raise SplunkdError(
        400, f"Unsupported output_mode '{mode}' for export: use json, xml, csv, raw."
    )


def streams(request: RestRequest) -> bool:
    """Whether an export in that form is sent while the search runs."""
    return _mode(request) in _STREAMED


def _arriving(job: Job) -> Iterator[Row]:
    """The rows as the search finds them. Who stops reading stops the search."""
    sent = 0
    try:
        while True:
            done = job.wait(0)
            while page := job.found_from(sent):
                sent += len(page)
                yield from page
            if done:
                return
            job.wait(LOOK_SECONDS)
    finally:
        if not job.is_done:
            job.cancel()


def _mode(request: RestRequest) -> str:
    mode = request.param("output_mode") or "xml"
    if mode not in _MODES:
        raise SplunkdError(400, f"Invalid output_mode '{mode}': use {', '.join(_MODES)}.")
    return mode


def _shown(row: Row, fields: list[str]) -> Row:
    """The row as text. ``_time`` becomes a readable time; empty fields are left out."""
    shown: Row = {}
    for name in fields:
        value = row.get(name)
        if value is None or value == [] or value == "":
            continue
        if name == "_time" and not isinstance(value, (list, tuple)):
            shown[name] = _time(value)
        elif isinstance(value, (list, tuple)):
            texts = [text_of(item) for item in value]
            shown[name] = texts if len(texts) > 1 else texts[0]
        else:
            shown[name] = text_of(value)
    return shown


def _time(value: Any) -> str:
    try:
        return iso(float(value))
    except (ValueError, OverflowError, OSError):
        return text_of(value)


def _json(mode: str, job: Job, fields: list[str], page: list[Row], offset: int) -> dict[str, Any]:
    names: list[Any] = [{"name": name} for name in fields]
    head: dict[str, Any] = {
        "preview": not job.is_done,
        "init_offset": offset,
        "messages": [{"type": kind, "text": text} for kind, text in job.messages],
    }
    if mode == "json_rows":
        rows = [[row.get(name) for name in fields] for row in page]
        return {**head, "fields": fields, "rows": rows}
    if mode == "json_cols":
        columns = [[row.get(name) for row in page] for name in fields]
        return {**head, "fields": names, "columns": columns}
    return {**head, "fields": names, "results": page, "highlighted": {}}


def _json_lines(rows: Iterator[Row], job: Job) -> Iterator[bytes]:
    """The last line says so; with no row there is one line without a result.

    A search that fails on the way says why in a line of messages instead of the last row.
    """
    held: dict[str, Any] = {"preview": False, "lastrow": True}
    number = -1
    for number, row in enumerate(rows):
        if number:
            yield _line(held)
        held = {"preview": False, "offset": number, "result": row}
    if job.state == "FAILED":
        yield _line(held)
        yield _line({"messages": [{"type": kind, "text": text} for kind, text in job.messages]})
        return
    yield _line({**held, "lastrow": True} if number >= 0 else held)


def _line(value: dict[str, Any]) -> bytes:
    return json.dumps(value, separators=(",", ":")).encode() + b"\n"


def _csv(fields: list[str], rows: Any) -> Iterator[str]:
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    if fields:
        writer.writerow(fields)
    for row in rows:
        writer.writerow([text_of(row.get(name)) for name in fields])
        yield buffer.getvalue()
        buffer.seek(0)
        buffer.truncate()
    yield buffer.getvalue()


def _xml(job: Job, fields: list[str], page: list[Row], offset: int, preview: bool) -> str:
    order = "".join(f"<field>{xml_text(name)}</field>\n" for name in fields)
    messages = "".join(
        f"<msg type={quoteattr(kind)}>{xml_text(text)}</msg>\n" for kind, text in job.messages
    )
    rows = "".join(_xml_row(row, offset + number) for number, row in enumerate(page))
    return (
        f"<results preview='{int(preview)}'>\n<meta>\n<fieldOrder>\n{order}</fieldOrder>\n</meta>\n"
        f"<messages>\n{messages}</messages>\n{rows}</results>\n"
    )


def _xml_row(row: Row, offset: int) -> str:
    cells = []
    for name, value in row.items():
        if name == "_raw":
            text = f"<v xml:space='preserve' trunc='0'>{xml_text(value)}</v>"
        else:
            values = value if isinstance(value, list) else [value]
            text = "".join(f"<value><text>{xml_text(v)}</text></value>\n" for v in values)
        cells.append(f"<field k='{attribute(name)}'>\n{text}</field>\n")
    return f"<result offset='{offset}'>\n{''.join(cells)}</result>\n"


def _comma(text: str) -> list[str]:
    return [part.strip() for part in text.split(",") if part.strip()]

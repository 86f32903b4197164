"""search/jobs/{search_id}/summary: what the fields of the results hold.

Source: "Search endpoint descriptions" in the REST API Reference: per field its count, distinct
count, whether that is exact, numeric statistics, and the most common values.
"""

from __future__ import annotations

import statistics
from collections import Counter
from typing import Any, Sequence

from tools.splunkd_lite.job import Job
from tools.splunkd_lite.rest.atom import xml_text
from tools.splunkd_lite.rest.request import RestRequest, RestResponse
from tools.splunkd_lite.rest.results import attribute, iso
from tools.splunkd_lite.resultsfile import text_of

__all__ = ["response"]

_TOP = 10


def response(job: Job, request: RestRequest) -> RestResponse:
    """The summary as JSON or XML. ``f`` names fields, ``top_count`` how many values of each."""
    wanted, top = request.param_list("f"), request.number("top_count", _TOP)
    rows = job.rows
    names = [name for name in job.shown_fields if not wanted or name in wanted]
    fields = {name: _field(rows, name, top) for name in names}
    span = {"earliest_time": _time(job.earliest), "latest_time": _time(job.latest)}
    if request.json_wanted:
        return RestResponse.of_json({**span, "event_count": len(rows), "fields": fields})
    inner = "".join(_xml(name, about) for name, about in fields.items())
    times = " ".join(f"{key}='{value}'" for key, value in span.items())
    return RestResponse.of_xml(f"<summary {times} c='{len(rows)}'>\n{inner}</summary>\n")


def _time(when: float | None) -> str:
    return "" if when is None else iso(when)


def _field(rows: Sequence[dict[str, Any]], name: str, top: int) -> dict[str, Any]:
    held = [row[name] for row in rows if row.get(name) not in (None, "", [])]
    values = [text_of(v) for each in held for v in (each if isinstance(each, list) else [each])]
    counts = Counter(values)
    numbers = [number for number in map(_number, values) if number is not None]
    about: dict[str, Any] = {
        "count": len(held),
        "distinct_count": len(counts),
        "is_exact": True,
        "numeric_count": len(numbers),
        "modes": [
            {"value": value, "count": count, "is_exact": True}
            for value, count in counts.most_common(top)
        ],
    }
    if numbers:
        about["mean"] = statistics.fmean(numbers)
        about["min"], about["max"] = min(numbers), max(numbers)
        about["stddev"] = statistics.stdev(numbers) if len(numbers) > 1 else 0.0
    return about


def _number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None


def _xml(name: str, about: dict[str, Any]) -> str:
    values = "".join(
        f"<value c='{mode['count']}' exact='1'><text>{xml_text(mode['value'])}</text></value>\n"
        for mode in about["modes"]
    )
    return (
        f"<field k='{attribute(name)}' c='{about['count']}' nc='{about['numeric_count']}'"
        f" dc='{about['distinct_count']}' exact='1'>\n<modes>\n{values}</modes>\n</field>\n"
    )

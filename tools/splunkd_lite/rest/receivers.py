"""receivers/simple and receivers/stream: raw data over REST.

Source: "Input endpoints" in the REST API Reference. ``stream`` answers 204 and takes a body with
``Content-Length`` or in chunks; the bare socket of the SDK's ``Index.attach``, which has neither,
is not supported.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tools.splunkd_lite.errors import SplunkdError
from tools.splunkd_lite.rest.permission import require
from tools.splunkd_lite.rest.request import RestRequest, RestResponse
from tools.splunkd_lite.rest.router import route

if TYPE_CHECKING:
    from tools.splunkd_lite.core import Splunk
    from tools.splunkd_lite.inputs.indextime import Edits


@route("POST", "receivers/simple")
def simple(splunk: Splunk, request: RestRequest) -> RestResponse:
    """Store the body, broken into events and timed as props.conf says."""
    index = _store(splunk, request)
    answer = (
        "<response>\n<results>\n<result>\n"
        f"<field k='_index'><value><text>{index}</text></value></field>\n"
        f"<field k='bytes'><value><text>{len(request.body)}</text></value></field>\n"
        "</result>\n</results>\n</response>\n"
    )
    return RestResponse.of_xml(answer)


@route("POST", "receivers/stream")
def stream(splunk: Splunk, request: RestRequest) -> RestResponse:
    """As ``simple``, for longer bodies; the answer is empty."""
    _store(splunk, request)
    return RestResponse(204)


def _store(splunk: Splunk, request: RestRequest) -> str:
    """Write the request's events; the index that was asked for.

    Raises:
        SplunkdError: 400, no event, no such index, or a props.conf setting that is not done here;
            403, without ``edit_tcp``.
    """
    from tools.splunkd_lite.inputs.indextime import store
    from tools.splunkd_lite.runners.errors import RunnerError

    require(request, "edit_tcp")
    index = request.param("index", "main")
    if index not in splunk.indexes.names():
        raise SplunkdError(400, f"The index '{index}' does not exist or is disabled.")
    try:
        events, edits = _events(splunk, request)
    except RunnerError as error:
        raise SplunkdError(400, str(error)) from error
    if not events:
        raise SplunkdError(400, "The request holds no event.")
    store(splunk, [(index, event) for event in events], edits)
    return index


def _events(splunk: Splunk, request: RestRequest) -> tuple[list[dict[str, Any]], Edits]:
    from tools.splunkd_lite.inputs.breaking import break_events, text_of_span
    from tools.splunkd_lite.inputs.jsondata import indexed_fields
    from tools.splunkd_lite.inputs.props import props_for
    from tools.splunkd_lite.inputs.timestamps import find_time

    host = request.param("host") or request.remote
    source = request.param("source", "www")
    sourcetype = request.param("sourcetype", "web_input")
    props = props_for(splunk.conf, source, sourcetype, host)
    events: list[dict[str, Any]] = []
    for span in break_events(request.body, props, final=True):
        text = text_of_span(request.body, span, props)
        moment = find_time(text, props)
        when = splunk.clock.now() if moment is None else moment
        shared = {"host": host, "source": source, "sourcetype": sourcetype}
        fields = indexed_fields(text) if props.json else {}
        events.append({**fields, **shared, "_raw": text, "_time": when})
    return events, props.edits

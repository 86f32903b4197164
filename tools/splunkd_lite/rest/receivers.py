"""receivers/simple: raw data over REST.

Source: "Input endpoint descriptions" in the REST API Reference. ``receivers/stream`` is not
supported.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tools.splunkd_lite.errors import SplunkdError
from tools.splunkd_lite.rest.permission import require
from tools.splunkd_lite.rest.request import RestRequest, RestResponse
from tools.splunkd_lite.rest.router import route

if TYPE_CHECKING:
    from tools.splunkd_lite.core import Splunk


@route("POST", "receivers/simple")
def simple(splunk: Splunk, request: RestRequest) -> RestResponse:
    """Store the body, broken into events and timed as props.conf says."""
    require(request, "edit_tcp")
    index = request.param("index", "main")
    events = _events(splunk, request)
    if not events:
        raise SplunkdError(400, "The request holds no event.")
    splunk.indexes.write(index, events)
    answer = (
        "<response>\n<results>\n<result>\n"
        f"<field k='_index'><value><text>{index}</text></value></field>\n"
        f"<field k='bytes'><value><text>{len(request.body)}</text></value></field>\n"
        "</result>\n</results>\n</response>\n"
    )
    return RestResponse.of_xml(answer)


def _events(splunk: Splunk, request: RestRequest) -> list[dict[str, Any]]:
    from tools.splunkd_lite.inputs.breaking import break_events, text_of_span
    from tools.splunkd_lite.inputs.props import props_for
    from tools.splunkd_lite.inputs.timestamps import find_time

    host = request.param("host") or request.remote
    source = request.param("source", "www")
    sourcetype = request.param("sourcetype", "web_input")
    props = props_for(splunk.conf, source, sourcetype, host)
    events = []
    for span in break_events(request.body, props, final=True):
        text = text_of_span(request.body, span, props)
        moment = find_time(text, props)
        when = splunk.clock.now() if moment is None else moment
        shared = {"host": host, "source": source, "sourcetype": sourcetype}
        events.append({**shared, "_raw": text, "_time": when})
    return events

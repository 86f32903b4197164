"""What may be said of an object when it is made: ``_new`` and ``eai:attributes``.

Source: "Access Splunk resources" in the REST API User Manual: a single entry and ``_new`` name the
required, optional and wildcard arguments. The lists are those of the REST API Reference, as far as
they mean something here.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from tools.splunkd_lite.metadata import Acl
from tools.splunkd_lite.rest.atom import Entry, Feed
from tools.splunkd_lite.rest.request import RestRequest
from tools.splunkd_lite.rest.router import route

if TYPE_CHECKING:
    from tools.splunkd_lite.core import Splunk

__all__ = ["with_form"]


@dataclass(frozen=True)
class _Form:
    required: tuple[str, ...]
    optional: tuple[str, ...] = ()
    wildcard: tuple[str, ...] = ()

    def attributes(self, new: bool) -> dict[str, list[str]]:
        needed = (*(["name"] if new else []), *self.required)
        return {
            "optionalFields": list(self.optional),
            "requiredFields": list(needed),
            "wildcardFields": list(self.wildcard),
        }


_FORMS = {
    "saved/searches": _Form(
        ("search",),
        (
            "actions", "alert.digest_mode", "alert.expires", "alert.severity", "alert.suppress",
            "alert.suppress.fields", "alert.suppress.period", "alert.track", "alert_comparator",
            "alert_condition", "alert_threshold", "alert_type", "cron_schedule", "description",
            "disabled", "dispatchAs", "is_scheduled", "is_visible", "realtime_schedule",
            "schedule_priority", "schedule_window",
        ),
        (r"action\..*", r"args\..*", r"dispatch\..*", r"display\..*"),
    ),
    "saved/eventtypes": _Form(
        ("search",), ("color", "description", "disabled", "priority", "tags"),
    ),
    "data/inputs/monitor": _Form(
        (), ("blacklist", "crcSalt", "disabled", "followTail", "host", "ignoreOlderThan", "index",
             "recursive", "sourcetype", "whitelist"),
    ),
}  # fmt: skip


def with_form(entry: Entry) -> Entry:
    """The entry with the arguments that a change of it may have."""
    form = _FORMS.get(entry.path)
    if form is not None:
        entry.content["eai:attributes"] = form.attributes(new=False)
    return entry


@route("GET", "saved/searches/_new")
@route("GET", "saved/eventtypes/_new")
@route("GET", "data/inputs/monitor/_new")
def new(splunk: Splunk, request: RestRequest) -> Feed:
    """An empty entry with the arguments that a new one takes."""
    path = "/".join(request.segments[:-1])
    acl = Acl(request.write_app, request.write_owner)
    content = {"eai:attributes": _FORMS[path].attributes(new=True)}
    return Feed(request.segments[-2], [Entry("_new", content, acl, path)])

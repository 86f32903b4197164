"""An event of a search becomes a signal; its content stays data."""

from __future__ import annotations

import pytest

from incident_management.incidents.intake.findings import signal_from
from incident_management.incidents.intake.from_event import OpenFailed, finding_of, open_from_event
from incident_management.splunk.session import SplunkError

EVENT = {
    "_raw": "\nERROR pool exhausted\n  at line 3",
    "_time": "2026-11-24T10:00:00.000+00:00",
    "host": "web-1",
    "index": "main",
    "sourcetype": ["app", "other"],
}


FIELDS = [
    {"name": "region", "label": "Region"},
    {"name": "impact", "label": "Impact", "kind": "choice", "options": ["none", "all"]},
]


class Splunkd:
    def __init__(self, events=(), error=None):
        self.events, self.error, self.asked, self.sent = list(events), error, [], []

    def get(self, path, **query):
        self.asked.append((path, query))
        if self.error:
            raise self.error
        return {"fields": FIELDS} if path.endswith("/fields") else {"results": self.events}

    def post(self, path, form=None, json_body=None):
        self.sent.append((path, json_body))
        if isinstance(self.error, SplunkError):
            raise self.error
        return {"outcomes": [{"signal": "s", "incident_id": "INC-1", "what": "opened"}]}


def test_it_is_raised_as_a_signal_of_its_host():
    splunkd = Splunkd([EVENT])
    row = open_from_event(splunkd, "17.1", 3, "high", "", "ann")

    assert row["incident"] == "INC-1"
    assert (row["title"], row["entity"]) == ("ERROR pool exhausted", "web-1")
    assert splunkd.asked == [("/services/search/v2/jobs/17.1/events", {"offset": 3, "count": 1})]
    (finding,) = splunkd.sent[0][1]["signals"]
    assert signal_from(finding, 1.0).severity == "high"


def test_a_service_is_known_by_the_name_that_opentelemetry_gives_it():
    finding = finding_of({**EVENT, "service": " ", "service.name": "cart"}, "1", "low", "", "ann")
    assert finding["entity"] == "cart"
    assert finding["rows"][0]["service.name"] == "cart"


def test_a_search_id_stays_in_its_place_of_the_path():
    splunkd = Splunkd([EVENT])
    open_from_event(splunkd, "../../apps", 0, "low", "", "ann")

    assert splunkd.asked[0][0] == "/services/search/v2/jobs/..%2F..%2Fapps/events"


def test_the_same_event_is_the_same_finding_whichever_search_found_it():
    first = signal_from(finding_of(EVENT, "17.1", "high", "", "ann"), 1.0)
    second = signal_from(finding_of(EVENT, "17.2", "low", "Mine", "bob"), 9.0)
    other = signal_from(finding_of({**EVENT, "host": "web-2"}, "17.1", "high", "", "ann"), 1.0)

    assert first.key == second.key
    assert first.key != other.key


def test_a_missing_event_is_refused():
    with pytest.raises(OpenFailed, match="has no event at 9"):
        open_from_event(Splunkd(), "17.1", 9, "high", "", "ann")


def test_an_error_of_splunkd_is_reported():
    with pytest.raises(OpenFailed, match=r"The search 17\.1 can't be read: no time"):
        open_from_event(Splunkd(error=SplunkError(503, "no time")), "17.1", 0, "high", "", "x")


def test_an_expired_search_is_reported():
    with pytest.raises(OpenFailed, match="it no longer exists"):
        open_from_event(Splunkd(error=SplunkError(404, "unknown sid")), "17.1", 0, "high", "", "x")


def test_custom_fields_are_given_as_they_are_kept():
    splunkd = Splunkd([EVENT])
    open_from_event(splunkd, "17.1", 0, "high", "", "ann", 'impact=ALL, region=a "b", c\\\\')

    (finding,) = splunkd.sent[0][1]["signals"]
    assert finding["fields"] == {"impact": "all", "region": 'a "b", c\\'}
    assert signal_from(finding, 1.0).fields == finding["fields"]


@pytest.mark.parametrize(
    ("fields", "wrong"),
    [
        ("impact=huge", "'huge' does not fit Impact: it takes one of none, all."),
        ("region=" + "x" * 5000, "at most 500 characters"),
        ("colour=red", "There is no custom field 'colour'"),
        ("region", "write it as region=eu"),
        ("region=eu, region=us", "names a field twice"),
    ],
)
def test_a_value_that_does_not_fit_opens_nothing(fields, wrong):
    splunkd = Splunkd([EVENT])
    with pytest.raises(OpenFailed, match=r"^No incident was opened: ") as error:
        open_from_event(splunkd, "17.1", 0, "high", "", "ann", fields)
    assert wrong in str(error.value)
    assert splunkd.sent == []

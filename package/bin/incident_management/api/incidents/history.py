"""An incident's report, and its history in the index."""

from __future__ import annotations

from typing import Iterable, List, Set, Tuple

from ...incidents import report, timeline
from ...incidents.identity import INCIDENT_ID
from ...incidents.model import Entry
from ...incidents.upkeep import retention
from ...incidents.upkeep.audit import History, history_from_events
from ...ports import SearchResult
from ...splunk.searching import spl
from ..router import Problem, Request, Response, route
from ..schema import any_text, flag, listed, obj
from ..shapes import ENTRY, INCIDENT, LIMIT
from .guard import shown

MAX_EVENTS = 10_000
SEARCH_SECONDS = 60.0


@route("GET", "/incidents/{id}/report", capability="incident_read", answers={200: "text/markdown"})
def get_report(request: Request) -> Response:
    """Return a Markdown report, with the times to detect, acknowledge and resolve."""
    entries = timeline.read_existing(request.stores, request.params["id"])
    return Response(report.to_markdown(entries), content_type="text/markdown; charset=utf-8")


@route(
    "GET",
    "/incidents/{id}/history",
    capability="incident_read",
    query={"limit": {**LIMIT, "maximum": MAX_EVENTS}},
    answers={
        200: obj(
            {
                "incident_id": any_text(),
                "verified": flag("All events were found, complete and unchanged."),
                "problems": listed(any_text()),
                "masked": listed(
                    any_text(),
                    about="Keys of entries whose hash can't be checked: a secret was masked.",
                ),
                "incident": INCIDENT,
                "entries": listed(ENTRY),
                "more": flag("There are more entries than the limit shows."),
            },
            ("incident_id", "verified", "problems", "masked", "entries", "more"),
        )
    },
    problems=(502,),
)
def get_history(request: Request) -> Response:
    """Return the incident's history from the index, with every hash and link verified.

    It works without the KV store, so also for an incident that retention deleted or that was lost.
    The search runs with the caller's own rights. If the KV store knows the incident's newest
    entries, they must be in the index, too; an entry is indexed within a minute.
    """
    incident_id = request.params["id"]
    result = _search(request, incident_id)
    found = _found(result)
    lacks = [f"The search may lack entries: {warning}" for warning in result.warnings]
    if not found.entries:
        text = f"The index has no history of {incident_id[:60]} that you may search."
        raise Problem(404, " ".join([text, *lacks]))
    verdict = found.verify()
    missing = _missing(request, incident_id, found)
    told = [f"The incident's last known entry {key[:12]} is not indexed." for key in missing]
    problems = [*verdict.problems, *told]
    if problems:
        problems = [*lacks, *problems]
    limit = request.args.get("limit", 1000)
    counted = _keys(timeline.effective(found.entries))
    return Response(
        {
            "incident_id": incident_id,
            "verified": not problems,
            "problems": problems,
            "masked": sorted(found.masked),
            "incident": shown(timeline.fold(found.entries).to_document()),
            "entries": [
                {**entry.to_document(), "counts": entry.key in counted}
                for entry in found.entries[:limit]
            ],
            "more": len(found.entries) > limit,
        }
    )


def indexed(request: Request, incident_id: str) -> Tuple[List[Entry], List[str]]:
    """Return an incident's entries out of the index, and why some may be missing or changed.

    As far as the caller may see them. Raises NotFound, Problem, SearchFailed.
    """
    result = _search(request, incident_id)
    found = _found(result)
    missing = _missing(request, incident_id, found)
    problems = [f"Entry {key[:12]} is not indexed, or you may not see it." for key in missing]
    return found.entries, [*found.verify().problems, *problems, *result.warnings]


def _found(result: SearchResult) -> History:
    raws = (row.get("_raw") for row in result.rows)
    return history_from_events([raw for raw in raws if isinstance(raw, str)])


def _search(request: Request, incident_id: str) -> SearchResult:
    """Return the incident's audit events that the caller may see.

    Raises NotFound, Problem, SearchFailed.
    """
    if not INCIDENT_ID.fullmatch(incident_id):
        # Within a search a * would stand for any incidents.
        raise timeline.not_found(incident_id)
    condition = spl.field_is("incident_id", incident_id)
    search = spl.Search(spl.macro("incident_audit_events"), condition).pipe(
        spl.fields("table", ["_raw"])
    )
    result = request.searcher.run(
        str(search), "0", "now", limit=2 * MAX_EVENTS, timeout=SEARCH_SECONDS
    )
    if result.truncated:
        text = f"{incident_id} has more than {2 * MAX_EVENTS} events. Search them in Splunk."
        raise Problem(502, text)
    return result


def _missing(request: Request, incident_id: str, found: History) -> List[str]:
    """The incident's newest entries, as the KV store or its tombstone knows them, not found."""
    document = request.stores.incidents.get(incident_id)
    if document is None:
        stone = retention.tombstone(request.stores, incident_id)
        document = stone["value"] if stone else {}
    known = _keys(found.entries)
    return sorted(timeline.named_keys(document) - known)


def _keys(entries: Iterable[Entry]) -> Set[str]:
    return {entry.key for entry in entries}

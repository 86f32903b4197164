"""Routes of an incident's analyses."""

from __future__ import annotations

from typing import Any, Callable, Dict, Mapping

from ...analysis.cancellation import Abandoned, CancellableSearcher
from ...analysis.conclusion import Conclusion, step_of
from ...analysis.investigation import Found, investigate
from ...analysis.llm.bedrock import from_settings
from ...analysis.llm.model import Model
from ...incidents.errors import NotFound
from ...incidents.stored_shapes import readable_analysis
from ...splunk.searching import spl
from ...splunk.session import SplunkError, content_of, path_of
from ..router import Problem, Request, Response, route
from ..schema import any_object, any_text, listed, named, obj, record, text
from .guard import document_of

_OBJECTS = listed(any_object())

_ANALYSIS = named(
    "Analysis",
    obj(
        {
            "incident_id": any_text(),
            "time": {"type": "number"},
            "evidence": _OBJECTS,
            "hypotheses": _OBJECTS,
            "citations": _OBJECTS,
        },
        ("incident_id", "hypotheses"),
        more=True,
    ),
)


@route(
    "POST",
    "/incidents/{id}/analysis",
    capability="incident_write",
    body=record({"sid": text(300, 1, "The search id (sid) that the analysis belongs to.")}),
    answers={200: _ANALYSIS},
)
def create(request: Request) -> Response:
    """Investigate, rank causes, check citations, ask the model if set up, and store the result.

    ``| aianalyze`` calls this. Events are searched with the caller's rights alone. One search gets
    one analysis: a repeated request returns the stored one. If the search ends early (for example,
    is cancelled), the analysis stops, and the model is not called.
    """
    incident, sid = document_of(request), str(request.body["sid"])
    wanted = _while_it_runs(request.user_session, sid)
    searcher = CancellableSearcher(request.searcher, wanted, request.clock)

    def model() -> Model:
        searcher.check()
        return from_settings(request.settings())

    def find(begun: Callable[[str], None]) -> Found:
        return investigate(incident, searcher, request.clock, begun=begun).numbered()

    conclusion = Conclusion(
        stores=request.stores,
        clock=request.clock,
        searcher=searcher,
        everything=CancellableSearcher(request.system_searcher, wanted, request.clock),
        model=model,
        actor=request.user,
    )
    try:
        return Response(_shown(conclusion.conclude(incident, sid, find)))
    except Abandoned:
        raise Problem(410, f"The search {sid} ended, so its analysis was stopped.") from None


def _while_it_runs(session: Any, sid: str) -> Callable[[], bool]:
    """Return a function that says whether the search still runs.

    If splunkd does not know the search now (a part of another search), it always says yes.
    """
    if not _runs(session, sid):
        return lambda: True
    return lambda: _runs(session, sid)


def _runs(session: Any, sid: str) -> bool:
    """``search/jobs/{search_id}``: "Search endpoint descriptions" in the REST API Reference."""
    try:
        job = content_of(session.get("search/jobs/" + path_of(sid)))
    except SplunkError as error:
        return error.status != 404  # busy, or restarting: that is no word of the search
    return not any(job.get(end) for end in ("isDone", "isFailed", "isFinalized", "isZombie"))


@route(
    "POST",
    "/incidents/{id}/analyze",
    capability="incident_write",
    body=obj({}),
    answers={202: record({"sid": any_text()})},
)
def analyze(request: Request) -> Response:
    """Start ``| aianalyze`` on an incident with the caller's rights, and return the search's id.

    After the search has ended, ``GET /incidents/{id}/analysis`` returns the result.
    """
    incident_id = str(document_of(request)["id"])
    search = spl.Search().pipe(spl.command("aianalyze", spl.option("incident", incident_id)))
    form = {"search": str(search), "exec_mode": "normal", "earliest_time": "0"}
    answer = request.user_session.post("search/jobs", form)
    return Response({"sid": str(answer["sid"])}, 202)


@route(
    "GET",
    "/incidents/{id}/analyze",
    capability="incident_read",
    query={"sid": text(300, 1, "The search id (sid) that the analysis belongs to.")},
    answers={200: record({"step": any_text()})},
)
def progress(request: Request) -> Response:
    """Return the current step of a search's analysis; 404 if none was started for it."""
    sid = str(request.args.get("sid") or "")
    step = step_of(request.stores.claims, request.params["id"], sid)
    if step is None:
        raise NotFound(
            f"No analysis of {request.params['id']} was started for that search. Give the sid that "
            f"POST /incidents/{request.params['id']}/analyze returned."
        )
    return Response({"step": step})


@route("GET", "/incidents/{id}/analysis", capability="incident_read", answers={200: _ANALYSIS})
def latest(request: Request) -> Response:
    """Return the incident's newest analysis."""
    incident_id = str(document_of(request)["id"])
    found = request.stores.analyses.find({"incident_id": incident_id}, sort="time:-1", limit=1)
    if not found:
        raise NotFound(
            f"{incident_id} has not been analysed yet. POST /incidents/{incident_id}/analyze, "
            f"or run | aianalyze incident={incident_id}."
        )
    return Response(_shown(readable_analysis(found[0])))


def _shown(analysis: Mapping[str, Any]) -> Dict[str, Any]:
    """Omit the model's unchecked answer, which is stored only to check it again."""
    told = {key: value for key, value in analysis.get("model", {}).items() if key != "answer"}
    return {**analysis, "model": told}

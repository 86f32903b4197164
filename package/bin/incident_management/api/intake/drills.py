"""``POST /simulate-incident`` and ``POST /trigger-detection``: test the real path."""

from __future__ import annotations

import uuid

from ...incidents.signal import SIMULATED as RULE
from ...incidents.signal import TEST_MARK as MARK
from ...splunk.session import APP, SplunkError, path_of
from ..router import Problem, Request, Response, route
from ..schema import any_text, obj, record, text
from ..shapes import NAME, SEVERITY, TITLE
from .signals import ingest_findings


@route(
    "POST",
    "/simulate-incident",
    capability="incident_write",
    body=obj({"entity": text(200, 1), "severity": SEVERITY, "title": TITLE}),
    answers={201: record({"incident_id": any_text(), "signal": any_text(), "what": any_text()})},
)
def simulate_incident(request: Request) -> Response:
    """Send a test signal through the real path; only grouping is skipped.

    The incident is marked by its title ([Test] …) and its rule, "Simulated incident". Everybody who
    is notified of new incidents is notified of it. Resolve it afterwards.
    """
    mark = request.mark or uuid.uuid4().hex
    entity = request.text("entity") or "test-service"
    title = request.text("title") or f"Test of the path from a signal to {entity}'s team"
    (outcome,) = ingest_findings(
        request,
        [
            {
                "rule": RULE,
                "app": APP,
                "owner": request.user,
                "entity": entity,
                "severity": request.text("severity") or "info",
                "title": f"{MARK} {title}",
                "description": f"A test by {request.user}; nothing is wrong.",
                "run": mark,
                # Each test is a problem of its own and joins no real incident.
                "dedup": {"test": mark},
                "group": False,
            }
        ],
    )
    said = {"signal": outcome.signal_key, "what": outcome.what}
    return Response({"incident_id": outcome.incident_id, **said}, 201)


@route(
    "POST",
    "/trigger-detection",
    capability="incident_write",
    body=obj({"name": text(500, 1, "A saved search."), "app": NAME, "owner": NAME}, ("name",)),
    answers={202: record({"sid": any_text()})},
    problems=(404,),
)
def trigger_detection(request: Request) -> Response:
    """Run a saved search now, its alert actions included.

    The caller must be able to read it. Splunk runs it with its owner's rights, or with the caller's
    if ``dispatchAs`` (savedsearches.conf) is ``user``. Defaults: ``app`` is this app, ``owner``
    nobody.
    """
    name = request.text("name", required=True)
    owner, app = request.text("owner") or "nobody", request.text("app") or APP
    path = "/servicesNS/" + path_of(owner, app, "saved", "searches", name, "dispatch")
    try:
        # saved/searches/{name}/dispatch in Splunk's REST API Reference, "trigger_actions".
        answer = request.user_session.post(path, {"trigger_actions": "1"})
    except SplunkError as error:
        if error.status == 404:
            text = f"No saved search '{name[:100]}' in {app} that {request.user} may see."
            raise Problem(404, text) from error
        if error.status == 403:
            raise Problem(403, f"{request.user} may not run '{name[:100]}'.") from error
        if 400 <= error.status < 500 and error.status != 401:
            raise Problem(400, error.message) from error
        raise
    return Response({"sid": str(answer["sid"])}, 202)

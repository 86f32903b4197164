"""Static files: an app's, the pages' own, and the Dashboard Studio bundle.

``/en-US/static/[@<build>/]app/<app>/…`` as in Splunk; ``…/lite/…`` and ``…/studio/…`` are ours.
"""

from __future__ import annotations

import re
from pathlib import Path

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import FileResponse, Response

from tools.splunkd_lite.web import studio, ucc
from tools.splunkd_lite.web.apps import App, inside

OWN = Path(__file__).resolve().parent / "static"
_BUILD = re.compile(r"^@[^/]+/")
# a page names files by app build, and the stand-in replaces an app without a new build number
_REVALIDATE = {"Cache-Control": "no-cache"}


async def serve(request: Request) -> Response:
    """Serve a static file; 404 when there is none. No session is needed, as in Splunk."""
    path = _BUILD.sub("", request.path_params["path"])
    kind, _, rest = path.partition("/")
    if kind == "lite":
        return _file(inside(OWN, rest))
    if kind == "studio":
        return _file(inside(studio.OUTPUT, rest))
    if kind == "app":
        name, _, relative = rest.partition("/")
        apps_dir = request.app.state.splunk.home / "etc" / "apps"
        return _file(App(apps_dir, name).static_file(relative))
    if path in ucc.SCRIPTS:
        return _file(OWN / ucc.SCRIPTS[path])
    raise HTTPException(404)


async def favicon(_request: Request) -> Response:
    """Serve the pages' icon."""
    return _file(OWN / "favicon.svg")


def _file(path: Path | None) -> Response:
    if path is None or not path.is_file():
        raise HTTPException(404)
    return FileResponse(path, headers=_REVALIDATE)

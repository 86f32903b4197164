"""What pages built with Splunk's UI packages find around them in Splunk Web.

``/config`` sets ``window.$C`` (read by @splunk/splunk-utils config.js), ``i18n.js`` and the i18n
catalogue give the translation functions; UCC's base.html loads all three before its own bundle.
"""

from __future__ import annotations

import json
import re
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from tools.splunkd_lite.web.apps import PageError
from tools.splunkd_lite.web.session import port_of
from tools.splunkd_lite.web.theme import theme_of

BUILD = "splunkd-lite"
SCRIPTS = {
    "js/i18n.js": "i18n.js",
    "build/api/layout.js": "layout.js",
    "build/api/layout-dark.js": "layout.js",
    "build/api/get_theme.js": "get_theme.js",
}
"""Scripts of Splunk Web's own that such pages load by these paths, and our files for them."""
_EXPRESSION = re.compile(r"\$\{[^}]*\}|<%")


def config_values(request: Request) -> dict[str, Any]:
    """Return ``window.$C``, the environment of a page."""
    session = request.app.state.sessions.of(request)
    return {
        "BUILD_NUMBER": BUILD,
        "BUILD_PUSH_NUMBER": 0,
        "LOCALE": "en-US",
        "LOCALE_URI": "/en-US",
        "MRSPARKLE_PORT_NUMBER": port_of(request),
        "MRSPARKLE_ROOT_PATH": "",
        "SERVER_ZONEINFO": "",
        "SPLUNKD_PATH": "/en-US/splunkd/__raw",
        "SPLUNK_UI_THEME": theme_of(request),
        "STATIC_PREFIX": "",
        "USERNAME": session.user if session else "",
        "VERSION_LABEL": "9.4.0",
    }


async def config(request: Request) -> Response:
    """Answer ``/config?autoload=1``: a script that sets ``window.$C``."""
    text = json.dumps(config_values(request))
    return Response(f"window.$C = {text};\n", media_type="text/javascript")


async def i18n_catalog(_request: Request) -> Response:
    """Answer ``/i18ncatalog?autoload=1``: an empty catalogue, for English needs none."""
    return Response("i18n_register({});\n", media_type="text/javascript")


def expand(template: str, app: str) -> str:
    """Return an app's page. Mako, deprecated in Splunk 10.2, is refused rather than guessed at."""
    if found := _EXPRESSION.search(template):
        raise PageError(501, f"The page of {app} is a Mako template ({found[0]}): not supported.")
    return template

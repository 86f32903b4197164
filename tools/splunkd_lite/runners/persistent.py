"""Persistent REST handlers: ``[script:…]`` stanzas with ``scripttype = persist``.

Sources: restmap.conf.spec 10.0 and 10.6 (``script``: "the path that is sent to the driver to run";
``driver``: "endpoints that share the same driver configuration can share processes", so here they
do, whatever app they are of; ``driver.env.<name>``, ``passPayload``, ``passHttpHeaders``,
``passSystemAuth``, ``passSession``, ``passConf``); the request and answer objects that
``PersistentServerConnectionApplication`` gets and gives (Splunk's "Custom REST endpoints" in the
developer guide, and its published examples: jherbage-splunk/splunk-rest-demo,
``doc/echo_persistent_examples.md``, has requests of a splunkd and says which part is there when).
"""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from typing import Any

from tools.splunkd_lite.rest.request import RestRequest, RestResponse

from .errors import ProcessFailed, Unsupported
from .process import PYLIB, script_path
from .settings import truthy
from .workers import WorkerPool, WorkerPools

__all__ = ["PersistentHandlers"]

SYSTEM_USER = "splunk-system-user"
SYSTEM_TOKEN_SECONDS = 3600.0
_COMPONENT = "PersistentScript"
_MEDIA_TYPES = {"json": "application/json; charset=UTF-8", "xml": "text/xml; charset=UTF-8"}


class PersistentHandlers:
    """All persistent handlers; those of one driver configuration share processes."""

    def __init__(self, splunk: Any) -> None:
        self._splunk = splunk
        self._pools = WorkerPools()

    def handle(self, stanza: str, request: RestRequest) -> RestResponse:
        """Answer a request whose caller was already checked.

        A handler that fails answers 500 in splunkd's words; its traceback is in splunkd.log.
        """
        settings = self._splunk.conf.stanzas("restmap")[stanza]
        try:
            message = self._script(stanza, settings)
            environment = _driver_environment(settings)
            pool = self._pools.of(json.dumps(environment), lambda: self._new_pool(environment))
            message["request"] = json.dumps(self._request(stanza, settings, request))
            answer = pool.ask(message)
        except (ProcessFailed, Unsupported) as error:
            self._splunk.log(_COMPONENT, "ERROR", f"[{stanza}] {error}")
            return _failure(str(error))
        if "error" in answer:
            raised = answer["error"]
            text = f"Unexpected error \"<class '{raised['class']}'>\" from python handler"
            return _failure(
                f'{text}: "{raised["text"]}". See splunkd.log/python.log for more details.'
            )
        try:
            return _response(answer.get("answer"), _output_mode(request, settings))
        except (TypeError, ValueError) as error:
            self._splunk.log(_COMPONENT, "ERROR", f"[{stanza}] its answer is malformed: {error}")
            return _failure(f"Bad answer of the script handler: {error}")

    def stop(self) -> None:
        """End all handler processes."""
        self._pools.stop()

    def _new_pool(self, environment: dict[str, str]) -> WorkerPool:
        launcher = str(PYLIB / "_stand_in" / "persist.py")
        label = " ".join(["appserver.py", *(f"{k}={v}" for k, v in environment.items())])
        return WorkerPool(self._splunk, [launcher], _COMPONENT, label, environment=environment)

    def _script(self, stanza: str, settings: Mapping[str, str]) -> dict[str, Any]:
        """What splunkd sends to the server besides the request: which script, its arguments.

        Raises:
            ProcessFailed, Unsupported: the stanza names no script of its app, or wants what is not
                done here.
        """
        if settings.get("scripttype") != "persist":
            raise Unsupported(
                f"[{stanza}] has a scripttype other than persist; it is not run here."
            )
        for setting in ("driver", "script.arg.1"):
            if settings.get(setting):
                raise Unsupported(f"[{stanza}] sets {setting}, which is not supported here.")
        if truthy(settings.get("stream"), False, f"stream in [{stanza}]"):
            raise Unsupported(f"[{stanza}] wants stream = true, which is not supported here.")
        handler = settings.get("handler", "")
        if "." not in handler:
            raise ProcessFailed(f"[{stanza}] needs handler = <module>.<class>, not '{handler}'.")
        if not settings.get("script"):
            raise ProcessFailed(f"[{stanza}] needs script = <file>.")
        app = self._splunk.conf.app_of("restmap", stanza)
        path = script_path(self._splunk, app, settings["script"])
        return {"script": str(path), "arguments": [], "param": settings.get("script.param") or None}

    def _request(
        self, stanza: str, settings: Mapping[str, str], request: RestRequest
    ) -> dict[str, Any]:
        splunk = self._splunk

        def passes(setting: str, default: bool = False) -> bool:
            return truthy(settings.get(setting), default, f"{setting} in [{stanza}]")

        user = request.user.name if request.user is not None else ""
        message: dict[str, Any] = {
            # Also where the stanza's output_modes has no xml: so it was seen.
            "output_mode": request.param("output_mode") or "xml",
            "output_mode_explicit": request.has("output_mode"),
            "server": {
                "rest_uri": splunk.mgmt_uri,
                "hostname": splunk.server_name,
                "servername": splunk.server_name,
                "guid": splunk.guid,
            },
            "connection": {
                "src_ip": request.remote,
                "ssl": splunk.mgmt_uri.startswith("https"),
                "listening_port": splunk.mgmt_port,
            },
            "method": request.method,
            "rest_path": "/" + request.rest_path.strip("/"),
            "query": [list(pair) for pair in request.query],
        }
        if named := _namespace(request):
            message["ns"] = named
        if request.path_info:
            message["path_info"] = request.path_info.strip("/")
        if passes("passConf", True):
            message["restmap"] = {"name": stanza, "conf": dict(settings)}
        if passes("passSession", True) and user:
            message["session"] = {"user": user, "authtoken": request.token}
        if passes("passHttpHeaders"):
            message["headers"] = [list(pair) for pair in request.headers]
        if passes("passHttpCookies"):
            message["cookies"] = _cookies(request.header("cookie"))
        if passes("passSystemAuth"):
            token = splunk.access.token_for(SYSTEM_USER, SYSTEM_TOKEN_SECONDS)
            message["system_authtoken"] = token
        # "Only if a POST/PUT", these two; of another method's body nothing is said.
        if request.method in ("POST", "PUT"):
            message["form"] = [list(pair) for pair in request.form]
            message.update(_payload(settings.get("passPayload", "false"), request.body, stanza))
        return message


def _driver_environment(settings: Mapping[str, str]) -> dict[str, str]:
    given = {
        key.removeprefix("driver.env."): value
        for key, value in settings.items()
        if key.startswith("driver.env.")
    }
    return dict(sorted(given.items()))


def _payload(setting: str, body: bytes, stanza: str) -> dict[str, str]:
    if not body:
        return {}
    if setting.strip().lower() == "base64":
        return {"payload_base64": base64.b64encode(body).decode()}
    if truthy(setting, False, f"passPayload in [{stanza}]"):
        return {"payload": body.decode("utf-8", "replace")}
    return {}


def _namespace(request: RestRequest) -> dict[str, str]:
    named = {"app": request.app, "user": request.owner}
    return {key: value for key, value in named.items() if value is not None}


def _output_mode(request: RestRequest, settings: Mapping[str, str]) -> str:
    modes = [mode.strip() for mode in settings.get("output_modes", "xml").split(",")]
    return request.param("output_mode") or modes[0]


def _cookies(header: str) -> list[list[str]]:
    pairs = (part.strip().split("=", 1) for part in header.split(";") if "=" in part)
    return [list(pair) for pair in pairs]


def _response(answer: Any, output_mode: str) -> RestResponse:
    """splunkd's answer for a handler's.

    Raises:
        TypeError, ValueError: the handler's answer is not of the documented shape.
    """
    if not isinstance(answer, dict):
        raise TypeError(f"it is a {type(answer).__name__}, not an object with a payload")
    unknown = set(answer) - {"status", "payload", "payload_base64", "headers", "cookies", "log"}
    if unknown:
        raise ValueError(f"it has unknown keys: {', '.join(sorted(unknown))}")
    status = int(answer.get("status", 200))
    headers = answer.get("headers") or {}
    pairs = (
        list(headers.items()) if isinstance(headers, dict) else [tuple(pair) for pair in headers]
    )
    content_type = _MEDIA_TYPES.get(output_mode, "text/plain; charset=UTF-8")
    body = _body(answer)
    if not isinstance(answer.get("payload", ""), str):
        content_type = _MEDIA_TYPES["json"]
    given = [str(value) for name, value in pairs if str(name).lower() == "content-type"]
    others = [(str(n), str(v)) for n, v in pairs if str(n).lower() != "content-type"]
    return RestResponse(status, body, given[-1] if given else content_type, others)


def _body(answer: Mapping[str, Any]) -> bytes:
    if "payload_base64" in answer:
        return base64.b64decode(answer["payload_base64"], validate=True)
    payload = answer.get("payload", "")
    return payload.encode() if isinstance(payload, str) else json.dumps(payload).encode()


def _failure(text: str) -> RestResponse:
    messages = {"messages": [{"type": "ERROR", "text": text}]}
    return RestResponse(500, json.dumps(messages).encode(), _MEDIA_TYPES["json"])

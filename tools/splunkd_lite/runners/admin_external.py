"""EAI handlers of apps: ``[admin_external:…]`` stanzas, such as UCC generates.

Source: restmap.conf.spec 10.0, "External Admin Handlers": ``handlertype = python``,
``handlerfile``, ``handleractions``, ``handlerpersistentmode``. The script is run as it is; it ends
in ``splunk.admin.init``, which the stand-in's ``splunk`` package provides.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tools.splunkd_lite.errors import SplunkdError
from tools.splunkd_lite.rest.request import RestRequest

from .errors import ProcessFailed, RunnerError, Unsupported
from .process import PYLIB, script_path
from .settings import truthy
from .workers import WorkerPool, WorkerPools

__all__ = ["AdminExternal"]

SYSTEM_USER = "splunk-system-user"
SYSTEM_TOKEN_SECONDS = 3600.0
_COMPONENT = "AdminManagerExternal"


class AdminExternal:
    """All external admin handlers of one stand-in, each with its processes."""

    def __init__(self, splunk: Any) -> None:
        self._splunk = splunk
        self._pools = WorkerPools()

    def call(
        self,
        stanza: str,
        action: str,
        name: str | None,
        params: list[tuple[str, str]],
        request: RestRequest,
    ) -> list[tuple[str, dict[str, Any]]]:
        """Have a handler do ``action`` (list, create, edit, remove, _reload, or its own).

        Returns its entries: names and settings.

        Raises:
            SplunkdError: what the handler refused, with its status and words; 500 where the
                handler could not be run.
        """
        settings = self._splunk.conf.stanzas("restmap")[stanza]
        try:
            answer = self._pools.of(stanza, lambda: self._new_pool(stanza, settings)).ask(
                {"request": self._request(stanza, settings, action, name, params, request)}
            )
        except RunnerError as error:
            self._splunk.log(_COMPONENT, "ERROR", f"[{stanza}] {error}")
            raise SplunkdError(500, str(error)) from error
        if "refused" in answer:
            raise SplunkdError(int(answer["refused"]["status"]), str(answer["refused"]["text"]))
        return [(entry, content) for entry, content in answer["entries"]]

    def stop(self) -> None:
        """End all handler processes."""
        self._pools.stop()

    def _new_pool(self, stanza: str, settings: Mapping[str, str]) -> WorkerPool:
        if settings.get("handlertype") != "python":
            raise Unsupported(f"[{stanza}] has a handlertype other than python.")
        if not settings.get("handlerfile"):
            raise ProcessFailed(f"[{stanza}] names no handlerfile.")
        app = self._splunk.conf.app_of("restmap", stanza)
        script = script_path(self._splunk, app, settings["handlerfile"])
        mode = settings.get("handlerpersistentmode")
        reuse = truthy(mode, False, f"handlerpersistentmode in [{stanza}]")
        arguments = [str(PYLIB / "_stand_in" / "external.py"), str(script)]
        return WorkerPool(self._splunk, arguments, _COMPONENT, f"[{stanza}]", reuse)

    def _request(
        self,
        stanza: str,
        settings: Mapping[str, str],
        action: str,
        name: str | None,
        params: list[tuple[str, str]],
        request: RestRequest,
    ) -> dict[str, Any]:
        token = request.token
        if truthy(settings.get("passSystemAuth"), False, f"passSystemAuth in [{stanza}]"):
            token = self._splunk.access.token_for(SYSTEM_USER, SYSTEM_TOKEN_SECONDS)
        return {
            "action": action,
            "name": name,
            "params": [list(pair) for pair in params],
            "user": request.user.name if request.user is not None else "",
            "app": request.app or self._splunk.conf.app_of("restmap", stanza),
            "token": token,
            "splunkd_uri": self._splunk.mgmt_uri,
        }

"""Who can carry an action out, made from the app's settings."""

from __future__ import annotations

from typing import Any, Callable, Mapping, Optional, Tuple, Type, Union

from ..notify.channel import NotConfigured
from ..notify.senders import network_of
from ..notify.transport import BadUrl, Reply, checked_url, send_json
from ..splunk.settings import SHARED_PARTS, Remediation, Settings, SettingsError
from .awx import Awx
from .deploy_api import DeployApi
from .executor import Executor, ExecutorError, Executors

__all__ = ["NEEDED_ARGUMENTS", "executors"]

# Every executor, and the arguments that an action must give it.
NEEDED_ARGUMENTS: Mapping[str, Tuple[str, ...]] = {
    "deploy_api": ("service", "change_id", "to_version"),
    "awx": ("job_template",),
}


def executors(settings: Callable[[], Settings]) -> Executors:
    """Return, by name, functions that make an executor or raise ExecutorError.

    ``settings`` reads the app's settings, secrets included; it is called only when an executor is
    needed.
    """

    def made(
        what: str,
        kind: Type[Union[DeployApi, Awx]],
        chosen: Callable[[Remediation], Tuple[str, str]],
    ) -> Executor:
        try:
            known = settings().need("remediation", *SHARED_PARTS)
            url, token = chosen(known.remediation)
            if not url or not token:
                raise ExecutorError(
                    f"No {what} is set: set its URL and token under Configuration > Remediation."
                )
            network = network_of(known)
            url = checked_url(url, f"The URL of the {what}")
        except (SettingsError, NotConfigured, BadUrl) as error:
            raise ExecutorError(str(error)) from None

        def send(
            url: str, body: Optional[Mapping[str, Any]], headers: Mapping[str, str], method: str
        ) -> Reply:
            try:
                return send_json(network, url, body, headers, method)
            except BadUrl as error:
                raise ExecutorError(str(error)) from None

        return kind(url, token, send)

    return {
        "deploy_api": lambda: made(
            "deploy API", DeployApi, lambda one: (one.deploy_api_url, one.deploy_api_token)
        ),
        "awx": lambda: made("AWX", Awx, lambda one: (one.awx_url, one.awx_token)),
    }

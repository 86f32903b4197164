"""Make executors from the app's settings."""

from __future__ import annotations

from typing import Callable, Mapping, Tuple, Type, Union

from ...outside.network import NotConfigured, network_of
from ...outside.transport import BadUrl, Reply, checked_url, send_json
from ...splunk.configuration.settings import SHARED_PARTS, Settings, SettingsError
from .aws.accounts import Accounts
from .aws.aws_lambda import Lambda
from .aws.ecs import Ecs
from .awx import Awx
from .deploy_api import DeployApi
from .executor import Body, Executor, ExecutorError, Executors, Send
from .kubernetes import Change, Restart, Rollback, Scale
from .launchdarkly import LaunchDarkly

__all__ = ["executors"]


def executors(settings: Callable[[], Settings]) -> Executors:
    """Return, by name, functions that make an executor or raise ExecutorError.

    ``settings`` reads the app's settings, including secrets; it is called only when an executor is
    needed.
    """

    def known(*parts: str) -> Settings:
        try:
            return settings().need(*parts, *SHARED_PARTS)
        except SettingsError as error:
            raise ExecutorError(str(error)) from None

    def made(kind: Callable[[str, str, Send], Executor], what: str, prefix: str) -> Executor:
        """Make one that has ``<prefix>_url`` and ``<prefix>_token`` under Remediation."""
        have = known("remediation")
        mine = have.remediation
        url, token = (str(getattr(mine, f"{prefix}_{part}")) for part in ("url", "token"))
        return kind(*_checked(what, url, token), _sender(have))

    def kubernetes(kind: Type[Change]) -> Executor:
        have = known()
        return kind(lambda name: _reached(have, name), _sender(have))

    def amazon(kind: Type[Union[Ecs, Lambda]], service: str, name: str) -> Executor:
        accounts = Accounts(known("remediation"), service, name)
        return kind(accounts.connect, accounts.where, accounts.region)

    return {
        "deploy_api": lambda: made(DeployApi, "deploy API", "deploy_api"),
        "awx": lambda: made(Awx, "AWX", "awx"),
        "ecs": lambda: amazon(Ecs, "ecs", "Amazon ECS"),
        "kubernetes": lambda: kubernetes(Rollback),
        "kubernetes_restart": lambda: kubernetes(Restart),
        "kubernetes_scale": lambda: kubernetes(Scale),
        "lambda": lambda: amazon(Lambda, "lambda", "AWS Lambda"),
        "launchdarkly": lambda: made(LaunchDarkly, "LaunchDarkly", "launchdarkly"),
    }


def _checked(what: str, url: str, token: str, page: str = "Remediation") -> Tuple[str, str]:
    """Return a service's address and token. Raises ExecutorError if one is missing or invalid."""
    if not url or not token:
        where = f"Configuration > {page}"
        raise ExecutorError(f"No {what} is configured: set its URL and token under {where}.")
    try:
        return checked_url(url, f"The URL of the {what}"), token
    except BadUrl as error:
        raise ExecutorError(str(error)) from None


def _reached(settings: Settings, name: str) -> Tuple[str, str]:
    """Return a cluster's address and token; without a name, those of the Remediation page.

    Raises ExecutorError.
    """
    page = "Kubernetes clusters"
    try:
        if not name:
            # What is wrong under Remediation keeps no cluster from being asked that has its own.
            mine = settings.need("remediation").remediation
            return _checked("Kubernetes", mine.kubernetes_url, mine.kubernetes_token)
        cluster = settings.cluster(name)
    except SettingsError as error:
        raise ExecutorError(str(error)) from None
    if cluster is None:
        raise ExecutorError(f"There is no cluster '{name}': add it under Configuration > {page}.")
    return _checked(f"Kubernetes cluster {name}", cluster.url, cluster.token, page)


def _sender(settings: Settings) -> Send:
    try:
        network = network_of(settings)
    except (SettingsError, NotConfigured) as error:
        raise ExecutorError(str(error)) from None

    def send(url: str, body: Body, headers: Mapping[str, str], method: str) -> Reply:
        try:
            return send_json(network, url, body, headers, method)
        except BadUrl as error:
            raise ExecutorError(str(error)) from None

    return send

"""Who can carry an action out, made from the app's settings."""

from __future__ import annotations

from contextlib import ExitStack, contextmanager
from typing import Any, Callable, Iterator, Mapping, Tuple, Type, Union

from .. import aws
from ..notify.channel import NotConfigured
from ..notify.senders import network_of
from ..notify.transport import BadUrl, Reply, checked_url, send_json
from ..splunk.settings import SHARED_PARTS, Account, Remediation, Settings, SettingsError
from .awx import Awx
from .deploy_api import DeployApi
from .ecs import Ecs
from .executor import Body, Executor, ExecutorError, Executors
from .kubernetes import Kubernetes

__all__ = ["BOUND_FACTS", "NEEDED_ARGUMENTS", "executors"]

# Longest wait for one answer of Amazon ECS.
ECS_SECONDS = 30.0
# Every executor, and the arguments that an action must give it.
NEEDED_ARGUMENTS: Mapping[str, Tuple[str, ...]] = {
    "deploy_api": ("service", "change_id", "to_version"),
    "awx": ("job_template",),
    "ecs": ("cluster", "service", "running", "to_task_definition"),
    "kubernetes": ("namespace", "service", "running", "to_version"),
}
# What of a plan's state an executor is told as well, so that it acts on nothing newer.
BOUND_FACTS: Mapping[str, Tuple[str, ...]] = {"kubernetes": ("revision",)}


def executors(settings: Callable[[], Settings]) -> Executors:
    """Return, by name, functions that make an executor or raise ExecutorError.

    ``settings`` reads the app's settings, secrets included; it is called only when an executor is
    needed.
    """

    def made(
        what: str,
        kind: Type[Union[DeployApi, Awx, Kubernetes]],
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

        def send(url: str, body: Body, headers: Mapping[str, str], method: str) -> Reply:
            try:
                return send_json(network, url, body, headers, method)
            except BadUrl as error:
                raise ExecutorError(str(error)) from None

        return kind(url, token, send)

    def ecs() -> Executor:
        try:
            known = settings().need("remediation", *SHARED_PARTS)
            mine = known.remediation
            account = known.account(mine.aws_account) if mine.aws_account else None
        except SettingsError as error:
            raise ExecutorError(str(error)) from None
        if account is None or not mine.aws_region:
            raise ExecutorError(
                "No AWS account is set for fixes: set account and region under Configuration > "
                "Remediation."
            )
        if not (account.aws_access_key_id and account.aws_secret_access_key):
            raise ExecutorError(f"The account '{account.name}' has no AWS keys; set them.")
        return Ecs(lambda: _ecs_client(known, account), mine.aws_region)

    return {
        "deploy_api": lambda: made(
            "deploy API", DeployApi, lambda one: (one.deploy_api_url, one.deploy_api_token)
        ),
        "awx": lambda: made("AWX", Awx, lambda one: (one.awx_url, one.awx_token)),
        "ecs": ecs,
        "kubernetes": lambda: made(
            "Kubernetes", Kubernetes, lambda one: (one.kubernetes_url, one.kubernetes_token)
        ),
    }


@contextmanager
def _ecs_client(settings: Settings, account: Account) -> Iterator[Any]:
    """Yield a client of Amazon ECS. Raises ExecutorError for what is set wrongly."""
    from botocore.exceptions import BotoCoreError

    mine = settings.remediation
    keys = (
        account.aws_access_key_id,
        account.aws_secret_access_key,
        account.aws_session_token or None,
    )
    with aws.quiet(), ExitStack() as stack:
        try:
            roots = stack.enter_context(aws.trusted(settings.network.ca_file))
            client = aws.client(
                "ecs",
                mine.aws_region,
                keys,
                mine.ecs_endpoint_url,
                timeout_seconds=ECS_SECONDS,
                roots=roots,
                proxy=aws.proxy_url(settings.proxy, "ecs", mine.aws_region, mine.ecs_endpoint_url),
            )
        except (OSError, ValueError, BotoCoreError) as error:
            raise ExecutorError(
                f"Amazon ECS can't be asked ({type(error).__name__}): see ca_file, region, "
                "endpoint and proxy."
            ) from None
        yield client

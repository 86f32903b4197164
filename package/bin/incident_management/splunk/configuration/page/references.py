"""Find the settings that refer to an AWS account or a Kubernetes cluster."""

from __future__ import annotations

from typing import Iterator, List

from ....conf_values import is_true
from ...session import Session
from .. import conf
from ..target_settings import ACCOUNTS

__all__ = ["references_to"]

ACTIONS = "incident_actions"
# The executors that reach such places, by the beginning of their names.
_EXECUTORS = {"account": ("ecs", "lambda"), "cluster": ("kubernetes",)}


def references_to(session: Session, kind: str, name: str) -> List[str]:
    """Return what refers to the ``account`` or ``cluster`` of that name. Raises SplunkError."""
    of_accounts = _of_account(session, name) if kind == "account" else ()
    actions = (
        f"the action '{header}' (argument.{kind})"
        for header, values in conf.load(session, ACTIONS).items()
        if values.get(f"argument.{kind}", "").strip() == name
        and values.get("executor", "").strip().startswith(_EXECUTORS[kind])
    )
    return [*of_accounts, *actions]


def _of_account(session: Session, name: str) -> Iterator[str]:
    settings = conf.load(session, conf.SETTINGS)
    bedrock, remediation = settings.get("bedrock", {}), settings.get("remediation", {})
    if bedrock.get("account") == name and is_true(bedrock.get("enabled")):
        yield "Bedrock"
    if remediation.get("aws_account") == name:
        yield "Remediation"
    for header, values in conf.load(session, ACCOUNTS).items():
        if values.get("source", "").strip() == name and header != name:
            yield f"the account '{header}' (source)"

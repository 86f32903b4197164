"""The targets of fixes: AWS accounts and Kubernetes clusters, each a stanza of its own file."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from .stanza import Stanza, Stanzas

__all__ = ["ACCOUNTS", "CLUSTERS", "Account", "Cluster", "read_account", "read_cluster"]

ACCOUNTS = "incident_management_account"
CLUSTERS = "incident_management_cluster"

# "ARN format", "Account identifiers", and the parameter ExternalId of AssumeRole.
_ROLE = re.compile(r"arn:aws[a-z-]*:iam::\d{12}:role/[\w+=,.@/-]{1,576}", re.ASCII)
_ACCOUNT_ID = re.compile(r"\d{12}", re.ASCII)
_EXTERNAL_ID = re.compile(r"[\w+=,.@:/-]{2,1224}", re.ASCII)


@dataclass(frozen=True)
class Account:
    """One AWS account, for Bedrock and for fixes.

    ``role_arn``: fixes assume this role, with the keys of ``source`` (another account's name), or
    with its own. ``account_id`` defaults to the role's.
    """

    name: str
    aws_access_key_id: str = ""
    aws_secret_access_key: str = field(default="", repr=False)
    aws_session_token: str = field(default="", repr=False)
    region: str = ""
    account_id: str = ""
    role_arn: str = ""
    external_id: str = ""
    source: str = ""


@dataclass(frozen=True)
class Cluster:
    """The API server of one Kubernetes cluster, for fixes."""

    name: str
    url: str = ""
    token: str = field(default="", repr=False)


def read_account(name: str, accounts: Stanzas) -> Account:
    """Read one account's stanza. Raises SettingsError."""
    stanza = Stanza(ACCOUNTS, name, accounts, "AWS accounts")
    role = stanza.matching("role_arn", _ROLE, "the ARN of a role")
    number = stanza.matching("account_id", _ACCOUNT_ID, "twelve digits")
    if role and number not in ("", role.split(":")[4]):
        raise stanza.error(
            "role_arn", f"is a role of another account than {number}; correct one of them"
        )
    source = stanza.text("source")
    if source and not role:
        # Else what is meant for this account would be done in that one, with its keys.
        raise stanza.error(
            "source",
            f"names '{source}', but role_arn is not set; set the role that its keys assume",
        )
    return Account(
        name,
        stanza.text("aws_access_key_id"),
        stanza.secret("aws_secret_access_key"),
        stanza.secret("aws_session_token"),
        stanza.text("region"),
        number or (role.split(":")[4] if role else ""),
        role,
        stanza.matching("external_id", _EXTERNAL_ID, "an external id of AWS"),
        source,
    )


def read_cluster(name: str, clusters: Stanzas) -> Cluster:
    """Read one cluster's stanza. Raises SettingsError."""
    stanza = Stanza(CLUSTERS, name, clusters, "Kubernetes clusters")
    return Cluster(name, stanza.url("url"), stanza.secret("token"))

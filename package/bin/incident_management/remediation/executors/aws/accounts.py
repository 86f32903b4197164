"""The configured AWS accounts, each used with its own credentials only.

An account has keys, or a role that is assumed with its own keys or with those of another account
(``source``). ``AssumeRole`` gets the external id ("How to use an external ID when granting access
to your AWS resources to a third party"), the shortest duration that AWS allows, and a session name
with the incident's id, which CloudTrail shows. If the account's id is known, STS must confirm that
the credentials belong to it before any other request ("GetCallerIdentity … No permissions are
required").
"""

from __future__ import annotations

import time
from contextlib import ExitStack, contextmanager
from typing import Any, Callable, Dict, Iterator, Mapping, Tuple

from .... import aws
from ....splunk.configuration.settings import Account, Settings, SettingsError
from ..executor import ExecutorError
from .calls import Calls

__all__ = ["Accounts"]

# Longest wait for one answer: of the service, and of STS.
AMAZON_SECONDS = 30.0
STS_SECONDS = 5.0
# What is asked before the service may take so long: with the looks (``LOOK_SECONDS``) it fits into
# the second half of the lease of a run, after which somebody else may send the same request.
PROOF_SECONDS = 15.0
# "The minimum value is 900 seconds" (AssumeRole).
SESSION_SECONDS = 900
STS = Calls("AWS STS", busy=frozenset({"Throttling", "ThrottlingException"}))

_PAGE = "Configuration > AWS accounts"


class Accounts:
    """Makes clients of one service in the account that an action names.

    ``name`` is the service's name for people. One instance serves one step, and keeps the
    credentials it was given.
    """

    def __init__(self, settings: Settings, service: str, name: str) -> None:
        self._settings = settings
        self._service = service
        self._name = name
        self._proved: Dict[Tuple[str, str], aws.Keys] = {}

    def where(self, arguments: Mapping[str, str]) -> str:
        """Return an action's place for people: ``eu-west-1, account prod (123456789012)``.

        Raises ExecutorError if a setting is missing.
        """
        account, region = self._chosen(arguments)
        number = f" ({account.account_id})" if account.account_id else ""
        return f"{region}, account {account.name}{number}"

    def region(self, arguments: Mapping[str, str]) -> str:
        """Return an action's region. Raises as :meth:`where` does."""
        return self._chosen(arguments)[1]

    @contextmanager
    def connect(self, arguments: Mapping[str, str]) -> Iterator[Any]:
        """Yield a boto3 client in the account that an action's arguments name (``account``).

        Raises ExecutorError if it is not configured, can't be reached, or is not the expected
        account.
        """
        from botocore.exceptions import BotoCoreError

        account, region = self._chosen(arguments)
        session = arguments.get("incident_id", "incident-management")
        with aws.quiet(), ExitStack() as stack:
            try:
                roots = stack.enter_context(aws.trusted(self._settings.network.ca_file))
                make = self._maker(region, roots)
                key = (account.name, session)
                if key not in self._proved:
                    self._proved[key] = self._keys(account, session, make)
                client = make(self._service, self._proved[key])
            except (OSError, ValueError, BotoCoreError) as error:
                raise ExecutorError(
                    f"{self._name} can't be reached ({type(error).__name__}): check "
                    "ca_file, region, endpoint and proxy."
                ) from None
            yield client

    def _maker(self, region: str, roots: str) -> Callable[[str, aws.Keys], Any]:
        mine, proxy = self._settings.remediation, self._settings.proxy

        def make(service: str, keys: aws.Keys) -> Any:
            # A VPC endpoint is one region's.
            endpoint = getattr(mine, f"{service}_endpoint_url") if region == mine.aws_region else ""
            return aws.client(
                service,
                region,
                keys,
                # Not botocore's default, which depends on its version: AWS's own of the region.
                endpoint or (f"https://{aws.host_of(service, region)}" if service == "sts" else ""),
                timeout_seconds=STS_SECONDS if service == "sts" else AMAZON_SECONDS,
                roots=roots,
                proxy=aws.proxy_url(proxy, service, region, endpoint),
            )

        return make

    def _keys(
        self, account: Account, session: str, make: Callable[[str, aws.Keys], Any]
    ) -> aws.Keys:
        """Return an account's credentials once they are confirmed to belong to it."""
        began = time.monotonic()
        keys = self._own_keys(account)
        if account.role_arn:
            asked = {
                "RoleArn": account.role_arn,
                "RoleSessionName": session,
                "DurationSeconds": SESSION_SECONDS,
                **({"ExternalId": account.external_id} if account.external_id else {}),
            }
            sts = make("sts", keys)
            keys = STS.read(lambda: _keys_of(sts.assume_role(**asked)["Credentials"]))
        if account.account_id:
            sts = make("sts", keys)
            found = STS.read(lambda: str(sts.get_caller_identity()["Account"]))
            if found != account.account_id:
                raise ExecutorError(
                    f"The credentials of the account '{account.name}' belong to "
                    f"{found[:40]}, not to {account.account_id}. Nothing was changed. "
                    f"Correct the account under {_PAGE}."
                )
        if time.monotonic() - began > PROOF_SECONDS:
            raise ExecutorError("AWS STS took too long to answer. Nothing was changed.")
        return keys

    def _own_keys(self, account: Account) -> aws.Keys:
        """Return an account's keys, or those that its role is assumed with."""
        holder = self._known(account.source) if account.source else account
        if account.source and holder.role_arn:
            raise ExecutorError(
                f"The account '{holder.name}' has no keys of its own to assume the role "
                f"of '{account.name}' with. Choose an account with keys under {_PAGE}."
            )
        if not (holder.aws_access_key_id and holder.aws_secret_access_key):
            raise ExecutorError(f"The account '{holder.name}' has no AWS keys; set them.")
        token = holder.aws_session_token or None
        return holder.aws_access_key_id, holder.aws_secret_access_key, token

    def _chosen(self, arguments: Mapping[str, str]) -> Tuple[Account, str]:
        """Return the account of an action, and its region."""
        mine, name = self._settings.remediation, arguments.get("account", "")
        if name:
            account = self._known(name)
            if not account.region:
                raise ExecutorError(f"The account '{name}' has no region: set it under {_PAGE}.")
            return account, account.region
        if not (mine.aws_account and mine.aws_region):
            raise ExecutorError(
                "No AWS account is set for fixes: set account and region under Configuration > "
                "Remediation, or name an account with argument.account."
            )
        return self._known(mine.aws_account), mine.aws_region

    def _known(self, name: str) -> Account:
        try:
            account = self._settings.account(name)
        except SettingsError as error:
            raise ExecutorError(str(error)) from None
        if account is None:
            raise ExecutorError(f"There is no AWS account '{name}': add it under {_PAGE}.")
        return account


def _keys_of(told: Mapping[str, Any]) -> aws.Keys:
    """Parse the credentials of AssumeRole. Raises LookupError and the like for invalid ones."""
    keys = told["AccessKeyId"], told["SecretAccessKey"], told["SessionToken"]
    if not all(isinstance(one, str) and one for one in keys):
        raise ValueError("no credentials")
    return keys

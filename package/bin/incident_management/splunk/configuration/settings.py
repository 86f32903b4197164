"""The app's settings, as an administrator sets them on the configuration page.

Secrets are in ``storage/passwords`` (:mod:`.secrets`), so only the persistent REST handler and the
modular input, which have the rights, may call :func:`load`. Parts are independent: a malformed
value or a missing secret in one does not affect the others.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, field, fields
from functools import partial
from typing import Any, Callable, Dict, FrozenSet, Mapping, Optional, Tuple
from urllib.parse import quote

from ...channels import FOLLOW_UP_SYSTEMS, NAMES
from ...conf_values import is_true, listed
from ...hosts import is_place
from ..session import APP, Session, SplunkError
from . import conf, secrets
from .channel_settings import (
    CHANNEL_READERS,
    CHANNEL_SETTINGS,
    Email,
    Jira,
    PagerDuty,
    ServiceNow,
    Slack,
    Teams,
)
from .stanza import ENCRYPTED, SettingsError, Stanza, Stanzas
from .target_settings import ACCOUNTS, CLUSTERS, Account, Cluster, read_account, read_cluster

__all__ = [
    "Account",
    "Bedrock",
    "Cluster",
    "Email",
    "Jira",
    "Lifecycle",
    "Network",
    "PagerDuty",
    "Proxy",
    "Remediation",
    "ServiceNow",
    "Settings",
    "SettingsError",
    "Slack",
    "Teams",
    "channels_set_up",
    "follow_up_systems",
    "load",
    "parse",
]

CONF = conf.SETTINGS

# Parts that every service outside is reached by.
SHARED_PARTS = ("network", "proxy")

# Splunk may remember a fired alert for days: its signals must stay known for longer.
LEAST_KEPT_SECONDS = 7 * 86400.0


@dataclass(frozen=True)
class Bedrock:
    enabled: bool = False
    account: str = ""
    model_id: str = ""
    region: str = ""
    endpoint_url: str = ""
    timeout_seconds: float = 60.0
    max_output_tokens: int = 2000
    calls_per_incident: int = 10
    calls_per_day: int = 200


@dataclass(frozen=True)
class Remediation:
    deploy_api_url: str = ""
    deploy_api_token: str = field(default="", repr=False)
    awx_url: str = ""
    awx_token: str = field(default="", repr=False)
    aws_account: str = ""
    aws_region: str = ""
    ecs_endpoint_url: str = ""
    kubernetes_url: str = ""
    kubernetes_token: str = field(default="", repr=False)
    launchdarkly_url: str = ""
    launchdarkly_token: str = field(default="", repr=False)
    lambda_endpoint_url: str = ""
    sts_endpoint_url: str = ""


@dataclass(frozen=True)
class Network:
    ca_file: str = ""
    web_url: str = ""


@dataclass(frozen=True)
class Lifecycle:
    """Automatic changes of incidents; times in seconds, 0: never.

    ``resolve_after`` without a finding, except for the severities in ``resolve_not``;
    ``close_after`` the resolve; ``keep`` after the close.
    """

    resolve_after: float = 24 * 3600.0
    resolve_not: Tuple[str, ...] = ()
    close_after: float = 7 * 86400.0
    keep: float = 90 * 86400.0


@dataclass(frozen=True)
class Proxy:
    enabled: bool = False
    type: str = "http"
    host: str = ""
    port: int = 0
    username: str = ""
    password: str = field(default="", repr=False)
    no_proxy: Tuple[str, ...] = ()

    @property
    def url(self) -> str:
        """``type://[user:password@]host:port``."""
        login = ""
        if self.username:
            login = f"{quote(self.username, safe='')}:{quote(self.password, safe='')}@"
        return f"{self.type}://{login}{self.host}:{self.port}"


@dataclass(frozen=True)
class Settings:
    """All settings; ``accounts`` and ``clusters`` by name, ``set_up``: see :func:`channels_set_up`.

    An invalid part has its defaults, and a sentence in ``problems``. An invalid account or cluster
    is left out, and has a sentence there too.
    """

    slack: Slack = field(default_factory=Slack)
    teams: Teams = field(default_factory=Teams)
    pagerduty: PagerDuty = field(default_factory=PagerDuty)
    servicenow: ServiceNow = field(default_factory=ServiceNow)
    jira: Jira = field(default_factory=Jira)
    email: Email = field(default_factory=Email)
    bedrock: Bedrock = Bedrock()
    remediation: Remediation = Remediation()
    network: Network = Network()
    proxy: Proxy = Proxy()
    lifecycle: Lifecycle = Lifecycle()
    loglevel: str = "INFO"
    set_up: FrozenSet[str] = frozenset()
    accounts: Dict[str, Account] = field(default_factory=dict)
    clusters: Dict[str, Cluster] = field(default_factory=dict)
    problems: Mapping[str, str] = field(default_factory=dict)

    def need(self, *parts: str) -> Settings:
        """Return these settings. Raises SettingsError if one of the parts is invalid."""
        for part in parts:
            if part in self.problems:
                raise SettingsError(self.problems[part])
        return self

    def account(self, name: str) -> Optional[Account]:
        """Return an account; None if there is none. Raises SettingsError."""
        return self.need(_part_of(name)).accounts.get(name)

    def cluster(self, name: str) -> Optional[Cluster]:
        """Return a cluster; None if there is none. Raises SettingsError."""
        return self.need(_part_of(name, "cluster")).clusters.get(name)


def load(session: Session) -> Settings:
    """Read all settings. Raises SplunkError when the files can't be read."""
    return parse(*(_decrypted(session, file) for file in (CONF, ACCOUNTS, CLUSTERS)))


def parse(
    stanzas: Stanzas, accounts: Optional[Stanzas] = None, clusters: Optional[Stanzas] = None
) -> Settings:
    """Make settings from stanzas, each part on its own."""
    parts, problems = _each(
        {name: partial(read, _stanza(name, stanzas)) for name, read in _READERS.items()}
    )
    known, of_accounts = _each(
        {name: partial(read_account, name, accounts) for name in accounts} if accounts else {}
    )
    problems.update({_part_of(name): text for name, text in of_accounts.items()})
    places, of_clusters = _each(
        {name: partial(read_cluster, name, clusters) for name in clusters} if clusters else {}
    )
    problems.update({_part_of(name, "cluster"): text for name, text in of_clusters.items()})
    return Settings(
        **parts,
        loglevel=_stanza("logging", stanzas).text("loglevel", "INFO").upper(),
        set_up=channels_set_up(stanzas),
        accounts=known,
        clusters=places,
        problems=problems,
    )


def _each(readers: Mapping[str, Callable[[], Any]]) -> Tuple[Dict[str, Any], Dict[str, str]]:
    """Return the result of each reader, and the error sentence of each that failed."""
    found: Dict[str, Any] = {}
    problems: Dict[str, str] = {}
    for name, read in readers.items():
        try:
            found[name] = read()
        except SettingsError as error:
            problems[name] = str(error)
    return found, problems


def channels_set_up(stanzas: Stanzas) -> FrozenSet[str]:
    """Return the channels with at least one setting that is not as shipped.

    The stanzas may still be encrypted, and contain malformed values.
    """
    return frozenset(
        name
        for name, shipped in CHANNEL_SETTINGS.items()
        for setting in fields(shipped)
        if _stanza(name, stanzas).text(setting.name)
        not in ("", setting.metadata.get("shipped", setting.default))
    )


def follow_up_systems(stanzas: Stanzas) -> Dict[str, bool]:
    """Return the systems in which follow-ups can have tickets, and whether each new one gets one.

    Takes stanzas as :func:`channels_set_up` does.
    """
    found = channels_set_up(stanzas)
    return {
        name: is_true(stanzas.get(name, {}).get("follow_up_tickets"))
        for name in FOLLOW_UP_SYSTEMS
        if name in found
    }


def _bedrock(stanza: Stanza) -> Bedrock:
    return Bedrock(
        stanza.flag("enabled"),
        stanza.text("account"),
        stanza.text("model_id"),
        stanza.text("region"),
        stanza.url("endpoint_url"),
        stanza.number("timeout_seconds", 60, 1, 600),
        int(stanza.number("max_output_tokens", 2000, 1, 100_000)),
        int(stanza.number("calls_per_incident", 10, 1, 1000)),
        int(stanza.number("calls_per_day", 200, 1, 10_000)),
    )


def _remediation(stanza: Stanza) -> Remediation:
    return Remediation(
        stanza.url("deploy_api_url"),
        stanza.secret("deploy_api_token"),
        stanza.url("awx_url"),
        stanza.secret("awx_token"),
        stanza.text("aws_account"),
        stanza.text("aws_region"),
        stanza.url("ecs_endpoint_url"),
        stanza.url("kubernetes_url"),
        stanza.secret("kubernetes_token"),
        stanza.url("launchdarkly_url"),
        stanza.secret("launchdarkly_token"),
        stanza.url("lambda_endpoint_url"),
        stanza.url("sts_endpoint_url"),
    )


def _network(stanza: Stanza) -> Network:
    # As in Splunk's own settings of certificates, a path may begin with $SPLUNK_HOME.
    ca_file = os.path.expandvars(stanza.text("ca_file"))
    return Network(ca_file, stanza.url("web_url", plain=True))


def _proxy(stanza: Stanza) -> Proxy:
    if not stanza.flag("proxy_enabled"):
        return Proxy()
    return Proxy(
        True,
        stanza.text("proxy_type", "http"),
        stanza.text("proxy_url"),
        int(stanza.number("proxy_port", 0, 1, 65535)),
        stanza.text("proxy_username"),
        stanza.secret("proxy_password"),
        _places(stanza),
    )


def _places(stanza: Stanza) -> Tuple[str, ...]:
    """Return the hosts and networks that are reached without the proxy."""
    places = listed(stanza.text("no_proxy"))
    for place in places:
        if not is_place(place):
            raise stanza.error(
                "no_proxy", f"contains '{place}', which is not a host, domain, address or network"
            )
    return places


def _lifecycle(stanza: Stanza) -> Lifecycle:
    return Lifecycle(
        stanza.period("resolve_after", "24h", 300.0),
        stanza.severities("resolve_not"),
        stanza.period("close_after", "7d", 300.0),
        stanza.period("keep", "90d", LEAST_KEPT_SECONDS),
    )


# The titles of their pages in globalConfig.json, of those that hold a secret.
_PAGES = {**NAMES, "remediation": "Remediation", "proxy": "Proxy"}
_READERS: Dict[str, Callable[[Stanza], Any]] = {
    **CHANNEL_READERS,
    "bedrock": _bedrock,
    "remediation": _remediation,
    "network": _network,
    "proxy": _proxy,
    "lifecycle": _lifecycle,
}


def _stanza(name: str, stanzas: Stanzas) -> Stanza:
    return Stanza(CONF, name, stanzas, _PAGES.get(name, ""))


def _part_of(name: str, kind: str = "account") -> str:
    return f"{kind} {name}"


def _decrypted(session: Session, file: str) -> Stanzas:
    """Return a file's stanzas; a secret that can't be decrypted stays :data:`ENCRYPTED`."""
    found = _stanzas(session, file)
    if not any(ENCRYPTED in stanza.values() for stanza in found.values()):
        return found
    try:
        known = secrets.fields_of(session, f"__REST_CREDENTIAL__#{APP}#configs/conf-{file}")
    except SplunkError:
        return found
    return {
        name: {
            key: known.get(name, {}).get(key, value) if value == ENCRYPTED else value
            for key, value in stanza.items()
        }
        for name, stanza in found.items()
    }


def _stanzas(session: Session, file: str) -> Dict[str, Dict[str, str]]:
    try:
        return conf.load(session, file)
    except SplunkError as error:
        if error.status != 404:
            raise
        # The file has no stanza anywhere yet: none was ever added.
        return {}

"""The app's settings, as an admin sets them on its configuration page.

Read with solnlib, which decrypts through ``storage/passwords``; so only the persistent REST
handler and the modular input, which have the rights, may call :func:`load`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field, fields
from typing import Any, Dict, FrozenSet, Mapping, Optional, Tuple
from urllib.parse import urlsplit

from ..incidents.model import SEVERITIES
from .session import APP, Session, is_loopback

__all__ = [
    "Account",
    "Bedrock",
    "Lifecycle",
    "Network",
    "PagerDuty",
    "Proxy",
    "Remediation",
    "Settings",
    "SettingsError",
    "Slack",
    "Teams",
    "channels_set_up",
    "load",
    "parse",
    "stanzas",
]

CONF = "incident_management_settings"
ACCOUNTS = "incident_management_account"

# Splunk may remember a fired alert for days: its signals must stay known for longer.
LEAST_KEPT_SECONDS = 7 * 86400.0
LONGEST_SECONDS = 3650 * 86400.0
_PERIOD = re.compile(r"(\d+(?:\.\d+)?)\s*([smhdw])")
_UNITS = {"s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0, "w": 604800.0}


class SettingsError(Exception):
    """A setting is malformed; the text names file, stanza and key and says what to do."""


@dataclass(frozen=True)
class Slack:
    bot_token: str = field(default="", repr=False)
    channel: str = ""
    api_url: str = "https://slack.com/api/"


@dataclass(frozen=True)
class Teams:
    webhook_url: str = field(default="", repr=False)


@dataclass(frozen=True)
class PagerDuty:
    routing_key: str = field(default="", repr=False)
    api_url: str = "https://events.pagerduty.com"


@dataclass(frozen=True)
class Bedrock:
    enabled: bool = False
    account: str = ""
    model_id: str = ""
    region: str = ""
    endpoint_url: str = ""
    timeout_seconds: float = 60.0
    max_output_tokens: int = 2000


@dataclass(frozen=True)
class Remediation:
    deploy_api_url: str = ""
    deploy_api_token: str = field(default="", repr=False)


@dataclass(frozen=True)
class Network:
    ca_file: str = ""
    web_url: str = ""


@dataclass(frozen=True)
class Lifecycle:
    """What becomes of incidents by themselves; times in seconds, 0: never.

    ``resolve_after`` no finding, except for the severities in ``resolve_not``; ``close_after``
    the resolve; ``keep`` after the close.
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


@dataclass(frozen=True)
class Account:
    """One AWS account for Bedrock."""

    name: str
    aws_access_key_id: str = ""
    aws_secret_access_key: str = field(default="", repr=False)
    aws_session_token: str = field(default="", repr=False)


@dataclass(frozen=True)
class Settings:
    """All settings; ``accounts`` by name, ``set_up``: see :func:`channels_set_up`."""

    slack: Slack = Slack()
    teams: Teams = Teams()
    pagerduty: PagerDuty = PagerDuty()
    bedrock: Bedrock = Bedrock()
    remediation: Remediation = Remediation()
    network: Network = Network()
    proxy: Proxy = Proxy()
    lifecycle: Lifecycle = Lifecycle()
    loglevel: str = "INFO"
    set_up: FrozenSet[str] = frozenset()
    accounts: Dict[str, Account] = field(default_factory=dict)


Stanzas = Mapping[str, Mapping[str, Any]]

_CHANNELS = {"slack": Slack, "teams": Teams, "pagerduty": PagerDuty}


def load(session: Session) -> Settings:
    """Read and check all settings.

    Raises:
        SettingsError: a value is malformed, or the files can't be read.
    """
    return parse(stanzas(session, CONF), stanzas(session, ACCOUNTS))


def parse(stanzas: Stanzas, accounts: Optional[Stanzas] = None) -> Settings:
    """Make settings out of stanzas. Raises SettingsError for the first malformed value."""
    slack, bedrock = _Stanza(CONF, "slack", stanzas), _Stanza(CONF, "bedrock", stanzas)
    pagerduty, proxy = _Stanza(CONF, "pagerduty", stanzas), _Stanza(CONF, "proxy", stanzas)
    remediation = _Stanza(CONF, "remediation", stanzas)
    network = _Stanza(CONF, "network", stanzas)
    return Settings(
        slack=Slack(
            slack.text("bot_token"),
            slack.text("channel"),
            slack.url("api_url", Slack.api_url),
        ),
        teams=Teams(_Stanza(CONF, "teams", stanzas).url("webhook_url", secret=True)),
        pagerduty=PagerDuty(
            pagerduty.text("routing_key"), pagerduty.url("api_url", PagerDuty.api_url)
        ),
        bedrock=Bedrock(
            bedrock.flag("enabled"),
            bedrock.text("account"),
            bedrock.text("model_id"),
            bedrock.text("region"),
            bedrock.url("endpoint_url"),
            bedrock.number("timeout_seconds", 60, 1, 600),
            int(bedrock.number("max_output_tokens", 2000, 1, 100_000)),
        ),
        remediation=Remediation(
            remediation.url("deploy_api_url"), remediation.text("deploy_api_token")
        ),
        network=Network(network.text("ca_file"), network.url("web_url", plain=True)),
        proxy=_proxy(proxy),
        lifecycle=_lifecycle(_Stanza(CONF, "lifecycle", stanzas)),
        loglevel=_Stanza(CONF, "logging", stanzas).text("loglevel", "INFO").upper(),
        set_up=channels_set_up(stanzas),
        accounts={name: _account(name, accounts or {}) for name in accounts or {}},
    )


def channels_set_up(stanzas: Stanzas) -> FrozenSet[str]:
    """Return the channels that somebody has set up, or begun to: a setting is not as shipped.

    Of stanzas that may still be encrypted, and hold malformed values.
    """
    return frozenset(
        name
        for name, shipped in _CHANNELS.items()
        for setting in fields(shipped)
        if _Stanza(CONF, name, stanzas).text(setting.name) not in ("", setting.default)
    )


def _proxy(stanza: _Stanza) -> Proxy:
    if not stanza.flag("proxy_enabled"):
        return Proxy()
    return Proxy(
        True,
        stanza.text("proxy_type", "http"),
        stanza.text("proxy_url"),
        int(stanza.number("proxy_port", 0, 1, 65535)),
        stanza.text("proxy_username"),
        stanza.text("proxy_password"),
    )


def _lifecycle(stanza: _Stanza) -> Lifecycle:
    severities = tuple(
        part.strip().lower() for part in stanza.text("resolve_not").split(",") if part.strip()
    )
    unknown = [name for name in severities if name not in SEVERITIES]
    if unknown:
        known = ", ".join(SEVERITIES)
        raise stanza.error("resolve_not", f"holds '{unknown[0]}', which is none of {known}")
    return Lifecycle(
        stanza.period("resolve_after", "24h", 300.0),
        severities,
        stanza.period("close_after", "7d", 300.0),
        stanza.period("keep", "90d", LEAST_KEPT_SECONDS),
    )


def _account(name: str, accounts: Stanzas) -> Account:
    stanza = _Stanza(ACCOUNTS, name, accounts)
    return Account(
        name,
        stanza.text("aws_access_key_id"),
        stanza.text("aws_secret_access_key"),
        stanza.text("aws_session_token"),
    )


class _Stanza:
    """Typed reading of one stanza; never shows a value that may be a secret."""

    def __init__(self, conf: str, name: str, stanzas: Stanzas) -> None:
        self._where = f"{conf}.conf [{name}]"
        self._values = stanzas.get(name, {})

    def text(self, key: str, default: str = "") -> str:
        value = self._values.get(key)
        return default if value is None or str(value).strip() == "" else str(value).strip()

    def flag(self, key: str) -> bool:
        value = self.text(key, "0").lower()
        if value in ("1", "true", "yes"):
            return True
        if value in ("0", "false", "no"):
            return False
        raise self.error(key, f"is '{value}', which is neither 0 nor 1; set one of them")

    def number(self, key: str, default: float, low: float, high: float) -> float:
        value = self.text(key, str(default))
        try:
            parsed = float(value)
        except ValueError:
            parsed = float("nan")
        if not low <= parsed <= high:
            raise self.error(key, f"is '{value}'; set a number from {low:g} to {high:g}")
        return parsed

    def url(self, key: str, default: str = "", secret: bool = False, plain: bool = False) -> str:
        """Return an https URL; http only to this machine, or anywhere when ``plain``."""
        value = self.text(key, default)
        if not value:
            return ""
        shown = "the value" if secret else f"'{value}'"
        try:
            parts = urlsplit(value)
            host = parts.hostname or ""
        except ValueError:
            raise self.error(key, f"holds {shown}, which is not a URL; set https://…") from None
        if parts.scheme not in ("http", "https") or not host:
            raise self.error(key, f"holds {shown}, which is not a URL; set https://…")
        if parts.scheme == "http" and not plain and not is_loopback(host):
            raise self.error(key, f"holds {shown} without TLS; set https://…")
        return value

    def period(self, key: str, default: str, least: float) -> float:
        """Return a span of time in seconds; ``never`` is 0."""
        value = self.text(key, default).lower()
        if value == "never":
            return 0.0
        match = _PERIOD.fullmatch(value)
        seconds = float(match.group(1)) * _UNITS[match.group(2)] if match else -1.0
        if not least <= seconds <= LONGEST_SECONDS:
            limits = f"at least {least:.0f}s and at most {LONGEST_SECONDS / 86400:.0f}d"
            raise self.error(key, f"is '{value}'; set a time such as 24h or 7d, {limits}, or never")
        return seconds

    def error(self, key: str, what: str) -> SettingsError:
        return SettingsError(f"{self._where} {key} {what}.")


def stanzas(session: Session, conf: str = CONF) -> Stanzas:
    """Return the stanzas of a settings file, decrypted, for a caller that checks part by part.

    Raises SettingsError when they can't be read.
    """
    from solnlib.conf_manager import ConfManager, ConfManagerException

    manager = ConfManager(
        session.token,
        APP,
        owner="nobody",
        scheme=session.scheme,
        host=session.host,
        port=session.port,
        realm=f"__REST_CREDENTIAL__#{APP}#configs/conf-{conf}",
    )
    try:
        found: Stanzas = manager.get_conf(conf).get_all(only_current_app=True)
        return found
    except ConfManagerException:
        # The file has no stanza anywhere yet: no account was ever added.
        return {}
    except Exception as error:
        text = (
            f"{conf}.conf can't be read ({type(error).__name__}); see splunkd.log for the reason."
        )
        raise SettingsError(text) from error

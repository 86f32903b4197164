"""Makes the senders out of the app's settings."""

from __future__ import annotations

from functools import partial
from typing import Callable, Dict

from ..ports import Clock
from ..splunk.channel_settings import CLIENT
from ..splunk.settings import Settings
from .channel import NotConfigured, Sender
from .heard.jira import JiraReader
from .heard.pagerduty import PagerDutyReader
from .heard.servicenow import ServiceNowReader
from .heard.ticket import Reader
from .jira import JiraSender
from .pagerduty import PagerDutySender
from .servicenow import ServiceNowSender
from .slack import SlackSender
from .teams import TeamsSender
from .transport import Network

__all__ = ["Senders", "network_of", "readers", "senders", "slack_sender"]

Senders = Dict[str, Callable[[], Sender]]


def senders(settings: Settings, clock: Clock) -> Senders:
    """Return, for each channel, a function that makes its sender or raises NotConfigured."""

    def teams() -> Sender:
        return TeamsSender(settings.teams.webhook_url, network_of(settings), clock)

    def pagerduty() -> Sender:
        chosen = settings.pagerduty
        return PagerDutySender(chosen.routing_key, chosen.api_url, network_of(settings), clock)

    def servicenow() -> Sender:
        return ServiceNowSender(settings.servicenow, network_of(settings), clock)

    def jira() -> Sender:
        return JiraSender(settings.jira, network_of(settings), clock)

    def email() -> Sender:
        # Imported here, because only a mail needs smtplib and all of Python's email.
        from .mail import EmailSender

        # A proxy for HTTP has no part in it, but for tokens.
        is_oauth = settings.email.sign_in == CLIENT
        network = network_of(settings) if is_oauth else Network(settings.network.ca_file)
        return EmailSender(settings.email, network, clock)

    return {
        "slack": partial(slack_sender, settings, clock),
        "teams": teams,
        "pagerduty": pagerduty,
        "servicenow": servicenow,
        "jira": jira,
        "email": email,
    }


def slack_sender(settings: Settings, clock: Clock) -> SlackSender:
    """Make Slack's sender. Raises NotConfigured."""
    chosen = settings.slack
    return SlackSender(
        chosen.bot_token,
        chosen.channel,
        chosen.api_url,
        network_of(settings),
        clock,
        answers=bool(chosen.app_token),
    )


def readers(settings: Settings, clock: Clock) -> Dict[str, Callable[[], Reader]]:
    """Return, for each of ``channels.HEARD``, what makes its reader or raises NotConfigured."""

    def servicenow() -> Reader:
        return ServiceNowReader(settings.servicenow, network_of(settings), clock)

    def jira() -> Reader:
        return JiraReader(settings.jira, network_of(settings), clock)

    def pagerduty() -> Reader:
        return PagerDutyReader(settings.pagerduty, network_of(settings), clock)

    return {"servicenow": servicenow, "jira": jira, "pagerduty": pagerduty}


def network_of(settings: Settings) -> Network:
    """How to reach the outside. Raises NotConfigured for a proxy that can't be used."""
    proxy = settings.proxy
    if not proxy.enabled:
        return Network(settings.network.ca_file)
    if proxy.type not in ("http", "https"):
        raise NotConfigured(
            f"The proxy type '{proxy.type}' is not supported: choose http under "
            "Configuration > Proxy."
        )
    if not proxy.host or not proxy.port:
        raise NotConfigured("The proxy has no host or port: set both under Configuration > Proxy.")
    return Network(settings.network.ca_file, proxy.url, proxy.no_proxy)

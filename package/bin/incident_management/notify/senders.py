"""Creates the senders and readers of services from the app's settings."""

from __future__ import annotations

from functools import partial
from typing import Callable, Dict

from ..outside.network import network_of
from ..outside.transport import Network
from ..ports import Clock
from ..splunk.configuration.channel_settings import CLIENT
from ..splunk.configuration.settings import Settings
from .channel import Sender
from .inbound.jira import JiraReader
from .inbound.pagerduty import PagerDutyReader
from .inbound.servicenow import ServiceNowReader
from .inbound.ticket import Reader
from .services.jira import JiraSender
from .services.pagerduty import PagerDutySender
from .services.servicenow import ServiceNowSender
from .services.slack import SlackSender
from .services.slack_channels import SlackChannels
from .services.teams import TeamsSender

__all__ = ["Senders", "readers", "senders", "slack_channels", "slack_sender"]

Senders = Dict[str, Callable[[], Sender]]


def senders(settings: Settings, clock: Clock) -> Senders:
    """Return, for each channel, a function that creates its sender or raises NotConfigured."""

    def pagerduty() -> Sender:
        chosen = settings.pagerduty
        return PagerDutySender(chosen.routing_key, chosen.api_url, network_of(settings), clock)

    def email() -> Sender:
        # Imported here, because only a mail needs smtplib and Python's email package.
        from .services.mail import EmailSender

        # Mail does not use the HTTP proxy; only token requests do.
        is_oauth = settings.email.sign_in == CLIENT
        network = network_of(settings) if is_oauth else Network(settings.network.ca_file)
        return EmailSender(settings.email, network, clock)

    return {
        "slack": partial(slack_sender, settings, clock),
        "teams": lambda: TeamsSender(settings.teams.webhook_url, network_of(settings), clock),
        "pagerduty": pagerduty,
        "servicenow": lambda: ServiceNowSender(settings.servicenow, network_of(settings), clock),
        "jira": lambda: JiraSender(settings.jira, network_of(settings), clock),
        "email": email,
    }


def slack_sender(settings: Settings, clock: Clock) -> SlackSender:
    """Create Slack's sender. Raises NotConfigured."""
    chosen = settings.slack
    return SlackSender(
        chosen.bot_token,
        chosen.channel,
        chosen.api_url,
        network_of(settings),
        clock,
        answers=bool(chosen.app_token),
    )


def slack_channels(settings: Settings, clock: Clock) -> SlackChannels:
    """Create the client that opens Slack channels. Raises NotConfigured."""
    chosen = settings.slack
    return SlackChannels(chosen.bot_token, chosen.api_url, network_of(settings), clock)


def readers(
    settings: Settings, clock: Clock, follow_ups: bool = False
) -> Dict[str, Callable[[], Reader]]:
    """Return, for each of ``channels.INBOUND``, a function that creates its reader.

    The functions raise NotConfigured. ``follow_ups``: for the tickets of follow-ups, for each of
    ``channels.FOLLOW_UP_SYSTEMS``.
    """

    return {
        "servicenow": lambda: ServiceNowReader(
            settings.servicenow, network_of(settings), clock, follow_ups
        ),
        "jira": lambda: JiraReader(settings.jira, network_of(settings), clock),
        "pagerduty": lambda: PagerDutyReader(settings.pagerduty, network_of(settings), clock),
    }

"""One turn of the worker at incident channels: Slack, for a few requests, and the settings."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Callable, Optional, Protocol, Sequence

from ...incidents.routing import Routing
from ...splunk.configuration.channel_settings import Slack

__all__ = ["REQUESTS", "Enough", "NotYet", "Service", "Turn"]

# The most requests of a turn, 18 a minute: Slack takes 20 of one method (tier 2).
REQUESTS = 3


class Service(Protocol):
    """Slack channels: see :class:`..services.slack_channels.SlackChannels`."""

    def create(self, name: str, is_private: bool) -> str: ...
    def find(self, name: str, is_private: bool) -> str: ...
    def set_topic(self, channel: str, topic: str) -> None: ...
    def invite(self, channel: str, people: Sequence[str]) -> None: ...
    def pin(self, channel: str, ts: str) -> None: ...
    def archive(self, channel: str) -> None: ...


class Enough(Exception):
    """The turn has used all its requests."""


class NotYet(Exception):
    """This channel has to wait; others need not."""


@dataclass
class Turn:
    """Each use of ``slack`` is one request.

    It raises Enough after the last one, and what ``make`` raises.
    """

    make: Callable[[], Service]
    chosen: Slack
    routing: Routing
    web_url: str
    left: int = REQUESTS
    made: Optional[Service] = None

    @property
    def slack(self) -> Service:
        if not self.left:
            raise Enough
        self.made = self.made or self.make()
        self.left -= 1
        return self.made

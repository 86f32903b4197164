"""The duties that send messages: entries become notifications, and those are delivered."""

from __future__ import annotations

from contextlib import suppress
from functools import partial
from typing import Callable, Collection, Dict, List, Mapping, Sequence, Set

from ..channels import CHANNELS
from ..incidents.routing import Routing
from ..incidents.stored_shapes import read_subscriptions, readable_subscription
from ..notify.announcing.announcer import Announcer
from ..notify.announcing.follow_up_tickets import FollowUpTickets
from ..notify.channel import Sender
from ..notify.configured_channels import reached, save_configured_channels
from ..notify.delivery.outbox import Outbox
from ..notify.delivery.record import recorder
from ..notify.first_messages import FirstMessages
from ..notify.incident_channels.opening import IncidentChannels
from ..notify.senders import Senders, senders, slack_channels, slack_sender
from ..notify.services.http_call import HttpSender
from ..notify.services.webhook import PREFIX, REALM, WebhookSender, channel_of
from ..outside.network import NotConfigured, NotReady, network_of
from ..ports import Clock, Stores
from ..processes import has_ended, process_name
from ..shifts.notifying import HandoverNotifier
from ..splunk.configuration import secrets
from ..splunk.configuration.settings import SHARED_PARTS, SettingsError
from ..splunk.session import Session, SplunkError
from .configuration import Configuration

__all__ = ["Messages"]


class Messages:
    """Queues and sends notifications. ``trouble`` takes a name and a sentence about a problem."""

    def __init__(
        self,
        session: Session,
        stores: Stores,
        clock: Clock,
        configuration: Configuration,
        trouble: Callable[[str, str], None],
    ) -> None:
        self._session = session
        self._stores = stores
        self._clock = clock
        self._config = configuration
        self.outbox = Outbox(stores, clock, process_name(), recorder(stores, clock), gone=has_ended)
        self._announcer = Announcer(
            stores, clock, self.outbox, lambda sentence: trouble("announced late", sentence)
        )
        self._handovers = HandoverNotifier(stores, clock, self.outbox, trouble)
        self._tickets = FollowUpTickets(stores, self.outbox)
        self._first = FirstMessages(stores, clock)
        self._not_ready: List[Exception] = []
        self._rooms = IncidentChannels(stores, clock, lambda sentence: trouble("rooms", sentence))

    def announce(self) -> Mapping[str, int]:
        """Queue notifications of new timeline entries for each channel that should get them."""
        if not self._config.is_read:
            return {}
        added = self._announcer.run(
            self._config.routing,
            self._config.settings.network.web_url,
            self._set_up,
            partial(read_subscriptions, self._stores),
        )
        return {"notifications_queued": added}

    def notify_handovers(self, routing: Routing) -> Mapping[str, int]:
        """Send reports of open work to people who come on call, for the teams that want them."""
        if not self._config.is_read:
            return {}
        return self._handovers.notify(routing, self._config.settings.network.web_url)

    def update_follow_up_tickets(self, incident_ids: Sequence[str]) -> None:
        """Queue missed notifications for the tickets of some incidents' follow-ups."""
        if self._config.is_read:
            web_url = self._config.settings.network.web_url
            self._tickets.enqueue_missing(incident_ids, self._config.routing, web_url)

    def summarize(self) -> Mapping[str, int]:
        """Queue summaries of what a storm has too many messages about."""
        if not self._config.is_read:
            return {}
        return self._announcer.summarize(self._config.settings.network.web_url)

    def deliver(self) -> Mapping[str, int]:
        """Send due notifications, once the configured channels are known.

        Raises the error of a channel that could not be made ready, after the others had their turn.
        """
        if not self._config.is_read:
            return {}
        self._not_ready.clear()
        made = {channel: self._sender(channel) for channel in CHANNELS}
        known = _Channels(made, self._webhook, self._own)
        counts = self.outbox.deliver_due(known, held=self._held_channels())
        if self._not_ready:
            raise self._not_ready[0]
        return {f"notifications_{state}": count for state, count in counts.items()}

    def update_first_messages(self) -> Mapping[str, int]:
        """Update the first messages in Slack to the current state of their incidents."""
        if not self._can_use_slack():
            return {}
        settings = self._config.settings
        sender = partial(slack_sender, settings, self._clock)
        fields = self._config.routing.fields.shown_in("messages")
        try:
            return self._first.run(sender, settings.network.web_url, fields)
        except NotConfigured:
            return {}  # The failed messages name the missing setting.

    def run_incident_channels(self, routing: Routing) -> Mapping[str, int]:
        """Open, update and archive incident channels in Slack.

        Shares a turn with the duty before it, which has read the changes: without any incident
        channel, no request is made.
        """
        if not self._can_use_slack():
            return {}
        settings = self._config.settings
        make = partial(slack_channels, settings, self._clock)
        web_url = settings.network.web_url
        return self._rooms.run(make, settings.slack, routing, web_url, self._first.saw_room)

    def _can_use_slack(self) -> bool:
        """Tell whether there is a token, and no malformed Slack setting."""
        return bool(self._config.settings.slack.bot_token) and "slack" not in self._held_channels()

    def save_configured_channels(self) -> Mapping[str, int]:
        """Store for the overview page who can be notified."""
        if self._config.is_read:
            subscriptions = read_subscriptions(self._stores).values()
            save_configured_channels(
                self._stores, self._clock, reached(self._known_set_up(), subscriptions)
            )
        return {}

    def _held_channels(self) -> Set[str]:
        """Return the channels with malformed settings: messages wait until these are corrected."""
        problems, routing = self._config.settings.problems, self._config.routing
        if not self._config.is_read or any(part in problems for part in SHARED_PARTS):
            return {*routing.channel_names, *map(channel_of, read_subscriptions(self._stores))}
        return {*(channel for channel in CHANNELS if channel in problems), *routing.own_malformed}

    def _set_up(self) -> Collection[str]:
        """Return the channels that are set up; reads a missing one again, as in `_sender`.

        If that fails, the duty "configuration" reports it, and the known ones are returned.
        """
        if not self._config.settings.set_up.issuperset(CHANNELS):
            with suppress(SettingsError, SplunkError):
                self._config.read_again()
        return self._known_set_up()

    def _known_set_up(self) -> Collection[str]:
        return self._config.settings.set_up | self._config.routing.own_set_up

    def _sender(self, channel: str) -> Callable[[], Sender]:
        return self._made_again(lambda: senders(self._config.settings, self._clock)[channel]())

    def _own(self, name: str) -> Callable[[], Sender]:
        def make() -> Sender:
            if name not in self._config.own_channels:
                raise NotConfigured(f"There is no channel '{name}'. It may have been removed.")
            channel, own_secrets = self._config.own_channels[name]
            network = network_of(self._config.settings)
            return HttpSender(channel, own_secrets, network, self._clock)

        return self._made_again(make)

    def _made_again(self, make: Callable[[], Sender]) -> Callable[[], Sender]:
        """Return a factory of a sender that reads a missing setting once more, as it may be new."""

        def made() -> Sender:
            try:
                return make()
            except NotConfigured:
                if not self._config.read_again():
                    raise
                return make()

        return self._noted(made)

    def _noted(self, make: Callable[[], Sender]) -> Callable[[], Sender]:
        """Return a factory of a sender; unreadable settings or secrets block no other channel."""

        def made() -> Sender:
            try:
                return make()
            except (SettingsError, SplunkError) as error:
                self._not_ready.append(error)
                raise NotReady(str(error)) from error

        return made

    def _webhook(self, key: str) -> Callable[[], Sender]:
        def make() -> Sender:
            secret = secrets.read(self._session, REALM, key)
            known = self._stores.subscriptions.get(key)
            known = known and readable_subscription(known)[0]
            network = network_of(self._config.settings)
            return WebhookSender(known, secret, network, self._clock)

        return self._noted(make)


class _Channels(Dict[str, Callable[[], Sender]]):
    """Senders by channel; those of webhooks and HTTP channels are created for each message.

    A list read beforehand would lack channels that another member has queued a message for since.
    """

    def __init__(
        self,
        known: Senders,
        webhook: Callable[[str], Callable[[], Sender]],
        own: Callable[[str], Callable[[], Sender]],
    ) -> None:
        super().__init__(known)
        self._webhook = webhook
        self._own = own

    def __contains__(self, channel: object) -> bool:
        return True

    def __missing__(self, channel: str) -> Callable[[], Sender]:
        if channel.startswith(PREFIX):
            return self._webhook(channel[len(PREFIX) :])
        return self._own(channel)

"""E-mail: a message to the mail server that an admin named, for all its recipients at once.

A mail server can't be asked what it received. A repeat bears the same ``Message-ID``, by which
mail systems know it (Exchange's duplicate detection, Cyrus, Gmail), and RFC 5321 (4.5.4.1) has
senders repeat what was not answered; so what was lost at the beginning is sent again, and what is
lost later stays unconfirmed: a server that takes messages and never says so would deliver each.
"""

from __future__ import annotations

from typing import Tuple

from ..hosts import is_loopback
from ..ports import Clock
from ..splunk.channel_settings import NO_TLS, TLS, Email
from .channel import Delivery, Inquiry, NotConfigured, Notification, dead, retry, sent, unknown
from .mail_layout import letter
from .message import Message, plain
from .smtp import Refused, Server, submit
from .transport import BadUrl, Network, NoAnswer, NotSent, shared_context

__all__ = ["EmailSender"]

# A recipient that is refused for now (a full mailbox, greylisting) keeps a message from the others
# for no longer than this.
TOGETHER_SECONDS = 120.0
# How soon after the first attempt one must begin to be repeated when its answer is lost. Less than
# what passes before it is asked about (outbox.ASK_AFTER_SECONDS), so that there is one repeat.
REPEATED_SECONDS = 10.0


class EmailSender:
    """Speaks to one mail server. Raises NotConfigured when a setting is missing."""

    def __init__(self, settings: Email, network: Network, clock: Clock) -> None:
        where = "under Configuration > E-mail"
        for value, what in ((settings.server, "mail server"), (settings.sender, "sender")):
            if not value:
                raise NotConfigured(f"No {what} is set: set it {where}.")
        if settings.username and not settings.password:
            raise NotConfigured(f"The user of the mail server has no password: set it {where}.")
        is_open = settings.encryption == NO_TLS
        if is_open and settings.username and not is_loopback(settings.server):
            raise NotConfigured(
                "A password is not sent without TLS: choose an encryption, or clear the user, "
                f"{where}."
            )
        try:
            context = None if is_open else shared_context(network, check_hostname=True)
        except BadUrl as error:
            raise NotConfigured(str(error)) from None
        self._settings = settings
        self._server = Server(
            settings.server,
            settings.port,
            context,
            settings.encryption == TLS,
            settings.username,
            settings.password,
        )
        self._clock = clock

    def send(self, notification: Notification) -> Delivery:
        """Send one mail to the team's recipients, or to those of the settings."""
        message = Message.from_document(notification.message)
        to = self._recipients(message, notification.target)
        if not to:
            return dead(
                "There is nobody to write to: set recipients under Configuration > E-mail, or "
                "email in the team's stanza of incident_routing.conf."
            )
        now, sender = self._clock.now(), self._settings.sender
        content = letter(message, notification.id, sender, to, now)
        together = now - (notification.first_sent or now) < TOGETHER_SECONDS
        try:
            refused = submit(self._server, sender, to, content, together)
        except Refused as error:
            said = plain(str(error), 400)
            return dead(said) if error.is_final else retry(said)
        except NotSent as error:
            return retry(str(error))
        except NoAnswer as error:
            return unknown(str(error))
        if not refused:
            return sent({})
        named = "; ".join(f"{one} ({reply})" for one, reply in refused.items())
        note = plain(f"The mail server refused some recipients: {named}.", 900)
        return sent({"note": note, "left_out": note})

    def _recipients(self, message: Message, target: str) -> Tuple[str, ...]:
        """Those of the team, else of the settings, and the owner whom it calls.

        Who was given an incident is the owner's own news, where their address is known.
        """
        to = tuple(target.split(",")) if target else self._settings.recipients
        if not message.mention:
            return to
        owner = tuple(message.mention.split(","))
        return owner if message.event == "assigned" else tuple(dict.fromkeys((*to, *owner)))

    def ask(self, notification: Notification) -> Inquiry:
        """Nothing can be asked; a repeat of a first attempt is known by its id."""
        if notification.begun <= notification.first_sent + REPEATED_SECONDS:
            return Inquiry("marked", "It is sent again under the same Message-ID.")
        return Inquiry("impossible", "A mail server can't be asked what it received.")

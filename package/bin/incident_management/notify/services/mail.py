"""E-mail: sends a message to the configured mail server, for all its recipients at once.

A mail server can't be asked what it received. A repeat has the same ``Message-ID``, by which mail
systems recognise it (Exchange's duplicate detection, Cyrus, Gmail), and RFC 5321 (4.5.4.1) has
senders repeat what was not answered. So a message whose answer is lost at the beginning is sent
again. If answers are lost later it stays unconfirmed: a server that accepts messages and never
confirms them would deliver each repeat.
"""

from __future__ import annotations

import time
from typing import Dict, Tuple

from ...hosts import is_loopback
from ...outside.network import NotConfigured, configured_url
from ...outside.transport import BadUrl, Network, NotSent, shared_context
from ...ports import Clock
from ...splunk.configuration.channel_settings import CLIENT, NO_TLS, TLS, Email
from ..channel import Delivery, Inquiry, Notification, dead, retry, sent
from ..events import FOLLOW_UP_OVERDUE
from ..message import HANDOVER, Message, plain
from .mail_layout import letter
from .oauth import SignIn
from .smtp import Refused, Server, Session, SignInRefused
from .tickets import FAILURES, meaning

__all__ = ["EmailSender"]

# A recipient that is refused for now (a full mailbox, greylisting) delays a message to the others
# for no longer than this.
TOGETHER_SECONDS = 120.0
# An attempt whose answer is lost is repeated only if it began this soon after the first. Less than
# the time until an attempt is asked about (outbox.ASK_AFTER_SECONDS), so that there is one repeat.
REPEATED_SECONDS = 10.0
# Until how long after its beginning an attempt fetches a second token: a token service may take 50
# s, a session 60, and an attempt no more than attempts.LEASE_SECONDS.
RENEWED_SECONDS = 5.0
# Exchange Online's replies to passwords: "Basic authentication is not supported for Client
# Submission", and that they are switched off for a tenant or a mailbox.
NO_PASSWORDS = ("5.7.30 ", "5.7.139 ")
WHERE = "under Configuration > E-mail"
_PERSONAL = ("assigned", FOLLOW_UP_OVERDUE, HANDOVER)


class EmailSender:
    """Sends to one mail server, for one round. Raises NotConfigured when a setting is missing.

    ``network`` is used for token requests only; mail does not go through a proxy.
    """

    def __init__(self, settings: Email, network: Network, clock: Clock) -> None:
        is_oauth = settings.sign_in == CLIENT
        for value, what in ((settings.server, "mail server"), (settings.sender, "sender")):
            if not value:
                raise NotConfigured(f"No {what} is set: set it {WHERE}.")
        # With OAuth the user is the mailbox, which is usually the sender's.
        username = settings.username or (settings.sender if is_oauth else "")
        if username and not is_oauth and not settings.password:
            raise NotConfigured(f"The user of the mail server has no password: set it {WHERE}.")
        is_open = settings.encryption == NO_TLS
        if is_open and username and not is_loopback(settings.server):
            raise NotConfigured(
                "A password or token is not sent without TLS: choose an encryption, or no way to "
                f"sign in, {WHERE}."
            )
        try:
            context = None if is_open else shared_context(network, check_hostname=True)
        except BadUrl as error:
            raise NotConfigured(str(error)) from None
        self._settings = settings
        server = Server(
            settings.server,
            settings.port,
            context,
            settings.encryption == TLS,
            username,
            "" if is_oauth else settings.password,
            is_oauth,
        )
        self._session = Session(server, settings.sender)
        self._login = _sign_in(settings, network, clock) if is_oauth else None
        self._clock = clock

    def send(self, notification: Notification) -> Delivery:
        """Send one mail to the team's recipients, or to those of the settings."""
        message = Message.from_document(notification.message)
        to = self._recipients(message, notification.target)
        if not to:
            return dead(
                "No recipients are set. Set recipients under Configuration > E-mail, or "
                "the team's E-mail under Configuration > Response teams."
            )
        now, sender = self._clock.now(), self._settings.sender
        content = letter(message, notification.id, sender, to, now)
        together = now - (notification.first_sent or now) < TOGETHER_SECONDS
        try:
            refused = self._submit(to, content, together)
        except Refused as error:
            said = plain(str(error), 400) + self._hint(error)
            return dead(said) if error.is_final else retry(said)
        except FAILURES as error:
            return meaning(error)
        if not refused:
            return sent({})
        named = "; ".join(f"{one} ({reply})" for one, reply in refused.items())
        note = plain(f"The mail server refused some recipients: {named}.", 900)
        return sent({"note": note, "left_out": note})

    def close(self) -> None:
        """Close the connection, which the mails of a round share."""
        self._session.close()

    def _submit(self, to: Tuple[str, ...], content: bytes, together: bool) -> Dict[str, str]:
        """Submit the mail; renew a token that the server refuses (a revoked one, say) once."""
        if self._login is None:
            return self._session.submit(to, content, together)
        began = time.monotonic()
        try:
            return self._session.submit(to, content, together, self._login.authorization())
        except SignInRefused as error:
            self._login.renew()
            if time.monotonic() - began > RENEWED_SECONDS:
                # The next attempt begins with a new token, too.
                raise NotSent(str(error)) from None
        return self._session.submit(to, content, together, self._login.authorization())

    def _hint(self, error: Refused) -> str:
        if self._login is None:
            is_retired = any(code in str(error) for code in NO_PASSWORDS)
            return f" The server takes no passwords: choose OAuth {WHERE}." if is_retired else ""
        if not isinstance(error, SignInRefused):
            return ""
        return (
            " For Microsoft 365 see that the application has SMTP.SendAsApp with an "
            "administrator's consent, that its service principal has the mailbox "
            "(Add-MailboxPermission), and that SMTP AUTH is on for it (Set-CASMailbox)."
        )

    def _recipients(self, message: Message, target: str) -> Tuple[str, ...]:
        """Return the team's recipients, or those of the settings, and the owner it mentions.

        Personal events (an assignment, an overdue follow-up, a handover) go to the owner only, if
        their address is known.
        """
        to = tuple(target.split(",")) if target else self._settings.recipients
        if not message.mention:
            return to
        owner = tuple(message.mention.split(","))
        return owner if message.event in _PERSONAL else tuple(dict.fromkeys((*to, *owner)))

    def ask(self, notification: Notification) -> Inquiry:
        """Return whether a repeat is safe: mail systems recognise it by its Message-ID."""
        if notification.begun <= notification.first_sent + REPEATED_SECONDS:
            return Inquiry("marked", "It is sent again under the same Message-ID.")
        return Inquiry("impossible", "A mail server can't be asked what it received.")


def _sign_in(settings: Email, network: Network, clock: Clock) -> SignIn:
    """Return the sign-in by client credentials (RFC 6749, 4.4). Raises NotConfigured."""
    needed = {
        "token URL": settings.token_url,
        "client ID": settings.client_id,
        "client secret": settings.client_secret,
    }
    for what, value in needed.items():
        if not value:
            raise NotConfigured(f"OAuth needs a {what}: set it {WHERE}.")
    form = {
        "grant_type": "client_credentials",
        "client_id": settings.client_id,
        "client_secret": settings.client_secret,
        **({"scope": settings.scope} if settings.scope else {}),
    }
    url = configured_url(settings.token_url, "The token URL")
    hint = f"Check token URL, client ID, client secret and scope {WHERE}."
    return SignIn("The token service of e-mail", url, form, hint, network, clock.now)

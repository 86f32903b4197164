"""Slack: posts messages by ``chat.postMessage``.

Every message carries our notification's id as metadata. A message whose answer was lost is searched
for by it in the channel's history, which needs the bot scopes ``channels:history`` and
``channels:read`` (``groups:…`` for private channels).

An incident's messages form one thread. A message that asks for action, or says that the incident is
over, is shown in the channel as well (``reply_broadcast``): only the thread's followers see a plain
reply. If the thread's first message was deleted, Slack turns a reply into a channel message; the
only sign of it is an answer without ``message.thread_ts`` (slack-go/slack#1571). That message
begins a new thread. If the thread's channel was archived, the next message begins a new thread in
the channel that is then configured.

A message that the team's channel rejects, because it is gone or the bot is not in it, goes to the
app's default channel instead, so that one wrong setting does not hide it from everybody.

A message to an incident channel is posted there outside any thread. If that channel rejects it, it
goes where it would have gone without; it is not posted twice in a team's channel that has it too.

The first message of a thread is kept up to date by ``chat.update``, which needs ``chat:write`` and
works on messages of the same bot.
"""

from __future__ import annotations

import json
import re
from typing import Any, Dict, Iterator, Mapping, Optional, Tuple

from ...outside.network import NotConfigured, configured_url
from ...outside.transport import BadUrl, Network, NoAnswer, not_followed, retry_after, send_json
from ...ports import Clock
from ..channel import (
    NO_REPLY,
    TEAM,
    TEAM_TOO,
    Delivery,
    Inquiry,
    Notification,
    dead,
    retry,
    sent,
    unknown,
    without_reply,
)
from ..events import ROOM_OPENED
from ..message import Message
from ..request_fields import truncated
from .slack_buttons import IN_CHANNEL_TOO
from .slack_layout import blocks, fallback

__all__ = ["NO_TOKEN", "SlackSender", "field_of", "judged", "web_client"]

EVENT_TYPE = "incident_management_notification"
# The search for a lost message begins this long before its attempt, as clocks differ.
CLOCK_SKEW_SECONDS = 120.0
HISTORY_PAGES = 10
CHANNEL_PAGES = 20

# Slack describes these as "It's possible some aspect of the operation succeeded".
_UNCERTAIN = {"fatal_error", "internal_error", "request_timeout", "service_unavailable"}
_BUSY = {"ratelimited", "rate_limited"}
_HINTS = {
    "invalid_auth": "the bot token is not valid: set it again under Configuration > Slack",
    "not_authed": "the bot token is empty: set it under Configuration > Slack",
    "token_revoked": "the bot token was revoked: set a new one under Configuration > Slack",
    "account_inactive": "the bot's account is deactivated: set a new token",
    "channel_not_found": "there is no such channel, or the bot is not in it",
    "not_in_channel": "invite the bot to the channel",
    "is_archived": "the channel is archived: set another one",
    "missing_scope": "the token lacks the scope chat:write",
}
# A thread can't be continued: its first message is gone, or its channel is.
_NO_THREAD = {"cannot_reply_to_message", "thread_not_found"}
_NO_CHANNEL = {"channel_not_found", "is_archived", "not_in_channel"}
# Errors of the token, which concern every message; other errors concern the one message.
NO_TOKEN = {"invalid_auth", "not_authed", "token_revoked", "token_expired", "account_inactive"}
_TEAM_ONLY = "in the team's channel; the incident channel rejected it"
_CHANNEL_ID = re.compile(r"[CGD][A-Z0-9]{7,}")


class SlackSender:
    """Sends to one workspace; ``answers``: whether pressed buttons are handled.

    Raises NotConfigured (one sentence) when a setting is missing or can't be used.
    """

    def __init__(
        self,
        bot_token: str,
        channel: str,
        api_url: str,
        network: Network,
        clock: Clock,
        answers: bool = False,
    ) -> None:
        if not bot_token:
            raise NotConfigured("No Slack token is set: set it under Configuration > Slack.")
        self._default_channel = channel
        self._clock = clock
        self._answers = answers
        self._web = web_client(bot_token, api_url, network)

    def send(self, notification: Notification) -> Delivery:
        """Post the message, into the incident's thread if there is one."""
        message = Message.from_document(notification.message)
        chosen = notification.target or self._default_channel
        arguments: Dict[str, Any] = {
            **self._content(message, notification.id),
            "unfurl_links": False,
            "unfurl_media": False,
        }
        thread = notification.thread or {}
        if notification.room:
            delivery, refused = self._post({**arguments, "channel": notification.room})
            if delivery.outcome != "dead" or refused in NO_TOKEN:
                return _in_room(delivery, notification)
            if notification.otherwise != TEAM:
                is_told = notification.otherwise == TEAM_TOO
                return sent({"note": _TEAM_ONLY}) if is_told else delivery
        if thread.get("ts"):
            within = {"channel": thread["channel"], "thread_ts": thread["ts"]}
            calls = message.event in IN_CHANNEL_TOO and not notification.is_over
            if calls or message.stakeholders:
                within["reply_broadcast"] = True
            delivery, refused = self._post({**arguments, **within})
            if refused not in _NO_THREAD | _NO_CHANNEL:
                return delivery
            chosen = thread["channel"] if refused in _NO_THREAD else chosen
        if not chosen:
            return dead("No Slack channel is set: set it under Configuration > Slack.")
        delivery, refused = self._post({**arguments, "channel": chosen})
        instead = self._instead_of(chosen, bool(message.stakeholders))
        if refused not in _NO_CHANNEL or not instead:
            return delivery
        told = self._post({**arguments, "channel": instead})[0]
        if told.outcome == "sent":
            note = {"note": f"in {truncated(instead, 80)} instead", "instead": delivery.detail}
            return sent({**told.receipt, **note})
        return delivery if told.outcome == "dead" else told

    def _instead_of(self, channel: str, is_for_stakeholders: bool) -> str:
        """Return the channel to use when the team's channel rejects a message; '' for none.

        Messages to stakeholders go to no other channel.
        """
        default = self._default_channel
        return "" if is_for_stakeholders or channel == default else default

    def update(self, channel: str, ts: str, message: Message, notification_id: str) -> Delivery:
        """Replace the content of a posted message; ``dead``: that message can't be changed.

        Sources: "chat.update" (with ``blocks`` no "edited" is shown; without ``metadata`` the old
        metadata stays). A repeat changes nothing.
        """
        from slack_sdk.errors import SlackApiError

        content = self._content(message, notification_id)
        try:
            self._web.chat_update(channel=channel, ts=ts, **content)
        except NO_REPLY as error:
            return retry(str(error))
        except SlackApiError as error:
            delivery = judged(error.response, self._clock.now(), channel)
            passes = delivery.outcome != "dead" or field_of(error.response, "error") in NO_TOKEN
            return retry(delivery.detail, delivery.retry_after) if passes else delivery
        return sent({})

    def _content(self, message: Message, notification_id: str) -> Dict[str, Any]:
        return {
            "text": fallback(message),
            "blocks": blocks(message, self._answers),
            "metadata": {
                "event_type": EVENT_TYPE,
                "event_payload": {"notification_id": notification_id},
            },
        }

    def _post(self, arguments: Dict[str, Any]) -> Tuple[Delivery, str]:
        """Post a message; return the delivery, and Slack's error code if it was rejected."""
        from slack_sdk.errors import SlackApiError

        try:
            answer = self._web.chat_postMessage(**arguments)
        except NO_REPLY as error:
            return without_reply(error), ""
        except SlackApiError as error:
            refused = str(field_of(error.response, "error"))
            where = str(arguments["channel"])
            return judged(error.response, self._clock.now(), where), refused
        receipt = {"channel": str(answer.get("channel", "")), "ts": str(answer.get("ts", ""))}
        posted = answer.get("message") or arguments
        if "thread_ts" in arguments and "thread_ts" in posted:
            receipt["thread_ts"] = arguments["thread_ts"]
        return sent(receipt), ""

    def ask(self, notification: Notification) -> Inquiry:
        """Search for the notification's id among the messages since the attempt."""
        from slack_sdk.errors import SlackApiError

        thread = notification.thread or {}
        unread: Optional[Inquiry] = None
        try:
            for channel, ts in self._places(notification):
                try:
                    found = self._find(channel, ts, notification)
                except SlackApiError as error:
                    if channel != notification.room:
                        raise
                    # It may have been posted to the team's channel after that.
                    unread, found = _inquiry_failed(error.response), None
                if found is not None:
                    receipt = {"channel": channel, "ts": str(found.get("ts", ""))}
                    if thread.get("ts") and found.get("thread_ts") == thread["ts"]:
                        receipt["thread_ts"] = thread["ts"]
                    if channel == notification.room:
                        receipt.update(_room_note(notification))
                    return Inquiry("arrived", "Found in Slack's history.", receipt)
        except NO_REPLY as error:
            return Inquiry("later", str(error))
        except SlackApiError as error:
            return _inquiry_failed(error.response)
        except LookupError:
            return Inquiry("impossible", "Slack's channel list does not hold that channel.")
        return unread or Inquiry("missing", "Slack's history does not hold the message.")

    def _places(self, notification: Notification) -> Iterator[Tuple[str, str]]:
        """Yield the channels, with their threads, where :meth:`send` may have posted it.

        Raises LookupError if the only one has a name that is in no list.
        """
        from slack_sdk.errors import SlackApiError

        thread = notification.thread or {}
        chosen = notification.target or self._default_channel
        if notification.room:
            yield notification.room, ""
            if notification.otherwise != TEAM:
                return
        known = ""
        if thread.get("ts"):
            known = thread["channel"]
            yield known, thread["ts"]
            yield known, ""
        unlisted: Optional[Exception] = None
        try:
            channel = self._channel_id(chosen)
            if channel != known:
                yield channel, ""
        except (LookupError, SlackApiError) as error:
            unlisted = error
        is_for_stakeholders = bool(notification.message.get("stakeholders"))
        instead = self._instead_of(chosen, is_for_stakeholders)
        if instead and not isinstance(unlisted, SlackApiError):
            try:
                channel = self._channel_id(instead)
                yield channel, ""
            except (LookupError, SlackApiError) as error:
                # Only matters if the intended channel could not be found either.
                unlisted = unlisted and error
        if unlisted and not known:
            raise unlisted

    def _find(
        self, channel: str, thread_ts: str, notification: Notification
    ) -> Optional[Mapping[str, Any]]:
        from slack_sdk.errors import SlackApiError

        since = notification.begun or notification.first_sent
        arguments: Dict[str, Any] = {
            "channel": channel,
            "oldest": f"{max(since - CLOCK_SKEW_SECONDS, 0.0):.6f}",
            "include_all_metadata": True,
            "limit": 200,
        }
        method = self._web.conversations_history
        if thread_ts:
            arguments["ts"] = thread_ts
            method = self._web.conversations_replies
        for _ in range(HISTORY_PAGES):
            try:
                answer = method(**arguments)
            except SlackApiError as error:
                if field_of(error.response, "error") in _NO_THREAD:
                    return None
                raise
            for message in answer.get("messages") or []:
                metadata = message.get("metadata") or {}
                payload = metadata.get("event_payload") or {}
                if payload.get("notification_id") == notification.id:
                    return dict(message)
            cursor = (answer.get("response_metadata") or {}).get("next_cursor")
            if not cursor:
                return None
            arguments["cursor"] = cursor
        raise NoAnswer("Slack's history since the attempt is longer than 2,000 messages.")

    def _channel_id(self, channel: str) -> str:
        """Return a channel's id: history needs it, while posting takes a name, too.

        Raises LookupError if no channel has the name.
        """
        if _CHANNEL_ID.fullmatch(channel):
            return channel
        cursor = ""
        for _ in range(CHANNEL_PAGES):
            answer = self._web.conversations_list(
                types="public_channel,private_channel", limit=1000, cursor=cursor
            )
            for item in answer.get("channels") or []:
                if item.get("name") == channel.lstrip("#"):
                    return str(item.get("id", ""))
            cursor = (answer.get("response_metadata") or {}).get("next_cursor") or ""
            if not cursor:
                break
        raise LookupError(channel)


def _in_room(delivery: Delivery, notification: Notification) -> Delivery:
    """Add to a sent message's receipt that it was posted in the incident channel."""
    if delivery.outcome != "sent":
        return delivery
    return sent({**delivery.receipt, **_room_note(notification)})


def _room_note(notification: Notification) -> Dict[str, str]:
    """Return a receipt's note; none for the channel's first message, which is kept current."""
    return {} if notification.event == ROOM_OPENED else {"note": "in the incident channel"}


def web_client(token: str, api_url: str, network: Network) -> Any:
    """Return slack_sdk's client over our own transport.

    Its own transport would follow redirects with the token, read proxies from the environment, and
    repeat a message when a connection breaks. A call raises its SlackApiError for an answer that
    is not ``ok``, and NotSent, NoAnswer and BadUrl. Raises NotConfigured for a malformed address.
    """
    from slack_sdk import WebClient

    base_url = configured_url(api_url, "The Slack API URL") + "/"

    class _Client(WebClient):
        def _perform_urllib_http_request_internal(self, url: str, req: Any) -> Dict[str, Any]:
            headers = dict(req.header_items())
            reply = send_json(network, url, headers=headers, data=req.data or b"")
            redirect = not_followed(reply, "Slack")
            if redirect:
                raise BadUrl(redirect)
            if not _is_readable(reply.text):
                raise NoAnswer("Slack answered with JSON that is no answer of its API.")
            return {"status": reply.status, "headers": reply.headers, "body": reply.text}

    return _Client(token=token, base_url=base_url, retry_handlers=[])


def _is_readable(text: str) -> bool:
    """Return whether slack_sdk can handle it; non-JSON it rejects itself, with the status."""
    try:
        return isinstance(json.loads(text), dict)
    except json.JSONDecodeError:
        return True
    except (ValueError, RecursionError):
        return False


def judged(response: Any, now: float, channel: str) -> Delivery:
    """Return what an answer that is not ``ok`` means for a message, or for another step."""
    status = int(response.status_code or 0)
    error = str(field_of(response, "error"))
    headers = {str(k).lower(): str(v) for k, v in (response.headers or {}).items()}
    if status == 429 or error in _BUSY:
        return retry("Slack asks to slow down (429).", retry_after(headers, now))
    if status >= 500 or error in _UNCERTAIN:
        return unknown(f"Slack answered {status} {truncated(error, 100)}.")
    hint = _HINTS.get(error)
    refused = f"Slack rejected the message for {truncated(channel, 80)}: {truncated(error, 100)}"
    return dead(refused + (f" ({hint})." if hint else "."))


def _inquiry_failed(response: Any) -> Inquiry:
    status, error = int(response.status_code or 0), str(field_of(response, "error"))
    if status == 429 or status >= 500 or error in _BUSY | _UNCERTAIN:
        return Inquiry("later", f"Slack can't be asked just now ({status} {error}).")
    needed = str(field_of(response, "needed"))
    scope = f"; the token lacks the scope {needed}" if needed else ""
    return Inquiry(
        "impossible", f"Slack does not say whether the message arrived ({error}{scope})."
    )


def field_of(response: Any, name: str) -> str:
    """Return a field of an answer; empty if it has none."""
    data = response.data
    return str(data.get(name) or "") if isinstance(data, dict) else ""

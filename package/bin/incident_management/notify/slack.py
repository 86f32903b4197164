"""Slack: Block Kit messages by ``chat.postMessage``.

Limits: header 150 characters, section text 3,000, ten fields of 2,000 a section (Slack's Block
Kit reference). Text from outside is escaped (``& < >``) and ``verbatim``, without which Slack
makes links and "certain mentions" out of plain words ("Text object"), so a log line can neither
mention people nor make links. Every message carries our notification's id as metadata; a message
whose answer was lost is looked for by it in the channel's history, which takes the bot's scopes
``channels:history`` and ``channels:read`` (``groups:…`` for private channels).
"""

from __future__ import annotations

import re
from typing import Any, Dict, List, Mapping, Optional

from ..ports import Clock
from .channel import Delivery, Inquiry, NotConfigured, Notification, dead, retry, sent, unknown
from .message import Message, listed, span, truncated, utc
from .slack_buttons import buttons
from .transport import (
    BadUrl,
    Network,
    NoAnswer,
    NotSent,
    checked_url,
    not_followed,
    retry_after,
    send_json,
)

__all__ = ["EVENT_TYPE", "SlackSender", "blocks", "escape", "web_client"]

EVENT_TYPE = "incident_management_notification"
HEADER_LENGTH = 150
SECTION_LENGTH = 3000
FIELD_LENGTH = 2000
# A lost message is looked for from this long before its attempt: clocks differ.
CLOCK_SKEW_SECONDS = 120.0
HISTORY_PAGES = 10
CHANNEL_PAGES = 20

# "It's possible some aspect of the operation succeeded", say Slack's descriptions of these.
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
_EMOJI = {
    "critical": "🔴",
    "high": "🟠",
    "medium": "🟡",
    "low": "🔵",
    "info": "⚪",
}
_CHANNEL_ID = re.compile(r"[CGD][A-Z0-9]{7,}")


class SlackSender:
    """Speaks to one workspace; ``answers``: whether somebody listens for buttons that are pressed.

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
        """Post the message, into the incident's thread when there is one."""
        message = Message.from_document(notification.message)
        thread = notification.thread or {}
        channel = thread.get("channel") or notification.target or self._default_channel
        if not channel:
            return dead("No Slack channel is set: set it under Configuration > Slack.")
        arguments: Dict[str, Any] = {
            "channel": channel,
            "text": fallback(message),
            "blocks": blocks(message, self._answers),
            "metadata": {
                "event_type": EVENT_TYPE,
                "event_payload": {"notification_id": notification.id},
            },
            "unfurl_links": False,
            "unfurl_media": False,
        }
        if thread.get("ts"):
            arguments["thread_ts"] = thread["ts"]
        return self._post(arguments)

    def _post(self, arguments: Dict[str, Any]) -> Delivery:
        from slack_sdk.errors import SlackApiError

        try:
            answer = self._web.chat_postMessage(**arguments)
        except NotSent as error:
            return retry(str(error))
        except NoAnswer as error:
            return unknown(str(error))
        except BadUrl as error:
            return dead(str(error))
        except SlackApiError as error:
            return _judged(error.response, self._clock.now())
        receipt = {"channel": str(answer.get("channel", "")), "ts": str(answer.get("ts", ""))}
        if "thread_ts" in arguments:
            receipt["thread_ts"] = arguments["thread_ts"]
        return sent(receipt)

    def ask(self, notification: Notification) -> Inquiry:
        """Look for the notification's id among the channel's messages since the attempt."""
        from slack_sdk.errors import SlackApiError

        thread = notification.thread or {}
        try:
            channel = thread.get("channel") or self._channel_id(
                notification.target or self._default_channel
            )
            if not channel:
                return Inquiry("impossible", "Slack's channel list does not hold that channel.")
            found = self._find(channel, thread.get("ts"), notification)
        except (NotSent, NoAnswer, BadUrl) as error:
            return Inquiry("later", str(error))
        except SlackApiError as error:
            return _inquiry_failed(error.response)
        if found is None:
            return Inquiry("missing", "Slack's history does not hold the message.")
        receipt = {"channel": channel, "ts": str(found.get("ts", ""))}
        if thread.get("ts"):
            receipt["thread_ts"] = thread["ts"]
        return Inquiry("arrived", "Found in Slack's history.", receipt)

    def _find(
        self, channel: str, thread_ts: Optional[str], notification: Notification
    ) -> Optional[Mapping[str, Any]]:
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
            answer = method(**arguments)
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
        """History is asked by id; posting also takes a name."""
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
        return ""


def web_client(token: str, api_url: str, network: Network) -> Any:
    """slack_sdk's client over our own transport. Raises NotConfigured for a malformed address.

    Its own would follow redirects with the token, read proxies from the environment, and send a
    message again by itself when a connection breaks. A call raises its SlackApiError for an answer
    that is not ``ok``, and NotSent, NoAnswer and BadUrl of :mod:`.transport`.
    """
    from slack_sdk import WebClient

    try:
        base_url = checked_url(api_url, "The Slack API URL") + "/"
    except BadUrl as error:
        raise NotConfigured(str(error)) from None

    class _Client(WebClient):
        def _perform_urllib_http_request_internal(self, url: str, req: Any) -> Dict[str, Any]:
            headers = dict(req.header_items())
            reply = send_json(network, url, headers=headers, data=req.data or b"")
            redirect = not_followed(reply, "Slack")
            if redirect:
                raise BadUrl(redirect)
            return {"status": reply.status, "headers": reply.headers, "body": reply.text}

    return _Client(token=token, base_url=base_url, retry_handlers=[])


def _judged(response: Any, now: float) -> Delivery:
    """What an answer that is not ``ok`` means for the message."""
    status = int(response.status_code or 0)
    error = str(_field(response, "error"))
    headers = {str(k).lower(): str(v) for k, v in (response.headers or {}).items()}
    if status == 429 or error in _BUSY:
        return retry("Slack asks to slow down (429).", retry_after(headers, now))
    if status >= 500 or error in _UNCERTAIN:
        return unknown(f"Slack answered {status} {truncated(error, 100)}.")
    hint = _HINTS.get(error)
    return dead(f"Slack refused it: {truncated(error, 100)}" + (f" ({hint})." if hint else "."))


def _inquiry_failed(response: Any) -> Inquiry:
    status, error = int(response.status_code or 0), str(_field(response, "error"))
    if status == 429 or status >= 500 or error in _BUSY | _UNCERTAIN:
        return Inquiry("later", f"Slack can't be asked just now ({status} {error}).")
    needed = str(_field(response, "needed"))
    scope = f"; the token lacks the scope {needed}" if needed else ""
    return Inquiry("impossible", f"Slack does not tell whether it arrived ({error}{scope}).")


def _field(response: Any, name: str) -> Any:
    data = response.data
    return data.get(name) or "" if isinstance(data, dict) else ""


# --- layout -----------------------------------------------------------------------------------


def escape(text: str, length: int = SECTION_LENGTH) -> str:
    """Escape for mrkdwn, cut so that the escaped text is at most ``length`` long."""

    def escaped(part: str) -> str:
        return part.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")

    result = escaped(text)
    keep = len(text)
    while len(result) > length:
        keep = min(keep - 1, max(keep - (len(result) - length) // 5, 1))
        result = escaped(text[:keep].rstrip()) + "…"
    return result


def fallback(message: Message) -> str:
    """The line that notifications show."""
    line = f"{message.headline}: {message.title}"
    return escape(f"{line} ({message.incident_id})" if message.incident_id else line, 600)


def blocks(message: Message, answers: bool = False) -> List[Dict[str, Any]]:
    """Lay a message out in Block Kit; ``answers``: see :func:`.slack_buttons.buttons`."""
    laid: List[Dict[str, Any]] = [_header(message)]
    if message.event not in ("opened", "reopened") and message.incident_id:
        laid.append(_section(f"*{escape(message.title, 600)}*"))
    fields = _fields(message)
    if fields:
        laid.append({"type": "section", "fields": fields})
    if message.text:
        laid.append(_section(escape(message.text)))
    if message.cause:
        laid.append(_section(f"*Likely cause*\n{escape(message.cause, 2800)}"))
    if message.quote:
        laid.append(_preformatted(message.quote))
    laid += buttons(message, answers)
    laid.append(_context(message))
    return laid


def _header(message: Message) -> Dict[str, Any]:
    subject = message.title if message.event in ("opened", "reopened") else message.headline
    mark = "✅" if message.event == "resolved" else _EMOJI.get(message.severity, "⚪")
    text = truncated(f"{mark} {message.severity.upper()} · {subject}", HEADER_LENGTH)
    return {"type": "header", "text": {"type": "plain_text", "text": text, "emoji": False}}


def _fields(message: Message) -> List[Dict[str, Any]]:
    pairs = []
    if message.where:
        pairs.append(("Where", escape(listed(message.where), 1900)))
    if message.since:
        pairs.append(("Since", _since(message)))
    if message.events:
        pairs.append(("Events", f"{message.events:,}"))
    if message.incident_id:
        people = " · ".join(part for part in (message.team, message.owner) if part)
        pairs.append(("Team · owner", escape(people or "nobody yet", 1900)))
    if message.rules:
        pairs.append(("Found by", escape(listed(message.rules), 1900)))
    if message.status and message.event not in ("opened", "resolved"):
        pairs.append(("Status", escape(message.status.replace("_", " "), 100)))
    return [_mrkdwn(f"*{name}*\n{text}"[:FIELD_LENGTH]) for name, text in pairs]


def _since(message: Message) -> str:
    when = int(message.since)
    text = f"<!date^{when}^{{date_short_pretty}} {{time_secs}}|{utc(when)}>"
    if message.event == "resolved" and message.time > message.since:
        return f"{text} (for {span(message.time - message.since)})"
    return text


def _section(text: str) -> Dict[str, Any]:
    return {"type": "section", "text": _mrkdwn(text[:SECTION_LENGTH])}


def _mrkdwn(text: str) -> Dict[str, Any]:
    return {"type": "mrkdwn", "text": text, "verbatim": True}


def _preformatted(text: str) -> Dict[str, Any]:
    """Rich text is not parsed as markup at all, so a quote stands in it letter by letter."""
    return {
        "type": "rich_text",
        "elements": [
            {"type": "rich_text_preformatted", "elements": [{"type": "text", "text": text}]}
        ],
    }


def _context(message: Message) -> Dict[str, Any]:
    parts = [part for part in (message.headline, message.incident_id) if part]
    return {"type": "context", "elements": [_mrkdwn(escape(" · ".join(parts), 500))]}

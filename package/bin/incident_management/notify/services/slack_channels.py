"""Slack: channels that the app opens, maintains and archives itself.

Sources: docs.slack.dev/reference/methods, "conversations.create", "users.conversations" and the
others by their names. Each needs the scope ``channels:manage``, for private channels
``groups:write``; ``pins.add`` needs ``pins:write``. All are of tier 2, 20 a minute, or above.
Channels are never unarchived: "Bot tokens cannot currently be used" for "conversations.unarchive".

Repeating any of these does no harm, except for ``conversations.create``. There the name identifies
a repeat: Slack allows each name once.
"""

from __future__ import annotations

from typing import Any, Callable, Optional, Sequence

from ...outside.network import NotConfigured
from ...outside.transport import Network
from ...ports import Clock
from ..channel import NO_REPLY
from ..request_fields import truncated
from .slack import NO_TOKEN, field_of, judged, web_client

__all__ = ["Later", "Refused", "SlackChannels"]

PAGES = 10
# The maximum page size of users.conversations.
PER_PAGE = 999
# Errors that mean that a step is already done.
_DONE = {"already_archived", "already_in_channel", "already_pinned"}
_HINTS = {
    "restricted_action": "the workspace's settings do not let the app do that: allow it in Slack",
    "not_in_channel": "the app is not in the channel",
    "is_archived": "the channel is archived",
}


class Refused(Exception):
    """Slack rejects the request; the text is a sentence. ``error``: Slack's error code."""

    def __init__(self, error: str, sentence: str) -> None:
        super().__init__(sentence)
        self.error = error


class Later(Exception):
    """The request failed for now or has an unknown result, or the token must be set again.

    ``after``: the wait that Slack asked for, in seconds.
    """

    def __init__(self, sentence: str, after: float = 0.0) -> None:
        super().__init__(sentence)
        self.after = after


class SlackChannels:
    """Calls one workspace. All methods raise :class:`Refused` and :class:`Later`.

    Raises NotConfigured when a setting is missing or can't be used.
    """

    def __init__(self, bot_token: str, api_url: str, network: Network, clock: Clock) -> None:
        if not bot_token:
            raise NotConfigured("No Slack token is set: set it under Configuration > Slack.")
        self._web = web_client(bot_token, api_url, network)
        self._clock = clock

    def create(self, name: str, is_private: bool) -> str:
        """Open a channel; return its id. A name that exists is Refused as ``name_taken``."""
        create = self._web.conversations_create
        answer = self._call("open a channel", create, name=name, is_private=is_private)
        return str(answer["channel"]["id"])

    def find(self, name: str, is_private: bool) -> str:
        """Return the id of the channel of that name that the app is in; '' if there is none.

        Who opens a channel is a member of it, so only the app's own channels are listed.
        """
        cursor = ""
        for _ in range(PAGES):
            answer = self._call(
                "list its channels",
                self._web.users_conversations,
                types="private_channel" if is_private else "public_channel",
                exclude_archived=True,
                limit=PER_PAGE,
                cursor=cursor,
            )
            for channel in answer.get("channels") or []:
                if channel.get("name") == name:
                    return str(channel["id"])
            cursor = (answer.get("response_metadata") or {}).get("next_cursor") or ""
            if not cursor:
                return ""
        raise Refused("", "The app is in more than 9,990 Slack channels, which is too many.")

    def set_topic(self, channel: str, topic: str) -> None:
        set_topic = self._web.conversations_setTopic
        self._call("set a channel's topic", set_topic, channel=channel, topic=topic)

    def invite(self, channel: str, people: Sequence[str]) -> None:
        """Invite people; ``force`` skips those who can't be invited."""
        invite = self._web.conversations_invite
        self._call("invite people", invite, channel=channel, users=",".join(people), force=True)

    def pin(self, channel: str, ts: str) -> None:
        self._call("pin a message", self._web.pins_add, channel=channel, timestamp=ts)

    def archive(self, channel: str) -> None:
        self._call("archive a channel", self._web.conversations_archive, channel=channel)

    def _call(self, what: str, method: Callable[..., Any], **arguments: Any) -> Any:
        from slack_sdk.errors import SlackApiError

        try:
            return method(**arguments)
        except NO_REPLY as failure:
            raise Later(str(failure)) from None
        except SlackApiError as failure:
            refused = self._refused(failure.response, what)
        if refused is None:
            return {}
        raise refused

    def _refused(self, response: Any, what: str) -> Optional[Exception]:
        error = field_of(response, "error")
        if error in _DONE:
            return None
        delivery = judged(response, self._clock.now(), what)
        if delivery.outcome != "dead":
            return Later(delivery.detail, delivery.retry_after or 0.0)
        if error in NO_TOKEN:
            return Later(f"Slack did not let the app {what}: {error} (set the bot token again).")
        needed = field_of(response, "needed")
        hint = f"the token lacks the scope {needed}" if needed else _HINTS.get(error, "")
        sentence = f"Slack did not let the app {what}: {truncated(error, 100)}"
        return Refused(error, sentence + (f" ({truncated(hint, 200)})." if hint else "."))

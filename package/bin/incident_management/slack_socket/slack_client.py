"""Calls Slack: answers, forms, and messages that one person sees."""

from __future__ import annotations

from typing import Any, Mapping, Protocol

from ..outside.transport import Network, NoAnswer, NotSent, checked_url, send_json

__all__ = ["Slack", "WebSlack"]

# What people can do about an error of Slack.
_HINTS = {"expired_trigger_id": "Slack waits three seconds, and this took longer: try again"}


class Slack(Protocol):
    """The calls to Slack. All raise NotSent, NoAnswer or BadUrl when they fail."""

    def open_form(self, trigger_id: str, view: Mapping[str, Any]) -> None:
        """Show a form to the person who pressed a button, within three seconds ("views.open")."""

    def answer(self, response_url: str, body: Mapping[str, Any]) -> None:
        """Answer a press or a command: five times in half an hour ("Handling user interaction")."""

    def whisper(self, channel: str, user: str, thread: str, text: str) -> None:
        """Post a message that one person sees, in a channel's thread (empty: in none)."""

    def permalink(self, channel: str, ts: str) -> str:
        """Return a message's address ("chat.getPermalink", which needs no scope)."""


class WebSlack:
    """Calls Slack with the bot's token, by the client of :func:`.web_client`."""

    def __init__(self, web: Any, network: Network) -> None:
        self._web = web
        self._network = network

    def open_form(self, trigger_id: str, view: Mapping[str, Any]) -> None:
        self._call("open the form", self._web.views_open, trigger_id=trigger_id, view=view)

    def answer(self, response_url: str, body: Mapping[str, Any]) -> None:
        url = checked_url(response_url, "The address for the answer")
        reply = send_json(self._network, url, body)
        if reply.status != 200:
            raise NoAnswer(f"Slack answered {reply.status} to the answer of a press.")

    def whisper(self, channel: str, user: str, thread: str, text: str) -> None:
        where = {"channel": channel, "user": user, **({"thread_ts": thread} if thread else {})}
        self._call(f"show it to {user}", self._web.chat_postEphemeral, text=text, **where)

    def permalink(self, channel: str, ts: str) -> str:
        asked = {"channel": channel, "message_ts": ts}
        answer = self._call("say where a message is", self._web.chat_getPermalink, **asked)
        return str(answer.get("permalink") or "")

    def _call(self, what: str, method: Any, **given: Any) -> Any:
        from slack_sdk.errors import SlackApiError

        try:
            return method(**given)
        except SlackApiError as error:
            raise NotSent(f"Slack did not {what} ({_reason(error)}).") from None


def _reason(error: Any) -> str:
    data = error.response.data
    reason = data.get("error") if isinstance(data, dict) else error.response.status_code
    hint = _HINTS.get(str(reason))
    return f"{str(reason)[:100]}: {hint}" if hint else str(reason)[:100]

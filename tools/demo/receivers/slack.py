"""Slack's Web API, as far as posting, changing and finding messages goes.

Source: https://docs.slack.dev/reference/methods (chat.postMessage, chat.update,
conversations.history, conversations.replies, conversations.list, auth.test). A refusal is HTTP 200
with ``ok: false``; only rate limiting has a status of its own, 429 with ``Retry-After``.
"""

from __future__ import annotations

import hmac
import json
import re
import threading
import time
import urllib.parse
from typing import Any

from tools.demo.receivers import blocks
from tools.demo.receivers.exchange import Answer, Incoming

MAX_TEXT = 40_000
DEFAULT_PAGE = 100
JSON_ARGUMENTS = ("blocks", "metadata")
POST_ARGUMENTS = frozenset(
    ("token", "channel", "text", "blocks", "metadata", "thread_ts", "reply_broadcast", "mrkdwn")
) | {"unfurl_links", "unfurl_media", "username", "icon_emoji", "icon_url", "link_names", "parse"}
UPDATE_ARGUMENTS = frozenset(("token", "channel", "ts", "text", "blocks", "metadata"))
EVENT_TYPE = re.compile(r"^[A-Za-z0-9_.:-]{1,255}$")


class Slack:
    """One workspace: its bot token, its channels by name, and their messages."""

    name = "slack"
    prefix = "/api/"

    def __init__(self, token: str, channels: dict[str, str]) -> None:
        self._token = token
        self._channels = channels
        self._messages: dict[str, list[dict[str, Any]]] = {one: [] for one in channels.values()}
        self._seen: set[str] = set()
        self._lock = threading.Lock()
        self._last_ts = 0

    def serves(self, path: str) -> bool:
        """Tell whether a path is the Web API's."""
        return path.startswith(self.prefix)

    def answer(self, request: Incoming) -> Answer:
        """Answer a Web API method."""
        given = request.headers.get("authorization", "")
        if not hmac.compare_digest(given.encode(), f"Bearer {self._token}".encode()):
            return _refused("invalid_auth" if given else "not_authed")
        arguments = _arguments(request)
        if arguments is None:
            return _refused("invalid_json")
        method = request.path.removeprefix(self.prefix)
        with self._lock:
            if method == "chat.postMessage":
                return self._post(arguments)
            if method == "chat.update":
                return self._update(arguments)
            if method == "conversations.history":
                return self._history(arguments)
            if method == "conversations.replies":
                return self._replies(arguments)
            if method == "conversations.list":
                listed = [{"id": one, "name": name} for name, one in self._channels.items()]
                return Answer(body={"ok": True, "channels": listed, "response_metadata": {}})
            if method == "auth.test":
                return Answer(body={"ok": True, "team": "shop", "user_id": "U0BOT", "bot_id": "B0"})
        return _refused("unknown_method", f"{method} is not known to this receiver")

    def limited(self, retry_after: int) -> Answer:
        """Say that there were too many requests."""
        body = {"ok": False, "error": "ratelimited"}
        return Answer(429, body, {"Retry-After": str(retry_after)})

    def _post(self, arguments: dict[str, Any]) -> Answer:
        problems = [f"unknown argument {key!r}" for key in sorted(set(arguments) - POST_ARGUMENTS)]
        channel = self._channel(str(arguments.get("channel", "")), by_name=True)
        if not channel:
            return _refused("channel_not_found", f"channel {arguments.get('channel')!r}")
        refused = _content_refused(arguments)
        if refused:
            return refused
        text = str(arguments.get("text", ""))
        if not text:
            problems.append("no text: notifications and screen readers have nothing to show")
        thread = str(arguments.get("thread_ts", ""))
        if thread and not self._is_parent(channel, thread):
            return _refused("cannot_reply_to_message", f"there is no message {thread} to reply to")
        return self._store(channel, text, thread, arguments, problems)

    def _update(self, arguments: dict[str, Any]) -> Answer:
        """Change a message; all here were posted by the same bot."""
        unknown = sorted(set(arguments) - UPDATE_ARGUMENTS)
        problems = [f"unknown argument {key!r}" for key in unknown]
        channel = self._channel(str(arguments.get("channel", "")), by_name=False)
        if not channel:
            return _refused("channel_not_found", f"channel {arguments.get('channel')!r}")
        ts = str(arguments.get("ts", ""))
        found = [one for one in self._messages[channel] if one["ts"] == ts]
        if not found:
            return _refused("message_not_found", f"there is no message {ts}")
        refused = _content_refused(arguments)
        if refused:
            return refused
        for name in ("text", "blocks", "metadata"):
            if name in arguments:
                found[0][name] = arguments[name]
        shown = {key: found[0][key] for key in found[0] if key != "metadata"}
        body = {"ok": True, "channel": channel, "ts": ts, "text": shown["text"], "message": shown}
        return Answer(body=body, problems=problems)

    def _store(
        self,
        channel: str,
        text: str,
        thread: str,
        arguments: dict[str, Any],
        problems: list[str],
    ) -> Answer:
        message: dict[str, Any] = {"type": "message", "ts": self._next_ts(), "user": "U0BOT"}
        message |= {"bot_id": "B0", "text": text, "blocks": arguments.get("blocks", [])}
        if arguments.get("reply_broadcast"):
            if not thread:
                problems.append("reply_broadcast of a message that is no reply")
            message["subtype"] = "thread_broadcast"
        if thread:
            message["thread_ts"] = thread
        shown = dict(message)
        metadata = arguments.get("metadata")
        identity = ""
        if metadata:
            message["metadata"] = metadata
            identity = str(metadata["event_payload"].get("notification_id", ""))
        if not identity:
            problems.append("no notification_id in the metadata: a repeat could not be told apart")
        elif identity in self._seen:
            problems.append(f"notification {identity} was posted before")
        self._seen.add(identity)
        self._messages[channel].append(message)
        body = {"ok": True, "channel": channel, "ts": message["ts"], "message": shown}
        kept = {"channel": channel, **message}
        return Answer(body=body, problems=problems, message=kept, identity=identity)

    def _history(self, arguments: dict[str, Any]) -> Answer:
        """Answer with a channel's own messages; of replies, those that were shown there as well."""
        channel = self._channel(str(arguments.get("channel", "")), by_name=False)
        if not channel:
            return _refused("channel_not_found", f"channel {arguments.get('channel')!r}")
        mine = [
            one for one in self._messages[channel] if "thread_ts" not in one or "subtype" in one
        ]
        return _page(list(reversed(_between(mine, arguments))), arguments)

    def _replies(self, arguments: dict[str, Any]) -> Answer:
        """Answer with a thread: its first message and the replies."""
        channel = self._channel(str(arguments.get("channel", "")), by_name=False)
        if not channel:
            return _refused("channel_not_found", f"channel {arguments.get('channel')!r}")
        thread = str(arguments.get("ts", ""))
        if not self._is_parent(channel, thread):
            return _refused("thread_not_found")
        mine = [
            one for one in self._messages[channel] if thread in (one["ts"], one.get("thread_ts"))
        ]
        return _page(_between(mine, arguments), arguments)

    def _channel(self, asked: str, by_name: bool) -> str:
        """Return a channel's id. Only chat.postMessage takes a name for it."""
        if asked in self._messages:
            return asked
        return self._channels.get(asked.removeprefix("#"), "") if by_name else ""

    def _is_parent(self, channel: str, ts: str) -> bool:
        return any(one["ts"] == ts and "thread_ts" not in one for one in self._messages[channel])

    def _next_ts(self) -> str:
        """Return a timestamp that no other message has, microseconds in its fraction."""
        self._last_ts = max(self._last_ts + 1, int(time.time() * 1e6))
        return f"{self._last_ts // 1_000_000}.{self._last_ts % 1_000_000:06d}"


def _arguments(request: Incoming) -> dict[str, Any] | None:
    """Return a method's arguments from the query and from a JSON or form body."""
    arguments: dict[str, Any] = dict(request.query)
    kind = request.headers.get("content-type", "").split(";")[0].strip()
    if kind == "application/json":
        document = request.json_object()
        if document is None:
            return None
        return arguments | document
    form = urllib.parse.parse_qsl(request.body.decode("utf-8", "replace"))
    arguments |= dict(form)
    for name in JSON_ARGUMENTS:
        if isinstance(arguments.get(name), str):
            try:
                arguments[name] = json.loads(arguments[name])
            except ValueError:
                return None
    return arguments


def _content_refused(arguments: dict[str, Any]) -> Answer | None:
    """Return why a message may not say this; None: it may."""
    text = str(arguments.get("text", ""))
    if not text and not arguments.get("blocks"):
        return _refused("no_text")
    if len(text) > MAX_TEXT:
        return _refused("msg_too_long")
    wrong = blocks.problems(arguments.get("blocks", []))
    if wrong:
        answer = _refused("invalid_blocks", *wrong)
        answer.body["response_metadata"] = {"messages": [f"[ERROR] {one}" for one in wrong]}
        return answer
    if not _is_metadata(arguments.get("metadata")):
        return _refused("invalid_metadata_format")
    return None


def _is_metadata(metadata: Any) -> bool:
    """Tell whether message metadata has its form (none at all is fine, too)."""
    if metadata is None:
        return True
    return (
        isinstance(metadata, dict)
        and set(metadata) == {"event_type", "event_payload"}
        and isinstance(metadata["event_payload"], dict)
        and bool(EVENT_TYPE.match(str(metadata["event_type"])))
    )


def _between(messages: list[dict[str, Any]], arguments: dict[str, Any]) -> list[dict[str, Any]]:
    oldest = float(arguments.get("oldest") or 0)
    latest = float(arguments.get("latest") or "inf")
    if str(arguments.get("inclusive", "")).lower() in ("1", "true"):
        return [one for one in messages if oldest <= float(one["ts"]) <= latest]
    return [one for one in messages if oldest < float(one["ts"]) < latest]


def _page(messages: list[dict[str, Any]], arguments: dict[str, Any]) -> Answer:
    """Return one page; metadata is left out unless it was asked for."""
    start = int(arguments.get("cursor") or 0)
    limit = int(arguments.get("limit") or DEFAULT_PAGE)
    page = messages[start : start + limit]
    if str(arguments.get("include_all_metadata", "")).lower() not in ("1", "true"):
        page = [{key: one[key] for key in one if key != "metadata"} for one in page]
    more = start + limit < len(messages)
    body: dict[str, Any] = {"ok": True, "messages": page, "has_more": more}
    if more:
        body["response_metadata"] = {"next_cursor": str(start + limit)}
    return Answer(body=body)


def _refused(error: str, *details: str) -> Answer:
    problems = [f"{error}: {detail}" for detail in details] or [error]
    return Answer(body={"ok": False, "error": error}, problems=problems)

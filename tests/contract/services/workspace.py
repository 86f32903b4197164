"""Slack's channels, as far as an app opens, keeps and archives them; what it may not do it refuses.

Source: https://docs.slack.dev/reference/methods, each method by its name, and its scopes of a bot
token. A bot that archives a channel is not in it any more.
"""

from __future__ import annotations

import json
import re
import urllib.parse
from dataclasses import dataclass, field
from typing import Any, Dict, List, Optional, Set, Tuple

from .receiver import Answer, Request

BOT = "U0BOT"
TOKEN = "xoxb-secret-token"
ALL = ("chat:write", "channels:manage", "channels:read", "channels:history", "pins:write")
_MANAGES = {
    *("conversations.create", "conversations.archive", "conversations.setTopic"),
    "conversations.invite",
}
ARGUMENTS = {
    "conversations.create": {"name", "is_private"},
    "conversations.archive": {"channel"},
    "conversations.setTopic": {"channel", "topic"},
    "conversations.invite": {"channel", "users", "force"},
    "conversations.list": {"types", "limit", "cursor"},
    "users.conversations": {"types", "exclude_archived", "limit", "cursor"},
    "pins.add": {"channel", "timestamp"},
    "chat.postMessage": {
        *("channel", "text", "blocks", "metadata", "thread_ts", "reply_broadcast"),
        *("unfurl_links", "unfurl_media"),
    },
    "chat.update": {"channel", "ts", "text", "blocks", "metadata"},
    "conversations.history": {"channel", "oldest", "include_all_metadata", "limit", "cursor"},
    "conversations.replies": {
        *("channel", "ts", "oldest", "include_all_metadata", "limit", "cursor"),
    },
}


class Refusal(Exception):
    def __init__(self, error: str, **more: str) -> None:
        self.body = {"ok": False, "error": error, **more}


@dataclass
class Channel:
    id: str
    name: str
    is_private: bool = False
    is_archived: bool = False
    is_read_only: bool = False
    members: Set[str] = field(default_factory=lambda: {BOT})
    topic: str = ""
    pins: List[str] = field(default_factory=list)
    messages: List[Dict[str, Any]] = field(default_factory=list)
    topics: int = 0


class Workspace:
    """``instead`` are answers that the next requests of a method get in place of its own.

    Those with ``None`` are done and their answer is lost. ``broken`` are names under which Slack
    fails to open a channel.
    """

    def __init__(self, *scopes: str, people: Tuple[str, ...] = ()) -> None:
        self.scopes = set(scopes or ALL)
        self.people = {BOT, *people}
        self.channels: Dict[str, Channel] = {}
        self.broken: Set[str] = set()
        self.calls: List[str] = []
        self.instead: Dict[str, List[Optional[Answer]]] = {}

    def add(self, name: str, **more: Any) -> Channel:
        channel = Channel(f"C{len(self.channels) + 1:08d}", name, **more)
        self.channels[channel.id] = channel
        return channel

    def named(self, name: str) -> Channel:
        return next(one for one in self.channels.values() if one.name == name)

    def respond(self, request: Request) -> Answer:
        """Answer a request, as :class:`.receiver.Receiver` wants it."""
        method = request.path.split("?")[0].rpartition("/")[2]
        self.calls.append(method)
        assert request.headers["authorization"] == f"Bearer {TOKEN}"
        instead = self.instead.get(method)
        given = instead.pop(0) if instead else ()
        if given:
            return given
        try:
            body = {"ok": True, **self._do(method, _arguments(request))}
        except Refusal as refusal:
            body = refusal.body
        return "drop" if given is None else (200, {}, body)

    def _do(self, method: str, given: Dict[str, str]) -> Dict[str, Any]:
        unknown = set(given) - ARGUMENTS[method]
        assert not unknown, f"{method} has no arguments {unknown}"
        if method in _MANAGES:
            self._must_manage(given)
        return getattr(self, "_" + method.replace(".", "_"))(given)

    def _must_manage(self, given: Dict[str, str]) -> None:
        known = self.channels.get(given.get("channel", ""))
        is_private = known.is_private if known else given.get("is_private") in ("1", "true")
        self._needs("groups:write" if is_private else "channels:manage")

    def _needs(self, scope: str) -> None:
        if scope not in self.scopes:
            provided = ",".join(sorted(self.scopes))
            raise Refusal("missing_scope", needed=scope, provided=provided)

    def _conversations_create(self, given: Dict[str, str]) -> Dict[str, Any]:
        name = given.get("name", "")
        if name in self.broken:
            raise Refusal("internal_error")
        if not name:
            raise Refusal("invalid_name_required")
        if len(name) > 80:
            raise Refusal("invalid_name_maxlength")
        if not re.fullmatch(r"[a-z0-9_-]+", name):
            raise Refusal("invalid_name_specials")
        if not re.search(r"[a-z0-9]", name):
            raise Refusal("invalid_name_punctuation")
        if any(one.name == name for one in self.channels.values()):
            raise Refusal("name_taken")
        made = self.add(name, is_private=given.get("is_private") in ("1", "true"))
        return {"channel": _shown(made)}

    def _conversations_list(self, given: Dict[str, str]) -> Dict[str, Any]:
        """All public ones, and the private ones that the app is in."""
        assert given["types"] == "public_channel,private_channel"
        self._needs("channels:read")
        there = self.channels.values()
        return {"channels": [_shown(one) for one in there if self._sees(one)]}

    def _sees(self, channel: Channel) -> bool:
        return BOT in channel.members or not channel.is_private

    def _users_conversations(self, given: Dict[str, str]) -> Dict[str, Any]:
        wanted = given.get("types", "public_channel").split(",")
        for one in wanted:
            self._needs("groups:read" if one == "private_channel" else "channels:read")
        limit, start = int(given.get("limit") or 100), int(given.get("cursor") or 0)
        assert limit <= 999
        mine = [
            _shown(one)
            for one in self.channels.values()
            if BOT in one.members
            and ("private_channel" if one.is_private else "public_channel") in wanted
            and not (one.is_archived and given.get("exclude_archived") in ("1", "true"))
        ]
        following = str(start + limit) if start + limit < len(mine) else ""
        metadata = {"next_cursor": following}
        return {"channels": mine[start : start + limit], "response_metadata": metadata}

    def _conversations_setTopic(self, given: Dict[str, str]) -> Dict[str, Any]:
        channel = self._mine(given)
        if len(given["topic"]) > 250:
            raise Refusal("too_long")
        channel.topic, channel.topics = given["topic"], channel.topics + 1
        return {"channel": _shown(channel)}

    def _conversations_invite(self, given: Dict[str, str]) -> Dict[str, Any]:
        channel, users = self._mine(given), given["users"].split(",")
        assert len(users) <= 100
        wrong = {
            one: "user_not_found"
            if one not in self.people
            else "cant_invite_self"
            if one == BOT
            else "already_in_channel"
            for one in users
            if one not in self.people or one in channel.members
        }
        if wrong and (given.get("force") not in ("1", "true") or len(wrong) == len(users)):
            raise Refusal(next(iter(wrong.values())))
        channel.members |= set(users) - set(wrong)
        return {"channel": _shown(channel)}

    def _pins_add(self, given: Dict[str, str]) -> Dict[str, Any]:
        self._needs("pins:write")
        channel = self._mine(given)
        if not any(one["ts"] == given["timestamp"] for one in channel.messages):
            raise Refusal("message_not_found")
        if given["timestamp"] in channel.pins:
            raise Refusal("already_pinned")
        channel.pins.append(given["timestamp"])
        return {}

    def _conversations_archive(self, given: Dict[str, str]) -> Dict[str, Any]:
        channel = self._known(given)
        if channel.is_archived:
            raise Refusal("already_archived")
        self._mine(given)
        channel.is_archived = True
        channel.members.discard(BOT)
        return {}

    def _chat_postMessage(self, given: Dict[str, str]) -> Dict[str, Any]:
        self._needs("chat:write")
        name = given["channel"].lstrip("#")
        known = [one.id for one in self.channels.values() if one.name == name]
        channel = self._mine({"channel": known[0] if known else name})
        if channel.is_read_only:
            raise Refusal("restricted_action_read_only_channel")
        message = {"text": given["text"], "ts": f"{len(channel.messages) + 1}.{channel.id[1:]}"}
        if given.get("thread_ts"):
            message["thread_ts"] = given["thread_ts"]
        metadata = given["metadata"]
        said = json.loads(metadata) if isinstance(metadata, str) else metadata
        channel.messages.append({**message, "metadata": said})
        return {"channel": channel.id, "ts": message["ts"], "message": message}

    def _chat_update(self, given: Dict[str, str]) -> Dict[str, Any]:
        channel = self._mine(given)
        found = next(one for one in channel.messages if one["ts"] == given["ts"])
        found["text"] = given["text"]
        return {"channel": channel.id, "ts": given["ts"]}

    def _conversations_history(self, given: Dict[str, str]) -> Dict[str, Any]:
        """All of it: times here are not those of the clock, so ``oldest`` is not heeded."""
        channel = self._mine(given)
        self._needs("groups:history" if channel.is_private else "channels:history")
        return {"messages": channel.messages}

    def _conversations_replies(self, given: Dict[str, str]) -> Dict[str, Any]:
        found = self._conversations_history(given)["messages"]
        return {"messages": [one for one in found if given["ts"] in _threads(one)]}

    def _known(self, given: Dict[str, str]) -> Channel:
        if given["channel"] not in self.channels:
            raise Refusal("channel_not_found")
        return self.channels[given["channel"]]

    def _mine(self, given: Dict[str, str]) -> Channel:
        """A channel that something can be done in."""
        channel = self._known(given)
        if channel.is_archived:
            raise Refusal("is_archived")
        if BOT not in channel.members:
            raise Refusal("channel_not_found" if channel.is_private else "not_in_channel")
        return channel


def _threads(message: Dict[str, Any]) -> Tuple[str, str]:
    return str(message["ts"]), str(message.get("thread_ts", ""))


def _shown(channel: Channel) -> Dict[str, Any]:
    return {
        "id": channel.id,
        "name": channel.name,
        "is_private": channel.is_private,
        "is_archived": channel.is_archived,
        "creator": BOT,
    }


def _arguments(request: Request) -> Dict[str, Any]:
    query = dict(urllib.parse.parse_qsl(request.path.partition("?")[2]))
    if "json" in request.headers.get("content-type", ""):
        return {**query, **request.json}
    return {**query, **dict(urllib.parse.parse_qsl(request.body.decode()))}

"""A Slack with Socket Mode: messages, a WebSocket, and people who press buttons and type commands.

Sources: "Using Socket Mode", "apps.connections.open method", "block_actions payload",
"view_submission payload", "Shortcuts payloads", "Implementing slash commands", "views.open method",
"chat.postEphemeral method" and "chat.getPermalink method" in Slack's documentation.
"""

from __future__ import annotations

import copy
import json
import threading
from typing import Any, Dict, List, Optional, Set

from tests.fakes.views import answer_problems, submitted, view_problems
from tests.fakes.websocket import Peer, WebSocketServer
from tools.demo.receivers import blocks as block_kit

from .receivers import Slack

APP_TOKEN = "xapp-1-A0TEST-1234567890-0123456789abcdef"
WORKSPACE, ELSEWHERE = "T0HOME", "T0ELSE"
# Known to the app as the users mia and omar, and unknown.
MIA, OMAR, STRANGER = "U0MIA", "U0OMAR", "U0STRANGER"


class SocketSlack(Slack):
    """``refuses``: the error that the app-level token is answered with.

    ``answers`` are those to presses, in order, and come in while ``answering`` is set; ``whispers``
    what one person was shown; ``opened`` how often an address was asked for.
    """

    def __init__(self) -> None:
        self.sockets = WebSocketServer()
        self.refuses = ""
        self.answers: List[Dict[str, Any]] = []
        self.whispers: List[Dict[str, Any]] = []
        self.views: List[Dict[str, Any]] = []
        self.answering = threading.Event()
        self.answering.set()
        self.opened = 0
        self._count = 0
        self._triggers: Set[str] = set()
        self._used: Dict[str, int] = {}
        super().__init__()

    def answer(self, method, path, given, headers):
        if path == "/apps.connections.open":
            return self._connections_open(method, given, headers)
        if path.startswith("/answers/"):
            self.answering.wait(60)
            return self._answered(path, given)
        if path == "/auth.test":
            known = headers.get("Authorization") == "Bearer xoxb-test-token"
            answer = {"ok": True, "team_id": WORKSPACE} if known else {"ok": False}
            return 200, answer if known else {**answer, "error": "invalid_auth"}
        if path == "/views.open":
            return self._view(given)
        if path == "/chat.getPermalink":
            return 200, {"ok": True, "permalink": f"https://shop.slack.example/{given['channel']}"}
        if path == "/chat.postEphemeral":
            return self._whispered(given, headers)
        return super().answer(method, path, given, headers)

    def stop(self) -> None:
        super().stop()
        self.sockets.stop()

    # --- what Slack does ----------------------------------------------------------------------

    def connection(self, seconds: float = 90.0) -> Peer:
        """The next connection that is opened, greeted."""
        peer = self.sockets.next_peer(seconds)
        hello = {"type": "hello", "num_connections": 1, "connection_info": {"app_id": "A0TEST"}}
        peer.send(json.dumps(hello))
        return peer

    def press(
        self,
        peer: Peer,
        action_id: str,
        user: str = MIA,
        message: Optional[Dict[str, Any]] = None,
        workspace: str = WORKSPACE,
    ) -> Dict[str, Any]:
        """Somebody presses a button of a message, the first unless given; returns the envelope."""
        shown = message or self.messages[0]
        laid = shown["blocks"]
        (action,) = [e for e in elements(laid) if e.get("action_id") == action_id]
        self._count += 1
        payload: Dict[str, Any] = {
            "type": "block_actions",
            "user": {"id": user, "username": user.lower(), "team_id": workspace},
            "api_app_id": "A0TEST",
            "token": "legacy-verification-token",
            "container": {
                "type": "message",
                "message_ts": shown["ts"],
                "channel_id": "C0000000001",
                "is_ephemeral": False,
            },
            "trigger_id": f"1234.5678.{self._count}",
            "team": {"id": WORKSPACE, "domain": "shop"},
            "enterprise": None,
            "is_enterprise_install": False,
            "channel": {"id": "C0000000001", "name": "incidents"},
            "message": {
                "type": "message",
                "ts": shown["ts"],
                "text": "",
                "blocks": laid,
                **({"thread_ts": shown["thread_ts"]} if "thread_ts" in shown else {}),
            },
            "state": {"values": {}},
            "response_url": f"{self.url}/answers/{self._count}",
            "actions": [{**copy.deepcopy(action), "action_ts": f"1700000000.{self._count:06d}"}],
        }
        return self.deliver(peer, payload)

    def send_form(self, peer: Peer, typed: str, user: str = MIA) -> Dict[str, Any]:
        """Somebody fills the form in that was opened last, and sends it."""
        return self.send_filled(peer, user, resolution=typed)

    def send_filled(self, peer: Peer, user: str = MIA, **values: str) -> Dict[str, Any]:
        """Somebody sends the form that was opened last, as it was filled but for these values."""
        view = self.views[-1]
        payload = {
            "type": "view_submission",
            "user": {"id": user, "name": user.lower(), "team_id": WORKSPACE},
            "team": {"id": WORKSPACE, "domain": "shop"},
            "view": {
                **view,
                "id": f"V{self._count}",
                "hash": "1.a",
                "state": submitted(view, **values),
            },
            "response_urls": [],
        }
        return self.deliver(peer, payload)

    def command(self, peer: Peer, text: str, user: str = MIA) -> Dict[str, Any]:
        """Somebody types the slash command; returns the envelope."""
        self._count += 1
        payload = {
            "token": "legacy-verification-token",
            "team_id": WORKSPACE,
            "team_domain": "shop",
            "channel_id": "C0000000001",
            "channel_name": "incidents",
            "user_id": user,
            "user_name": user.lower(),
            "command": "/incident",
            "text": text,
            "api_app_id": "A0TEST",
            "is_enterprise_install": "false",
            "response_url": f"{self.url}/answers/{self._count}",
            "trigger_id": f"1234.5678.{self._count}",
        }
        return self.deliver(peer, payload, kind="slash_commands")

    def choose(self, peer: Peer, message: Dict[str, Any], user: str = MIA) -> Dict[str, Any]:
        """Somebody uses the message shortcut on a message; returns the envelope."""
        self._count += 1
        payload = {
            "type": "message_action",
            "callback_id": "incident_add_message",
            "trigger_id": f"1234.5678.{self._count}",
            "action_ts": "1700000000.000001",
            "response_url": f"{self.url}/answers/{self._count}",
            "user": {"id": user, "name": user.lower()},
            "team": {"id": WORKSPACE, "domain": "shop"},
            "channel": {"id": "C0000000001", "name": "incidents"},
            "message_ts": message["ts"],
            "message": {"type": "message", **message},
        }
        return self.deliver(peer, payload)

    def deliver(
        self,
        peer: Peer,
        payload: Dict[str, Any],
        again: Optional[Dict[str, Any]] = None,
        kind: str = "interactive",
    ) -> Dict[str, Any]:
        """Send an envelope, and take its acknowledgement, which Slack waits three seconds for."""
        self._count += 1
        envelope = again or {
            "envelope_id": f"00000000-0000-4000-8000-{self._count:012d}",
            "type": kind,
            "payload": payload,
            "accepts_response_payload": payload.get("type") in (None, "view_submission"),
        }
        peer.send(json.dumps(envelope))
        assert json.loads(peer.texts.get(timeout=30)) == {"envelope_id": envelope["envelope_id"]}
        return envelope

    # --- its Web API --------------------------------------------------------------------------

    def _connections_open(self, method: str, given: Dict[str, Any], headers: Dict[str, str]) -> Any:
        self.opened += 1
        if method != "POST" or "token" in given:
            return 200, {"ok": False, "error": "invalid_arguments"}
        if self.refuses or headers.get("Authorization") != f"Bearer {APP_TOKEN}":
            return 200, {"ok": False, "error": self.refuses or "invalid_auth"}
        return 200, {"ok": True, "url": f"{self.sockets.url}?ticket={self.opened}&app_id=A0TEST"}

    def _whispered(self, given: Dict[str, Any], headers: Dict[str, str]) -> Any:
        if headers.get("Authorization") != "Bearer xoxb-test-token":
            return 200, {"ok": False, "error": "invalid_auth"}
        needed = {"channel", "user", "text"}
        if not needed <= set(given) or set(given) - needed - {"thread_ts"}:
            return 200, {"ok": False, "error": "invalid_arguments"}
        with self.lock:
            self.whispers.append(given)
        return 200, {"ok": True, "message_ts": "1700000000.000001"}

    def _answered(self, path: str, given: Dict[str, Any]) -> Any:
        with self.lock:
            self._used[path] = self._used.get(path, 0) + 1
            # Five answers to one press or command, says "Handling user interaction".
            if self._used[path] > 5 or answer_problems(given):
                return 404, {"ok": False, "error": "used_url"}
            self.answers.append(given)
        return 200, {"ok": True}

    def _view(self, given: Dict[str, Any]) -> Any:
        view = given["view"]
        view = json.loads(view) if isinstance(view, str) else view
        trigger = given.get("trigger_id")
        if not trigger or view_problems(view):
            return 200, {"ok": False, "error": "invalid_arguments"}
        if trigger in self._triggers:
            return 200, {"ok": False, "error": "exchanged_trigger_id"}
        self._triggers.add(trigger)
        self.views.append(view)
        return 200, {"ok": True, "view": view}


def elements(laid: List[Dict[str, Any]]) -> List[Dict[str, Any]]:
    """The buttons of a message, which must be valid Block Kit."""
    assert block_kit.problems(laid) == []
    return [e for block in laid if block["type"] == "actions" for e in block["elements"]]

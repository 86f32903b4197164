"""Does what was pressed, through the API's own routes, and tells the person how it went.

A press is one request to the router (:mod:`..api.router`), made as the Splunk user who the person
in Slack is: the same capability, schema, rules and timeline as on any other way. It has an
``Idempotency-Key``, so a press that Slack delivers again, also to another member, is done once.

What is said to one person is said where that person looks. An answer by ``response_url`` is shown
in the channel, and that address is good for half an hour ("Handling user interaction"). So in a
thread, and after a form that may have been open for longer, the bot says it ("chat.postEphemeral").
"""

from __future__ import annotations

import json
from collections import OrderedDict
from dataclasses import dataclass
from logging import Logger
from typing import Any, Callable, Dict, FrozenSet, List, Mapping, Optional, Protocol, Tuple

from ..api.backend import Backend, SplunkBackend
from ..api.router import Problem, dispatch
from ..incidents.routing.teams import member_in_slack
from ..incidents.routing.values import user_name
from ..masking import mask
from ..notify.services.slack_buttons import (
    ACKNOWLEDGE,
    APPROVE,
    FORM,
    REJECT,
    RESOLVE,
    TAKE,
    decided,
    form,
)
from ..notify.services.slack_layout import escape
from ..outside.transport import BadUrl, Network, NoAnswer, NotSent, checked_url, send_json
from ..splunk.session import Session, SplunkError, path_of
from .kept import LATEST_SECONDS, Kept
from .presses import Press, Unreadable, metadata, read

__all__ = ["Actor", "Slack", "SlackUsers", "WebSlack"]

REMEMBERED = 1000
REMEMBERED_MESSAGES = 100
ANSWER_CHARACTERS = 3000
WORKING = OVERTAKEN = 409
BEING_DONE = "delivered again while it is being done"
INTERRUPTED = (
    "Splunk was interrupted when you pressed a button of {}: look whether it was done, and press "
    "again if it was not."
)

# Where each action goes, and what the message says of it afterwards.
_ROUTES = {
    ACKNOWLEDGE: "/incidents/{}/acknowledge",
    TAKE: "/incidents/{}/assign",
    FORM: "/incidents/{}/resolve",
    APPROVE: "/plans/{}/approve",
    REJECT: "/plans/{}/reject",
}
_LINES = {
    ACKNOWLEDGE: "Acknowledged by {}",
    TAKE: "Taken by {}",
    FORM: "Resolved by {}",
    APPROVE: "Approved by {}",
    REJECT: "Rejected by {}",
}


class Slack(Protocol):
    """What is said to Slack. All raise NotSent, NoAnswer or BadUrl when it does not arrive."""

    def open_form(self, trigger_id: str, view: Mapping[str, Any]) -> None:
        """Show a form to whoever pressed a button."""

    def answer(self, response_url: str, body: Mapping[str, Any]) -> None:
        """Answer a press."""

    def whisper(self, channel: str, user: str, thread: str, text: str) -> None:
        """Say something that one person sees, in a thread of a channel (empty: in none)."""


@dataclass(frozen=True)
class _Presser:
    """Stands for the session of a person in Slack: a name without any rights at splunkd."""

    user: str


class SlackUsers(SplunkBackend):
    """The routes' backend for people in Slack: their capabilities are what splunkd says now."""

    def __init__(self, session: Session) -> None:
        super().__init__()
        self._system = session

    def session(self, raw: Mapping[str, Any], system: bool) -> Any:
        return self._system if system else _Presser(str(raw["session"]["user"]))

    def capabilities(self, session: Any) -> Tuple[str, FrozenSet[str]]:
        """``authentication/users`` in Splunk's REST API Reference. Raises Problem, SplunkError.

        In one spelling, as splunkd finds users in any case: under two, one person would
        be the two who have to approve a plan.
        """
        try:
            answer = self._system.get("/services/authentication/users/" + path_of(session.user))
        except SplunkError as error:
            if error.status != 404:
                raise
            text = f"{session.user}, who you are by incident_routing.conf, is no user of Splunk."
            raise Problem(403, text) from None
        entry = answer["entry"][0]
        return user_name(str(entry["name"])), frozenset(entry["content"].get("capabilities") or ())


class WebSlack:
    """Speaks to Slack with the bot's token, by the client of :func:`.web_client`."""

    def __init__(self, web: Any, network: Network) -> None:
        self._web = web
        self._network = network

    def open_form(self, trigger_id: str, view: Mapping[str, Any]) -> None:
        from slack_sdk.errors import SlackApiError

        try:
            self._web.views_open(trigger_id=trigger_id, view=view)
        except SlackApiError as error:
            raise NotSent(f"Slack did not open the form ({_reason(error)}).") from None

    def answer(self, response_url: str, body: Mapping[str, Any]) -> None:
        url = checked_url(response_url, "The address for the answer")
        reply = send_json(self._network, url, body)
        if reply.status != 200:
            raise NoAnswer(f"Slack answered {reply.status} to the answer of a press.")

    def whisper(self, channel: str, user: str, thread: str, text: str) -> None:
        from slack_sdk.errors import SlackApiError

        where = {"channel": channel, "user": user, **({"thread_ts": thread} if thread else {})}
        try:
            self._web.chat_postEphemeral(text=text, **where)
        except SlackApiError as error:
            raise NotSent(f"Slack did not show it to {user} ({_reason(error)}).") from None


class Actor:
    """Acts on one payload after the other, on one thread.

    Args:
        workspace: gives the id of the workspace that the app was installed to (empty: not known
            yet): people of another one, who are in a shared channel, are told apart by theirs.
        kept: the presses that were written down before they were acknowledged.
    """

    def __init__(
        self, backend: Backend, slack: Slack, workspace: Callable[[], str], kept: Kept, log: Logger
    ) -> None:
        self._backend = backend
        self._slack = slack
        self._workspace = workspace
        self._kept = kept
        self._log = log
        self._seen: OrderedDict[str, None] = OrderedDict()
        self._unforgotten: List[Press] = []
        # The messages whose form is open, by the addresses that the forms bring back.
        self._asked: OrderedDict[str, Optional[List[Any]]] = OrderedDict()

    def act(self, payload: Mapping[str, Any]) -> bool:
        """Do what a payload asks for. Raises nothing that Slack, splunkd or a person can cause.

        False: there is something left for :meth:`resume`.
        """
        try:
            press = read(payload)
        except Unreadable as error:
            self._log.error("Slack sent a payload that can't be read: %s", error)
            press = None
        if press is None or self._is_known(press.key):
            return not self._unforgotten
        if self._carry_out(press) != BEING_DONE:
            self._forget(press)
        return not self._unforgotten

    def resume(self) -> bool:
        """Do what was acknowledged by a process that has ended since. False: not all of it yet.

        Raises SplunkError when the KV store can't be asked what there is.
        """
        for press in list(self._unforgotten):
            self._forget(press)
        is_done = True
        for press, age in self._kept.left():
            if age > LATEST_SECONDS:
                self._log.error("A press of %.0f s ago is not done any more.", age)
                self._refuse(press, INTERRUPTED.format(press.target))
            elif self._carry_out(press) == BEING_DONE:
                # As far as the API knows; after two minutes it takes the first attempt for ended.
                is_done = False
                continue
            self._forget(press)
        return is_done and not self._unforgotten

    def _carry_out(self, press: Press) -> str:
        facts = {"action": press.action, "target": press.target, "slack_user": press.user}
        try:
            outcome = self._do(press)
        except (SplunkError, NotSent, NoAnswer, BadUrl) as error:
            outcome = str(error)
            self._refuse(press, f"That was not done: {outcome}")
        self._log.info("Pressed in Slack: %s", mask(outcome), extra={"facts": facts})
        return outcome

    def _forget(self, press: Press) -> None:
        if press not in self._unforgotten:
            self._unforgotten.append(press)
        try:
            self._kept.forget(press)
        except SplunkError as error:
            self._log.warning("That a press was done can't be written down just now: %s", error)
        else:
            self._unforgotten.remove(press)

    def _is_known(self, key: str) -> bool:
        if key in self._seen:
            return True
        self._seen[key] = None
        if len(self._seen) > REMEMBERED:
            self._seen.popitem(last=False)
        return False

    def _do(self, press: Press) -> str:
        """Return how it went, for the log."""
        routing = self._backend.routing(self._backend.session({}, system=True))
        outside = press.workspace and press.at_home(self._workspace()).workspace
        user = member_in_slack(routing.members, outside, press.user)
        if not user:
            mine = f"{outside}/{press.user}" if outside else press.user
            sentence = (
                "Your account in Slack is nobody's in Splunk yet: an administrator enters it "
                f"under Configuration > People (slack_id = {mine})."
            )
            self._refuse(press, sentence)
            return "by nobody that incident_routing.conf knows"
        if press.action == RESOLVE:
            return self._ask(press, user)
        status, answer = self._call(press, user)
        if status == WORKING and "Retry-After" in answer.get("headers", {}):
            return BEING_DONE
        body = _object(answer)
        if status >= 400:
            self._refuse(press, str(body.get("detail") or f"That failed ({status})."))
            if status == OVERTAKEN and press.blocks and press.action in (ACKNOWLEDGE, TAKE):
                self._bring_up_to_date(press, user)
            return f"{user} was refused ({status})"
        self._show(press, user, body)
        return f"done for {user}"

    def _ask(self, press: Press, user: str) -> str:
        """Open the form, for somebody who may send it: it has to be open within three seconds."""
        session = self._backend.session({"session": {"user": user}}, system=False)
        try:
            _name, capabilities = self._backend.capabilities(session)
        except Problem as problem:
            self._tell(press, problem.detail)
            return f"{user} was refused ({problem.status})"
        if "incident_write" not in capabilities:
            self._tell(press, f"Resolving needs the capability incident_write, which {user} lacks.")
            return f"{user} was refused (403)"
        self._slack.open_form(press.trigger_id, form(press.target, metadata(press)))
        self._asked[press.response_url] = press.blocks
        if len(self._asked) > REMEMBERED_MESSAGES:
            self._asked.popitem(last=False)
        return f"the form was opened for {user}"

    def _call(self, press: Press, user: str) -> Tuple[int, Dict[str, Any]]:
        bodies: Dict[str, Dict[str, Any]] = {
            TAKE: {"owner": user},
            FORM: {"resolution": press.typed},
            APPROVE: {"plan_hash": press.plan_hash},
        }
        asked = _request("POST", _ROUTES[press.action].format(press.target), press, user)
        asked["headers"] = [["Idempotency-Key", press.key]]
        asked["payload"] = json.dumps(bodies.get(press.action, {}))
        reply = dispatch(asked, self._backend)
        return int(reply["status"]), reply

    def _show(self, press: Press, user: str, body: Mapping[str, Any]) -> None:
        """Have the message say who did it, without the buttons that are of no use any more."""
        status = str(body.get("status") or "")
        line = _LINES[press.action].format(user)
        if press.action == APPROVE and status == "proposed":
            line += ", and somebody else has to approve it as well"
        message = press.blocks
        if message is None:
            message = self._asked.pop(press.response_url, None)
        if message is not None:
            blocks: List[Any] = decided(message, status, line)
            answer = {"replace_original": True, "text": escape(line), "blocks": blocks}
            if self._answer(press, answer) or press.blocks is not None:
                return
        self._tell(press, f"{press.target}: {line}.")

    def _bring_up_to_date(self, press: Press, user: str) -> None:
        """Take the buttons off a message that the incident has gone past, and say how it is."""
        reply = dispatch(_request("GET", f"/incidents/{press.target}", press, user), self._backend)
        body = _object(reply)
        if int(reply["status"]) == 200 and press.blocks:
            status, owner = str(body.get("status")), str(body.get("owner") or "")
            line = f"Now {status.replace('_', ' ')}{f', with {owner}' if owner else ''}"
            blocks = decided(press.blocks, status, line)
            self._answer(press, {"replace_original": True, "text": escape(line), "blocks": blocks})

    def _refuse(self, press: Press, sentence: str) -> None:
        """Say why something was not done; what was typed would otherwise be gone with its form."""
        self._tell(press, f"{sentence}\nYou had typed: {press.typed}" if press.typed else sentence)

    def _tell(self, press: Press, sentence: str) -> None:
        """Say something to whoever pressed, and to nobody else."""
        text = escape(mask(sentence, emails=False), ANSWER_CHARACTERS)
        if press.channel and (press.thread or press.blocks is None):
            try:
                self._slack.whisper(press.channel, press.user, press.thread, text)
                return
            except (NotSent, NoAnswer, BadUrl) as error:
                self._log.warning("An answer to a press is tried another way: %s", error)
        ephemeral = {"response_type": "ephemeral", "replace_original": False, "text": text}
        self._answer(press, ephemeral)

    def _answer(self, press: Press, body: Mapping[str, Any]) -> bool:
        """Answer a press; False: it did not arrive. What was done is done, and on the timeline."""
        if not press.response_url:
            return False
        try:
            self._slack.answer(press.response_url, body)
        except (NotSent, NoAnswer, BadUrl) as error:
            self._log.warning("An answer to a press did not arrive: %s", error)
            return False
        return True


def _request(method: str, path: str, press: Press, user: str) -> Dict[str, Any]:
    session = {"user": user, "authtoken": press.key}
    return {"method": method, "path_info": path, "session": session}


def _reason(error: Any) -> str:
    data = error.response.data
    reason = data.get("error") if isinstance(data, dict) else error.response.status_code
    return str(reason)[:100]


def _object(reply: Mapping[str, Any]) -> Mapping[str, Any]:
    payload: Optional[Any] = json.loads(reply["payload"]) if reply.get("payload") else None
    return payload if isinstance(payload, dict) else {}

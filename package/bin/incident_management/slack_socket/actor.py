"""Performs button presses and commands through the API's routes, and answers the person.

A press is one request to the router (:class:`.people.Api`). It has an ``Idempotency-Key``, so a
press that Slack delivers again, also to another cluster member, is done once.

An answer to one person appears where that person looks. An answer by ``response_url`` appears in
the channel, and its address is valid for half an hour ("Handling user interaction"). So in a
thread, and after a form that may have been open for longer, the bot posts it
("chat.postEphemeral").
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import replace
from logging import Logger
from typing import Any, Callable, List, Mapping, Optional

from ..api.backend import Backend
from ..incidents.identity import INCIDENT_ID
from ..masking import mask
from ..notify.channel import NO_REPLY
from ..notify.services.slack_buttons import ACKNOWLEDGE, RESOLVE, TAKE, decided
from ..notify.services.slack_layout import escape
from ..notify.services.slack_limits import fitted_blocks
from ..splunk.session import SplunkError
from .action_routes import outcome_line, request_of
from .commands.answers import ANSWERED, Answers
from .commands.form_views import OPENS, view_for
from .commands.lookup import by_place, by_reference
from .commands.parsing import ASSIGN, NOTE, REOPEN, SEVERITY, SHOW, TASK, TASKS, UPDATE
from .commands.tasks import TASK_DONE
from .people import Api, Declined, body_of, refusal
from .presses import Press, Unreadable, read
from .saved_presses import LATEST_SECONDS, SavedPresses
from .slack_client import Slack

__all__ = ["Actor"]

REMEMBERED = 1000
REMEMBERED_MESSAGES = 100
# The longest note that the API accepts, with all characters escaped, and a sentence. Slack cuts
# messages after 40,000 characters ("chat.postMessage").
ANSWER_CHARACTERS = 39_000
GONE, WORKING, OVERTAKEN = 404, 409, 409
BEING_DONE = "delivered again while it is being done"
INTERRUPTED = (
    "Splunk was interrupted while it handled your request for {}. Check whether it was done, and "
    "repeat it if it was not."
)
# For these, parts of incident ids are resolved first.
_AIMED = (*(ACKNOWLEDGE, TAKE, ASSIGN, SEVERITY, REOPEN, NOTE, TASK, TASKS, SHOW, UPDATE, RESOLVE),)


class Actor:
    """Acts on one payload after the other, on one thread.

    Args:
        workspace: returns the id of the workspace that the app is installed in (empty: not known
            yet). People of another workspace, in a shared channel, are identified with theirs.
        kept: the presses that were saved before they were acknowledged.
        web_url: base URL of Splunk Web, for links; may be empty.
    """

    def __init__(
        self,
        backend: Backend,
        slack: Slack,
        workspace: Callable[[], str],
        kept: SavedPresses,
        log: Logger,
        web_url: str = "",
    ) -> None:
        self._api = Api(backend, workspace)
        self._answers = Answers(self._api, web_url)
        self._slack = slack
        self._kept = kept
        self._log = log
        self._seen: OrderedDict[str, None] = OrderedDict()
        self._unforgotten: List[Press] = []
        # The messages whose form is open, by the addresses that the forms return.
        self._asked: OrderedDict[str, Optional[List[Any]]] = OrderedDict()

    def act(self, payload: Mapping[str, Any]) -> bool:
        """Do what a payload asks for. Raises nothing that Slack, splunkd or a person can cause.

        Returns False if something is left for :meth:`resume`.
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
        """Do the acknowledged presses of ended processes. Return False if some are still left.

        Raises SplunkError when the KV store can't be read.
        """
        for press in list(self._unforgotten):
            self._forget(press)
        is_done = True
        for press, age in self._kept.left():
            if age > LATEST_SECONDS:
                self._log.error("A press of %.0f s ago is not done any more.", age)
                self._refuse(press, INTERRUPTED.format(press.target or "Slack"))
            elif self._carry_out(press) == BEING_DONE:
                # The API still counts it as running; after two minutes it treats the first attempt
                # as ended.
                is_done = False
                continue
            self._forget(press)
        return is_done and not self._unforgotten

    def _carry_out(self, press: Press) -> str:
        facts = {"action": press.action, "target": press.target, "slack_user": press.user}
        try:
            outcome = self._do(press)
        except Declined as refusal:
            outcome = str(refusal)
            self._refuse(press, outcome)
        except (SplunkError, *NO_REPLY) as error:
            outcome = str(error)
            self._refuse(press, f"The request failed: {outcome}")
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
        """Return the outcome, for the log. Raises Declined, SplunkError and what is in NO_REPLY."""
        user = self._api.user_of(press)
        press = self._aimed(press, user)
        if press.action in OPENS:
            return self._ask(press, user)
        if press.action in ANSWERED:
            self._reply(press, self._answers.render(press, user))
            return f"told {user}"
        body = {"owner": user} if press.action == TAKE else press.body
        if press.action == ASSIGN:
            body = {"owner": self._api.person(str(body["owner"]), press)}
        status, answer = self._api.call(*request_of(press), press, user, body)
        if status == WORKING and "Retry-After" in answer.get("headers", {}):
            return BEING_DONE
        if status >= 400 and not (status == OVERTAKEN and self._has_done(press, user)):
            self._refuse(press, refusal(answer, press))
            if status in (GONE, OVERTAKEN) and press.listed:
                self._refresh_task_list(press, user)
            elif status == OVERTAKEN and press.action in (ACKNOWLEDGE, TAKE):
                self._bring_up_to_date(press, user)
            return f"{user} was refused ({status})"
        self._show(press, user, body_of(answer))
        return f"done for {user}"

    def _has_done(self, press: Press, user: str) -> bool:
        """Return whether this user already completed the task: the button was pressed twice."""
        if press.action != TASK_DONE:
            return False
        try:
            tasks = self._api.read(f"/incidents/{press.target}/tasks", press, user)["tasks"]
        except Declined:
            return False
        done = {"id": press.task, "state": "done", "by": user}
        return any(done.items() <= one.items() for one in tasks)

    def _aimed(self, press: Press, user: str) -> Press:
        """Return the press with the whole id of the incident that was named. Raises Declined."""
        if press.action not in _AIMED or INCIDENT_ID.fullmatch(press.target):
            return press
        self._api.must(user, "incident_read", "Looking for an incident")
        stores, clock = self._api.stores(), self._api.clock
        if press.target:
            return replace(press, target=by_reference(stores, clock, press.target))
        place = by_place(stores, clock, press.channel)
        if place is None:
            raise Declined("Name an incident (INC-…): this is not an incident channel.")
        return replace(press, target=str(place["id"]))

    def _ask(self, press: Press, user: str) -> str:
        """Open a form. Raises Declined if the person may not submit it."""
        self._slack.open_form(press.trigger_id, view_for(press, user, self._api, self._link))
        if press.blocks is not None and not press.listed:
            self._asked[press.response_url] = press.blocks
        if len(self._asked) > REMEMBERED_MESSAGES:
            self._asked.popitem(last=False)
        return f"the form was opened for {user}"

    def _link(self, channel: str, ts: str) -> str:
        """Return a message's address; empty if the bot can't see the channel."""
        try:
            return self._slack.permalink(channel, ts)
        except NO_REPLY as error:
            self._log.info("A message is noted without its address: %s", error)
            return ""

    def _show(self, press: Press, user: str, body: Mapping[str, Any]) -> None:
        """Show in the message who did it, without the buttons that no longer have an effect."""
        status, said = str(body.get("status") or ""), outcome_line(press, user, body)
        if press.listed:
            if not self._refresh_task_list(press, user, said):
                self._send_to_presser(press, f"{said}.", self._answers.link(press.target))
            return
        target = press.target or str(body.get("id"))
        message = press.blocks
        if message is None:
            message = self._asked.pop(press.response_url, None)
        is_said = message is not None and self._redraw(press, target, message, status, said)
        if not (is_said or press.blocks):
            # The title shows which incident a typed part of an id meant.
            title = str(body.get("title") or "") if press.command else ""
            self._send_to_presser(press, f"{said}.", self._answers.link(target, title))

    def _refresh_task_list(self, press: Press, user: str, said: str = "") -> bool:
        """Replace the list of tasks around a button by the current one; ``said``: what was done."""
        try:
            shown = self._answers.tasks(press, user)
        except (SplunkError, Declined) as error:
            self._log.warning("A list of tasks can't be brought up to date just now: %s", error)
            return False
        laid = decided(shown["blocks"], "", said) if said else shown["blocks"]
        text = escape(said) or shown["text"]
        return self._answer(press, {"replace_original": True, "text": text, "blocks": laid})

    def _bring_up_to_date(self, press: Press, user: str) -> None:
        """Remove outdated buttons from a message, and show the incident's current state."""
        if press.blocks is None:
            return
        try:
            body = self._api.read(f"/incidents/{press.target}", press, user)
        except Declined:
            return
        status, owner = str(body.get("status")), str(body.get("owner") or "")
        said = f"Now {status.replace('_', ' ')}{f', owned by {owner}' if owner else ''}"
        self._redraw(press, press.target, press.blocks, status, said)

    def _redraw(self, press: Press, target: str, blocks: List[Any], status: str, said: str) -> bool:
        """Show ``said`` in the message that a button or a form belongs to.

        Slack does not return the content of a message that only one person sees, so it is built
        anew.
        """
        try:
            shown = blocks or self._answers.incident_state(target)["blocks"]
        except (SplunkError, Declined) as error:
            self._log.warning("A message can't be brought up to date just now: %s", error)
            return False
        laid = decided(shown, status, said)
        return self._answer(press, {"replace_original": True, "text": escape(said), "blocks": laid})

    def _refuse(self, press: Press, sentence: str) -> None:
        """Tell why something was not done, with the typed text, which is lost with its form."""
        lost = press.typed if press.action not in ANSWERED else ""
        self._send_to_presser(press, f"{sentence}\nYou typed: {lost}" if lost else sentence)

    def _send_to_presser(self, press: Press, sentence: str, about: str = "") -> None:
        """Send a sentence only to the person who pressed.

        ``about``: what it is about, in Slack's markup.
        """
        begins = f"{about}: " if about else ""
        text = begins + escape(mask(sentence, emails=False), ANSWER_CHARACTERS - len(begins))
        if press.command and self._reply(press, {"text": text}):
            return
        if press.channel and (press.thread or press.blocks is None):
            try:
                self._slack.whisper(press.channel, press.user, press.thread, text)
                return
            except NO_REPLY as error:
                self._log.warning("An answer to a press is tried another way: %s", error)
        self._reply(press, {"text": text})

    def _reply(self, press: Press, said: Mapping[str, Any]) -> bool:
        """Answer so that only the requesting person sees it."""
        return self._answer(
            press, {"response_type": "ephemeral", "replace_original": False, **said}
        )

    def _answer(self, press: Press, body: Mapping[str, Any]) -> bool:
        """Answer a press; return False if that failed. What was done is done, and recorded."""
        if not press.response_url:
            return False
        if "blocks" in body:
            body = {**body, "blocks": fitted_blocks(body["blocks"])}
        try:
            self._slack.answer(press.response_url, body)
        except NO_REPLY as error:
            self._log.warning("An answer to a press did not arrive: %s", error)
            return False
        return True
